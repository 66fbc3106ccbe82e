"""Which projects there are, by the products in them."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd.storage.index import Index


@dataclass(frozen=True, slots=True)
class MadeProject:
    """`newest`: when its newest product was made."""

    name: str
    products: int
    liked: int
    newest: str


def projects(index: Index) -> list[MadeProject]:
    """Those with something in them, the one that was worked on last first. Counted in the indexes alone."""
    sql = (
        "SELECT project AS name, count(*) AS products, max(seq) AS last FROM product INDEXED BY product_project "
        "WHERE project IS NOT NULL GROUP BY project COLLATE NOCASE ORDER BY last DESC"
    )
    liked = (
        "SELECT project AS name, count(*) AS n FROM product INDEXED BY product_liked WHERE liked = 1 "
        "AND project IS NOT NULL GROUP BY project COLLATE NOCASE"
    )
    likes = {row["name"].casefold(): row["n"] for row in index.rows(liked)}
    return [_project(index, likes.get(row["name"].casefold(), 0), **row) for row in index.rows(sql)]


def _project(index: Index, liked: int, name: str, products: int, last: int) -> MadeProject:
    made = index.rows("SELECT created_at FROM product WHERE seq = ?", (last,))
    return MadeProject(name, products, liked, made[0]["created_at"] if made else "")
