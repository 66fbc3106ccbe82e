"""When two items are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artfactoryd.core.expansion.item_keys import Keys, difference
from artfactoryd.core.model import Model
from tests.orders import MODEL, model, plan

CAR = {"prompt": "a car", "seed": 7}
SINGLE = model(batch=None)  # each copy is a call of its own
EDITOR = model(image="image", schema={"properties": {**MODEL.properties, "image": {"type": "string"}}})


def keys(
    parameters: dict[str, Any], of: Model = MODEL, inputs: dict[str, str] | None = None, **order: Any
) -> list[str]:
    found = replace(plan(parameters, of, **order), inputs=inputs or {})
    return [Keys(found).of(item) for item in found.items()]


def test_equal_items_have_equal_keys_whatever_else_the_order_says() -> None:
    assert keys(CAR) == keys(dict(reversed(CAR.items())), tags=["x"], notes="x", name="boats", project="y", priority=3)
    assert keys(CAR)[0] in keys({"prompt": "a [red ,blue ,]car", "seed": 7})
    assert len(set(keys({"prompt": "a [red,blue] car"}, count=9))) == 6


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 8},
        {"prompt": "a  car"},
        {"steps": 4},
        {"num_outputs": 1},
        {"guidance": 3.5},
    ],
)
def test_whatever_is_sent_makes_another_key(other: dict[str, Any]) -> None:
    assert keys({**CAR, **other}) != keys(CAR)


def test_another_copy_version_model_or_provider_makes_another_key() -> None:
    assert keys(CAR, SINGLE, count=2)[1] != keys({**CAR, "seed": 8}, SINGLE)[0]
    for other in (model(model="acme/painter:v2"), model(model="acme/other:v1"), model(provider="other")):
        assert keys(CAR, other) != keys(CAR)


def test_a_picture_is_its_bytes() -> None:
    one = keys({**CAR, "image": "a.png"}, EDITOR, {"a.png": "1" * 64})
    assert one == keys({**CAR, "image": "inputs/b.png"}, EDITOR, {"inputs/b.png": "1" * 64})
    assert one != keys({**CAR, "image": "a.png"}, EDITOR, {"a.png": "2" * 64})


def test_half_a_surrogate_has_a_key_too() -> None:
    assert keys({**CAR, "prompt": "\ud83d"}) != keys(CAR)


def test_what_differs_is_named() -> None:
    assert difference({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}, MODEL, "v1") == ["b", "c"]
    assert difference({"a": 1}, {"a": 1}, MODEL, "v0") == ["model version"]
