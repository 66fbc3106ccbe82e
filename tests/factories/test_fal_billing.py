"""fal's billing events, read as they may come."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from artfactoryd.factories.fal.billing import read_page


@pytest.mark.parametrize(
    ("event", "dollars"),
    [
        ({"cost_total": 0.025}, "0.025"), ({"cost_total": "0.003"}, "0.003"), ({"cost_total": 0}, "0"),
        ({"cost_total": None, "cost_estimate_nano_usd": 25_000_000}, "0.025"),
        ({"output_units": 2, "unit_price": 0.003}, "0.006"), ({"output_units": 2}, None), ({"cost_total": True}, None),
        ({"cost_total": "NaN"}, None), ({"cost_total": "Infinity"}, None), ({"cost_total": -1}, None),
        ({"cost_total": "much"}, None), ({"cost_total": {}}, None), ({}, None),
    ],
)  # fmt: skip
def test_what_an_event_was_charged(event: dict[str, Any], dollars: str | None) -> None:
    page = read_page({"billing_events": [{"request_id": "a", **event}, {"cost_total": 1}, 7, None]})
    assert page is not None and page.cursor is None
    assert page.billed == ({} if dollars is None else {"a": Decimal(dollars)})


def test_events_of_one_request_are_added_up_and_what_is_no_page_is_none() -> None:
    two: list[Any] = [{"request_id": "a", "cost_total": "0.1"}, {"request_id": "a", "cost_total": "0.2"}]
    page = read_page({"events": two, "has_more": True, "next_cursor": "n"})
    assert page is not None and (page.billed, page.cursor) == ({"a": Decimal("0.3")}, "n")
    nothing: list[Any] = [None, [], "x", {}, {"error": {}}]
    assert [read_page(value) for value in nothing] == [None] * 5
