"""Which products are in which collection, and which clones of them lie in its folder."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from artfactoryd.core.names import folded
from artfactoryd.shelf.arranging.clones import LIKED
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import BINNED
from artfactoryd.storage.marks import tables
from artfactoryd.storage.rows import PRODUCTS, Decoder, ProductRow

MEMBERS = "product_collection c JOIN product p ON p.seq = c.seq"
_ALL = (  # with those of the view of likes, where that is wanted
    f"(SELECT collection, seq FROM product_collection UNION ALL SELECT '{LIKED}', seq FROM product "
    "INDEXED BY product_liked WHERE liked = 1 AND ? = 1) c JOIN product p ON p.seq = c.seq"
)


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
        f"SELECT min(c.collection) AS name, count(*) AS products, max(p.created_at) AS newest FROM {MEMBERS} "
        f"WHERE NOT {BINNED} GROUP BY c.collection COLLATE NOCASE "
        "ORDER BY c.collection COLLATE NOCASE"
    )
    return [Collected(**row) for row in index.rows(sql)]


def spelled(index: Index, name: str) -> str:
    """As the collection is called already that has the same folder; else as it is given."""
    sql = "SELECT DISTINCT collection AS name FROM product_collection ORDER BY name"
    names = [LIKED, *(row["name"] for row in index.rows(sql))]
    return next((one for one in names if folded(one) == folded(name)), name)


def uncloned(index: Index, most: int, but: Collection[tuple[str, str]] = (), *, likes: bool = False) -> list[Member]:
    """Members whose clones do not lie there yet. `but`: (product, collection) that cannot be cloned just now; `likes`:
    also what is liked, in a collection of its own."""
    sql = (
        f"SELECT {PRODUCTS.select('p')}, c.collection FROM {_ALL} WHERE NOT {BINNED} AND NOT EXISTS "
        "(SELECT 1 FROM clone k WHERE k.product = p.id AND k.collection = c.collection COLLATE NOCASE) "
        "ORDER BY c.collection, p.seq LIMIT ?"
    )
    members = index.all(Member, sql, (likes, most + len(but)))
    return [member for member in members if (member.product.id, member.collection) not in but][:most]


def left(index: Index, most: int, but: Collection[str] = (), *, likes: bool = False) -> list[CloneRow]:
    """Clones of what is in their collection no more. `but`: paths; `likes`: as of `uncloned`."""
    is_in = (
        "EXISTS (SELECT 1 FROM product_collection c WHERE c.collection = k.collection COLLATE NOCASE AND c.seq = p.seq)"
    )
    sql = (
        f"{_CLONE} LEFT JOIN product p ON p.id = k.product WHERE p.id IS NULL OR {BINNED} OR NOT "
        f"CASE WHEN k.collection = '{LIKED}' AND ? = 1 THEN p.liked = 1 ELSE {is_in} END ORDER BY k.path LIMIT ?"
    )
    return [clone for clone in index.all(CLONES, sql, (likes, most + len(but))) if clone.path not in but][:most]


def is_member(index: Index, product: str, collection: str) -> bool:
    """`Liked`: whether it is liked."""
    if folded(collection) == folded(LIKED):
        row = index.product(product)
        return row is not None and row.liked
    sql = f"SELECT 1 FROM {MEMBERS} WHERE p.id = ? AND c.collection = ? COLLATE NOCASE"
    return index.row(sql, (product, collection)) is not None


def clones_in(index: Index, folder: str) -> list[CloneRow]:
    """`folder`: in the home, with a slash at its end."""
    return index.all(CLONES, f"{_CLONE} WHERE k.path >= ? AND k.path < ? ORDER BY k.path", (folder, folder[:-1] + "0"))


def folders(index: Index) -> set[str]:
    """Names of those in which clones were put."""
    return {row["path"].split("/")[1] for row in index.rows("SELECT path FROM clone")}


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
