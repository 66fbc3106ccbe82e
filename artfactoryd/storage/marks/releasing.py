"""What a like sends on, and for how much: items that wait for one, and all that is made of them after that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from artfactoryd.core import strict_json
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import PRODUCTS, ProductRow

_RELEASED = (
    "WITH RECURSIVE goes (order_id, number) AS ("
    "SELECT i.order_id, i.number FROM product p JOIN item i ON i.order_id = p.order_id AND i.parent = p.place "
    "AND i.parent_nth = p.nth WHERE p.id IN (SELECT value FROM json_each(?)) AND i.waits = 2 AND i.state = 'planned' "
    "UNION SELECT n.order_id, n.number FROM goes JOIN item f ON f.order_id = goes.order_id AND f.number = goes.number "
    "JOIN item n ON n.order_id = f.order_id AND n.parent BETWEEN f.first_index AND f.first_index + f.asked - 1 "
    "AND n.state = 'planned' AND n.wants_liked = 0) "
    "SELECT count(*) AS items, coalesce(sum(CASE WHEN o.rehearsal = 1 THEN 0 ELSE i.upper END), 0) AS most "
    "FROM goes JOIN item i ON i.order_id = goes.order_id AND i.number = goes.number JOIN orders o ON o.id = i.order_id"
)


@dataclass(frozen=True, slots=True)
class Released:
    """`most`: in micro-dollars."""

    items: int
    most: int


def released(index: Index, products: Collection[str]) -> Released:
    """What liking these products sends on."""
    row = index.rows(_RELEASED, (strict_json.dumps(list(products)),))[0]
    return Released(row["items"], row["most"])


def found(index: Index, order_id: str) -> list[ProductRow]:
    """Its products that are liked by what the shelf tells alone, and for which something waits."""
    sql = (
        f"SELECT {PRODUCTS.select()} FROM product WHERE order_id = ? AND found = 1 AND liked = 1 AND EXISTS "
        "(SELECT 1 FROM item i WHERE i.order_id = product.order_id AND i.parent = product.place "
        "AND i.parent_nth = product.nth AND i.waits = 2 AND i.state = 'planned') ORDER BY id"
    )
    return index.all(PRODUCTS, sql, (order_id,))
