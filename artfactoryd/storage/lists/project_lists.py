"""Which projects there are, by the products in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import BINNED


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
        "SELECT count(*) AS products, max(seq) AS last FROM product INDEXED BY product_project "
        "WHERE project IS NOT NULL GROUP BY project COLLATE NOCASE ORDER BY last DESC"
    )
    liked = (
        "SELECT min(project) AS name, count(*) AS n FROM product INDEXED BY product_liked WHERE liked = 1 "
        "AND project IS NOT NULL GROUP BY project COLLATE NOCASE"
    )
    binned = (
        "SELECT min(p.project) AS name, count(*) AS n, sum(p.liked) AS liked FROM binned b "
        f"JOIN product p ON p.id = b.product WHERE {BINNED} AND p.project IS NOT NULL GROUP BY p.project COLLATE NOCASE"
    )
    likes = {row["name"].casefold(): row["n"] for row in index.rows(liked)}
    away = {row["name"].casefold(): (row["n"], row["liked"]) for row in index.rows(binned)}
    return [_project(index, likes, away, **row) for row in index.rows(sql)]


def _project(
    index: Index, likes: Mapping[str, int], away: Mapping[str, tuple[int, int]], products: int, last: int
) -> MadeProject:
    """Called as its newest product calls it. `away`: how many lie in the bin, and how many of those are liked."""
    made = index.rows("SELECT project, created_at FROM product WHERE seq = ?", (last,))
    name = made[0]["project"] if made else ""
    gone, liked = away.get(name.casefold(), (0, 0))
    liked = likes.get(name.casefold(), 0) - liked
    return MadeProject(name, products - gone, liked, made[0]["created_at"] if made else "")
