"""Rows that are surely there: of an item that somebody works on."""

from __future__ import annotations

from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import AttemptRow, ItemKey, ItemRow, OrderRow


def order_of(index: Index, row: ItemRow | AttemptRow) -> OrderRow:
    order = index.order(row.order_id)
    assert order is not None
    return order


def item_now(index: Index, key: ItemKey) -> ItemRow:
    """As it is in the index by now; a row that was given earlier may be out of date."""
    item = index.item(*key)
    assert item is not None
    return item


def last_attempt(index: Index, row: ItemRow) -> AttemptRow:
    """Only of an item that was ever sent or copied."""
    attempt = index.attempt(row.attempt) if row.attempt else None
    assert attempt is not None
    return attempt


def at_stake(index: Index, row: ItemRow) -> int:
    """What the item's last attempt costs as far as that is known, else what was set aside for it. Micro-dollars."""
    return last_attempt(index, row).at_stake
