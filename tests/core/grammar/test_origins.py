"""Of each item, what it came from: one text or entry of each parameter, as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.expansion.plan import Plan
from tests.core.expansion import test_stages
from tests.orders import plan


def bases(found: Plan) -> list[dict[str, Any]]:
    assert found.problems == ()
    return [found.base(item.number) for item in found.items()]


def test_of_a_list_it_is_the_entry_and_of_a_text_the_text_with_its_tokens() -> None:
    found = plan({"prompt": ["a [red,blue] car", "a bus"], "steps": [4, 2], "caption": "of mine"})
    assert bases(found) == [
        {"prompt": prompt, "steps": steps, "caption": "of mine"}
        for prompt in ("a [red,blue] car", "a [red,blue] car", "a bus")
        for steps in (4, 2)
    ]


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("1, 3,9", ["1", "3", "9"]), ("1..3", ["1..3"] * 3), ("7, 1..3 , 4|8", ["7", "1..3", "1..3", "1..3", "4|8"]),
        ("4|8,4|8", ["4|8"]), (5, [5]),
    ],
)  # fmt: skip
def test_of_values_on_one_line_it_is_the_part(written: Any, parts: list[Any]) -> None:
    assert [base["steps"] for base in bases(plan({"prompt": "a car", "steps": written}))] == parts


def test_what_stands_twice_came_from_the_first_and_the_name_is_the_one_that_was_written() -> None:
    found = plan({"prompt": ["a car", "a bus", "a car", "a tram"], "num_inference_steps": 2})
    assert [base["prompt"] for base in bases(found)] == ["a car", "a bus", "a tram"]


def test_a_case_gives_its_own_row() -> None:
    found = plan({"prompt": "a car", "steps": 1}, cases=[{"prompt": ["x", "y"]}, {"steps": 3}])
    assert bases(found) == [{"prompt": "x", "steps": 1}, {"prompt": "y", "steps": 1}, {"prompt": "a car", "steps": 3}]


@pytest.mark.parametrize("keys", [{"sample": 5}, {"exclude": [{"steps": 2}]}, {"count": 3}, {"sample": 4, "count": 2}])
def test_it_is_right_of_a_sample_of_what_is_left_and_of_copies(keys: dict[str, Any]) -> None:
    found = plan({"prompt": ["a {red,blue} [car,bus]", "a tram"], "steps": [1, 2, 3], "num_outputs": [1, 2]}, **keys)
    for item in found.items():
        base, taken = found.base(item.number), {token for _, token, _ in item.tokens}
        assert base["steps"] == item.parameters["steps"]
        assert base["prompt"] == ("a {red,blue} [car,bus]" if "[car,bus]" in taken else "a tram")


WORDS = st.text("abc ", min_size=1, max_size=4).map(lambda word: f"a {word.strip()} b")


@given(st.lists(WORDS, min_size=1, max_size=9), st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_a_plain_entry_is_what_is_sent(prompts: list[str], steps: list[int]) -> None:
    found = plan({"prompt": prompts, "steps": steps})
    for item in found.items():
        base = found.base(item.number)
        assert (base["prompt"], base["steps"]) == (item.parameters["prompt"], item.parameters["steps"])


def test_of_a_later_stage_it_is_the_stage_s_own_also_of_what_came_above_what_was_asked() -> None:
    found = test_stages.plan("a [red,blue] car", *test_stages.TWO, count=2)
    for item in found.items():
        base = found.base(item.number)
        if item.stage is None:
            assert base == {"prompt": "a [red,blue] car"}
            continue
        assert base == found.base(item.number + found.total_items)
        if item.stage == "one":
            assert base == {"prompt": "[oil,ink]", "strength": item.parameters["strength"]}
        if item.stage == "two":
            assert base == {}


def test_of_ten_thousand_it_is_one() -> None:
    found = plan({"prompt": [f"picture {number}" for number in range(10_000)], "steps": [1, 2]})
    assert found.base(20_000) == {"prompt": "picture 9999", "steps": 2}
