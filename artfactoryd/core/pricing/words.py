"""Prices in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from artfactoryd.core.json_types import Value
from artfactoryd.core.pricing.price import Part, Price

UNITS = {
    "image": "image that comes", "call": "call", "megapixel": "megapixel that comes",
    "input_megapixel": "megapixel worked on",
    "processed_megapixel": "megapixel worked on or made", "second": "second that it runs",
    "output_second": "second that comes", "character": "character", "token": "token",
}  # fmt: skip
OF = {"character": "of {}", "output_second": "(by {})", "megapixel": "(by {})", "image": "({} at most)"}


def price_in_words(price: Price) -> str:
    """`$0.003 per image that comes (as of 2026-05-01)`; the parts of a sum with `+` between them, and `or` between
    those of which only one can hold."""
    if price.is_free:
        return "free"
    parts = part_in_words(price.parts[0])
    for before, part in pairwise(price.parts):
        parts += f"{', or ' if part.excludes(before) else ' + '}{part_in_words(part)}"
    words = f"at most {parts}" if price.bound else parts
    return f"{words} (as of {price.as_of})" if price.as_of else words


def part_in_words(part: Part) -> str:
    return " ".join(_words(part))


def _words(part: Part) -> Iterator[str]:
    unit = UNITS[part.per]
    if part.steps:
        yield f"{', '.join(f'{_usd(usd)} up to {most:g}' for most, usd in part.steps)} for each {unit}"
    elif part.first is not None:
        yield f"{_usd(part.first)} for the first {unit}, {_usd(part.usd)} for each further"
    else:
        yield f"{_usd(part.usd)} per {f'{part.every} ' if part.every > 1 else ''}{_plural(unit, part.every)}"
    if part.reading.of and part.per in OF:
        yield OF[part.per].format(f"`{part.reading.of}`")
    if part.per == "second" and part.at_most:
        yield f"(about {part.at_most:g} s a call)"
    if part.when:
        yield f"with {' and '.join(_condition(name, values) for name, values in part.when.items())}"


def _condition(name: str, values: tuple[Value, ...]) -> str:
    return f"{name} {' or '.join(_value(value) for value in values)}"


def _value(value: Value) -> str:
    if value is None:
        return "left out"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plural(unit: str, count: int) -> str:
    if count == 1:
        return unit
    first, _, rest = unit.partition(" ")
    return f"{first}s {rest.replace('comes', 'come')}".strip()


def _usd(usd: str) -> str:
    """As many digits as it has, two at least."""
    whole, _, cents = f"{Decimal(usd).normalize():f}".partition(".")
    return f"${whole}.{cents:0<2}" if cents else f"${whole}"
