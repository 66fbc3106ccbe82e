from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from artfactoryd.limits import Gate

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
    gate.wait(10)
    assert gate.waits == 10
    clock.now += 4
    assert gate.waits == 6
    clock.now += 60
    assert gate.waits == 0


def test_a_shorter_wait_does_not_shorten_a_longer_one(gate: Gate, clock: Clock) -> None:
    gate.wait(10)
    gate.wait(3)
    assert gate.waits == 10
    clock.now += 8
    gate.wait(3)
    assert gate.waits == 3


def test_a_stopped_provider_says_why_until_it_is_lifted(gate: Gate) -> None:
    gate.wait(60)
    gate.stop("no key")
    assert (gate.stopped, gate.waits) == ("no key", 60)
    gate.lift()
    assert (gate.stopped, gate.waits) == (None, 0)


WAKING: list[Callable[[Gate], None]] = [
    Gate.wake, Gate.let_go, Gate.lift, lambda gate: gate.stop("no key"), lambda gate: gate.wait(10),
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


async def test_a_wait_that_ends_between_two_looks_does_not_put_the_line_to_sleep(gate: Gate, clock: Clock) -> None:
    gate.wait(10)
    await gate.change(0)
    assert gate.waits  # so nothing is sent now
    clock.now += 10
    async with asyncio.timeout(PATIENCE):
        await gate.change(gate.waits or None)
    assert not await changes(gate)
