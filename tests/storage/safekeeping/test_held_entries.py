"""Orders that wait after a restore, and their entries in Held/: that one is not there is no cancel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artfactoryd.clock import today
from artfactoryd.storage import budget
from tests.homes import TestHome
from tests.storage.safekeeping.test_restoring import backed_up, put_back
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def counted(works: Works) -> int:
    return budget.counted(works.house.books.index, "day", today())


@pytest.mark.parametrize("way", ["restored", "an older ledger"])
async def test_what_was_held_and_approved_since_waits_again_also_after_it_was_cancelled(
    home: TestHome, tmp_path: Path, monkeypatch: Patch, way: str
) -> None:
    """It was bought since, and is not on the shelf any more: nobody knows."""
    monkeypatch.setattr("artfactoryd.intake.held_folder.GONE_FOR", 0.0)
    safe, old = tmp_path / "safe", tmp_path / "old"
    async with at_work(home, monkeypatch) as works:
        dear = await works.make(order("a [red,blue] boat", budget=0.001), "dear.yaml")
        backed_up(home, safe)
    shutil.copytree(home.home.ledger, old)
    async with at_work(home, monkeypatch) as works:
        assert (await works.tell("approve", dear))["done"]
        await works.rests()
        assert works.states(dear) == ["completed"] * 2 and list(home.home.held.glob("dear*")) == []
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
        await works.until(lambda: way != "restored" or (home.home.held / "dear.yaml").exists())
        await looked(works)
        assert works.state(dear) == "held" and counted(works) == 2 * PRICE
        assert (await works.tell("cancel", dear))["done"]
        assert works.state(dear) == "cancelled" and counted(works) == 0
        if not works.items(dear):
            await works.until(lambda: works.items(dear))
        answer = await works.tell("retry", dear)
        assert answer["waits"] and "may have been bought since" in answer["text"]
        await looked(works)
        assert works.state(dear) == "held" and counted(works) == 2 * PRICE and works.fake.calls() == []
        assert (await works.tell("approve", dear))["done"]
        await works.rests()
        assert works.states(dear) == ["completed"] * 2 and len(works.fake.calls()) == counted(works) / PRICE == 2
