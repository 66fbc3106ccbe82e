"""Which products are in which collection, and which clones of them lie in its folder."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from artfactoryd.core.names import folded
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import BINNED
from artfactoryd.storage.marks import tables
from artfactoryd.storage.rows import PRODUCTS, Decoder, ProductRow

MEMBERS = "product_collection c JOIN product p ON p.seq = c.seq"


@dataclass(frozen=True, slots=True)
class CloneRow:
    """`path`: in the home. `bytes`, `changed`: of the file, when it was put there."""

    path: str
    product: str
    collection: str
    sha256: str
    bytes: int
    changed: int


CLONES = Decoder(CloneRow, tables.Clone)
_CLONE = f"SELECT {CLONES.select('k')} FROM clone k"


@dataclass(frozen=True, slots=True)
class Collected:
    """`newest`: when the last of its products was made."""

    name: str
    products: int
    newest: str


class Member(NamedTuple):
    product: ProductRow
    collection: str

    @classmethod
    def decode(cls, values: Sequence[Any], /) -> Member:
        return cls(PRODUCTS.decode(values[:-1]), values[-1])


def collections(index: Index) -> list[Collected]:
    """Those with something in them, by name."""
    sql = (
        f"SELECT c.collection AS name, count(*) AS products, max(p.created_at) AS newest FROM {MEMBERS} "
        f"WHERE NOT {BINNED} GROUP BY c.collection ORDER BY c.collection"
    )
    return [Collected(**row) for row in index.rows(sql)]


def spelled(index: Index, name: str) -> str:
    """As the collection is called already that has the same folder; else as it is given."""
    sql = "SELECT DISTINCT collection AS name FROM product_collection ORDER BY name"
    return next((row["name"] for row in index.rows(sql) if folded(row["name"]) == folded(name)), name)


def uncloned(index: Index, most: int, but: Collection[tuple[str, str]] = ()) -> list[Member]:
    """Members whose clones do not lie there yet. `but`: (product, collection) that cannot be cloned just now."""
    sql = (
        f"SELECT {PRODUCTS.select('p')}, c.collection FROM {MEMBERS} WHERE NOT {BINNED} AND NOT EXISTS "
        "(SELECT 1 FROM clone k WHERE k.product = p.id AND k.collection = c.collection) ORDER BY c.collection, p.seq "
        "LIMIT ?"
    )
    members = index.all(Member, sql, (most + len(but),))
    return [member for member in members if (member.product.id, member.collection) not in but][:most]


def left(index: Index, most: int, but: Collection[str] = ()) -> list[CloneRow]:
    """Clones of what is in their collection no more. `but`: paths."""
    sql = (
        f"{_CLONE} WHERE NOT EXISTS (SELECT 1 FROM {MEMBERS} WHERE p.id = k.product AND c.collection = k.collection "
        f"AND NOT {BINNED}) ORDER BY k.path LIMIT ?"
    )
    return [clone for clone in index.all(CLONES, sql, (most + len(but),)) if clone.path not in but][:most]


def clone_at(index: Index, path: str) -> CloneRow | None:
    """`path`: in the home."""
    return index.one(CLONES, f"{_CLONE} WHERE k.path = ?", (path,))


def remember(index: Index, put: Sequence[CloneRow] = (), taken: Sequence[str] = ()) -> None:
    """What lies there now, and (by their paths) what does not any more. Free to find out again: it has no line."""
    index.run("DELETE FROM clone WHERE path IN (SELECT value FROM json_each(?))", json.dumps(list(taken)))
    sql = f"INSERT OR REPLACE INTO clone ({CLONES.select()}) VALUES (?, ?, ?, ?, ?, ?)"
    values = [(row.path, row.product, row.collection, row.sha256, row.bytes, row.changed) for row in put]
    if values:
        index.add(sql, values)
