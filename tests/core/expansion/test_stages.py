"""What later stages come to: counted, priced and seeded before anything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artfactoryd import schema
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.model import Model
from artfactoryd.core.order import read_order
from artfactoryd.core.pricing.price import Part, Price
from tests.orders import MODEL

EDITOR = Model.from_mapping(
    {
        "provider": "acme", "model": "acme/editor", "image": "image", "seed": "seed", "text": ["prompt"],
        "schema": {
            "type": "object", "required": ["image"],
            "properties": {
                "image": {"type": "string", "format": "uri"}, "prompt": {"type": "string"},
                "strength": {"type": "integer"}, "seed": {"type": "integer", "minimum": 0},
            },
        },
        "price": {"usd": 0.02, "per": "image"},
    },
    "editor.yaml",
)  # fmt: skip


def stage(**keys: Any) -> dict[str, Any]:
    return {"provider": "acme", "model": "editor", **keys}


def plan(prompt: str, *then: dict[str, Any], of: Model = EDITOR, **keys: Any) -> Plan:
    value = {"provider": "acme", "model": "painter", "parameters": {"prompt": prompt}, "then": list(then), **keys}
    assert schema.check_mapping(value, "order") == []
    order = read_order(value, name="cars", project=None)
    later = [of] * len(then)
    return make_plan(order, MODEL, 1, written=lambda path: None, check=schema.check_value, later=later)


TWO = (stage(id="one", parameters={"prompt": "[oil,ink]", "strength": [1, 2, 3]}), stage(id="two", after="one"))


def test_stages_are_counted_and_priced_as_if_everything_came() -> None:
    found = plan("a [red,blue] car", *TWO, count=2)
    assert found.problems == ()
    items = list(found.items())
    assert [item.number for item in items] == list(range(1, found.total_items + 1))
    assert sum(item.asked for item in items) == found.total_products == 4 + 4 * 6 + 24
    assert items[-1].first_index == found.total_products
    assert found.total_price() == sum(item.upper for item in items) == 4 * 3_000 + 48 * 20_000


@pytest.mark.parametrize("done", [0, 1, 2, 3, 7, 25])
def test_items_go_on_from_any_of_them(done: int) -> None:
    found = plan("a [red,blue] car", *TWO)
    items = list(found.items())
    last = items[done - 1] if done else None
    assert list(found.items(done + 1, last.first_index + last.asked if last else 1)) == items[done:]


def test_each_is_fed_with_its_own_product_and_has_a_seed_of_its_own() -> None:
    items = list(plan("a [red,blue] car", *TWO).items())
    assert [item.parameters["image"] for item in items[2:14]] == ["product 1"] * 6 + ["product 2"] * 6
    assert [item.parent for item in items[14:]] == list(range(3, 15))
    assert len({item.seed for item in items}) == len(items)


def test_a_value_more_changes_no_seed_of_what_was_there() -> None:
    def seeds(prompt: str) -> set[int | None]:
        return {item.seed for item in plan(prompt, *TWO).items() if item.stage}

    assert seeds("a [red,blue] car") < seeds("a [green,red,blue] car")


@pytest.mark.parametrize(
    ("then", "path", "words"),
    [
        ([stage(after="up")], ("then", 0, "after"), "no stage 'up' comes before this"),
        ([stage(id="a"), stage(id="a")], ("then", 1), "two stages 'a'"),
        ([stage(input="prompt")], ("then", 0, "input"), "takes no picture"),
        ([stage(parameters={"image": "a.png"})], ("then", 0, "parameters"), "it is written as well"),
        ([stage(parameters={"strength": "much"})], ("then", 0, "parameters", "strength"), ""),
        ([stage(keep=False)], ("then", 0, "keep"), "nothing is made of them"),
        ([stage(id="a"), stage(id="b", keep=False), stage(after="a")], ("then", 1, "keep"), "nothing is made of them"),
        ([stage(id="a", keep=False), stage(wait="liked")], ("then", 1, "wait"), "nobody can like them"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_stage_is_told_where_it_stands(
    then: list[dict[str, Any]], path: tuple[Any, ...], words: str
) -> None:
    (problem,) = plan("a car", *then).problems
    assert problem.path == path
    assert words in problem.message


SIZED = {
    **EDITOR.schema["properties"], "width": {"type": "integer"}, "height": {"type": "integer"},
    "num_outputs": {"type": "integer", "minimum": 1, "maximum": 4},
}  # fmt: skip


@pytest.mark.parametrize(("per", "drawn", "known"), [
    ("image", {"width": "64|32"}, True), ("megapixel", {"width": "64|32", "height": 64}, False),
    ("image", {"num_outputs": "1|2"}, False), ("megapixel", {"strength": "1|2", "width": 64, "height": 64}, True),
])  # fmt: skip
def test_what_is_drawn_in_a_stage_must_not_change_its_price(per: str, drawn: dict[str, Any], known: bool) -> None:
    schema = {**EDITOR.schema, "properties": SIZED}
    editor = replace(EDITOR, schema=schema, batch="num_outputs", price=Price((Part("0.02", per),)))
    found = plan("a [red,blue] car", stage(parameters=drawn), of=editor)
    told = [(each.code, each.path) for each in found.problems]
    assert told == ([] if known else [("E_STAGE", ("then", 0, "parameters"))])
    if known:
        items = list(found.items())
        assert len(items) == found.total_items == found.total_products == 4
        assert found.total_price() == sum(item.upper for item in items)


def test_a_model_that_takes_no_picture_cannot_be_fed() -> None:
    (problem,) = plan("a car", stage(), of=MODEL).problems
    assert (problem.code, problem.path) == ("E_STAGE", ("then", 0, "model"))
