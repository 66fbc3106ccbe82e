"""What fal's billing events tell. Nothing here touches the network.

An event is of one request; a request may have several, which are added up. Only keys of an administrator may ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from artfactoryd.core.json_types import JsonValue
from artfactoryd.factories.http.answer import objects, text

NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class BillPage:
    """`billed`: US dollars by request. `cursor`: asks for the next page; None on the last."""

    billed: Mapping[str, Decimal]
    cursor: str | int | None


def read_page(value: JsonValue) -> BillPage | None:
    """None when this is no page of events."""
    lists = [part for part in value.values() if isinstance(part, list)] if isinstance(value, dict) else []
    if not isinstance(value, dict) or not lists:
        return None
    billed: dict[str, Decimal] = {}
    for event in (event for part in lists for event in objects(part)):
        request, amount = text(event.get("request_id")), _amount(event)
        if request is not None and amount is not None:
            billed[request] = billed.get(request, Decimal()) + amount
    cursor = value.get("next_cursor") if value.get("has_more") else None
    return BillPage(billed, cursor if isinstance(cursor, str | int) and cursor else None)


def _amount(event: Mapping[str, JsonValue]) -> Decimal | None:
    """What was charged, discounts taken off; else its estimate, else units at their price."""
    if (total := _number(event.get("cost_total"))) is not None:
        return total
    if (nano := _number(event.get("cost_estimate_nano_usd"))) is not None:
        return nano / NANO
    parts = [*_numbers(event, "output_units", "unit_price")]
    return parts[0] * parts[1] if len(parts) == 2 else None


def _numbers(event: Mapping[str, JsonValue], *names: str) -> Iterator[Decimal]:
    yield from (number for name in names if (number := _number(event.get(name))) is not None)


def _number(value: JsonValue) -> Decimal | None:
    """Of a number, or a text that is one; no bill is below nothing or without end."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
