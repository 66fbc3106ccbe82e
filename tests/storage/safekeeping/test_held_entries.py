"""Orders that wait after a restore, and their entries in Held/: that one is not there is no cancel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artfactoryd.clock import now, today
from artfactoryd.planning.accepted import expander
from artfactoryd.storage import budget, rebuild
from tests.homes import TestHome
from tests.storage.safekeeping.test_restoring import backed_up, put_back
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def counted(works: Works) -> int:
    return budget.counted(works.house.books.index, "day", today())


async def looked(works: Works) -> None:
    """Twice, as one that is gone is only then cancelled."""
    for _ in range(2):
        await works.daemon._held.look(True)


def reindexed(home: TestHome) -> None:
    with home.home.lock("reindex") as held:
        assert rebuild.reindex(held, expander, now).held


@pytest.mark.parametrize("way", ["restored", "an older ledger"])
async def test_what_was_held_and_approved_since_waits_again_also_after_it_was_cancelled(
    home: TestHome, tmp_path: Path, monkeypatch: Patch, way: str
) -> None:
    """It was bought since, and is not on the shelf any more: nobody knows."""
    monkeypatch.setattr("artfactoryd.intake.held_folder.GONE_FOR", 0.0)
    safe, old = tmp_path / "safe", tmp_path / "old"
    async with at_work(home, monkeypatch) as works:
        boats = await works.make(order("a [red,blue] boat", proof=1), "boats.yaml")
        backed_up(home, safe)
    shutil.copytree(home.home.ledger, old)
    async with at_work(home, monkeypatch) as works:
        assert (await works.tell("approve", boats))["done"]
        await works.rests()
        assert works.states(boats) == ["completed"] * 2 and not any(home.home.held.glob("*.yaml"))
    shutil.rmtree(home.home.projects)
    shutil.rmtree(home.home.ledger)
    if way == "restored":
        shutil.rmtree(home.home.private)
        put_back(home, safe)
    else:
        shutil.copytree(old, home.home.ledger)
        home.home.make()
        reindexed(home)
    home.home.make()
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: way != "restored" or any(home.home.held.glob("boats*")))
        await looked(works)
        assert works.state(boats) == "held" and counted(works) == 2 * PRICE
        assert (await works.tell("cancel", boats))["done"]
        assert works.state(boats) == "partial" and counted(works) == PRICE
        answer = await works.tell("retry", boats)
        assert answer["waits"] and "may have been bought since" in answer["text"]
        await looked(works)
        assert works.state(boats) == "held" and counted(works) == 2 * PRICE and works.fake.calls() == []
        assert (await works.tell("approve", boats))["done"]
        await works.rests()
        assert works.states(boats) == ["completed"] * 2 and works.prompts() == ["a blue boat"]
        assert counted(works) == 2 * PRICE
