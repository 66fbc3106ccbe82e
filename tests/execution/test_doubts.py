from __future__ import annotations

import asyncio

from artfactoryd.execution.doubts import Doubts


def test_only_providers_that_can_tell_are_asked() -> None:
    doubts = Doubts(["b", "a"])
    assert doubts.providers == ["a", "b"] and doubts.can_be_asked("a") and not doubts.can_be_asked("c")


def test_a_doubt_is_new_until_it_is_taken_up() -> None:
    doubts = Doubts(["a"])
    doubts.arise("a")
    assert [doubts.take_up("a"), doubts.take_up("a"), doubts.is_new("a")] == [True, False, False]


def test_there_is_hope_from_a_doubt_until_it_is_lost_at_every_provider() -> None:
    doubts = Doubts(["a", "b"])
    hopeful = [doubts.hopeful]
    for provider in ("a", "b"):
        doubts.arise(provider)
        doubts.take_up(provider)
    for provider in ("a", "b"):
        hopeful.append(doubts.hopeful)
        doubts.lose_hope(provider)
    assert [*hopeful, doubts.hopeful] == [False, True, True, False]


def test_hope_for_a_doubt_that_arose_while_others_were_asked_about_is_not_lost() -> None:
    doubts = Doubts(["a"])
    doubts.arise("a")
    doubts.lose_hope("a")
    assert doubts.hopeful


async def test_who_waits_goes_on_with_a_new_doubt_or_when_the_time_is_over() -> None:
    doubts = Doubts(["a"])
    await doubts.wait("a", 0.01)
    waiting = asyncio.create_task(doubts.wait("a"))
    await asyncio.sleep(0)
    before = waiting.done()
    doubts.arise("a")
    await waiting
    assert not before and doubts.is_new("a")
