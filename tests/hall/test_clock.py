from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from artfactoryd import clock
from artfactoryd.clock import Age, iso

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_moments_sort_as_their_texts_do_whatever_the_clock_they_were_read_from() -> None:
    moments = [
        NOON.astimezone(timezone(timedelta(hours=9))), NOON + timedelta(microseconds=1500),
        (NOON + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-5))),
    ]  # fmt: skip
    texts = [iso(each) for each in moments]
    assert texts == ["2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00.001Z", "2026-03-01T12:00:01.000Z"]
    assert [datetime.fromisoformat(each) for each in texts[::2]] == moments[::2]


def test_an_age_grows_by_the_steady_clock_whatever_the_walls_clock_is_set_to() -> None:
    wall, steady = [NOON], [100.0]
    old = Age(NOON - timedelta(minutes=1), lambda: wall[0], lambda: steady[0])
    to_come = Age(NOON + timedelta(hours=5), lambda: wall[0], lambda: steady[0])
    for put in (timedelta(hours=-5), timedelta(days=2)):
        wall[0] = NOON + put
        assert (old.seconds, to_come.seconds) == (60.0, 0.0)
    steady[0] += 7
    assert (old.seconds, to_come.seconds) == (67.0, 7.0)


def test_who_may_come_a_little_early_comes_with_all_others_that_may() -> None:
    begun = [100.0, 101.7, 104.999]
    assert [moment + clock.until_tick(5.0, moment) for moment in begun] == [105.0, 105.0, 105.0]
    assert clock.until_tick(5.0, 105.0) == 5.0 and 0 < clock.until_tick(0.02) <= 0.02


def test_a_moment_is_shown_in_this_machines_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    try:
        assert (
            clock.shown("2026-11-22T22:30:00.123Z") == "2026-11-23 01:30:00" == clock.shown("2026-11-22T22:30:00+0000")
        )
        assert clock.shown("a while ago") == "a while ago"
    finally:
        monkeypatch.undo()
        time.tzset()
