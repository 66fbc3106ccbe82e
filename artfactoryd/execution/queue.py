"""Whose turn it is at one provider: orders of the highest priority take turns, item by item."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemKey, ItemRow

AHEAD = 100  # items of an order read at once


class Turns:
    """The planned items of one provider, a few of each order in memory, the rest in the index.

    An item given out by `next` is out until `back`; if it is still planned then, it comes again.
    """

    def __init__(self, index: Index, provider: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._index = index
        self._provider = provider
        self._clock = clock
        self._orders: dict[str, deque[ItemRow]] = {}
        self._priority: dict[str, int] = {}
        self._out: set[ItemKey] = set()
        self._resting: dict[ItemKey, float] = {}  # until when
        self._lingering: set[ItemKey] = set()  # of those that rest, for which nobody need wait
        self._left: set[str] = set()
        self._waiting: dict[ItemKey, ItemRow] = {}  # for an equal item
        self._came: dict[str, list[ItemRow]] = {}  # by order, what need not wait any longer
        self._stale = True
        self._only: frozenset[str] | None = None  # these orders and no others

    def limit_to(self, order_ids: Iterable[str]) -> None:
        """Only these orders are worked on, and those that `admit` adds."""
        self._only = frozenset(order_ids)

    def admit(self, order_id: str) -> None:
        """This one too. Where none was named before, it and no others."""
        self._only = (self._only or frozenset()) | {order_id}

    def look_again(self, order_id: str | None = None) -> None:
        """Orders came, changed or were lifted; None: any of them."""
        self._stale = True
        for order in [*(key.order_id for key in self._waiting), *self._came]:
            self._orders.pop(order, None)
        self._waiting.clear()
        self._came.clear()
        self._wake(lambda key: not self._is_planned(key))
        if order_id is None:
            self._left.clear()
            self._orders.clear()
        else:
            self._left.discard(order_id)
            self._orders.pop(order_id, None)

    def leave(self, order_id: str) -> None:
        """Nothing more of this order until `look_again`."""
        self._left.add(order_id)
        self._orders.pop(order_id, None)

    def rest(self, key: ItemKey, seconds: float, *, is_awaited: bool = True) -> None:
        """This item does not come before that time; the others do. `is_awaited`: it is likely to go on then."""
        self._resting[key] = self._clock() + seconds
        (self._lingering.discard if is_awaited else self._lingering.add)(key)

    def wait(self, row: ItemRow) -> None:
        """This item does not come before `come`, or `look_again` at whatever; the others do."""
        self._waiting[row.item_key] = row

    def come(self, keys: Collection[ItemKey]) -> None:
        """What these waited for has ended."""
        for key in self._waiting.keys() & set(keys):
            self._came.setdefault(key.order_id, []).append(self._waiting.pop(key))
            self._stale = True

    @property
    def rests(self) -> float | None:
        """Seconds until an item that rests may come; None when none does."""
        return max(0.0, min(self._resting.values()) - self._clock()) if self._resting else None

    def any(self) -> bool:
        """Is there something to send, now or after a rest that is waited for?"""
        return self.ready() or bool(self._resting.keys() - self._lingering)

    def ready(self) -> bool:
        """Is there something to send now?"""
        self._fill()
        return bool(self._orders)

    def orders(self) -> set[str]:
        """The orders that have something to send."""
        self._fill()
        return set(self._orders)

    def next(self) -> ItemRow | None:
        self._fill()
        if not self._orders:
            return None
        highest = max(self._priority[order_id] for order_id in self._orders)
        order_id = next(order for order in self._orders if self._priority[order] == highest)
        row = self._orders[order_id].popleft()
        self._out.add(row.item_key)
        self._orders[order_id] = self._orders.pop(order_id)  # to the end: the next order's turn
        return row

    def back(self, key: ItemKey) -> None:
        """The item has ended, or was put back; if it is still planned it comes again."""
        self._out.discard(key)
        if key not in self._waiting and self._is_planned(key):
            self._orders.pop(key.order_id, None)
            self._stale = True

    def _is_planned(self, key: ItemKey) -> bool:
        row = self._index.item(*key)
        return row is not None and row.state == ItemState.PLANNED

    def _wake(self, is_over: Callable[[ItemKey], bool]) -> None:
        for key in [key for key in self._resting if is_over(key)]:
            del self._resting[key]
            self._lingering.discard(key)
            self._orders.pop(key.order_id, None)
            self._stale = True

    def _fill(self) -> None:
        """Read on where an order's few items in memory have run out."""
        if self._resting:
            now = self._clock()
            self._wake(lambda key: self._resting[key] <= now)
        if self._stale:
            self._stale = False
            self._see_orders()
        for order_id in [order_id for order_id, rows in self._orders.items() if not rows]:
            self._read(order_id)

    def _see_orders(self) -> None:
        """Those that may be worked on as the index has them now; their items are read when they are needed."""
        for order in self._index.working_orders(self._provider):
            if self._only is not None and order.id not in self._only:
                continue
            self._priority[order.id] = order.priority
            self._orders.setdefault(order.id, deque())

    def _read(self, order_id: str) -> None:
        away = self._out | self._resting.keys() | self._waiting.keys()
        if order_id in self._came and order_id not in self._left:
            self._orders[order_id].extend(self._came.pop(order_id))
            return
        most = 0 if order_id in self._left else AHEAD + len(away)
        planned = self._index.planned_items(order_id, self._provider, most)
        rows = [row for row in planned if row.item_key not in away]
        if rows:
            self._orders[order_id] = deque(rows)
        else:
            del self._orders[order_id]


class Queues:
    """The queue of each provider, and the gate before it: woken together."""

    def __init__(self, index: Index, gates: Mapping[str, Gate]) -> None:
        self._gates = gates
        self._turns = {provider: Turns(index, provider) for provider in gates}

    def __getitem__(self, provider: str) -> Turns:
        return self._turns[provider]

    def look_again(self, order_id: str | None = None) -> None:
        """Orders came, changed or were lifted; None: any of them. Every gate looks who is next."""
        for turns in self._turns.values():
            turns.look_again(order_id)
        for gate in self._gates.values():
            gate.wake()

    def limit_to(self, order_ids: Iterable[str]) -> None:
        """Only these orders are worked on, and those that `admit` adds."""
        chosen = frozenset(order_ids)
        for turns in self._turns.values():
            turns.limit_to(chosen)

    def admit(self, order_id: str) -> None:
        """Of a run that is for some orders only: this one too."""
        for turns in self._turns.values():
            turns.admit(order_id)
