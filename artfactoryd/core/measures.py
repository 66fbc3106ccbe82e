"""Numbers that a provider tells, as far as they can be true: finite, not negative, and not beyond all measure."""

from __future__ import annotations

import math
from typing import Any

LONGEST_RUN = 86_400.0  # seconds; no provider lets a run go on for a day
MONEY = frozenset({"cost", "reserved"})  # fields of ledger lines in micro-dollars, counted against the caps
DEAREST_UNIT = 10_000.0  # US dollars


def seconds_of_run(value: object) -> float | None:
    """None of what cannot be the time that a run took."""
    return _within(value, LONGEST_RUN)


def price_of_unit(value: object) -> float | None:
    """In US dollars, also where it is written as a text; None of what cannot be a price."""
    try:
        return _within(float(value) if isinstance(value, str) else value, DEAREST_UNIT)
    except ValueError:
        return None


def _within(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared before it is converted: a whole number of 400 digits fits in no float. NaN compares as False.
    return float(value) if 0 <= value <= most and math.isfinite(value) else None


def money_counted(line: dict[str, Any]) -> dict[str, Any]:
    """Fields of a ledger line, with 0 for money that cannot be true: an earlier release took a provider's time as it
    came, and less than nothing would widen every cap."""
    mad = [name for name in MONEY if name in line and _is_mad(line[name])]
    return {**line, **dict.fromkeys(mad, 0)} if mad else line


def _is_mad(cost: object) -> bool:
    return isinstance(cost, (int, float)) and not 0 <= cost < math.inf  # a union is looked at slowly
