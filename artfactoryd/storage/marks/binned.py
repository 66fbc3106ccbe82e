"""The bin of the shelf: which products lie in it and since when, what is still to be moved, and what is taken away.

A product is in the bin while its path says so, however it came there; `binned` tells since when, and where it lay.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from artfactoryd.core import strict_json
from artfactoryd.shelf.arranging.bin import FOLDER, day_in, was_at
from artfactoryd.storage.events import Bin, Emptied
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import BINNED
from artfactoryd.storage.marks import tables
from artfactoryd.storage.rows import PRODUCTS, Decoder, ProductRow


@dataclass(frozen=True, slots=True)
class BinnedRow:
    """`at`: since when; `source`: where it lay, in the home."""

    product: str
    at: str
    source: str
    emptied: str | None


@dataclass(frozen=True, slots=True)
class MovingRow:
    """`path`: where it is to lie, in the home; empty: nowhere."""

    product: str
    source: str
    path: str


BINS = Decoder(BinnedRow, tables.Binned)
MOVES = Decoder(MovingRow, tables.Moving)


# --- by the ledger ---


def put(index: Index, event: Bin) -> None:
    """Into the bin, or out of it; its files follow. What takes it back leaves nothing to take back itself."""
    product = index.product(event.product)
    if product is None:
        return
    before = None if event.undoes or not event.command else strict_json.dumps({"path": event.source})
    index.run(
        "INSERT INTO marking (id, command, product, before) VALUES (?, ?, ?, ?)",
        event.id, event.command, product.id, before,
    )  # fmt: skip
    if event.undoes:
        sql = "UPDATE marking SET before = NULL WHERE command = ? AND product = ?"
        index.run(sql, event.undoes, product.id)
    index.run("UPDATE product SET path = ? WHERE id = ?", event.path, product.id)
    lies = still_at(index, product.id) or event.source
    index.run("INSERT OR REPLACE INTO moving VALUES (?, ?, ?)", product.id, lies, event.path)
    index.run("DELETE FROM binned WHERE product = ?", product.id)
    if event.path.startswith(FOLDER):
        index.run("INSERT INTO binned VALUES (?, ?, ?, NULL)", product.id, event.at, event.source)


def empty(index: Index, event: Emptied) -> None:
    """For good: what was spent on it stays spent."""
    product = index.product(event.product)
    if product is None:
        return
    sql = "UPDATE binned SET emptied = ? WHERE product = ?"
    if not index.run(sql, event.at, product.id):
        index.run("INSERT INTO binned VALUES (?, ?, ?, ?)", product.id, event.at, was_at(event.path), event.at)
    index.run("INSERT OR REPLACE INTO moving VALUES (?, ?, '')", product.id, event.path)
    index.run("UPDATE marking SET before = NULL WHERE product = ?", product.id)


# --- what is to be done ---


def moves(index: Index, most: int, but: Collection[str] = ()) -> list[tuple[MovingRow, ProductRow]]:
    """`but`: products that cannot be moved just now."""
    rows = index.all(MOVES, f"SELECT {MOVES.select()} FROM moving ORDER BY product LIMIT ?", (most + len(but),))
    there = ((row, index.product(row.product)) for row in rows if row.product not in but)
    return [(row, product) for row, product in there if product is not None][:most]


def moved(index: Index, lie: Sequence[tuple[MovingRow, str]]) -> None:
    """Where each lies now; where another word came meanwhile, that is still to be done."""
    for move, path in lie:
        done = index.run("DELETE FROM moving WHERE product = ? AND path = ?", move.product, move.path)
        if done and path:  # also where a look at the shelf came in between, and took it for moved by a person
            index.run("UPDATE product SET path = ? WHERE id = ? AND path <> ?", path, move.product, path)
        elif path:
            index.run("UPDATE moving SET source = ? WHERE product = ?", path, move.product)


def due(index: Index, before: str, but: Collection[str] = ()) -> list[ProductRow]:
    """Those that have lain there since before that moment. `but`: some that are not to be taken away."""
    sql = (
        f"SELECT {PRODUCTS.select('p')} FROM binned b JOIN product p ON p.id = b.product "
        f"WHERE b.emptied IS NULL AND b.at < ? AND {BINNED} ORDER BY p.id"
    )
    return [row for row in index.all(PRODUCTS, sql, (before,)) if row.id not in but]


# --- looks ---


def of_product(index: Index, product: str) -> BinnedRow | None:
    """None where it is not in the bin. Of what came there in another way than by a command, its place alone tells."""
    row = index.product(product)
    if row is None or not row.path.startswith(FOLDER):
        return None
    known = index.one(BINS, f"SELECT {BINS.select()} FROM binned WHERE product = ?", (product,))
    return known or BinnedRow(product, day_in(row.path), was_at(row.path), None)


def still_at(index: Index, product: str) -> str:
    """Where it lies while what was said of it is still to be done; empty when it is done."""
    move = index.one(MOVES, f"SELECT {MOVES.select()} FROM moving WHERE product = ?", (product,))
    return move.source if move else ""


def taken(index: Index, paths: Sequence[str]) -> set[str]:
    """Those of these paths, in the home, that a product has."""
    sql = "SELECT path FROM product WHERE path IN (SELECT value FROM json_each(?))"
    return {row["path"] for row in index.rows(sql, (json.dumps(list(paths)),))}


def take_in(index: Index) -> Iterator[str]:
    """After a look at the whole shelf: what lies in the bin is in it, whatever is known of that, and the rest is not;
    what was taken away for good is looked for once more. In words what it came to."""
    index.run("DELETE FROM moving WHERE path <> ''")
    sql = f"DELETE FROM binned WHERE emptied IS NULL AND product NOT IN (SELECT id FROM product p WHERE {BINNED})"
    index.run(sql)
    sql = f"SELECT id, path FROM product p WHERE {BINNED} AND id NOT IN (SELECT product FROM binned)"
    rows = index.rows(sql)
    values = [(row["id"], f"{day_in(row['path'])}T23:59:59.999Z", was_at(row["path"])) for row in rows]
    if values:
        index.add("INSERT INTO binned VALUES (?, ?, ?, NULL)", values)
        index.add(
            "UPDATE product SET project = ? WHERE id = ? AND order_id NOT IN (SELECT id FROM orders)",
            [(_project(source), product) for product, _, source in values],
        )
        yield f"{len(values)} products lie in the bin of the shelf by their place alone."


def _project(source: str) -> str | None:
    parts = source.split("/")
    return parts[1] if len(parts) > 2 else None
