"""A model as it is known, under what its provider says now."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.model import Model
from artfactoryd.core.parameters.model_update import differences, renewed
from artfactoryd.core.pricing.price import Part, Price

SEED = {"type": "integer", "minimum": 0, "maximum": 9}
KNOWN: dict[str, Any] = {
    "provider": "p", "model": "o/n:v1", "aliases": ["n"], "family": "f", "text": ["prompt", "style"], "batch": "amount",
    "seed": "seed", "synonyms": {"cfg": "guidance", "count": "amount"}, "syntax": ["lora"],
    "price": {"usd": 0.01, "as_of": "2026-05-01"},
    "schema": {"properties": {
        "prompt": {"type": "string", "description": "What to draw."}, "style": {"type": "string"}, "seed": SEED,
        "guidance": {"type": "number", "maximum": 10}, "amount": {"type": "integer"},
    }},
}  # fmt: skip
SAID: dict[str, Any] = {
    "provider": "p", "model": "o/n:v2", "batch": "num", "seed": "seed",
    "schema": {"required": ["prompt"], "properties": {
        "prompt": {"type": "string"}, "seed": {"type": "integer"}, "guidance": {"type": "number"},
        "num": {"type": "integer"}, "count": {"type": "integer"},
    }},
}  # fmt: skip


def model(of: dict[str, Any], **more: Any) -> Model:
    return Model.from_mapping({**of, **more}, "file")


def test_names_and_roles_stay_as_far_as_their_parameters_are_there() -> None:
    found = renewed(model(KNOWN), model(SAID))
    assert (found.aliases, found.family, found.version, found.syntax) == (("n",), "f", "v2", ("lora",))
    assert (found.text, found.batch, found.seed) == (("prompt",), "num", "seed")
    assert found.synonyms == {"cfg": "guidance"} and found.required == ["prompt"]


def test_ranges_are_the_providers_but_a_seed_keeps_its_own() -> None:
    found = renewed(model(KNOWN), model(SAID)).properties
    assert found["seed"] == SEED and found["guidance"] == {"type": "number"}
    assert found["prompt"]["description"] == "What to draw."


def test_a_model_that_is_called_by_its_name_alone_stays_so() -> None:
    assert renewed(model(KNOWN, model="o/n"), model(SAID)).version is None


@pytest.mark.parametrize(
    ("as_of", "usd"), [(None, "0.01"), ("2026-04-30", "0.01"), ("2026-05-01", "0.02"), ("2026-11-22", "0.02")]
)
def test_the_later_price_counts(as_of: str | None, usd: str) -> None:
    price = {"price": {"usd": 0.02, "as_of": as_of}} if as_of else {}
    found = renewed(model(KNOWN), model(SAID, **price))
    assert found.price is not None and found.price.parts[0].usd == usd


BY_SIZE = [{"usd": 0.15, "when": {"size": "1K"}}, {"usd": 0.3, "when": {"size": "4K"}}]
BY_SECOND = {"usd": 0.05, "per": "output_second", "of": "duration", "at_most": 30}


@pytest.mark.parametrize(
    ("known", "said", "now", "as_of"),
    [
        ({"parts": BY_SIZE}, {"usd": 0.15}, ["0.15", "0.3"], "2026-11-22"),  # one of its parts
        ({"parts": BY_SIZE}, {"usd": 0.2}, None, None),  # none of them: what 4K costs is not known any more
        ({"parts": BY_SIZE}, {"usd": 0.2, "per": "megapixel"}, ["0.15", "0.3"], "2026-05-01"),
        (BY_SECOND, {"usd": 0.07, "per": "output_second", "of": "duration"}, ["0.07"], "2026-11-22"),
        ({"first": 0.07, "usd": 0.03, "per": "megapixel"}, {"usd": 0.03, "per": "megapixel"}, ["0.03"], "2026-11-22"),
        ({"first": 0.07, "usd": 0.03, "per": "megapixel"}, {"usd": 0.04, "per": "megapixel"}, None, None),
    ],
)  # fmt: skip
def test_one_number_that_is_told_does_not_undo_a_price_of_parts(
    known: dict[str, Any], said: dict[str, Any], now: list[str] | None, as_of: str | None
) -> None:
    before = model(KNOWN, price={**known, "as_of": "2026-05-01"})
    price = renewed(before, model(SAID, price={**said, "as_of": "2026-11-22"})).price
    assert (price and [part.usd for part in price.parts]) == now and (price and price.as_of) == as_of
    if now and known is BY_SECOND and price and before.price:
        assert price.parts[0].reading == before.price.parts[0].reading


@pytest.mark.parametrize(
    ("known", "said", "now"),
    [("preview", "current", "preview"), ("current", "deprecated", "deprecated"), ("current", "current", "current")],
)
def test_a_model_that_is_given_up_is_so_and_an_early_one_stays_early(known: str, said: str, now: str) -> None:
    assert renewed(model(KNOWN, status=known), model(SAID, status=said)).status == now


def test_differences_are_what_an_order_would_meet() -> None:
    before, now = model(KNOWN), renewed(model(KNOWN), model(SAID, price={"usd": 0.02, "as_of": "2026-11-22"}))
    found = differences(before, now)
    assert (found.added, found.removed, list(found.changed)) == (("num", "count"), ("style", "amount"), ["guidance"])
    assert found.price == (before.price, Price((Part("0.02"),), "2026-11-22")) and found.version == ("v1", "v2")
    assert not differences(before, model(KNOWN, price={"usd": 0.010, "as_of": "2026-11-22"})).any
