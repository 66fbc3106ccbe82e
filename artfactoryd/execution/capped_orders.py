"""Orders that a cap has stopped: nothing more of them is sent until money comes back, a new day begins, or a person
says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from artfactoryd.errors import OverCap
from artfactoryd.execution.queue import Queues
from artfactoryd.storage.rows import ItemRow


class CappedOrders:
    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._stopped: set[str] = set()
        self._days: dict[str, str] = {}  # of these, the day whose cap, or whose month's, it waits for

    def stop(self, row: ItemRow, error: OverCap) -> None:
        """Its order: a wish for this item would have passed a cap."""
        self._stopped.add(row.order_id)
        if error.day:
            self._days[row.order_id] = error.day
        self._queues[row.provider].leave(row.order_id)

    @property
    def any(self) -> bool:
        """Whether there are such orders: else nothing waits for money that comes back."""
        return bool(self._stopped or self._days)

    def lift(self, order_id: str) -> None:
        """A person said so; whoever calls lets the queues look again."""
        self._stopped.discard(order_id)

    def money_came_back(self, order_id: str) -> None:
        """To this order, and so to the caps of day and month that others wait for."""
        self._try_again([order_id, *self._days])

    def heed_date(self, day: str) -> None:
        """On another day, those that a cap of day or month has stopped are tried again."""
        self._try_again([order_id for order_id, reached in self._days.items() if reached != day])

    def _try_again(self, order_ids: Iterable[str]) -> None:
        for order_id in order_ids:
            self._days.pop(order_id, None)
            if order_id in self._stopped:
                self._stopped.discard(order_id)
                self._queues.look_again(order_id)

    @property
    def days(self) -> Mapping[str, str]:
        """Of each order that waits for another day or month: the day on which the cap was reached."""
        return MappingProxyType(self._days)
