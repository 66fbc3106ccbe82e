from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.queue import AHEAD, Queues, Turns
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemKey, ItemRow
from tests.accounts import apply
from tests.execution.hangar import accept, expand

Row = dict[str, Any]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index.sqlite3")
    yield opened
    opened.close()


def line(kind: str, row: ItemRow, **more: Any) -> Row:
    order, number = row.item_key
    return {"kind": kind, "order": order, "item": number, "attempt": f"{order}-{number}", "at": "now", **more}


def wish(index: Index, row: ItemRow) -> None:
    more = {"nth": 1, "provider": "acme", "model": "m", "actual": {}, "reserved": 0}
    apply(index, line("wish", row, **more))


def release(index: Index, row: ItemRow) -> None:
    apply(index, line("release", row, reason="not sent"))


def taken(turns: Turns, most: int = 1000) -> list[str]:
    """What is given out until nothing is left, as `order number`."""
    given: list[str] = []
    while len(given) < most and (row := turns.next()) is not None:
        given.append(f"{row.order_id}{row.number}")
    return given


def test_orders_of_one_priority_take_turns_item_by_item(index: Index) -> None:
    accept(index, "a", 4)
    accept(index, "b", 2)
    accept(index, "c", 1)
    assert taken(Turns(index, "acme")) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_the_higher_priority_goes_first_and_the_rest_when_it_is_done(index: Index) -> None:
    accept(index, "a", 2, priority=-10)
    accept(index, "b", 2)
    accept(index, "c", 2, priority=10)
    accept(index, "d", 2, priority=10)
    assert taken(Turns(index, "acme")) == ["c1", "d1", "c2", "d2", "b1", "b2", "a1", "a2"]


def test_an_order_that_comes_later_joins_in(index: Index) -> None:
    accept(index, "a", 4)
    turns = Turns(index, "acme")
    assert taken(turns, 2) == ["a1", "a2"]
    accept(index, "b", 2)
    accept(index, "c", 1, priority=1)
    assert taken(turns, 1) == ["a3"]
    turns.look_again("b")
    turns.look_again("c")
    assert taken(turns) == ["c1", "a4", "b1", "b2"]


def test_only_this_providers_items_of_orders_that_may_be_worked_on_are_given(index: Index) -> None:
    accept(index, "a", 1, provider="other")
    accept(index, "b", 1)
    apply(index, {"kind": "hold", "order": "b", "reasons": [], "entry": "b.yaml", "fingerprint": "f"})
    accept(index, "c", 1, folder=None)
    accept(index, "d", 2)
    assert taken(Turns(index, "acme")) == ["d1", "d2"]


def test_a_longer_order_than_is_read_at_once_is_given_out_whole(index: Index) -> None:
    accept(index, "a", AHEAD * 2 + 5)
    accept(index, "b", 1)
    found = taken(Turns(index, "acme"))
    assert found == ["a1", "b1", *(f"a{number}" for number in range(2, AHEAD * 2 + 6))]


def test_an_item_given_out_does_not_come_again_before_it_is_back(index: Index) -> None:
    accept(index, "a", 2)
    turns = Turns(index, "acme")
    assert taken(turns) == ["a1", "a2"]
    turns.look_again()
    turns.look_again("a")
    assert taken(turns) == []
    assert not turns.any()


def test_an_item_that_is_back_comes_again_only_if_it_is_still_planned(index: Index) -> None:
    accept(index, "a", 3)
    turns = Turns(index, "acme")
    first, second = turns.next(), turns.next()
    assert first is not None and second is not None
    wish(index, first)
    turns.back(ItemKey("a", 1))
    turns.back(ItemKey("a", 2))  # its wish was never written
    assert taken(turns) == ["a2", "a3"]


def test_a_released_item_comes_again_though_its_order_had_run_out(index: Index) -> None:
    accept(index, "a", 1)
    turns = Turns(index, "acme")
    row = turns.next()
    assert row is not None
    wish(index, row)
    assert not turns.any()
    release(index, row)
    assert not turns.any()
    turns.back(ItemKey("a", 1))
    assert turns.any()
    again = turns.next()
    assert again is not None
    assert (again.number, again.state, again.generation) == (1, "planned", {"prompt": "a"})


def test_an_item_that_is_gone_may_come_back(index: Index) -> None:
    Turns(index, "acme").back(ItemKey("nothing", 1))


def test_an_order_that_was_left_gives_nothing_until_it_is_looked_at_again(index: Index) -> None:
    accept(index, "a", 2)
    accept(index, "b", 2)
    turns = Turns(index, "acme")
    assert taken(turns, 1) == ["a1"]
    turns.leave("a")
    turns.back(ItemKey("a", 1))
    turns.look_again("b")
    assert taken(turns) == ["b1", "b2"]
    turns.look_again("a")
    assert taken(turns) == ["a1", "a2"]


def test_looking_at_everything_again_takes_up_orders_that_were_left(index: Index) -> None:
    accept(index, "a", 1)
    turns = Turns(index, "acme")
    turns.leave("a")
    assert not turns.any()
    turns.look_again()
    assert turns.any()


def test_an_order_that_grows_is_looked_at_again(index: Index) -> None:
    accept(index, "a", 1)
    turns = Turns(index, "acme")
    assert taken(turns) == ["a1"]
    expand(index, "a", range(2, 4))
    assert taken(turns) == []
    turns.look_again("a")
    assert taken(turns) == ["a2", "a3"]


def test_a_cancelled_orders_items_are_not_given_out(index: Index) -> None:
    accept(index, "a", 3)
    turns = Turns(index, "acme")
    assert taken(turns, 1) == ["a1"]
    apply(index, {"kind": "cancel", "order": "a"})
    turns.look_again("a")
    turns.back(ItemKey("a", 1))
    assert taken(turns) == []


def test_with_only_some_orders_named_no_other_is_worked_on(index: Index) -> None:
    accept(index, "a", 1, priority=10)
    accept(index, "b", 1)
    turns = Turns(index, "acme")
    turns.limit_to([])
    assert not turns.any()
    turns.limit_to(["b"])
    turns.look_again("b")
    assert taken(turns) == ["b1"]


def test_naming_orders_later_leaves_out_what_was_already_read(index: Index) -> None:
    accept(index, "a", 1)
    accept(index, "b", 1)
    turns = Turns(index, "acme")
    assert turns.any()
    turns.limit_to(["b"])
    turns.look_again()
    assert taken(turns) == ["b1"]


ACTS = st.lists(st.sampled_from(["next", "next", "back", "again", "all", "leave"]), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(acts=ACTS, sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_whatever_happens_nothing_is_out_twice_or_forgotten(index: Index, acts: list[str], sizes: list[int]) -> None:
    for table in ("orders", "item", "generation_log"):
        index.db.execute_sql(f"DELETE FROM {table}")
    for place, size in enumerate(sizes):
        accept(index, "abc"[place], size, priority=place % 2)
    turns, out, done = Turns(index, "acme"), dict[ItemKey, ItemRow](), set[ItemKey]()
    for act in acts:
        if act == "next" and (row := turns.next()) is not None:
            key = row.item_key
            assert key not in out and key not in done
            out[key] = row
        elif act == "back" and out:
            key, given = out.popitem()
            if given.number % 2:
                wish(index, given)
                done.add(key)
            turns.back(key)
        elif act == "again":
            turns.look_again("a")
        elif act == "all":
            turns.look_again()
        elif act == "leave":
            turns.leave("b")
    turns.look_again()
    rest = taken(turns)
    assert sorted([*rest, *(f"{a}{b}" for a, b in [*out, *done])]) == sorted(
        f"{'abc'[place]}{number}" for place, size in enumerate(sizes) for number in range(1, size + 1)
    )


# --- items that rest ---


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_item_that_rests_comes_when_its_time_is_over_and_the_others_before(index: Index) -> None:
    clock = Clock()
    accept(index, "a", 3)
    turns = Turns(index, "acme", clock)
    first = turns.next()
    assert first is not None and turns.rests is None
    turns.rest(ItemKey("a", 1), 30)
    turns.back(ItemKey("a", 1))
    found = [taken(turns), turns.rests, turns.any(), turns.ready()]
    clock.now += 29.5
    found += [taken(turns), turns.rests]
    clock.now += 0.5
    found += [taken(turns), turns.rests, turns.any()]
    assert found == [["a2", "a3"], 30, True, False, [], 0.5, ["a1"], None, False]


def test_the_soonest_of_those_that_rest_is_told(index: Index) -> None:
    clock = Clock()
    accept(index, "a", 3)
    turns = Turns(index, "acme", clock)
    for number, seconds in ((1, 30), (2, 5), (3, 60)):
        turns.rest(ItemKey("a", number), seconds)
    found: list[object] = [turns.rests]
    clock.now += 10
    found += [taken(turns), turns.rests]
    assert found == [5, ["a2"], 20]


def test_an_item_that_ends_while_it_rests_is_not_waited_for(index: Index) -> None:
    accept(index, "a", 1)
    turns = Turns(index, "acme", Clock())
    turns.rest(ItemKey("a", 1), 30)
    waits = turns.any()
    apply(index, {"kind": "cancel", "order": "a"})
    turns.look_again("a")
    assert (waits, turns.any(), turns.rests) == (True, False, None)


def test_many_that_rest_do_not_hide_those_behind_them(index: Index) -> None:
    accept(index, "a", AHEAD * 2 + 1)
    turns = Turns(index, "acme", Clock())
    for number in range(1, AHEAD * 2 + 1):
        turns.rest(ItemKey("a", number), 30)
    assert taken(turns) == [f"a{AHEAD * 2 + 1}"]


# --- the queues of all providers ---


@pytest.fixture
def queues(index: Index) -> Queues:
    accept(index, "a", 1)
    accept(index, "b", 1, provider="other")
    return Queues(index, {name: Gate(1, lambda: 0.0) for name in ("acme", "other")})


def orders(queues: Queues) -> list[set[str]]:
    return [queues[name].orders() for name in ("acme", "other")]


def test_each_provider_has_a_queue_of_its_own(queues: Queues) -> None:
    assert orders(queues) == [{"a"}, {"b"}]


async def test_looking_again_wakes_every_gate(index: Index) -> None:
    gates = {name: Gate(1, lambda: 0.0) for name in ("acme", "other")}
    waiting = [asyncio.create_task(gate.change()) for gate in gates.values()]
    await asyncio.sleep(0)
    Queues(index, gates).look_again("a")
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)


def test_a_run_for_some_orders_works_on_them_and_on_what_it_takes_itself(queues: Queues) -> None:
    queues.limit_to({"a"})
    queues.look_again()
    limited = orders(queues)
    queues.admit("b")
    queues.look_again("b")
    assert (limited, orders(queues)) == ([{"a"}, set()], [{"a"}, {"b"}])


def test_a_run_for_no_order_yet_works_on_what_it_takes_itself_and_on_nothing_else(queues: Queues) -> None:
    queues.limit_to([])
    queues.look_again()
    none = orders(queues)
    queues.admit("a")
    queues.look_again()
    assert (none, orders(queues)) == ([set(), set()], [{"a"}, set()])
