"""What was most likely not meant holds the order; what looks alike and is meant does not."""

from __future__ import annotations

import difflib
from typing import Any
from unittest.mock import patch

import pytest

from tests.orders import model, plan, prompts, told

NESTED = {"multi_prompt": {"type": "array", "items": {"type": "object"}}, "prompts": {"type": "array"}}
FILM = model(schema={"type": "object", "properties": {"prompt": {"type": "string"}, **NESTED}})


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ('a ["red","blue"] car', ("W_QUOTED", 4)), ("a [red,“dark blue”] car", ("W_QUOTED", 8)),
        ("a [~'red',blue] car", ("W_QUOTED", 5)), ('{"scene": ["a","b"], "n": [1,2]}', ("W_JSON", 11)),
        ('["a","b"]', ("W_QUOTED", 2)), ("[xyz] car", ("W_SINGLE", 1)),
    ],
)  # fmt: skip
def test_a_likely_slip_in_a_text_holds_and_is_told_once(prompt: str, wanted: tuple[str, int]) -> None:
    (warning,) = plan({"prompt": prompt}).warnings
    assert ((warning.code, warning.column_in_value), warning.holds) == (wanted, True)
    assert warning.message.endswith(".") and warning.fix.endswith(".")


@pytest.mark.parametrize(
    "prompt",
    ['a "red, blue" car', "[rock 'n' roll,jazz] band", '{"scene": "a [red,blue] car", "n": 1}', "[\\red] car", '[a,"]'],
)
def test_what_only_looks_like_one_does_not(prompt: str) -> None:
    assert plan({"prompt": prompt}).warnings == ()


@pytest.mark.parametrize(
    ("name", "value", "keys"),
    [
        ("multi_prompt", [{"prompt": "a cat", "duration": 5}, {"prompt": "a [red,blue] car"}], ("1", "prompt")),
        ("prompts", ["a [=hue]"], ("0",)), ("multi_prompt", {"shots": [{"text": "[a,b]"}]}, ("shots", "0", "text")),
    ],
)  # fmt: skip
def test_tokens_where_nothing_is_expanded_hold(name: str, value: Any, keys: tuple[str, ...]) -> None:
    found = plan({"prompt": "x", name: value}, FILM)
    assert told(found.warnings) == [("W_NESTED", f"parameters.{name}.{'.'.join(keys)}", None)]
    assert found.warnings[0].holds and plan({"prompt": "x", name: value}, FILM, raw=[name]).warnings == ()


def test_a_draw_that_stands_in_a_list_twice_is_one() -> None:
    found = plan({"prompt": "x", "steps": "4|8,4|8,8|4"})
    assert told(found.warnings) == [("W_DUP", "parameters.steps", 5)] and found.total_items == 2


@pytest.mark.parametrize("known", [["wildcards/hair"], ["hairs"], ["wildcards/deep/Hair", "x"]])
def test_a_lookup_in_a_folder_is_named_to_who_wrote_its_last_word_alone(known: list[str]) -> None:
    warning = plan({"prompt": "[hair]"}, lookups={name: ["a"] for name in known}).warnings[0]
    assert f"Did you mean [{known[0]}]?" in warning.fix


def test_a_lone_word_holds_no_order_that_costs_nothing() -> None:
    from artfactoryd.core.expansion.hold_reasons import reasons_to_hold

    for keys, held in (({}, 1), ({"rehearse": True}, 0), ({"warnings": "ok"}, 0)):
        found = plan({"prompt": "[hair]"}, **keys)
        assert len(reasons_to_hold(found, most_products=9, cap=10**9)) == held and prompts(found) == ["hair"]


def test_the_nearest_of_many_lookups_is_looked_for_few_words_alone() -> None:
    """Each search is through all names: thousands of wildcards, and hundreds of words that are none."""
    names = [f"wildcards/name {number}" for number in range(50)]
    words = " ".join(f"[nam {number} x]" for number in range(300))
    with patch.object(difflib, "get_close_matches", wraps=difflib.get_close_matches) as sought:
        found = plan({"prompt": words}, lookups={name: ["a"] for name in names})
    assert sought.call_count <= 20 < len(found.warnings)
