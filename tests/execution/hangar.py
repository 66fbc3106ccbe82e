"""Items as rows, and an index with orders to send: what the small parts of execution are tried with."""

from __future__ import annotations

from typing import Any

from artfactoryd.core.expansion.plan import PlannedItem
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.storage import derived, projection
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemKey, ItemRow
from tests.accounts import apply

A1, A2, B1 = ItemKey("a", 1), ItemKey("a", 2), ItemKey("b", 1)


def item(key: ItemKey = A1, provider: str = "acme", **columns: Any) -> ItemRow:
    """A planned item; what a test does not name is as plain as can be."""
    plain: dict[str, Any] = {
        "state": ItemState.PLANNED, "first_index": key.number, "asked": 1, "copy": 0, "seed": None, "generation": {},
        "tokens": [], "upper": 3_000, "attempts": 0, "attempt": None, "ticket": None, "outputs": None, "reason": None,
        "stop": False, "key": None, "buy_again": False, "model": 0, "stage": None, "parent": None, "waits": 0,
        "parent_nth": 0, "wants_liked": False,
    }  # fmt: skip
    return ItemRow(order_id=key.order_id, number=key.number, provider=provider, **{**plain, **columns})


def accept(index: Index, name: str, items: int, *, priority: int = 0, provider: str = "acme", **other: Any) -> None:
    """An accepted order with its folder and `items` planned items."""
    acceptance: dict[str, Any] = {
        **dict.fromkeys(projection.ORDER_COLUMNS, ""), "kind": "acceptance", "order": name, "claim": name, "number": 1,
        "priority": priority, "cap": 10**9, "price": None, "total_items": items, "total_products": items,
        "folder": f"Projects/{name}", **other,
    }  # fmt: skip
    apply(index, acceptance)
    expand(index, name, range(1, items + 1), provider)


def expand(index: Index, name: str, numbers: range, provider: str = "acme") -> None:
    rows = [PlannedItem(number, number, 1, 0, None, {"prompt": name}, (), 3_000) for number in numbers]
    derived.add_items(index, name, [provider], rows)
