"""`size`, `aspect`, `megapixels` and `image` of any model: in the plan they are its own parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model
from artfactoryd.planning.models import shipped_models
from tests.orders import model, plan, plan_text, sets, told

CATALOG = Catalog(shipped_models()[0])


def shipped(provider: str, name: str) -> Model:
    found = CATALOG.find(provider, name)
    assert found is not None
    return found


FAL, REPLICATE = shipped("fal", "flux-2-pro"), shipped("replicate", "flux-schnell")
SEEDREAM, EDIT = shipped("replicate", "seedream-4.5"), shipped("fal", "nano-banana-pro-edit")


@pytest.mark.parametrize(
    ("of", "written", "made"),
    [
        (FAL, {"size": "1024x1536"}, [{"image_size": {"width": 1024, "height": 1536}}]),
        (FAL, {"size": ["512x512", "64x32"]}, [{"image_size": {"width": 512, "height": 512}},
                                               {"image_size": {"width": 64, "height": 32}}]),
        (FAL, {"aspect": ["4:3", "1:1"]}, [{"image_size": "landscape_4_3"}, {"image_size": "square_hd"}]),
        (REPLICATE, {"aspect": "3:2", "megapixels": 1}, [{"aspect_ratio": "3:2", "megapixels": "1"}]),
        (REPLICATE, {"aspect": ["3:2", "1:1"], "megapixels": 0.25}, [
            {"aspect_ratio": "3:2", "megapixels": "0.25"}, {"aspect_ratio": "1:1", "megapixels": "0.25"},
        ]),
        (REPLICATE, {"megapixels": "0.25"}, [{"megapixels": "0.25"}]),
        (SEEDREAM, {"size": "2K"}, [{"size": "2K"}]),
        (SEEDREAM, {"size": ["2K", "4K"]}, [{"size": "2K"}, {"size": "4K"}]),
        (EDIT, {"image": "beach.png"}, [{"image_urls": ["beach.png"]}]),
    ],
)  # fmt: skip
def test_a_shared_word_is_the_models_own(of: Model, written: dict[str, Any], made: list[dict[str, Any]]) -> None:
    found = plan({"prompt": "a", **written}, of=of)
    assert (found.problems, found.warnings) == ((), ())
    assert [{name: value for name, value in each.items() if name != "prompt"} for each in sets(found)] == made


def test_a_shape_that_is_missed_by_more_than_a_tenth_is_held() -> None:
    found = plan({"prompt": "a", "size": "1024x1536"}, of=REPLICATE)
    [warning] = found.warnings
    assert (warning.code, warning.holds, warning.path[:2]) == ("W_SHAPE", True, ("parameters", "size"))
    assert 'aspect_ratio: "2:3", megapixels: "1"' in warning.message and "1 megapixels for 1.6" in warning.message
    assert plan({"prompt": "a", "aspect": "2:1"}, of=REPLICATE).warnings[0].code == "W_SHAPE"


@pytest.mark.parametrize(
    ("written", "of", "code", "key"),
    [
        ({"size": "1x1", "aspect": "3:2"}, FAL, "E_PARAMETER", "parameters.aspect"),
        ({"aspect": "3:2", "image_size": "square"}, FAL, "E_PARAMETER", "parameters.aspect"),
        ({"aspect": "wide"}, FAL, "E_VALUE", "parameters.aspect"),
        ({"aspect": ["3:2", "wide"]}, FAL, "E_VALUE", "parameters.aspect.1"),
        ({"size": ["300x300", "400x500"]}, shipped("replicate", "sdxl"), "E_VALUE", "parameters.size"),
        ({"size": "300x300"}, shipped("fal", "recraft-crisp"), "E_PARAMETER", "parameters.size"),
    ],
)
def test_what_cannot_be_meant_is_an_error(written: dict[str, Any], of: Model, code: str, key: str) -> None:
    found = plan({"prompt": "a", **written}, of=of)
    assert (code, key) in [(problem[0], problem[1]) for problem in told(found.problems)]


def test_shapes_that_come_to_the_same_are_told() -> None:
    found = plan({"prompt": "a", "aspect": ["3:2", "300:200"]}, of=REPLICATE)
    assert found.total_items == 1 and [warning.code for warning in found.warnings] == ["W_DUP"]


@pytest.mark.parametrize(
    ("parameters", "keys", "made"),
    [
        ({}, {"cases": [{"aspect": "3:2"}, {"aspect": "1:1", "megapixels": 0.25}]}, [("3:2", None), ("1:1", "0.25")]),
        ({}, {"cases": [{"size": "S"}, {"size": "L"}], "file": "{index}-{size}"}, [(None, None)] * 2),
        ({"prompt": "[=size]"}, {"cases": [{"size": "64x64"}]}, [(None, None)]),
        ({"aspect": ["3:2", "1:1", "2:3"]}, {"exclude": [{"aspect": ["1:1", "2:3"]}]}, [("3:2", None)]),
    ],
)  # fmt: skip
def test_it_may_stand_in_cases_and_in_what_is_left_out(
    parameters: dict[str, Any], keys: dict[str, Any], made: list[tuple[str | None, str | None]]
) -> None:
    found = plan({"prompt": "a", **parameters}, of=REPLICATE, **keys)
    assert (found.problems, found.warnings) == ((), ())
    assert [(one.get("aspect_ratio"), one.get("megapixels")) for one in sets(found)] == made


def test_it_costs_what_its_own_parameters_do_and_has_their_key() -> None:
    assert plan({"prompt": "a", "size": "1000x2000"}, of=FAL).total_price() == 60_000
    own = plan({"prompt": "a", "image_size": {"width": 1000, "height": 2000}}, of=FAL)
    assert sets(plan({"prompt": "a", "size": "1000x2000"}, of=FAL)) == sets(own)


def test_a_model_with_words_of_its_own_keeps_them() -> None:
    assert sets(plan_text("prompt: a\nsize: wide")) == [{"prompt": "a", "size": "wide"}]
    mine = model(synonyms={"size": "scale"})
    assert sets(plan({"prompt": "a", "size": 2}, of=mine)) == [{"prompt": "a", "scale": 2}]


def test_one_order_over_six_models_of_two_providers_costs_what_was_worked_out_by_hand() -> None:
    """A picture of 0.96 megapixels, and one made of each: 0.06 + 0.15 + 0.04 and 0.045 + 0.04 + 0.04 dollars."""
    names = [("fal", "flux-2-pro-edit"), ("fal", "nano-banana-pro-edit"), ("fal", "kontext-pro"),
             ("replicate", "flux-2-pro"), ("replicate", "seedream-4.5"), ("replicate", "flux-kontext-pro")]  # fmt: skip
    found = plan({"prompt": "night", "image": "beach.png", "aspect": "3:2"}, of=[shipped(*name) for name in names])
    assert (found.problems, found.warnings, found.total_items) == ((), (), 6)
    whole = replace(found, input_sizes={"beach.png": (1200, 800)})
    assert [item.upper for item in whole.items()] == [60_000, 150_000, 40_000, 45_000, 40_000, 40_000]
