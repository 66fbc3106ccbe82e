"""What is left out, what is sampled, what cannot be packed: combinations that do not all weigh the same."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artfactoryd.core.expansion.plan import Plan, PlannedItem
from tests.orders import MODEL, model, plan, sets, told

PARAMETERS = {
    "prompt": ["[a,b] || [~c,d]", "e || f"], "negative_prompt": "[m,n]", "steps": "1,2,3|4", "num_outputs": "1,2",
    "guidance": "1..3", "hires": "true,false",
}  # fmt: skip
LEFT_OUT = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.sampled_from(["[a,b]", "a", "e || f", "c", "zzz"]), "negative_prompt": st.just("m"),
        "steps": st.sampled_from(["1", "1,2", "9", "3,4"]), "guidance": st.sampled_from(["2..3", "1"]),
        "hires": st.just(True), "num_outputs": st.just(2),
    },
)  # fmt: skip
ENTRIES = st.lists(LEFT_OUT.filter(bool), max_size=3)
CHOSEN = st.sets(st.sampled_from(sorted(PARAMETERS)), max_size=4).map(lambda names: {"prompt", *names})


def some(names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in PARAMETERS.items() if name in names}


def allowed(entry: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: prompts_of(v) if name == "prompt" else sets_of({name: v}, name) for name, v in entry.items()}


def matches(item: PlannedItem, entry: dict[str, list[Any]], names: set[str]) -> bool:
    drawn = {"steps"} if item.parameters.get("steps") in (3, 4) else set()
    drawn |= {"prompt"} if item.parameters["prompt"] in ("c", "d") else set()
    return all(name in names - drawn and item.parameters[name] in values for name, values in entry.items())


def sets_of(parameters: dict[str, Any], name: str) -> list[Any]:
    return [each[name] for each in sets(plan({"prompt": "x", **parameters}))]


def prompts_of(value: str) -> list[str]:
    return [each["prompt"] for each in sets(plan({"prompt": value}))]


def same(one: PlannedItem, other: PlannedItem) -> bool:
    return one._replace(number=0, first_index=0) == other._replace(number=0, first_index=0)


@settings(max_examples=40, deadline=None)
@given(CHOSEN, ENTRIES, st.sampled_from([None, 1, 3, 6]))
def test_what_is_left_out_is_counted_priced_and_found_as_if_it_were_listed(
    names: set[str], entries: list[dict[str, Any]], count: int | None
) -> None:
    whole = list(plan(some(names), count=count).items())
    found = plan(some(names), exclude=entries, count=count)
    known = [allowed(entry) for entry in entries]
    wanted = [item for item in whole if not any(matches(item, entry, names) for entry in known)]
    if not wanted:
        assert told(found.problems) == [("E_EXHAUSTED", "exclude", None)]
        return
    items = list(found.items())
    assert all(itertools.starmap(same, zip(items, wanted, strict=True)))
    adds_up(found, items)


def adds_up(found: Plan, items: list[PlannedItem]) -> None:
    assert found.problems == ()
    assert found.total_items == len(items)
    assert found.total_products == sum(item.asked for item in items)
    assert found.total_price() == sum(item.upper for item in items)
    assert [item.number for item in items] == list(range(1, len(items) + 1))
    ends = itertools.accumulate((item.asked for item in items), initial=1)
    assert [item.first_index for item in items] == list(ends)[:-1]
    for place in {0, len(items) // 2, len(items) - 1}:
        assert list(found.items(place + 1, items[place].first_index)) == items[place:]
        assert same(found.item(place + 1), items[place])


def test_what_is_drawn_is_never_left_out() -> None:
    found = plan({"prompt": "[~a,b]", "steps": "2,3|4"}, exclude=[{"steps": "3,4"}, {"prompt": "[a,b]"}])
    assert found.total_items == len(list(found.items())) == 2


@pytest.mark.parametrize(("keys", "told_of"), [
    ({"exclude": [{"steps": 3}]}, ("W_EXCLUDE", "exclude.0.steps")),
    ({"exclude": [{"prompt": "a rde car"}]}, ("W_EXCLUDE", "exclude.0.prompt")),
    ({"exclude": [{"prompt": "a red car"}, {"prompt": "a red car", "cfg": 4}]}, ("W_EXCLUDE", "exclude.1.cfg")),
    ({"exclude": [{"prompt": "a red car", "guidance": "2,9"}]}, None),
    ({"exclude": [{"title": "Now"}]}, ("W_EXCLUDE", "exclude.0.title")),
    ({"exclude": [{"negative_prompt": "no red"}]}, None),  # what a reference says is not looked through
    ({"exclude": [{"prompt": "a [red,mauve] car"}]}, None),
    ({"cases": [{"steps": 1}, {"steps": 2}], "exclude": [{"steps": 2}]}, None),
    ({"cases": [{"steps": 1}, {"prompt": "b"}], "exclude": [{"steps": 1, "prompt": "b"}]},
     ("W_EXCLUDE", "exclude.0.steps")),
    ({"raw": ["promt"]}, ("W_UNUSED", "raw.0")), ({"raw": ["cfg", "prompt"]}, None),
])  # fmt: skip
def test_what_leaves_nothing_out_or_names_nothing_holds(keys: dict[str, Any], told_of: tuple[str, str] | None) -> None:
    parameters = {"prompt": "a [red,blue] car", "guidance": "1,2", "title": "[~Now,Then]"}
    found = plan({**parameters, "negative_prompt": "[hue]: no [=hue]"}, lookups={"hue": ["red"]}, **keys)
    warnings = [warning for warning in found.warnings if warning.code in ("W_EXCLUDE", "W_UNUSED")]
    assert [(w.code, w.key, w.holds) for w in warnings] == ([(*told_of, True)] if told_of else [])


# --- samples of an order ---


@settings(max_examples=30, deadline=None)
@given(CHOSEN, ENTRIES, st.sampled_from([None, 3, 6]), st.integers(1, 30), st.integers(0, 2**40))
def test_a_sample_is_so_many_of_the_combinations_in_their_order(
    names: set[str], entries: list[dict[str, Any]], count: int | None, sample: int, base: int
) -> None:
    whole = plan(some(names), exclude=entries, count=count, base=base)
    found = plan(some(names), exclude=entries, count=count, sample=sample, base=base)
    if whole.problems:
        assert found.problems == whole.problems
        return
    items = list(found.items())
    adds_up(found, items)
    assert len([item for item in items if item.copy == 0]) == min(sample, whole.combinations)
    rest = iter(whole.items())
    assert all(any(same(item, other) for other in rest) for item in items)


def test_a_sample_of_very_many_combinations_lists_none_of_them() -> None:
    found = plan({"prompt": "[0,1,2,3,4,5,6,7,8,9]" * 9}, sample=5)
    assert (found.problems, found.total_items, found.total_products) == ((), 5, 5)
    chosen = [item.parameters["prompt"] for item in found.items()]
    assert chosen == sorted(chosen) and len(set(chosen)) == 5


@given(st.integers(0, 2**40))
def test_a_value_added_takes_from_a_sample_only_what_makes_room_for_it(base: int) -> None:
    def taken(steps: str) -> set[tuple[str, int]]:
        found = plan({"prompt": "[a,b,c]", "steps": steps}, sample=5, base=base)
        return {(item.parameters["prompt"], item.parameters["steps"]) for item in found.items()}

    before, after = taken("1..5"), taken("1..6")
    assert {each for each in after if each[1] != 6} <= before


# --- copies in their calls ---


@pytest.mark.parametrize(
    ("parameters", "count", "calls"),
    [
        ({"seed": 7}, 12, [(4, 0, 7), (4, 4, 11), (4, 8, 15)]), ({"seed": 7}, 6, [(4, 0, 7), (2, 4, 11)]),
        ({"seed": 7}, 1, [(1, 0, 7)]), ({"seed": 7, "num_outputs": 2}, 3, [(2, 0, 7), (2, 2, 9), (2, 4, 11)]),
        ({"seed": 7, "num_outputs": [1, 2]}, 2, [(1, 0, 7), (1, 1, 8), (2, 0, 7), (2, 2, 9)]),
        ({"seed": 2147483646}, 9, [(4, 0, 2147483646), (4, 4, 2), (1, 8, 6)]),
    ],
)  # fmt: skip
def test_copies_are_packed_into_calls_and_each_takes_the_seed_of_its_first(
    parameters: dict[str, Any], count: int, calls: list[tuple[int, int, int]]
) -> None:
    found = plan({"prompt": "a", **parameters}, count=count)
    items = list(found.items())
    assert [(item.asked, item.copy, item.seed) for item in items] == calls
    assert all(item.parameters.get("num_outputs", 1) == item.asked for item in items)
    adds_up(found, items)


def test_a_combination_with_a_draw_is_not_packed() -> None:
    items = list(plan({"prompt": "a", "steps": "4,8|9"}, count=5).items())
    assert [(item.asked, item.copy) for item in items] == [(4, 0), (1, 4), *((1, copy) for copy in range(5))]
    assert {item.parameters["steps"] for item in items[2:]} == {8, 9}


def test_a_model_without_a_batch_makes_each_copy_by_itself() -> None:
    found = plan({"prompt": "a"}, of=model(batch=None), count=3)
    assert [(item.asked, item.copy) for item in found.items()] == [(1, 0), (1, 1), (1, 2)]


def test_more_copies_leave_the_seeds_of_the_first_as_they_were() -> None:
    few, many = (list(plan({"prompt": "[a,b]"}, count=count).items()) for count in (8, 13))
    known = {(item.parameters["prompt"], item.copy): item.seed for item in many}
    assert all(known[item.parameters["prompt"], item.copy] == item.seed for item in few)


def test_a_drawn_number_of_outputs_is_added_up_as_it_was_drawn() -> None:
    found = plan({"prompt": "[a,b,c]", "num_outputs": "1|3"})
    adds_up(found, list(found.items()))
    assert {item.asked for item in plan({"prompt": "[a,b,c,d,e,f]", "num_outputs": "1|3"}).items()} == {1, 3}


# --- cases ---


def test_cases_are_slower_than_tokens_and_keep_the_place_of_what_they_write_over() -> None:
    rows = [{"prompt": "[x,y]", "caption": "one"}, {"cfg": "5", "steps": None}]
    found = plan({"prompt": "[a,b]", "guidance": 1, "steps": 4}, cases=rows)
    assert [list(each.items()) for each in sets(found)] == [
        [("prompt", "x"), ("guidance", 1), ("steps", 4), ("caption", "one")],
        [("prompt", "y"), ("guidance", 1), ("steps", 4), ("caption", "one")],
        [("prompt", "a"), ("guidance", 5)],
        [("prompt", "b"), ("guidance", 5)],
    ]
    adds_up(found, list(found.items()))


def test_a_case_changes_no_other_items_seed() -> None:
    def by_prompt(rows: list[dict[str, Any]]) -> dict[str, int | None]:
        return {item.parameters["prompt"]: item.seed for item in plan({"steps": 4}, cases=rows).items()}

    before, after = by_prompt([{"prompt": "a"}, {"prompt": "b"}]), by_prompt([{"prompt": p} for p in "xbya"])
    assert before.items() <= after.items()


def test_a_mistake_in_a_case_is_told_where_it_stands_and_one_of_the_base_once() -> None:
    found = plan({"prompt": "[a", "steps": 99}, cases=[{"guidance": 99}, {"widht": 1}, {"prompt": "b]"}])
    assert told(found.problems) == [
        ("E_UNCLOSED", "parameters.prompt", 1), ("E_VALUE", "parameters.steps", None),
        ("E_VALUE", "cases.0.guidance", None), ("E_PARAMETER", "cases.1.widht", None),
        ("E_UNOPENED", "cases.2.prompt", 2),
    ]  # fmt: skip
    missing = plan({"steps": 4}, cases=[{"prompt": "a"}, {"steps": 5}])
    assert told(missing.problems) == [("E_REQUIRED", "cases.1", None)]


# --- several models ---


def test_models_are_the_slowest_and_each_item_says_which_is_its_own() -> None:
    other = model(model="acme/sketcher", price={"usd": 0.5})
    found = plan({"prompt": "[a,b]"}, of=[MODEL, other], cases=[{"steps": 1}, {"steps": 2}], count=2)
    items = list(found.items())
    assert [(item.model, item.parameters["steps"], item.parameters["prompt"]) for item in items] == list(
        itertools.product((0, 1), (1, 2), "ab")
    )
    assert {(item.model, item.upper) for item in items} == {(0, 6_000), (1, 1_000_000)}
    adds_up(found, items)
