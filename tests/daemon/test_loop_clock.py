"""The wall's clock is put right after the start: no wait grows by it, and none ends by it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from artfactoryd.clock import now
from artfactoryd.intake import attachments
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
SETS = [timedelta(hours=-5), timedelta(hours=5), timedelta(days=-400)]


class Wall:
    """A clock that a test puts right."""

    by = timedelta()

    def __call__(self) -> datetime:
        return now() + self.by


@pytest.mark.parametrize("by", SETS, ids=str)
async def test_what_is_dropped_after_the_clock_was_set_is_made_at_once(
    home: TestHome, monkeypatch: Patch, by: timedelta
) -> None:
    wall = Wall()
    async with at_work(home, monkeypatch, clock=wall) as works:
        wall.by = by
        await works.make(order("a car"))
        assert works.states() == ["completed"]


@pytest.mark.parametrize("by", SETS, ids=str)
async def test_a_picture_that_never_comes_is_waited_for_as_long_as_ever(
    home: TestHome, monkeypatch: Patch, by: timedelta
) -> None:
    monkeypatch.setattr(attachments, "PATIENCE", 1.5)
    wall = Wall()
    async with at_work(home, monkeypatch, clock=wall) as works:
        home.drop("cars.yaml", "provider: other\nmodel: editor\nparameters: {image: a.png}\n")
        await works.until(lambda: works.daemon.report.waiting)
        wall.by = by
        await works.until(lambda: home.words("cars.yaml"))
    assert "a.png" in home.words("cars.yaml")
