"""What contact sheets look at: of one order, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import BINNED
from artfactoryd.storage.rows import ITEMS, PRODUCTS, ItemRow, ProductRow


def with_what_was_made(index: Index, order_id: str, behind: int, most: int) -> list[ItemRow]:
    """So many of an order's own items behind this one, and behind them those of later stages that go back to them."""
    rows = index.items_after(order_id, behind, most)
    last = rows
    while last:
        last = [made for items in _by_stage(last) for made in _made_of(index, order_id, items)]
        rows += last
    return rows


def began_with(index: Index, order_id: str, number: int) -> int:
    """The number of the order's own item that this one goes back to, as far as it is known."""
    item = index.item(order_id, number)
    while item is not None and item.parent is not None:
        fed = index.fed_with(item)
        item, number = fed[1] if fed else None, fed[1].number if fed else number
    return number


def _by_stage(items: Iterable[ItemRow]) -> list[list[ItemRow]]:
    stages: dict[str | None, list[ItemRow]] = {}
    for item in items:
        stages.setdefault(item.stage, []).append(item)
    return list(stages.values())


def _made_of(index: Index, order_id: str, items: Sequence[ItemRow]) -> list[ItemRow]:
    """Of items of one stage that follow each other."""
    places = min(item.first_index for item in items), max(item.last_index for item in items)
    sql = f"SELECT {ITEMS.select()} FROM item WHERE order_id = ? AND parent BETWEEN ? AND ? ORDER BY number"
    return index.all(ITEMS, sql, (order_id, *places))


def products_of(index: Index, items: Sequence[ItemRow]) -> dict[tuple[int, int], ProductRow]:
    """By item and place, of items of one order; what was replaced, or binned, is passed over."""
    sql = (
        f"SELECT {PRODUCTS.select('p')} FROM product p WHERE order_id = ? AND number BETWEEN ? AND ? "
        f"AND replaced_by IS NULL AND NOT {BINNED} ORDER BY place, nth"
    )
    rows = [row for run in _runs(items) for row in index.all(PRODUCTS, sql, (items[0].order_id, *run))]
    return {(row.number, row.place): row for row in rows}


def _runs(items: Iterable[ItemRow]) -> list[tuple[int, int]]:
    """First and last number of those that follow each other."""
    runs: list[tuple[int, int]] = []
    for item in items:
        if runs and item.number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], item.number
        else:
            runs.append((item.number, item.number))
    return runs


def has_unlooked(index: Index, order_id: str) -> bool:
    """Whether a product of it is still to be looked at."""
    return bool(index.rows("SELECT 1 AS n FROM product WHERE order_id = ? AND looked IS NULL LIMIT 1", (order_id,)))
