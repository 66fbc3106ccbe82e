"""How a moment is written in the ledger, the index and to a provider. Ground floor: every room may stand on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """In UTC, to the millisecond, with a Z: such texts sort as their moments do. `moment`: aware."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(moment: str) -> str:
    """A written moment for a person: this machine's time, to the second. What is no moment stays as it is."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (
        ValueError,
        OverflowError,
    ):  # in this zone the first and the last day there are may lie outside the calendar
        return moment


def day_of(moment: datetime) -> str:
    return moment.astimezone().date().isoformat()


def today() -> str:
    """For who only looks; the house has a clock of its own."""
    return day_of(datetime.now().astimezone())


def ago(moment: str, now: datetime) -> str:
    """How long it is since a written moment, in its largest unit: `3 min ago`."""
    minutes = int((now - datetime.fromisoformat(moment)).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def now() -> datetime:
    return datetime.now(UTC)


def until_tick(period: float, moment: float | None = None) -> float:
    """Seconds until the steady clock shows a whole multiple of `period`: who may come up to a period early waits for
    that one, so that all of them wake the machine at once. `moment`: what the steady clock shows."""
    return period - (time.monotonic() if moment is None else moment) % period


class Age:
    """How long ago something was, for whoever waits: by the wall's clock as it is first looked at, and from then on
    by one that nobody puts right. A moment still to come was just now."""

    def __init__(
        self, moment: datetime, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._steady = steady
        self._since = steady() - max(0.0, (clock() - moment).total_seconds())

    @property
    def seconds(self) -> float:
        return self._steady() - self._since
