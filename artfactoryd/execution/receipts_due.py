"""Which orders' receipts are behind, and a word to whoever watches that something moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable


class ReceiptsDue:
    """`moved`: set when an item moved; whoever watches clears it."""

    def __init__(self) -> None:
        self._orders: set[str] = set()
        self.tell: Callable[[str], None] = lambda order_id: None  # of each order of which something moved
        self.moved = asyncio.Event()

    def touch(self, order_id: str) -> None:
        """Something of it moved: its receipt is behind, and who watches looks again."""
        self._orders.add(order_id)
        self.tell(order_id)
        self.moved.set()

    def add(self, *order_ids: str) -> None:
        """Their receipts are behind, though nothing moved: another reason why they wait, or one not written yet."""
        self.add_all(order_ids)

    def add_all(self, order_ids: Iterable[str]) -> None:
        self._orders.update(order_ids)

    def take(self, order_id: str) -> None:
        """It is about to be written; what happens from here on makes it due again."""
        self._orders.discard(order_id)

    def __bool__(self) -> bool:
        return bool(self._orders)

    @property
    def orders(self) -> list[str]:
        """As they are now; what becomes due later is not among them."""
        return list(self._orders)
