"""Numbers that a provider tells, as far as they can be true: finite, not negative, and not beyond all measure."""

from __future__ import annotations

import math

LONGEST_RUN = 86_400.0  # seconds; no provider lets a run go on for a day
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
