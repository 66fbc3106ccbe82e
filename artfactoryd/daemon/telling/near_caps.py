"""That four fifths of a cap are spent or set aside: of an order, a day, a month, of agents in a day; each time that it
comes to that.

Whether a cap was crossed follows from the wishes themselves, so a start tells nothing again. What comes back and is set
aside once more is no second crossing: a cap is told of once, until it is another one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from artfactoryd.core.money import rounded, usd
from artfactoryd.news import OfOrder
from artfactoryd.storage import budget
from artfactoryd.storage.events import Event, Wish
from artfactoryd.storage.index import Index

MOST_KNOWN = 1000  # caps remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class CapNear(OfOrder):
    """`of`: order, day, month or agents; the order is the one by which it came to that."""

    event: ClassVar[str] = "cap.near"
    level: ClassVar[int] = logging.WARNING
    of: str
    counted: float
    cap: float

    @property
    def words(self) -> str:
        whose = {"order": self.name, budget.AGENTS: "agents for the day"}.get(self.of, f"the {self.of}")
        counted, cap = rounded(round(self.counted * 1e6)), rounded(round(self.cap * 1e6))
        return f"the cap of {whose} is near: {counted} of {cap} are spent or set aside"


class _Cap(NamedTuple):
    of: str
    whose: str  # the order's id, the day, the month
    most: int

    def is_near(self, counted: int) -> bool:
        return bool(self.most) and _is_near(counted, self.most)


class NearCaps:
    """Asked after each writing; remembers which caps it has seen, and whether they were near."""

    def __init__(self) -> None:
        self._near: dict[_Cap, bool] = {}

    def news(self, index: Index, events: Sequence[Event]) -> Iterator[CapNear]:
        wishes = [event for event in events if isinstance(event, Wish) and event.reserved]
        for order in {wish.order: None for wish in wishes}:
            yield from self._of_order(index, [wish for wish in wishes if wish.order == order])
        for day in {wish.day: None for wish in wishes if wish.caps and wish.day}:
            yield from self._of_days(index, [wish for wish in wishes if wish.day == day])

    def _of_order(self, index: Index, wishes: Sequence[Wish]) -> Iterator[CapNear]:
        order = wishes[-1].order
        counted, cap = budget.of_order(index, order)
        if self._is_crossed(_Cap("order", order, cap), counted, wishes):
            yield _news(index, "order", order, counted, cap)

    def _of_days(self, index: Index, wishes: Sequence[Wish]) -> Iterator[CapNear]:
        if not _is_near(budget.counted(index, "month", wishes[-1].day), min(min(one.caps.values()) for one in wishes)):
            return  # a month holds its days: one question answers for both
        for of in budget.NAMES:
            under = [wish for wish in wishes if of in wish.caps]  # that of agents is no cap of others
            if not under:
                continue
            last = under[-1]
            cap = _Cap(of, last.day[:7] if of == "month" else last.day, last.caps[of])
            counted = budget.counted(index, of, last.day)
            if self._is_crossed(cap, counted, under):
                yield _news(index, of, last.order, counted, cap.most)

    def _is_crossed(self, cap: _Cap, counted: int, wishes: Sequence[Wish]) -> bool:
        """Once near, a cap stays so here: what was told is not told again."""
        was_near = self._near.get(cap)
        if was_near is None:
            was_near = cap.is_near(counted - sum(wish.reserved for wish in wishes))
        if len(self._near) >= MOST_KNOWN:
            self._near.clear()
        self._near[cap] = was_near or cap.is_near(counted)
        return self._near[cap] and not was_near


def _is_near(counted: int, cap: int) -> bool:
    """Four fifths of it."""
    return 5 * counted >= 4 * cap


def _news(index: Index, of: str, order: str, counted: int, cap: int) -> CapNear:
    return CapNear(order=order, name=index.order_name(order), of=of, counted=usd(counted) or 0.0, cap=usd(cap) or 0.0)
