from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.expansion.plan import Plan
from tests.orders import model, plan, prompts, told

COLOURS = {"color": ["red", "blue", "green", "white"]}
TWO = {"color": ["white", "black"]}


def texts(prompt: str, lookups: dict[str, list[Any]], **keys: Any) -> list[str]:
    found = plan({"prompt": prompt}, lookups=lookups, **keys)
    assert found.problems == ()
    return prompts(found)


def warned(prompt: str, lookups: dict[str, list[Any]]) -> list[tuple[str, int | None]]:
    found = plan({"prompt": prompt}, lookups=lookups)
    assert found.problems == ()
    return [(each.code, each.column_in_value) for each in found.warnings]


def wrong(prompt: str, lookups: dict[str, list[Any]]) -> list[tuple[str, int | None]]:
    return [(each.code, each.column_in_value) for each in plan({"prompt": prompt}, lookups=lookups).problems]


# --- lookups ---


@pytest.mark.parametrize(
    ("prompt", "lookups", "wanted"),
    [
        ("[a,b_1]", {"a": ["x"], "b": ["y", "z"]}, ["x", "y", "z"]),
        ("[\\color,red]", COLOURS, ["color", "red"]),
        ("[color_12,x]", COLOURS, ["color_12", "x"]),
        ("[Color,x]", COLOURS, ["Color", "x"]),
        ("[ wild animals ]", {"wild animals": ["ox"]}, ["ox"]),
        ("[n]", {"n": [1, 2.5, True]}, ["1", "2.5", "True"]),
        ("[a]", {"a": ["b", "b_1"], "b": ["x"]}, ["x", "b_1"]),
        ("[a]", {"a": ["b", "c"], "b": ["x", "d"], "c": ["d"], "d": ["y"]}, ["x", "y"]),
        ("[e,]", {"e": ["", "x"]}, ["", "x"]),
    ],
)
def test_an_option_that_names_a_lookup_is_its_values(
    prompt: str, lookups: dict[str, list[Any]], wanted: list[str]
) -> None:
    assert texts(prompt, lookups) == wanted


def test_a_lookup_inside_itself_is_left_out_there_with_a_warning() -> None:
    lookups: dict[str, list[Any]] = {"a": ["b"], "b": ["c", "x"], "c": ["a", "b", "y"]}
    assert texts("[a]", lookups) == ["y", "x"]
    assert warned("z [a]", lookups) == [("W_CYCLE", 4), ("W_CYCLE", 4)]
    assert wrong("z [a]", {"a": ["b"], "b": ["a"]}) == [("E_EXHAUSTED", 3)]


def test_lookups_inside_lookups_are_bounded_in_time() -> None:
    """Two of each level name both of the next: written out they would be 2^60."""
    lookups = {f"{side}{n}": [f"a{n + 1}", f"b{n + 1}"] for n in range(60) for side in "ab"}
    assert texts("[a0]", {**lookups, "a60": ["x"], "b60": ["y"]}) == ["x", "y"]


@pytest.mark.parametrize(
    ("prompt", "column"), [("a [red,blue,red]", 13), ("a [color,white]", 10), ("a [white, color]", 11), ("a [,]", 5)]
)
def test_what_a_token_says_again_is_dropped_with_a_warning_where_it_is_said(prompt: str, column: int) -> None:
    assert ("W_DUP", column) in warned(prompt, TWO)


def test_values_repeated_inside_a_lookup_are_dropped() -> None:
    assert texts("[a]", {"a": ["x", "x", "y"]}) == ["x", "y"]
    assert warned("[a]", {"a": ["x", "x", "y"]}) == [("W_DUP", 2)]


@pytest.mark.parametrize(("prompt", "fix"), [("[colour]", "[color]"), ("[xyzzy]", r"write [\xyzzy]")])
def test_a_single_option_that_is_no_lookup_holds_and_says_what_may_be_meant(prompt: str, fix: str) -> None:
    warning, *_ = plan({"prompt": prompt}, lookups=COLOURS).warnings
    assert (warning.code, warning.holds) == ("W_SINGLE", True)
    assert fix in warning.fix and f"no lookup `{prompt.strip('[]')}`" in warning.message
    assert plan({"prompt": f"[\\{prompt[1:]}"}).warnings == ()


@pytest.mark.parametrize("prompt", ["[~x]", "[x:1]", "[\\color]"])
def test_a_single_option_is_its_own_text_in_a_draw_and_a_sample_too(prompt: str) -> None:
    assert texts(prompt, COLOURS) == [prompt.strip("[~\\]").removesuffix(":1")]


def test_the_names_and_values_of_an_orders_own_lookups_are_checked() -> None:
    found = plan({"prompt": "x"}, lookups={"a[b": ["x"], "ok/it-is 2": ["x", None, ["y"]]})
    assert told(found.problems) == [
        ("E_VALUE", "lookups.a[b", None),
        ("E_TYPE", "lookups.ok/it-is 2.1", 1),
        ("E_TYPE", "lookups.ok/it-is 2.2", 1),
    ]


# --- the same lookup more than once ---


POOLS = st.lists(
    st.sampled_from(["[color]", "[color,]", "[color,red]", "[red,color]", "[color_1]", "[a,b]", "[size]"]), max_size=4
)


@given(POOLS, st.integers(1, 4), st.integers(1, 3))
def test_no_value_of_a_lookup_stands_twice_in_one_text(tokens: list[str], colours: int, sizes: int) -> None:
    """Beside every combination listed the long way: the same ones, in the same order, each found by its number."""
    lookups = {"color": COLOURS["color"][:colours], "size": ["red", "big", "small"][:sizes]}
    cells = [_cells(token, lookups) for token in tokens]
    wanted = ["-".join(v for v, _ in way) for way in itertools.product(*cells) if _fits(way)]
    found = plan({"prompt": "-".join(tokens)}, lookups=lookups)
    if not wanted:
        assert [problem.code for problem in found.problems] == ["E_EXHAUSTED"]
        return
    assert (found.problems, found.total_items) == ((), len(wanted))
    assert prompts(found) == wanted
    assert [found.item(number).parameters["prompt"] for number in range(1, len(wanted) + 1)] == wanted


def _cells(token: str, lookups: dict[str, list[str]]) -> list[tuple[str, str | None]]:
    cells: dict[str, str | None] = {}
    for option in token[1:-1].split(","):
        values = lookups.get(option.removesuffix("_1"))
        for value in [option] if values is None else values:
            cells.setdefault(value, None if values is None else option)
    return list(cells.items())


def _fits(way: tuple[tuple[str, str | None], ...]) -> bool:
    used = [(value, pool) for value, pool in way if pool is not None]
    return len(set(used)) == len(used)


def test_five_thousand_lines_used_twice_are_counted_and_found_at_once() -> None:
    found = plan({"prompt": "[color] on [color]"}, lookups={"color": [f"c{n}" for n in range(5000)]})
    assert found.total_items == 5000 * 4999
    assert found.item(4999 + 2).parameters["prompt"] == "c1 on c2"
    assert found.item(5000 * 4999).parameters["prompt"] == "c4999 on c4998"


def test_where_it_runs_out_is_told_at_the_token_that_has_nothing_left() -> None:
    assert wrong("[color] [color_1] [color] || [color]", TWO) == [("E_EXHAUSTED", 30)]


def test_more_slots_than_can_be_counted_are_refused_and_not_worked_at_for_ever() -> None:
    samples = "".join(f"[color,{n}:{30 + n}]" for n in range(40))
    found = plan({"prompt": samples}, lookups={"color": [f"c{n}" for n in range(100)]})
    assert found.problems == () or [each.code for each in found.problems] == ["E_TOO_LARGE"]


# --- samples ---


def test_two_samples_of_a_lookup_take_different_values_while_there_are_some() -> None:
    for base in range(20):
        assert len(texts("[color:2] [color:2]", COLOURS, base=base)) == 4
        assert len(texts("[color:3] [color:1]", COLOURS, base=base)) == 3


def test_a_sample_keeps_the_order_of_its_list_and_differs_with_the_base() -> None:
    found = {tuple(texts("[a,b,c,d,e,f:3]", {}, base=base)) for base in range(20)}
    assert len(found) > 5
    assert all(list(each) == sorted(each) for each in found)


@given(st.integers(0, 2**62), st.sampled_from(["x ", "[p,q] ", "[color:1] "]))
def test_what_stands_elsewhere_does_not_change_a_sample(base: int, before: str) -> None:
    ends = {text.rpartition(" ")[2] for text in texts(before + "[a,b,c,d,e,f:2]", {"color": ["m", "n"]}, base=base)}
    assert ends == set(texts("[a,b,c,d,e,f:2]", {}, base=base))


@given(st.integers(0, 2**62))
def test_a_value_added_to_a_sampled_list_takes_at_most_its_own_place(base: int) -> None:
    def taken(*values: str) -> set[str]:
        token = {"color": [*values]}
        return set(texts("[color:3]", token, base=base))

    before, after = taken(*"abcdef"), taken(*"abcXdef")
    assert after <= before | {"X"} and len(before - after) <= 1


@pytest.mark.parametrize(("prompt", "column"), [("[color:5]", 8), ("a [x,y: 3]", 9), ("[a,b,a:3]", 8)])
def test_a_sample_of_more_than_there_are_is_an_error(prompt: str, column: int) -> None:
    assert wrong(prompt, COLOURS) == [("E_SAMPLE_TOO_MANY", column)]


# --- references ---


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("[color] [color_1] [=color]", [f"{a} {b} {a}" for a in TWO["color"] for b in TWO["color"]]),
        ("[color] || [=color]!", ["white", "white!", "black", "black!"]),
        ("[color:1] [=color]", None),
    ],
)  # fmt: skip
def test_a_reference_repeats_the_value_at_its_nearest_use(prompt: str, wanted: list[str] | None) -> None:
    found = texts(prompt, TWO)
    assert found == wanted if wanted else len(set(found[0].split())) == 1


def test_a_reference_reaches_across_parameters_in_the_order_they_are_written() -> None:
    found = plan({"title": "[color]", "prompt": "[color] [=color]", "negative_prompt": "[=color]"}, lookups=TWO)
    assert [tuple(item.parameters.values())[:3] for item in found.items()] == [
        (t, f"{p} {p}", p) for t in TWO["color"] for p in TWO["color"]
    ]
    before = plan({"negative_prompt": "[=color]", "prompt": "[color]"}, lookups=TWO)
    assert told(before.warnings) == [("W_REF_BEFORE", "parameters.negative_prompt", 1)]
    assert {item.parameters["negative_prompt"] for item in before.items()} == {"white"}


def test_a_reference_into_a_list_of_texts_is_warned_of_where_a_text_does_not_use_the_name() -> None:
    both = plan({"prompt": ["a [color]", "b [color]"], "negative_prompt": "[=color]"}, lookups=TWO)
    some = plan({"prompt": ["a [color]", "b"], "negative_prompt": "[=color]"}, lookups=TWO)
    assert both.warnings == ()
    assert [warning.code for warning in some.warnings] == ["W_REF_BEFORE"]
    assert [item.parameters["negative_prompt"] for item in some.items()] == ["white", "black", "white"]


def test_a_reference_to_no_lookup_names_the_nearest() -> None:
    (problem,) = plan({"prompt": "x [=colour]"}, lookups=TWO).problems
    assert (problem.code, problem.column_in_value) == ("E_UNKNOWN_REF", 3)
    assert "[=color]" in problem.fix


# --- draws ---


def drawn(found: Plan) -> dict[str, str]:
    """What was drawn, by what was not."""
    return {
        " ".join(v for _, t, v in i.tokens if "~" not in t): next(v for _, t, v in i.tokens if "~" in t)
        for i in found.items()
    }


def test_a_draw_never_multiplies_and_uses_nothing_up() -> None:
    found = texts("[~color] [color] [=color] [~color_1,color]", TWO)
    assert [text.split()[1:3] for text in found] == [["white", "white"], ["black", "black"]]


def test_a_reference_behind_a_draw_repeats_what_was_drawn() -> None:
    found = plan({"prompt": "[~color] [=color]", "negative_prompt": "[=color]"}, lookups=COLOURS, count=9)
    for item in found.items():
        one, two = item.parameters["prompt"].split()
        assert one == two == item.parameters["negative_prompt"]


@given(st.integers(0, 2**62), st.lists(st.sampled_from("qrstuv"), max_size=4, unique=True))
def test_a_value_added_elsewhere_changes_no_other_draw(base: int, more: list[str]) -> None:
    options = "[~color] "
    before = drawn(plan({"prompt": options + "[a,b,c]"}, lookups=COLOURS, base=base))
    after = drawn(plan({"prompt": options + f"[{','.join([*more, 'a', 'b', 'c'])}]"}, lookups=COLOURS, base=base))
    assert before.items() <= after.items()


def test_draws_go_by_their_weights() -> None:
    found = [text for base in range(300) for text in texts("[~rare*0.5,color*2,often*11.5]", TWO, base=base)]
    counts = {value: found.count(value) for value in ("rare", "white", "black", "often")}
    assert counts["rare"] < 30 and counts["often"] > 180
    assert 15 < counts["white"] < 75 and 15 < counts["black"] < 75


def test_equal_draws_in_one_text_are_drawn_each_on_its_own() -> None:
    found = {text for base in range(20) for text in texts("[~a,b] [~a,b]", {}, base=base)}
    assert found == {"a a", "a b", "b a", "b b"}


def test_a_model_that_knows_a_syntax_is_not_warned_of_it() -> None:
    found = plan({"prompt": "(a:1.2) [b|c]"}, of=model(syntax=["weights", "alternation"]))
    assert [(each.code, each.holds) for each in found.warnings] == [("W_PASSTHROUGH", False)]
