"""An upload is used while it lasts, whatever the clock on the wall shows meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from artfactoryd.execution.upload_life import SPARE, Life
from artfactoryd.factories import Uploaded

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = 86_400.0


def begun(now: datetime = NOON, **known: float) -> Life:
    """A day's upload, by a provider whose clock shows noon."""
    life = Life.of(Uploaded("https://files/1", (NOON + timedelta(days=1)).isoformat(), **known), now, 50.0)
    assert life is not None
    return life


@pytest.mark.parametrize("wrong", [-400, -2, 2, 400], ids=str)
def test_a_wall_clock_that_is_wrong_all_along_changes_nothing(wrong: int) -> None:
    there = NOON + timedelta(days=wrong)
    life = begun(there, lives=DAY)
    for elapsed, lasts in ((0.0, True), (DAY - SPARE - 1, True), (DAY - SPARE, False), (2 * DAY, False)):
        assert life.lasts(there + timedelta(seconds=elapsed), 50.0 + elapsed) == lasts
        later = there + timedelta(seconds=elapsed)
        assert Life.read(life.written, later, 7.0).lasts(later, 7.0) == lasts  # in another process


def test_set_back_it_does_not_bring_back_what_has_expired() -> None:
    life = begun(lives=DAY)
    assert not life.lasts(NOON - timedelta(days=5), 50.0 + DAY)
    before = NOON - timedelta(days=5)
    assert not Life.read(life.written, before, 7.0).lasts(before, 7.0)  # nobody knows how old it is


def test_put_forward_it_throws_away_once_and_what_follows_lasts() -> None:
    there = NOON + timedelta(days=5)
    assert not begun(lives=DAY).lasts(there, 51.0)
    assert begun(there, lives=DAY).lasts(there, 51.0)


def test_while_the_machine_sleeps_it_ages_by_the_wall() -> None:
    assert not begun(lives=DAY).lasts(NOON + timedelta(days=2), 51.0)


def test_one_that_was_read_ages_by_elapsed_time_too() -> None:
    life = Life.read(begun(lives=DAY).written, NOON + timedelta(hours=1), 7.0)
    assert life.lasts(NOON - timedelta(days=1), 7.0 + 3600) and not life.lasts(NOON - timedelta(days=1), 7.0 + DAY)


@pytest.mark.parametrize(
    ("text", "lasts"), [("2026-11-30T13:00:00Z", True), ("2026-11-30T12:05:00", False), ("soon", False), ("x/y", False)]
)
def test_what_earlier_releases_wrote_down_is_read_by_its_end(text: str, lasts: bool) -> None:
    assert Life.read(text, NOON, 7.0).lasts(NOON, 7.0) == lasts


def test_without_an_end_it_is_for_ever_and_without_the_providers_clock_it_goes_by_ours() -> None:
    assert Life.of(Uploaded("https://files/1"), NOON, 50.0) is None
    assert begun().seconds == DAY and begun(lives=-5.0).seconds == 0.0
