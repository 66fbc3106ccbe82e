from __future__ import annotations

import pytest

from artfactoryd.execution.pacing.machine import LOOKS_LAST, ROOM_AGAIN, Disk, Room
from tests.execution.hangar import A1, A2, B1


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Machine:
    """A disk that says what it is told to, and the clocks it is looked at by."""

    def __init__(self) -> None:
        self.words, self.looks, self.clock = "", 0, Clock()
        self.room = Room(self.look, self.clock)
        self.disk = Disk(self.room, self.clock)

    def look(self) -> str:
        self.looks += 1
        return self.words


def test_a_disk_with_room_is_asked_a_few_times_a_second_and_a_full_one_each_time() -> None:
    machine = Machine()
    for _ in range(5):
        machine.room.missing()
    few = machine.looks
    machine.clock.seconds += LOOKS_LAST
    machine.words = "no room"
    missing = [machine.room.missing() for _ in range(3)]
    assert (few, machine.looks, missing) == (1, 4, ["no room"] * 3)


def test_a_look_tells_whether_anything_has_changed() -> None:
    machine = Machine()
    changed = [machine.disk.look()]
    for machine.words in ("no room", "no room", "less room", ""):
        machine.clock.seconds += LOOKS_LAST
        changed.append(machine.disk.look())
    assert changed == [False, True, False, True, True] and machine.disk.full == ""


def test_a_disk_that_refused_the_ledger_rests_a_minute_and_says_why_nothing_is_sent() -> None:
    machine = Machine()
    resting = [machine.disk.is_resting]
    machine.disk.refused_ledger("no room for the ledger")
    resting.append(machine.disk.is_resting)
    machine.clock.seconds += ROOM_AGAIN
    assert [*resting, machine.disk.is_resting] == [False, True, False]
    assert machine.disk.full == "no room for the ledger" and machine.disk.look() and machine.disk.full == ""


def test_nothing_is_sent_while_a_product_waits_for_room_though_the_disk_has_some() -> None:
    machine = Machine()
    machine.disk.refused_product(A1, "read-only")
    full = [machine.disk.look(), machine.disk.full]
    machine.disk.took_product(A1)
    assert [*full, machine.disk.look(), machine.disk.full] == [True, "read-only", True, ""]


def test_an_order_is_told_each_reason_once_and_no_other_orders_reasons() -> None:
    machine = Machine()
    for key, reason in ((A1, "read-only"), (A2, "read-only"), (B1, "no room")):
        machine.disk.refused_product(key, reason)
    machine.disk.took_product(A1)
    assert (machine.disk.unfiled("a"), machine.disk.unfiled("b")) == (["read-only"], ["no room"])


def test_a_disk_that_rests_is_looked_at_again_without_anybody_asking() -> None:
    machine = Machine()
    assert machine.disk.again is None
    machine.disk.refused_ledger("no room for the ledger")
    assert machine.disk.again == ROOM_AGAIN


def test_the_log_has_when_the_disk_refuses_and_when_it_takes_everything_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    machine = Machine()
    for key in (A1, A2, A1):
        machine.disk.refused_product(key, "read-only")
        machine.disk.look()
    for key in (A1, A2):
        machine.disk.took_product(key)
        machine.disk.look()
    assert caplog.messages == [
        "what was made waits for the disk: read-only", "nothing that was made waits for the disk any more",
        "the disk takes everything again: what waited for it is sent",
    ]  # fmt: skip
    caplog.clear()
    for machine.words in ("no room", "less room", "", ""):
        machine.clock.seconds += LOOKS_LAST
        machine.disk.look()
    for _ in range(2):
        machine.disk.refused_ledger("no room for the ledger")
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "nothing is sent", "the disk takes everything again", "nothing is sent"
    ]  # fmt: skip
