"""What contact sheets look at: of one order, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import BINNED
from artfactoryd.storage.rows import PRODUCTS, ItemRow, ProductRow


def products_of(index: Index, items: Sequence[ItemRow]) -> dict[tuple[int, int], ProductRow]:
    """By item and place, of items of one order that follow each other; what was replaced, or binned, is passed over."""
    if not items:
        return {}
    sql = (
        f"SELECT {PRODUCTS.select('p')} FROM product p WHERE order_id = ? AND number BETWEEN ? AND ? "
        f"AND replaced_by IS NULL AND NOT {BINNED} ORDER BY place, nth"
    )
    rows = index.all(PRODUCTS, sql, (items[0].order_id, items[0].number, items[-1].number))
    return {(row.number, row.place): row for row in rows}


def has_unlooked(index: Index, order_id: str) -> bool:
    """Whether a product of it is still to be looked at."""
    return bool(index.rows("SELECT 1 AS n FROM product WHERE order_id = ? AND looked IS NULL LIMIT 1", (order_id,)))
