"""Numbers, sizes, sums and days of a query, alone or as the ends of a range."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from artfactoryd.core.searching.fields import CHOICES, Kind, nearest

T = TypeVar("T")
SIGNS = (">=", "<=", ">", "<", "=")
OPEN = ("", "*")  # an end of a range that is not written
UNITS = {"h": "hours", "d": "days", "w": "weeks", "m": "months", "y": "years"}
_BYTES = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"([0-9.]+)(?:([kmgt]?)b?|([kmgt])ib)", re.IGNORECASE)
_LASTING = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?|(\d+):(\d{2}(?:\.\d+)?)", re.IGNORECASE)
_RANGE = re.compile(r"(.*?)(?<!\.)\.\.(?!\.)(.*)")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?")
_AGO = re.compile(r"(\d{1,4})([hdwmy])")
DAYS = {"today": 0, "yesterday": -1}


@dataclass(frozen=True, slots=True)
class Edge:
    """A moment as a person writes it, in the time of this machine: a fixed one, or one that goes along with now.

    `local`: ISO 8601 without a zone; else `ago`, so many of a unit before now; else a midnight, `days` from today's.
    """

    local: str = ""
    ago: tuple[int, str] | None = None
    days: int = 0


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """`low` and `high`: None where it has no end; each belongs to it unless it is `above` or `below`."""

    low: T | None
    high: T | None
    above: bool = False
    below: bool = False


Number = Span[float]
Period = Span[Edge]


class NoValue(ValueError):
    """What is written is no such value; in words."""


def period(sign: str, text: str) -> Period:
    """From a beginning, up to and without an end. Raises NoValue."""
    if not sign and (ends := range_in(text)):
        low, high = (None if end in OPEN else _moment(end) for end in ends)
        return Span(low and low[0], high and high[1], below=True)
    begins, ends_at = _moment(text)
    return {
        ">": Span(ends_at, None), ">=": Span(begins, None), "<": Span(None, begins, below=True),
        "<=": Span(None, ends_at, below=True),
    }.get(sign, Span(begins, None if begins.ago else ends_at, below=True))  # fmt: skip


def _moment(text: str) -> tuple[Edge, Edge | None]:
    """Where it begins, and ends; None: never."""
    if text.lower() in DAYS:
        days = DAYS[text.lower()]
        return Edge(days=days), Edge(days=days + 1)
    if match := _AGO.fullmatch(text.lower()):
        edge = Edge(ago=(int(match[1]), UNITS[match[2]]))
        return edge, edge
    try:
        if _MINUTE.fullmatch(text):
            edge = Edge(datetime.fromisoformat(text).isoformat())
            return edge, edge
        if match := _DAY.fullmatch(text):
            first = date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
            return Edge(first.isoformat()), _behind(first, match)
    except ValueError:
        pass
    raise NoValue(f"{text!r} is no date; write it as 2026-11-01, 2026-11, 2026, today, yesterday or 7d.")


def _behind(first: date, match: re.Match[str]) -> Edge | None:
    """The first moment after that day, month or year. Behind the last year there is none."""
    try:
        if match[3]:
            return Edge((first + timedelta(days=1)).isoformat())
        if match[2]:
            return Edge(date(first.year + first.month // 12, first.month % 12 + 1, 1).isoformat())
        return Edge(date(first.year + 1, 1, 1).isoformat())
    except (ValueError, OverflowError):
        return None


def number(kind: Kind, sign: str, text: str) -> Number:
    """Raises NoValue."""
    read = _READ[kind]
    if not sign and (ends := range_in(text)):
        low, high = (None if end in OPEN else read(end) for end in ends)
        if low is None and high is None:
            raise NoValue("a range has a number before or behind the two dots.")
        return Span(low, high)
    value = read(text)
    return {
        ">": Span(value, None, above=True), ">=": Span(value, None), "<": Span(None, value, below=True),
        "<=": Span(None, value),
    }.get(sign, Span(value, value))  # fmt: skip


def range_in(text: str) -> tuple[str, str] | None:
    match = _RANGE.fullmatch(text)
    return (match[1], match[2]) if match else None


def plain_number(text: str) -> float:
    """Raises NoValue, also for what has no end."""
    try:
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NoValue(f"{text!r} is no number.")
    return value


def _bytes(text: str) -> float:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise NoValue(f"{text!r} is no size; write it as 500KB, 2MB, or 1024x768.")
    unit = 1024 ** ("kmgt".index(match[3].lower()) + 1) if match[3] else _BYTES[(match[2] or "").lower()]
    return plain_number(match[1]) * unit


def choice(text: str) -> str:
    """Raises NoValue."""
    words = {word: name for name, others in CHOICES.items() for word in (name, *others.split())}
    if text.lower() in words:
        return words[text.lower()]
    near = nearest(text, words)
    fix = f"Did you mean {words[near]}?" if near else ""
    raise NoValue(f"{text!r} is no kind; there are {', '.join(CHOICES)}. {fix}".rstrip())


def _seconds(text: str) -> float:
    match = _LASTING.fullmatch(text)
    if match is None or not text:
        raise NoValue(f"{text!r} is no length of time; write it as 5, 5s, 1m30s or 1:30.")
    minutes, rest = (match[3], match[4]) if match[3] else (match[1], match[2])
    return 60 * int(minutes or 0) + float(rest or 0)


def _dollars(text: str) -> float:
    return plain_number(text.removeprefix("$"))


_READ: dict[Kind, Callable[[str], float]] = {
    Kind.NUMBER: plain_number, Kind.BYTES: _bytes, Kind.MONEY: _dollars, Kind.SECONDS: _seconds,
}  # fmt: skip
