"""Orders that a cap has stopped: nothing more of them is sent until money comes back, a new day begins, or a person
says so."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from artfactoryd.errors import OverCap
from artfactoryd.execution.queue import Queues
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)


class CappedOrders:
    """The log has when an order begins to wait, and when it need not any more; not each item that comes to its cap, and
    not each time that money comes back for one of them."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._told: set[str] = set()  # that they wait
        self._day = ""
        self._stopped: set[str] = set()
        self._days: dict[str, str] = {}  # of these, the day whose cap, or whose month's, it waits for

    def stop(self, row: ItemRow, error: OverCap) -> None:
        """Its order: a wish for this item would have passed a cap."""
        if row.order_id not in self._told:
            log.info("order %s waits: %s", row.order_id, error)
            self._told.add(row.order_id)
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
        self._end(order_id, "a person let it go on")

    def money_came_back(self, order_id: str) -> None:
        """To this order, and so to the caps of day and month that others wait for."""
        self._try_again([order_id, *self._days])

    def heed_date(self, day: str) -> None:
        """On another day, those that a cap of day or month has stopped are tried again."""
        waited = [order_id for order_id, reached in self._days.items() if reached != day]
        self._try_again(waited)
        for order_id in waited:
            self._end(order_id, "it is another day")
        if day != self._day:
            self._told &= self._stopped  # what went on by money that came back, and waits again, is told again
        self._day = day

    def _end(self, order_id: str, why: str) -> None:
        if order_id in self._told:
            self._told.discard(order_id)
            log.info("order %s waits for its cap no more: %s", order_id, why)

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
