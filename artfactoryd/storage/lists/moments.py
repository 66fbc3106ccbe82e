"""Days of a query, local as a person means them, as what the index has: UTC, and the number that products lie by."""

from __future__ import annotations

import calendar
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from artfactoryd import clock
from artfactoryd.core.query import Term
from artfactoryd.core.searching.values import Edge

LATEST = (1 << 63) - 1  # no product is made later: the largest number that the index can hold
SLACK = 2  # milliseconds by which a time is rounded
FIRST_YEAR, LAST_YEAR = 1971, 2200  # between them products lie by the time they were made


class Bounds(NamedTuple):
    """Of `product.seq`: from one, to before the other."""

    low: int = -LATEST
    high: int = LATEST


def within(column: str, term: Term) -> tuple[str, list[object]]:
    assert term.period is not None
    ends = [(">=", term.period.low), ("<", term.period.high)]
    there = [(sign, _moment(edge).isoformat()) for sign, edge in ends if edge is not None]
    return " AND ".join(f"{column} {sign} ?" for sign, _ in there) or f"{column} IS NOT NULL", [at for _, at in there]


def bounds(terms: Sequence[Term]) -> Bounds:
    """Between which products lie that were made when all of the terms say; a little more than that."""
    low, high = Bounds()
    for term in terms:
        if term.key == "date" and term.period is not None and not term.negated:
            low = max(low, _seq(term.period.low, -SLACK, low))
            high = min(high, _seq(term.period.high, SLACK, high))
    return Bounds(low, high)


def _seq(edge: Edge | None, slack: int, otherwise: int) -> int:
    moment = None if edge is None else _moment(edge)
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return otherwise
    return (int(moment.timestamp() * 1000) + slack) << 20


def _moment(edge: Edge) -> datetime:
    """Of the first and the last day there are, the hours do not matter."""
    now = clock.now()
    if edge.ago:
        return _before(now, *edge.ago)
    local = datetime.fromisoformat(edge.local) if edge.local else _midnight(now, edge.days)
    with contextlib.suppress(ValueError, OverflowError):
        local = local.astimezone()
    return local.replace(tzinfo=local.tzinfo or UTC).astimezone(UTC)


def _midnight(now: datetime, days: int) -> datetime:
    return datetime.combine(now.astimezone().date() + timedelta(days=days), datetime.min.time())


def _before(now: datetime, many: int, unit: str) -> datetime:
    if unit not in ("months", "years"):
        return now - timedelta(**{unit: many})
    months = now.year * 12 + now.month - 1 - many * (12 if unit == "years" else 1)
    year, month = max(1, months // 12), months % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, calendar.monthrange(year, month)[1]))
