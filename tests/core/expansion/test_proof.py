from __future__ import annotations

import pytest

from artfactoryd.core.expansion.proof import proof_numbers
from tests.orders import plan, prompts

MILLION = {"prompt": "a [red,blue] car", "steps": "1..50", "guidance": "1..10", "seed": "0..999"}


def chosen(wanted: int | None, prompt: str, steps: str) -> list[tuple[str, int]]:
    found = plan({"prompt": prompt, "steps": steps}, proof=wanted)
    items = {item.number: item for item in found.items()}
    return [(items[n].parameters["prompt"], items[n].parameters["steps"]) for n in proof_numbers(found)]


def test_two_of_two_by_two_lie_across() -> None:
    assert chosen(2, "[red,blue]", "2,4") == [("red", 2), ("blue", 4)]


def test_every_value_of_every_axis_is_met_equally_often() -> None:
    found = chosen(6, "[a,b,c] [x,y]", "1..6")
    assert sorted(prompt for prompt, _ in found) == ["a x", "a y", "b x", "b y", "c x", "c y"]
    assert sorted(steps for _, steps in found) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("wanted", [None, 4, 9])
def test_without_a_rest_there_is_no_proof(wanted: int | None) -> None:
    assert chosen(wanted, "[red,blue]", "2,4") == []


def test_copies_come_after_what_differs() -> None:
    found = plan({"prompt": "[red,blue]", "num_outputs": 1}, proof=2, count=3)
    assert {prompts(found)[number - 1] for number in proof_numbers(found)} == {"red", "blue"}


def test_of_a_million_items_it_is_the_same_each_time_and_still_spread() -> None:
    def numbers() -> list[int]:
        return proof_numbers(plan(MILLION, proof=10))

    found = numbers()
    assert found == numbers() and len(set(found)) == 10
    items = [plan(MILLION).item(n) for n in found]
    assert {item.parameters["guidance"] for item in items} == set(range(1, 11))
    assert sum("red" in item.parameters["prompt"] for item in items) == 5
    assert plan(MILLION).total_items == 1_000_000
