from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.expansion.expand import MOST_PROBLEMS
from tests.orders import MODEL, model, plan, plan_text, prompts, sets, told

BARE = model(schema={"type": "object", "properties": {}}, text=None)


def values(parameters: str, name: str, **keys: Any) -> list[Any]:
    """What one parameter becomes, in the order of the items."""
    found = plan_text(f"prompt: x\n{parameters}", **keys)
    assert found.problems == ()
    return [item.parameters.get(name) for item in found.items()]


def wrong(parameters: str, **keys: Any) -> list[tuple[str, str, int | None]]:
    return told(plan_text(parameters, **keys).problems)


# --- order ---


def test_texts_are_slower_than_lists_and_the_earlier_written_slower_than_the_later() -> None:
    found = plan_text('steps: "4,8"\nnegative_prompt: "[m,n]"\nguidance: "1,2"\nprompt: "[a,b]"')
    names = ("negative_prompt", "prompt", "steps", "guidance")
    wanted = [(n, p, s, g) for n in "mn" for p in "ab" for s in (4, 8) for g in (1, 2)]
    assert [tuple(each[name] for name in names) for each in sets(found)] == wanted


def test_a_list_of_texts_is_the_slowest_choice_of_its_parameter() -> None:
    found = plan_text('prompt:\n  - "a [red,blue] dog"\n  - a cat\nnegative_prompt: "[x,y]"')
    assert [(each["prompt"], each["negative_prompt"]) for each in sets(found)] == [
        (p, n) for p in ("a red dog", "a blue dog", "a cat") for n in "xy"
    ]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_any_text_of_a_list_is_found_at_its_place(sizes: list[int]) -> None:
    texts = [f"{place} [{','.join('abcd'[:size])},]" for place, size in enumerate(sizes)]
    wanted = [f"{place} {option}" for place, size in enumerate(sizes) for option in [*"abcd"[:size], ""]]
    (axis, *_) = plan({"prompt": texts}).axes
    assert [axis.shown(place) for place in range(axis.size)] == wanted


# --- texts ---


@pytest.mark.parametrize(
    ("written", "prompt"),
    [("007", "007"), ("3.10", "3.10"), ("1e3", "1e3"), ("true", "true"), ("No", "No"),
     ('"a, b 1..3 4|8"', "a, b 1..3 4|8"),
     ("[007, 1.50]", "007")],
)  # fmt: skip
def test_a_number_or_boolean_written_for_a_text_is_its_characters(written: str, prompt: str) -> None:
    assert prompts(plan_text(f"prompt: {written}"))[0] == prompt


def test_repeated_texts_are_dropped_with_a_warning_at_the_later_one() -> None:
    found = plan_text("prompt: [a cat, a dog, a cat]")
    assert prompts(found) == ["a cat", "a dog"]
    assert told(found.warnings) == [("W_DUP", "parameters.prompt.2", 1)]


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        ("prompt: [a, null, [b], {c: d}]", [("E_TYPE", f"parameters.prompt.{n}", 1) for n in (1, 2, 3)]),
        ("prompt: {a: b}", [("E_TYPE", "parameters.prompt", 1)]),
        ("prompt: []", [("E_EMPTY_ITEM", "parameters.prompt", 1)]),
        ('prompt: ["[a", "b]"]', [("E_UNCLOSED", "parameters.prompt.0", 1), ("E_UNOPENED", "parameters.prompt.1", 2)]),
    ],
)
def test_what_is_no_text_is_told_where_it_stands(parameters: str, problems: list[Any]) -> None:
    assert wrong(parameters) == problems


def test_the_lengths_a_schema_allows_hold_for_the_longest_and_the_shortest_text() -> None:
    assert wrong('prompt: x\ntitle: "car [one,two]"') == []
    assert wrong('prompt: x\ntitle: "car [one,three]"') == [("E_VALUE", "parameters.title", 1)]
    assert wrong('prompt: x\ntitle: "x[,yy]"') == [("E_VALUE", "parameters.title", 1)]
    assert wrong('prompt: x\ntitle: "car [one,three]"', validate=False) == []


# --- lists ---


@pytest.mark.parametrize(
    ("parameters", "name", "found"),
    [
        ('steps: "2,4"', "steps", [2, 4]), ("steps: [2, 4]", "steps", [2, 4]), ("steps: 010", "steps", [10]),
        ("steps: 0x10", "steps", [16]), ("steps: 3.0", "steps", [3]), ('steps: ["3.0"]', "steps", [3]),
        ("guidance: 1e-4", "guidance", [0.0001]), ("guidance: .5", "guidance", [0.5]),
        ("guidance: 3.0", "guidance", [3]),
        ("hires: [true, False]", "hires", [True, False]), ('hires: "true,false"', "hires", [True, False]),
        ('aspect_ratio: "16:9, 1:1"', "aspect_ratio", ["16:9", "1:1"]),
        ("aspect_ratio: 16:9", "aspect_ratio", ["16:9"]),
        ('aspect_ratio: "a, b"', "aspect_ratio", ["a, b"]),
        ('aspect_ratio: "a\\\\, b,1:1"', "aspect_ratio", ["a, b", "1:1"]),
        ('scale: "1, 4.0"', "scale", [1, 4]), ("scale: 2", "scale", [2]),
        ("caption: Hello, world", "caption", ["Hello, world"]), ("caption: [a, 007]", "caption", ["a", "007"]),
        ("caption: yes", "caption", ["yes"]), ("caption: true", "caption", ["true"]),
        ('caption: "1..3"', "caption", ["1..3"]),
        ("loras: [a, b]", "loras", [["a", "b"]]), ("loras: [[a], [b, c]]", "loras", [["a"], ["b", "c"]]),
        ("loras: []", "loras", [[]]), ("size: {w: 1}", "size", [{"w": 1}]), ("size: square", "size", ["square"]),
        ("size: [square, {w: 1}]", "size", ["square", {"w": 1}]), ("either: 4", "either", [4]),
        ('either: "4, 5"', "either", ["4, 5"]), ("steps: null", "steps", [None]), ("steps: ~", "steps", [None]),
    ],
)  # fmt: skip
def test_a_value_is_typed_by_its_schema(parameters: str, name: str, found: list[Any]) -> None:
    got = values(parameters, name)
    assert [(each, type(each)) for each in got] == [(each, type(each)) for each in found]


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        ('steps: "4,abc, 2.5"', [("E_TYPE", "parameters.steps", 3), ("E_TYPE", "parameters.steps", 8)]),
        ('steps: "4,,99"', [("E_EMPTY_ITEM", "parameters.steps", 3), ("E_VALUE", "parameters.steps", 4)]),
        ("steps: [4, x, null, [5]]", [("E_TYPE", f"parameters.steps.{place}", 1) for place in (1, 2, 3)]),
        ("steps: true", [("E_TYPE", "parameters.steps", 1)]),
        ("steps: []", [("E_EMPTY_ITEM", "parameters.steps", 1)]),
        ("hires: 1", [("E_TYPE", "parameters.hires", 1)]),
        ("aspect_ratio: 2:1", [("E_TYPE", "parameters.aspect_ratio", 1)]),
        ("guidance: 11", [("E_VALUE", "parameters.guidance", None)]),
        ("caption: {a: b}", [("E_TYPE", "parameters.caption", 1)]),
        ("loras: a", [("E_VALUE", "parameters.loras", None)]), ('seed: "7,-2"', [("E_VALUE", "parameters.seed", 3)]),
        ("either: 4.5", [("E_VALUE", "parameters.either", None)]),
        ('guidance: "²,3"', [("E_TYPE", "parameters.guidance", 1)]),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_column(parameters: str, problems: list[Any]) -> None:
    assert wrong(f"prompt: x\n{parameters}") == problems


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("aspect_ratio: 16-9", "one of 1:1, 16:9"), ("aspect_ratio: 16-9", "Did you mean 16:9?"),
        ("steps: 99", "50"), ("steps: four", "a whole number"), ("hires: maybe", "true or false"),
        ("step: 4", "Did you mean steps?"), ("zzz: 4", "painter has: prompt, "),
        (f"steps: {'x' * 5000}", "xxx…"),
    ],
)  # fmt: skip
def test_a_problem_says_what_is_allowed(parameters: str, words: str) -> None:
    (problem,) = plan_text(f"prompt: x\n{parameters}").problems
    assert words in str(problem)
    assert len(str(problem)) < 400


def test_repeated_values_are_dropped_by_what_they_are_not_by_how_they_are_written() -> None:
    found = plan_text('prompt: x\nguidance: "3, 3.0,2.5,30e-1"')
    assert [each["guidance"] for each in sets(found)] == [3, 2.5]
    assert told(found.warnings) == [("W_DUP", "parameters.guidance", 4), ("W_DUP", "parameters.guidance", 12)]


@pytest.mark.parametrize("written", ["3,5", "-3,5", " 3,5 "])
def test_a_decimal_comma_is_warned_of(written: str) -> None:
    found = plan_text(f'prompt: x\nshift: "{written}"')
    assert told(found.warnings) == [("W_DECIMAL_COMMA", "parameters.shift", 1)]
    assert found.total_items == 2


@pytest.mark.parametrize(
    "parameters", ['steps: "3,5"', 'guidance: "3, 5"', 'guidance: "3,5,7"', 'guidance: "9.5,1"', 'guidance: "10,5"']
)
def test_a_list_that_cannot_be_one_decimal_number_is_no_decimal_comma(parameters: str) -> None:
    assert plan_text(f"prompt: x\n{parameters}").warnings == ()


# --- ranges and draws ---


def test_a_range_is_typed_and_checked() -> None:
    assert values('shift: "-1..1"', "shift") == [-1, 0, 1]
    assert values('scale: "1, 2..4..2"', "scale") == [1, 2, 4]
    assert wrong('prompt: x\nsteps: "1..60"') == [("E_VALUE", "parameters.steps", 1)]
    assert wrong('prompt: x\nsteps: "2, 1..2..0.5"') == [("E_TYPE", "parameters.steps", 4)]
    assert wrong('prompt: x\nscale: "1..4"') == [("E_TYPE", "parameters.scale", 1)]


def test_a_long_range_is_never_written_out() -> None:
    found = plan_text('prompt: x\nseed: "0..2000000000"')
    assert (found.problems, found.total_items) == ((), 2_000_000_001)
    assert found.item(1_500_000_001).parameters["seed"] == 1_500_000_000
    assert wrong('prompt: x\nseed: "7,0..2000000"') == [("E_TOO_LARGE", "parameters.seed", 3)]
    assert wrong('prompt: x\nseed: "2147483647..2147490000"') == [("E_VALUE", "parameters.seed", 1)]


def test_a_range_that_repeats_a_value_drops_it() -> None:
    found = plan_text('prompt: x\nsteps: "4, 2..5"')
    assert [each["steps"] for each in sets(found)] == [4, 2, 3, 5]
    assert told(found.warnings) == [("W_DUP", "parameters.steps", 4)]


def test_a_drawn_value_is_typed_and_checked() -> None:
    assert set(values('hires: "true|false"', "hires")) <= {True, False}
    assert wrong('prompt: x\nsteps: "1, 4|x"') == [("E_TYPE", "parameters.steps", 4)]
    assert wrong('prompt: x\nsteps: "4|99"') == [("E_VALUE", "parameters.steps", 1)]
    assert told(plan_text('prompt: x\nsteps: "4|4.0|5"').warnings) == [("W_DUP", "parameters.steps", 1)]


# --- raw ---


def test_raw_switches_the_reading_of_strings_off_and_checks_their_types() -> None:
    assert prompts(plan_text('prompt: !raw "a [b] || c"')) == ["a [b] || c"]
    assert prompts(plan_text('prompt: ["a [b,c]", !raw "a [b]"]')) == ["a b", "a c", "a [b]"]
    assert prompts(plan_text('prompt: !raw ["[a]", "b]"]')) == ["[a]", "b]"]
    assert prompts(plan_text('prompt: "[x"', raw=["prompt"])) == ["[x"]
    assert values('aspect_ratio: !raw "a, b"', "aspect_ratio") == ["a, b"]
    assert values("cfg: 2", "guidance", raw=["cfg"]) == [2]
    assert wrong('prompt: x\nsteps: !raw "4,8"') == [("E_TYPE", "parameters.steps", 1)]
    assert values("steps: !raw [4, 8]", "steps") == [4, 8]


def test_nothing_is_said_about_what_stands_in_a_raw_text() -> None:
    assert plan_text('prompt: !raw "__x__ (a:1.2) [a|b] [c]"').warnings == ()


# --- sub-prompts ---


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        ('prompt: a\nnegative_prompt: "x||y"', [("E_SUBPROMPT_COUNT", "parameters.negative_prompt", 1)]),
        ('prompt: [a||b, c]\nnegative_prompt: "x||y"', [("E_SUBPROMPT_COUNT", "parameters.negative_prompt", 1)]),
        ('prompt: a||b\nnegative_prompt: [m, "x||y||z"]', [("E_SUBPROMPT_COUNT", "parameters.negative_prompt.1", 1)]),
        ('negative_prompt: a||b||c\nprompt: a||b', [("E_SUBPROMPT_COUNT", "parameters.negative_prompt", 1)]),
        ('prompt: a||b\nnegative_prompt: !raw "x||y||z"', []),
    ],
)  # fmt: skip
def test_the_prompt_sets_the_number_of_sub_prompts(parameters: str, problems: list[Any]) -> None:
    assert wrong(parameters) == problems


def test_texts_of_a_list_may_have_different_numbers_of_sub_prompts() -> None:
    found = plan_text('negative_prompt: "[m,n]"\nprompt: ["[a,b]||c", "d"]\nsteps: "1,2"')
    wanted = [(n, p, s) for n in "mn" for p in ("a", "c", "b", "c", "d") for s in (1, 2)]
    assert [(each["negative_prompt"], each["prompt"], each["steps"]) for each in sets(found)] == wanted
    items = list(found.items())
    assert [found.item(n) for n in range(1, 21)] == items


# --- names ---


def test_a_synonym_is_the_models_own_name() -> None:
    assert values('cfg: "1,2"', "guidance") == [1, 2]


@pytest.mark.parametrize("names", [("cfg", "guidance"), ("guidance", "cfg"), ("cfg", "guidance_scale")])
def test_one_parameter_under_two_names_is_an_error_at_the_second(names: tuple[str, str]) -> None:
    found = plan_text(f"prompt: x\n{names[0]}: 1\n{names[1]}: 2")
    assert told(found.problems) == [("E_PARAMETER", f"parameters.{names[1]}", None)]
    assert names[0] in found.problems[0].message


def test_a_name_left_out_by_null_does_not_stand_in_the_way_of_its_synonym() -> None:
    assert values("guidance: null\ncfg: 2", "guidance") == [2]


@pytest.mark.parametrize("parameters", ["steps: 4", "prompt: null\nsteps: 4", "{}"])
def test_a_required_parameter_that_is_not_given_is_an_error(parameters: str) -> None:
    assert ("E_REQUIRED", "parameters", None) in wrong(parameters)


def test_all_problems_of_an_order_are_told_at_once() -> None:
    text = 'prompt: "[a"\nnegative_prompt: "b]"\nsteps: "4,x"\nzzz: 1\nguidance: 99'
    assert [code for code, _, _ in wrong(text)] == ["E_UNCLOSED", "E_UNOPENED", "E_TYPE", "E_PARAMETER", "E_VALUE"]


def test_a_text_with_thousands_of_problems_is_answered_with_a_hundred_and_a_word() -> None:
    found = plan_text(f"prompt: '{'] ' * 3000}'")
    assert len(found.problems) == MOST_PROBLEMS + 1
    assert found.problems[-1].code == "E_MORE"
    assert "2900 more" in found.problems[-1].message


# --- unchecked, and without a schema ---


def test_unvalidated_parameters_go_as_written_with_a_warning() -> None:
    found = plan_text('prompt: x\nsteps: "99,lots"\nbrand_new: 1\nseed: soon', validate=False)
    assert found.problems == ()
    assert [(each["steps"], each["brand_new"]) for each in sets(found)] == [(99, 1), ("lots", 1)]
    assert {item.parameters["seed"] for item in found.items()} == {"soon"}
    assert told(found.warnings) == [
        ("W_NOT_VALIDATED", "parameters.brand_new", None), ("W_NOT_VALIDATED", "validate", None),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["[a", "a]", "a||", "[]", "[=x]"])
def test_unvalidated_grammar_is_still_read(text: str) -> None:
    assert plan_text(f"prompt: '{text}'\nedit_prompt: '{text}'", validate=False).problems != ()


def test_a_model_that_says_nothing_of_its_parameters_has_texts_and_lists_by_name_and_look() -> None:
    found = plan_text('prompt: "a [red,blue] car"\nsteps: "2,4"\ncaption: Hello, world\nbig: true\nn: 7', of=BARE)
    assert found.problems == ()
    assert [(each["prompt"], each["steps"]) for each in sets(found)] == [
        ("a red car", 2), ("a red car", 4), ("a blue car", 2), ("a blue car", 4),
    ]  # fmt: skip
    assert sets(found)[0] | {"prompt": "", "steps": 0} == {
        "prompt": "", "steps": 0, "caption": "Hello, world", "big": True, "n": 7
    }  # fmt: skip


def test_without_a_schema_a_range_or_a_draw_of_numbers_is_read_and_anything_else_is_as_written() -> None:
    text = 'prompt: x\nsteps: "1..3"\ncaption: "1..many"\nhow: "a|b"\nn: !raw "1,2"'
    assert [tuple(each.values()) for each in sets(plan_text(text, of=BARE))] == [
        ("x", n, "1..many", "a|b", "1,2") for n in (1, 2, 3)
    ]
    assert sets(plan_text('prompt: x\nsteps: "4|8"', of=BARE))[0]["steps"] in (4, 8)


def test_null_inside_a_list_is_an_error_whatever_is_known_of_the_parameter() -> None:
    for of in (MODEL, BARE):
        for validate in (True, False):
            assert told(plan_text("prompt: x\nsteps: [1, null]", of=of, validate=validate).problems) == [
                ("E_TYPE", "parameters.steps.1", 1)
            ]


@pytest.mark.parametrize("schema", [{"type": "string", "format": "uri"}, {"format": "uri"}, {"type": "string"}, {}])
def test_a_picture_is_one_whatever_the_name_of_its_parameter_ends_in(schema: dict[str, Any]) -> None:
    properties = {"prompt": {"type": "string"}, "image_prompt": schema}
    painter = model(schema={"type": "object", "properties": properties}, text=None, image="image_prompt", seed=None)
    found = plan({"prompt": "[a,b]", "image_prompt": "beach [1].png"}, of=painter)
    assert found.problems == () and [value for _, value in found.pictures] == ["beach [1].png"]
    assert {each["image_prompt"] for each in sets(found)} == {"beach [1].png"}
