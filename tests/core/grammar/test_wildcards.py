"""Values as other tools' wildcard files have them: drawn, never multiplied, never verbatim and unsaid."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.grammar import weaving, wildcards
from artfactoryd.core.grammar.wildcards import read_entry
from tests.orders import model, plan, prompts


def wild(parameters: dict[str, Any], base: int = 1, of: Any = None, **lookups: Any) -> Plan:
    """`lookups`: those that are tuples are read as wildcards."""
    own = {name: {"wildcards": list(one)} if isinstance(one, tuple) else one for name, one in lookups.items()}
    keys = parameters.pop("keys", {})
    found = plan(parameters, base=base, lookups=own, **({"of": of} if of else {}), **keys)
    assert found.problems == ()
    return found


def drawn(prompt: str, times: int = 60, **lookups: Any) -> Counter[str]:
    """What comes of one item, over many copies."""
    return Counter(prompts(wild({"prompt": prompt, "keys": {"count": times}}, **lookups)))


@pytest.mark.parametrize(
    ("value", "ways"),
    [
        ("a {red|blue} hat", {"a red hat", "a blue hat"}), ("{ red | blue }", {"red ", "blue "}),
        ("{a|{b|c}}!", {"a!", "b!", "c!"}), ("{|big} hat", {" hat", "big hat"}), ("{0::a|b}", {"b"}), ("{a}", {"a"}),
        ("{2$$a|b}", {"a, b", "b, a"}), ("{2$$ and $$a|b}", {"a and b", "b and a"}), ("{9$$a|b}", {"a, b", "b, a"}),
        ("{-2$$a|b}", {"a", "b", "a, b", "b, a"}), ("{~x|y}", {"x", "y"}), ("__hue__ hat", {"red hat", "blue hat"}),
        ("{2$$__hue__}", {"red, blue", "blue, red"}), ("__h*__", {"red", "blue", "fez"}), ("__HUE__", {"red", "blue"}),
        ("__nested__", {"red fez", "blue fez"}), ("{3::|up}", {"", "up"}), ("|_|", {"|_|"}), ("a $10 {x}", {"a $10 x"}),
        ("{2$$__mixed__}", {"red, fez", "blue, fez", "fez, red", "fez, blue"}), ("__a hat__", {"bowler"}),
        ("__tree.leaf__", {"oak"}),
        ("cap # mine", {"cap"}), ("#ff0000 hat", {"#ff0000 hat"}),
    ],
)  # fmt: skip
def test_a_value_is_one_item_and_what_varies_in_it_is_drawn(value: str, ways: set[str]) -> None:
    lookups: dict[str, Any] = {
        "hue": ("red", "blue"),
        "hat": ("fez",),
        "nested": ("__hue__ __hat__",),
        "mixed": ("__hue__", "__hat__"),
        "a hat": ("bowler",),
        "tree/leaf": ["oak"],
    }
    assert wild({"prompt": "[it]"}, it=(value,), **lookups).total_items == 1
    assert set(drawn("[it]", it=(value,), **lookups)) == ways


def test_a_variant_never_multiplies_and_what_is_not_drawn_is_packed() -> None:
    found = wild({"prompt": "[it]", "keys": {"count": 4}}, it=("plain", "{a|b} c"))
    assert [item.asked for item in found.items()] == [4, 1, 1, 1, 1] and found.total_items == 5
    assert found.item(3).parameters == list(found.items())[2].parameters


def test_a_weight_counts_in_draws_alone() -> None:
    assert prompts(wild({"prompt": "[it]"}, it=("9::a", "b"))) == ["a", "b"]
    often = drawn("[~it]", 200, it=("9::a", "b"))
    assert set(often) == {"a", "b"} and often["a"] > 150
    assert set(drawn("{x} __it__ [~w]", 20, it=("9::a", "b"), w=("__it__",))) <= {"{x} __it__ a", "{x} __it__ b"}


def test_what_is_drawn_is_the_same_again_and_another_value_changes_nothing() -> None:
    one = wild({"prompt": "[it] [a,b]", "keys": {"count": 3}}, it=("{x|y|z} {x|y|z}",))
    more = wild({"prompt": "[it] [a,b,c]", "keys": {"count": 3}}, it=("{x|y|z} {x|y|z}", "other"))
    assert set(prompts(one)) <= set(prompts(more)) and prompts(one) == prompts(one)
    assert prompts(one) == [more.item(n).parameters["prompt"] for n in (1, 2, 3, 4, 5, 6)]


def test_a_reference_repeats_what_was_drawn_and_the_item_says_what_stood_for_what() -> None:
    for item in wild({"prompt": "[it] and [=it]", "keys": {"count": 9}}, it=("{x|y} hat",)).items():
        first, _, second = item.parameters["prompt"].partition(" and ")
        assert first == second
        assert item.tokens == (("prompt", "[it]", first), ("prompt", "{x|y}", first[0]))


def test_an_order_s_own_lists_are_data() -> None:
    assert prompts(wild({"prompt": "[it]"}, it=["{a|b}", "2::c"])) == ["{a|b}", "2::c"]


def test_a_lookup_inside_itself_is_left_out_there() -> None:
    found = wild({"prompt": "[it]"}, it=("__it__ big", "cap", "{__it__|x}"))
    assert [warning.code for warning in found.warnings] == ["W_CYCLE"]
    assert found.total_items == 2 and set(prompts(found)) == {"cap", "x"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("__gone__ hat", "__gone__ names no lookup"), ("{a|b", "not closed on its line"),
        ("{100000$$a|b}", "a number before $$"), ("{$$a|b}", "a number before $$"), ("{a|2$$b}", "a number before $$"),
        ("${x=1} y", "a variable"),
        ("{!a|b}", "sampler"), ("__@hue__", "sampler"), ("3#__hue__", "repeated"), ("__hue(a=b)__", "variables"),
        ("{{ x }}", "Jinja"), ("1e308::x", "a weight"), ("-1::x", "a weight"),
        ("9" * 16 + "::x", "a weight"), ("{2::a|1,5::b}", "a weight"),
        ("[a|b]", "brackets"), ("[a,b]", "brackets"),
        ("<lora:x:1>", "LoRA"), ("(x:1.2)", "weight"),
        ("{a|((b))}", "emphasis"), ("(__hue__:1.2) x", "weight"), ("{a|\\|_\\|}", "escape"),
        ("{1-3$$, __hue__ $$a|b}", "between"),
    ],
)  # fmt: skip
def test_what_is_not_understood_holds_with_its_place(value: str, words: str) -> None:
    found = wild({"prompt": "[it] [hue]"}, it=("fine", value), hue=("red",))
    assert [(warning.code, warning.key, warning.holds) for warning in found.warnings] == [
        ("W_FOREIGN", "lookups.it.wildcards.1", True)
    ]
    assert words in found.warnings[0].message and prompts(found)[0] == "fine red"


def test_a_model_that_has_the_syntax_is_sent_it() -> None:
    found = wild({"prompt": "[it]"}, of=model(syntax=["weights", "lora"]), it=("(x:1.2) <lora:a:1>",))
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (40, lambda number, of: [f"__f{number + 1}__ __f{number + 1}__"] if number < of - 1 else ["a", "b"]),
        (12, lambda number, of: [f"x{number}", *(f"a __f{other}__" for other in range(of) if other != number)]),
        (150, lambda number, of: [f"{sign} __f{(number + 1) % of}__" for sign in "xy"]),
        (1, lambda number, of: ["{1000$$" + "|".join(["long " * 30] * 999) + "}"]),
    ],
)
def test_files_that_lead_through_one_another_without_end_are_answered_at_once(
    files: int, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaving, "MOST_WAYS", 500)
    lookups: dict[str, Any] = {f"f{number}": tuple(line(number, files)) for number in range(files)}
    found = wild({"prompt": "[~f0]"}, **lookups)
    assert any("without end" in warning.message and warning.holds for warning in found.warnings)
    assert len(prompts(found)[0]) < 1_000_000


def test_a_pattern_of_many_stars_is_looked_for_at_once() -> None:
    lookups: dict[str, Any] = {"it": ("__" + "*a" * 30 + "b__",), "a" * 60: ["x"]}
    found = wild({"prompt": "[~it]"}, **lookups)
    assert "names no lookup" in found.warnings[0].message


def test_a_draw_in_draws_of_draws_is_looked_through_once() -> None:
    files: dict[str, Any] = {f"f{number}": (f"x __f{number + 1}__", f"y __f{number + 1}__ z") for number in range(60)}
    found = wild({"prompt": "[~f0]"}, f60=("a", "b"), **files)
    assert found.warnings == () and len(prompts(found)[0]) > 100


def test_a_comment_alone_is_no_value() -> None:
    assert read_entry("# mine") is None and read_entry("") is not None
    assert read_entry("https://a.b/c") == read_entry("https://a.b/c", 0)


SIGNS = st.lists(st.sampled_from([*"{}|_$%()[]#~:2a ", "__", "__hue__", "{a|b}", "{2$$a|b}", "::", "\\\\"]), max_size=8)


@settings(max_examples=300)
@given(SIGNS.map("".join))
def test_a_value_that_is_read_quickly_is_read_as_any_other(value: str) -> None:
    quick = read_entry(value, 3)
    with (
        patch.object(wildcards, "_NO_SIGN", re.compile("(?!)")),
        patch.object(wildcards, "_of_plain_parts", lambda text: None),
    ):
        assert read_entry(value, 3) == quick
