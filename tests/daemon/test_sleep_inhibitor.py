from __future__ import annotations

import os
from pathlib import Path

import pytest

from artfactoryd.daemon.sleep_inhibitor import WORTH_IT, Wakefulness, command
from tests.homes import until


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_system_has_its_own_lock_against_idle_sleep_and_others_have_none() -> None:
    assert command("darwin", 42) == ["caffeinate", "-i", "-w", "42"]
    inhibit = command("linux", 42)
    assert inhibit[:3] == ["systemd-inhibit", "--what=idle", "--mode=block"] and inhibit[-1] == "cat"
    assert command("win32", 42) == []


@pytest.fixture
def child(tmp_path: Path) -> list[str]:
    """Says that it lives in a file that goes with it, until its input closes."""
    over = f"rm -f {tmp_path}/on"  # by whichever of the two comes first: the signal, or the end of its input
    return ["sh", "-c", f"trap '{over}; exit' TERM; touch {tmp_path}/on; read line; {over}"]


def test_a_lock_is_held_while_something_is_out_for_long_and_no_longer(child: list[str], tmp_path: Path) -> None:
    clock, sign = Clock(), tmp_path / "on"
    awake = Wakefulness(child, clock)
    awake.follow(True)
    clock.now = WORTH_IT - 1
    awake.follow(True)
    begun = [awake._child]
    clock.now = WORTH_IT
    awake.follow(True)
    until(sign.exists)
    assert begun == [None]  # so short a time is not worth a process
    first = awake._child
    awake.follow(True)
    assert awake._child is first and first is not None
    awake.follow(False)
    assert first.poll() is not None
    until(lambda: not sign.exists())


def test_it_begins_anew_with_what_is_out_next(child: list[str]) -> None:
    clock = Clock()
    awake = Wakefulness(child, clock)
    awake.follow(True)
    clock.now = WORTH_IT
    awake.follow(False)
    awake.follow(True)
    assert awake._child is None
    awake.end()
    awake.end()


@pytest.mark.parametrize("words", [[], ["no-such-program-here"], [os.devnull]])
def test_where_it_cannot_be_had_nothing_happens(words: list[str]) -> None:
    clock = Clock()
    awake = Wakefulness(words, clock)
    for clock.now in (0.0, WORTH_IT, WORTH_IT * 2):
        awake.follow(True)
    awake.follow(False)
    awake.end()
