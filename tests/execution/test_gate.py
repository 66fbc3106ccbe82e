from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from artfactoryd.execution.pacing.gate import FEW, Gate
from artfactoryd.execution.pacing.machine import Nap

PATIENCE = 10.0  # seconds; only a broken gate needs them


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return Gate(2, clock)


async def changes(gate: Gate) -> bool:
    """Does `change` return without anybody waking it?"""
    waiting = asyncio.create_task(gate.change())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ended = waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return ended


def test_a_gate_is_free_while_slots_are_left(gate: Gate) -> None:
    free = [gate.free]
    for act in (gate.hold, gate.hold, gate.let_go):
        act()
        free.append(gate.free)
    assert free == [True, True, False, True]


def test_items_taken_up_again_hold_more_slots_than_there_are_and_none_is_free_before_they_end(gate: Gate) -> None:
    for _ in range(3):
        gate.hold()
    gate.let_go()
    assert not gate.free
    gate.let_go()
    assert gate.free


def test_another_number_of_slots_counts_at_once(gate: Gate) -> None:
    gate.hold()
    gate.concurrency = 1
    assert not gate.free
    gate.concurrency = 3
    assert gate.free


def test_the_whole_provider_waits_as_long_as_it_was_told(gate: Gate, clock: Clock) -> None:
    assert gate.waits == 0
    gate.hold_creates(10)
    assert gate.waits == 10
    clock.now += 4
    assert gate.waits == 6
    clock.now += 60
    assert gate.waits == 0


def test_a_shorter_wait_does_not_shorten_a_longer_one(gate: Gate, clock: Clock) -> None:
    gate.hold_creates(10)
    gate.hold_creates(3)
    assert gate.waits == 10
    clock.now += 8
    gate.hold_creates(3)
    assert gate.waits == 3


def test_a_stopped_provider_says_why_until_it_is_lifted(gate: Gate) -> None:
    gate.hold_creates(60)
    gate.stop("no key")
    assert (gate.stopped, gate.waits) == ("no key", 60)
    gate.lift()
    assert (gate.stopped, gate.waits) == (None, 0)


WAKING: list[Callable[[Gate], None]] = [
    Gate.wake, Gate.let_go, Gate.lift, lambda gate: gate.stop("no key"), lambda gate: gate.hold_creates(10),
]  # fmt: skip


@pytest.mark.parametrize("act", WAKING, ids=["wake", "let_go", "lift", "stop", "wait"])
async def test_every_change_wakes_the_line_once(gate: Gate, act: Callable[[Gate], None]) -> None:
    waiting = asyncio.create_task(gate.change())
    await asyncio.sleep(0)
    assert not waiting.done()
    act(gate)
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert not await changes(gate)


async def test_a_change_before_the_line_looks_is_not_lost(gate: Gate) -> None:
    gate.wake()
    assert await changes(gate)
    assert not await changes(gate)


async def test_the_line_looks_again_when_its_time_is_over(gate: Gate) -> None:
    async with asyncio.timeout(PATIENCE):
        await gate.change(0.001)
    assert not await changes(gate)


# --- creates a minute ---


def taken(gate: Gate) -> int:
    """How many may be begun just now; none of them ends."""
    count = 0
    while not gate.waits and count < 100:
        gate.enter()
        count += 1
    return count


def test_a_few_seconds_worth_of_creates_leave_at_once_and_then_as_many_as_may_in_a_minute(clock: Clock) -> None:
    gate = Gate(1000, clock, 120)
    assert taken(gate) == 6  # two a second
    assert gate.waits == pytest.approx(0.5)
    clock.now += 0.5
    assert taken(gate) == 1
    clock.now += 1.25
    assert taken(gate) == 2
    clock.now += 3600
    assert taken(gate) == 6


def test_over_any_length_of_time_no_more_leave_than_were_allowed(clock: Clock) -> None:
    gate = Gate(1000, clock, 6)
    left = 0
    for _ in range(600):
        left += taken(gate)
        clock.now += 1
    assert 60 <= left <= 61


def test_other_settings_count_at_once_and_the_same_ones_give_nothing_away(clock: Clock) -> None:
    gate = Gate(1000, clock, 6)
    assert taken(gate) == 1
    gate.use(1000, 6)
    assert taken(gate) == 0
    gate.use(1000, None)
    assert taken(gate) == 100


# --- waits the provider asks for ---


def test_asked_to_wait_without_a_word_how_long_the_waits_grow_up_to_a_ceiling(gate: Gate, clock: Clock) -> None:
    waits = []
    for _ in range(7):
        gate.hold_creates(None)
        waits.append(gate.waits)
        clock.now += gate.waits
    assert waits == [10, 20, 40, 80, 160, 300, 300]


def test_those_on_the_way_together_are_told_once(gate: Gate) -> None:
    for _ in range(8):
        gate.hold_creates(None)
    assert gate.waits == 10


def test_after_a_create_that_goes_well_the_waits_begin_anew(gate: Gate, clock: Clock) -> None:
    for _ in range(3):
        gate.hold_creates(None)
        clock.now += gate.waits
    gate.create_answered()
    gate.hold_creates(None)
    assert gate.waits == 10
    gate.create_answered()  # one that was on the way all the time
    assert gate.waits == 10


def test_a_word_too_short_for_the_provider_is_lengthened_when_it_comes_again(gate: Gate, clock: Clock) -> None:
    waits = []
    for _ in range(5):
        gate.hold_creates(0)
        waits.append(gate.waits)
        clock.now += gate.waits
    assert waits == [0, 1, 2, 4, 8]


async def test_a_question_that_is_told_to_wait_slows_questions_and_creates(gate: Gate, clock: Clock) -> None:
    gate.slow_down(10)
    assert gate.waits == 10
    asking = asyncio.create_task(gate.may_ask())
    await asyncio.sleep(0)
    assert not asking.done()
    clock.now += 10
    gate.rouse()
    async with asyncio.timeout(PATIENCE):
        await asking
    assert gate.waits == 0


async def test_a_create_that_is_told_to_wait_does_not_slow_questions(gate: Gate) -> None:
    gate.hold_creates(10)
    async with asyncio.timeout(PATIENCE):
        await gate.may_ask()


# --- outages ---


def tried(gate: Gate, went: bool) -> None:
    gate.enter()
    gate.create_answered() if went else gate.creating.failed("no network")
    gate.creating.end()
    gate.let_go()


def test_a_few_failures_in_a_row_are_an_outage_and_each_further_one_makes_the_pause_longer(
    gate: Gate, clock: Clock
) -> None:
    for _ in range(FEW - 1):
        tried(gate, False)
        assert gate.waits == 0 and gate.free and not gate.reason
    pauses = []
    for _ in range(8):
        tried(gate, False)
        pauses.append(gate.waits)
        clock.now += gate.waits
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300] and gate.reason == "no network"
    tried(gate, True)
    assert gate.waits == 0 and gate.rounds == 0 and gate.reason == "" and gate.free


def test_a_failure_among_successes_is_no_outage(gate: Gate) -> None:
    for _ in range(20):
        for went in (*[False] * (FEW - 1), True):
            tried(gate, went)
    assert gate.rounds == 0 and gate.waits == 0


def test_after_one_failure_there_is_one_try_at_a_time(gate: Gate) -> None:
    gate.enter()
    tried(gate, False)
    free = [gate.free]  # one is on the way still
    gate.creating.end()
    gate.let_go()
    free.append(gate.free)
    gate.enter()
    free.append(gate.free)
    gate.create_answered()
    free.append(gate.free)
    assert free == [False, True, False, True]


def test_those_on_the_way_together_when_it_breaks_are_one_round_of_the_outage(clock: Clock) -> None:
    gate = Gate(8, clock)
    for _ in range(8):
        gate.enter()
    for _ in range(8):
        gate.creating.failed("no network")
        gate.creating.end()
    assert gate.rounds == 1 and gate.waits == 5


def test_who_waits_for_an_end_gives_up_after_a_few_tries(gate: Gate, clock: Clock) -> None:
    given_up = []
    for _ in range(FEW + 2):
        clock.now += gate.waits
        tried(gate, False)
        given_up.append(gate.given_up)
    assert given_up == [False] * (FEW + 1) + [True]


async def test_while_questions_fail_one_is_asked_at_a_time_and_nothing_is_created(gate: Gate, clock: Clock) -> None:
    for _ in range(FEW):
        await gate.may_ask()
        gate.asking.failed("no network")
        gate.question_ended()
    assert gate.given_up is gate.free is False
    clock.now += 5
    waiting = [asyncio.create_task(gate.may_ask()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [each.done() for each in waiting].count(True) == 1
    gate.question_answered()
    gate.question_ended()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
    assert (gate.free, gate.rounds) == (True, 0)


async def test_a_question_answered_after_an_outage_lets_a_create_be_tried_at_once(gate: Gate) -> None:
    for _ in range(FEW):
        gate.creating.failed("no network")
        gate.asking.failed("no network")
    assert gate.waits == 5
    gate.question_answered()
    assert gate.waits == 0 and gate.free and gate.reason == "no network"


def test_lifted_everything_is_tried_at_once(gate: Gate) -> None:
    for _ in range(FEW):
        gate.creating.failed("no network")
        gate.asking.failed("no network")
        gate.slow_down(100)
        gate.hold_creates(100)
    gate.lift()
    assert gate.waits == 0 and gate.free and gate.rounds == 0


# --- stops that a free question may lift ---


def test_a_stopped_provider_is_asked_after_ten_minutes_and_at_once_with_other_settings(
    gate: Gate, clock: Clock
) -> None:
    gate.stop("no key", 600)
    asks = [gate.asks]
    clock.now += 600
    asks.append(gate.asks)
    gate.still_stopped()
    asks.append(gate.asks)
    gate.use(2, None)
    asks.append(gate.asks)
    gate.lift()
    asks.append(gate.asks)
    assert asks == [600, 0, 600, 0, None]


def test_a_stop_that_only_a_person_lifts_is_never_asked_about(gate: Gate) -> None:
    gate.stop("no money")
    gate.still_stopped()
    gate.use(2, None)
    assert gate.asks is None


# --- sleep ---


def test_a_sleep_is_seen_once_and_a_clock_set_a_little_is_none() -> None:
    wall, steady = Clock(), Clock()
    nap = Nap(wall, steady)
    seen = []
    for wall_on, steady_on in ((5, 5), (3605, 5), (5, 5), (20, 5), (-3600, 5), (600, 600)):
        wall.now += wall_on
        steady.now += steady_on
        seen.append(nap.noticed())
    assert seen == [False, True, False, False, False, False]
