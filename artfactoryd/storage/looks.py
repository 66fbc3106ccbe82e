"""Which products were not decoded yet, what came of it for the others, and that it was done.

That a product is well has no line in the ledger: it is free to look again. That one is damaged has, and what lies
beside it since (events.Look).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import PRODUCTS, ProductRow

if TYPE_CHECKING:  # whoever only looks does not load the kinds of lines
    from artfactoryd.storage.events import Look

UNLOOKED = "FROM product WHERE looked IS NULL"


def unlooked(index: Index, most: int, but: Collection[str] = ()) -> list[ProductRow]:
    """Newest first. `but`: ids of some that are in hand."""
    sql = f"SELECT {PRODUCTS.select()} {UNLOOKED} ORDER BY id DESC LIMIT ?"
    rows = index.all(PRODUCTS, sql, (most + len(but),))
    return [row for row in rows if row.id not in but][:most]


def count(index: Index) -> int:
    return int(index.rows(f"SELECT count(*) AS n {UNLOOKED}")[0]["n"])


def are_owed(index: Index, orders: Collection[str] | None, but: Collection[str]) -> bool:
    """Whether some of these orders' are among them; None: of any, imported ones too. `but`: without those with these
    ids."""
    most = -1 if orders is not None else len(but) + 1
    rows = index.rows(f"SELECT id, order_id {UNLOOKED} LIMIT ?", (most,))
    return any(row["id"] not in but and (orders is None or row["order_id"] in orders) for row in rows)


def remember(index: Index, products: Sequence[str]) -> None:
    """They are well, or there is nothing to look at any more."""
    for product in products:
        index.run("UPDATE product SET looked = '' WHERE id = ? AND looked IS NULL", product)


def note_damaged(index: Index, product: str, fault: str) -> None:
    """Of one that was imported: nobody can be asked for it again, and to look again is free, so it has no line."""
    index.run("UPDATE product SET looked = ? WHERE id = ? AND looked IS NULL", fault, product)


def mark_damaged(index: Index, event: Look) -> None:
    """What replaces a product has its place, and what a person said of it. One that only the shelf told of, in an
    index made again since, is passed over."""
    product = index.product(event.product)
    if product is None:
        return
    sql = (
        "INSERT INTO product (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth,"
        " liked, tags, rating, notes, collections, mark, found, unwritten, original_sha256, looked, duration, codec) "
        "SELECT ?, order_id, number, place, ?, ?, ?, ?, ?, ?, ?, nth,"
        " liked, tags, rating, notes, collections, mark, found,"
        " CASE WHEN mark IS NULL THEN 0 ELSE 1 END, ?, '', ?, ? FROM product WHERE id = ?"
    )
    for filed in event.instead:
        values = (filed.path, filed.sha256, filed.bytes, filed.mime, filed.width, filed.height, filed.created_at,
                  filed.original_sha256, filed.duration, filed.codec)  # fmt: skip
        index.run(sql, filed.id, *values, product.id)
    instead = event.instead[0].id if event.instead else None
    index.run("UPDATE product SET looked = ?, replaced_by = ? WHERE id = ?", event.fault, instead, product.id)
    words = f"Product {product.place}: {event.fault}"
    sql = "UPDATE item SET reason = coalesce(reason || ' ', '') || ? WHERE order_id = ? AND number = ?"
    index.run(sql, words, event.order, event.item)
