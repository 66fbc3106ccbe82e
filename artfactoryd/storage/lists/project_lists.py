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
    """Those with something in them, the one that was worked on last first."""
    sql = (
        "SELECT project AS name, count(*) AS products, sum(liked) AS liked, max(seq) AS last FROM product "
        "WHERE project IS NOT NULL GROUP BY project ORDER BY last DESC"
    )
    return [_project(index, **row) for row in index.rows(sql)]


def _project(index: Index, name: str, products: int, liked: int, last: int) -> MadeProject:
    made = index.rows("SELECT created_at FROM product WHERE seq = ?", (last,))
    return MadeProject(name, products, liked or 0, made[0]["created_at"] if made else "")
