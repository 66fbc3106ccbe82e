"""What is spent of the caps of day and month, for `status`, `spend` and the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from artfactoryd.core.money import rounded, share_of
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.settings import Settings
from artfactoryd.storage import budget
from artfactoryd.storage.index import Index


@dataclass(frozen=True, slots=True)
class Period(JsonObject):
    """A day or a month and what counts against its cap: spent, perhaps spent, and set aside. In dollars."""

    name: str  # "day" or "month", and in JSON the key of `date`
    date: str  # "2026-11-22", "2026-11"
    counted_usd: float
    cap_usd: float
    left_usd: float

    def to_json(self) -> dict[str, object]:
        figures = {"counted_usd": self.counted_usd, "cap_usd": self.cap_usd, "left_usd": self.left_usd}
        return {self.name: self.date, **figures}


@dataclass(frozen=True, slots=True)
class Caps(JsonObject):
    """`agents`: the part of the day that orders of agents have."""

    day: Period
    month: Period
    agents: Period

    def lines(self) -> Iterator[str]:
        """In words, a line for each; of agents where they spent anything."""
        periods = (("Today  ", self.day), ("Month  ", self.month), ("Agents ", self.agents))
        for title, period in periods if self.agents.counted_usd else periods[:2]:
            counted, left = share_of(round(period.counted_usd * 1_000_000), round(period.cap_usd * 1_000_000))
            yield f"{title} {counted} of {in_dollars(period.cap_usd)}, {left} left"


def standing(index: Index | None, settings: Settings, day: str) -> Caps:
    """As they stand on that local date; without an index, nothing was ever spent."""
    everyone = budget.caps(settings)
    agents = _period(index, budget.AGENTS, day, budget.agents_cap(settings))
    return Caps(_period(index, "day", day, everyone["day"]), _period(index, "month", day, everyone["month"]), agents)


def _period(index: Index | None, name: str, day: str, cap: int) -> Period:
    counted = budget.counted(index, name, day) if index else 0
    left = max(0, cap - counted)
    lasts, date = ("month", day[:7]) if name == "month" else ("day", day)
    return Period(lasts, date, *(value / 1_000_000 for value in (counted, cap, left)))


def in_dollars(value: float) -> str:
    return rounded(round(value * 1_000_000))


def at_most(value: float) -> str:
    """What something may cost: never less than that."""
    return rounded(round(value * 1_000_000), up=True)
