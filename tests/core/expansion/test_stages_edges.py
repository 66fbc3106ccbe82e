"""Stages of every kind of model, and the words for what is wrong with one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artfactoryd import schema
from artfactoryd.core.expansion import stages
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.model import Model
from artfactoryd.core.order import read_order
from tests.core.expansion.test_stages import EDITOR, TWO, plan, stage
from tests.orders import MODEL

SIZER = Model.from_mapping(
    {
        "provider": "acme", "model": "acme/sizer", "image": "image",
        "schema": {
            "type": "object", "required": ["image"],
            "properties": {"image": {"type": "string", "format": "uri"}, "width": {"type": "integer"}},
        },
    },
    "sizer.yaml",
)  # fmt: skip

SHARED: dict[str, Any] = {
    "provider": "acme",
    "seed": "seed",
    "schema": {"type": "object", "properties": {"image": {"type": "string"}, "seed": {"type": "integer"}}},
}
TWO_PICTURES = {
    **SHARED,
    "model": "acme/blender",
    "aliases": ["editor"],
    "schema": {"type": "object", "properties": {name: {"type": "string", "format": "uri"} for name in ("one", "two")}},
}


def edited(pictures: dict[str, str], of: list[Model], **parameters: Any) -> list[int | None]:
    """Seeds of a stage after `of`, the last of which takes pictures. `pictures`: the hash of each by its name."""
    models = [{"provider": "acme", "model": each.id.rpartition("/")[2]} for each in of]
    value = {"models": models, "parameters": parameters, "then": [stage()]}
    order = read_order(value, name="cars", project=None)
    found = make_plan(order, of[0], 1, written=lambda path: None, check=schema.check_value, models=of, later=[EDITOR])
    assert found.problems == ()
    return [item.seed for item in replace(found, inputs=pictures).items() if item.stage]


def test_a_stage_without_seeds_is_the_same_for_each_product_but_for_what_it_is_fed_with() -> None:
    found = list(plan("a [red,blue] car", stage(parameters={"width": [10, 20]}), of=SIZER).items())
    told = [(item.number, item.first_index, item.parent, item.seed, item.parameters) for item in found[2:]]
    assert told == [
        (3 + n, 3 + n, parent, None, {"width": width, "image": f"product {parent}"})
        for n, (parent, width) in enumerate([(1, 10), (1, 20), (2, 10), (2, 20)])
    ]


def test_a_price_that_is_not_known_in_a_stage_is_not_known_of_the_whole() -> None:
    found: Plan = plan("a car", stage(parameters={"width": 10}), of=SIZER)
    assert (stages.price_of(found, found.stages[0]), found.total_price()) == (None, None)


def test_each_item_has_the_parameters_of_its_stage() -> None:
    items = [item for item in plan("a car", *TWO).items() if item.stage == "one"]
    assert [(item.parameters["prompt"], item.parameters["strength"]) for item in items] == [
        (prompt, strength) for prompt in ("oil", "ink") for strength in (1, 2, 3)
    ]


def test_an_order_of_today_gets_the_seeds_of_today_for_ever() -> None:
    seeds = [item.seed for item in plan("a [red,blue] car", stage(id="oil")).items() if item.stage]
    assert seeds == [1383200414, 558950508]


def test_what_is_raw_in_the_order_is_not_raw_in_its_stages() -> None:
    found = plan("a [red,blue] car", stage(parameters={"prompt": "[oil,ink]"}), raw=["prompt"])
    assert [item.parameters["prompt"] for item in found.items()] == ["a [red,blue] car", "oil", "ink"]


def test_a_stage_follows_the_one_before_unless_it_says_otherwise() -> None:
    then = (stage(id="a"), stage(id="b"), stage(id="c"), stage(id="d", after="a"))
    items = list(plan("a car", *then).items())
    assert [(item.stage, item.parent) for item in items[1:]] == [("a", 1), ("b", 2), ("c", 3), ("d", 2)]


def test_the_seeds_of_a_stage_go_by_the_bytes_of_the_pictures_and_not_by_their_names() -> None:
    same = [edited({name: "X"}, [EDITOR], image=name) for name in ("a.png", "b.png")]
    assert same[0] == same[1] != edited({"a.png": "Y"}, [EDITOR], image="a.png")


def test_of_several_models_each_has_pictures_of_its_own() -> None:
    painter = Model.from_mapping({**SHARED, "model": "acme/painter"}, "painter.yaml")
    pictures = Model.from_mapping({**SHARED, "model": "acme/pictures", "image": "image"}, "pictures.yaml")
    both = [painter, pictures]
    same = [edited({name: "X"}, both, image=name) for name in ("a.png", "b.png")]
    assert same[0][1] == same[1][1] and same[0][0] != same[1][0]


def test_a_text_that_is_written_like_the_name_of_a_picture_is_no_picture() -> None:
    seeds = [edited({"a.png": "X"}, [EDITOR], image="a.png", prompt=prompt, seed=7) for prompt in ("a.png", "X")]
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize(
    ("then", "of", "message", "fix"),
    [
        ([stage(after="up")], EDITOR, "no stage 'up' comes before this.", "It is the first: leave `after` out."),
        ([stage(id="a"), stage(id="b"), stage(after="up")], EDITOR, "no stage 'up' comes before this.",
         "Before it come: a, b."),
        ([stage(id="a"), stage(id="a")], EDITOR, "there are two stages 'a'.", "Call one of them otherwise."),
        ([stage(input="three")], Model.from_mapping(TWO_PICTURES, "blender.yaml"),
         "acme/blender cannot be fed: three takes no picture.", "It takes one, two."),
        ([stage(input="prompt")], EDITOR, "acme/editor cannot be fed: prompt takes no picture.", "It takes image."),
        ([stage()], MODEL, "acme/painter cannot be fed: it takes no picture.", "Choose one that works on pictures."),
        ([stage(parameters={"image": "a"})], EDITOR, "image is what this stage is fed with, and it is written as well.",
         "Take it out of the parameters."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_stage_is_told_with_the_way_out(
    then: list[dict[str, Any]], of: Model, message: str, fix: str
) -> None:
    (problem,) = plan("a car", *then, of=of).problems
    assert (problem.code, problem.message, problem.fix) == ("E_STAGE", message, fix)
