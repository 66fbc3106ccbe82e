"""A public document is its fields, in their order, down to the leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import MoneyDocument, OrderDocument, OverrunDocument

ORDER = OrderDocument(
    order_id="01", name="cars", project="summer", status=OrderState.PROCESSING, reasons=["It waits."], total_items=3,
    items_by_state={"completed": 2}, total_products=3, reused_items=0, money=MoneyDocument(0.006), price_usd=None,
    at_most_usd=None, cap_usd=5.0, paused=False, rehearsal=False, accepted_at="2026-11-22T10:00:00Z", folder=None,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inner(JsonObject):
    last: int
    first: str | None


@dataclass(frozen=True, slots=True)
class Outer(JsonObject):
    many: Sequence[Inner]
    named: Mapping[str, Inner]


def test_fields_are_keys_in_their_order_all_the_way_down() -> None:
    document = Outer((Inner(1, None),), {"one": Inner(2, "b")})
    assert json.dumps(document.to_json()) == (
        '{"many": [{"last": 1, "first": null}], "named": {"one": {"last": 2, "first": "b"}}}'
    )


def test_an_order_tells_every_state_and_its_money_between_its_other_keys() -> None:
    keys = list(ORDER.to_json())
    states = [f"{state}_items" for state in ItemState]
    money = ["spent_usd", "reserved_usd", "in_doubt_usd", "released_usd"]
    assert keys == [
        "order_id", "name", "project", "status", "reasons", "total_items", *states, "total_products", "reused_items",
        *money, "price_usd", "at_most_usd", "cap_usd", "paused", "rehearsal", "accepted_at", "folder", "agent",
    ]  # fmt: skip
    assert ORDER.to_json()["completed_items"] == 2 and ORDER.to_json()["failed_items"] == 0


def test_an_order_names_overruns_and_products_only_where_they_were_asked_for() -> None:
    whole = replace(ORDER, overruns=[OverrunDocument(2, "It cost more.")], products=[])
    assert "overruns" not in ORDER.to_json()
    assert whole.to_json()["overruns"] == [{"item": 2, "text": "It cost more."}] and whole.to_json()["products"] == []
