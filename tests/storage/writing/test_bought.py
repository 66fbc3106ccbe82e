"""What sidecars prove was bought counts as spent, whatever became of the ledger, and once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.clock import now, today
from artfactoryd.planning.accepted import expander
from artfactoryd.storage import budget, rebuild, spend, told
from tests.homes import TestHome
from tests.storage.safekeeping.test_restoring import backed_up, put_back
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
CARS = "a [red,blue] car"
SEED = {"seed": 7}


def counted(works: Works) -> list[int]:
    index, day = works.house.books.index, today()
    assert sum(group.money.spent for group in spend.by_group(index, "project")) == budget.counted(index, "month", day)
    return [budget.counted(index, name, day) for name in ("month", "day")]


async def bought_since_a_backup(home: TestHome, safe: Path, monkeypatch: Patch) -> str:
    """Three pictures for money, two copied; two backups, of before and after. The order known to both."""
    async with at_work(home, monkeypatch) as works:
        await works.tell("pause", target="fake")
        cars = await works.make(order(CARS, parameters=SEED))
        backed_up(home, safe)
        await works.tell("resume", target="fake")
        await works.rests()
        await works.make(order("a boat"), "boat.yaml")
        await works.make(order(CARS, parameters=SEED, tags=["again"]), "copied.yaml")
        assert len(works.fake.calls()) == 3 and len(home.products()) == 5
        assert counted(works) == [3 * PRICE] * 2
    backed_up(home, safe)
    return cars


@pytest.mark.parametrize("is_put_back", [False, True], ids=["lost", "older"])
async def test_what_the_ledger_does_not_tell_of_counts_until_it_does(
    home: TestHome, tmp_path: Path, monkeypatch: Patch, is_put_back: bool
) -> None:
    safe = tmp_path / "safe"
    cars = await bought_since_a_backup(home, safe, monkeypatch)
    shutil.rmtree(home.home.private)
    shutil.rmtree(home.home.ledger)
    home.home.make()
    if is_put_back:
        first, _ = sorted(path.name for path in safe.iterdir() if path.is_dir() and not path.name.startswith("."))
        assert [it.stake for it in put_back(home, safe, first).held] == [2 * PRICE]
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert counted(works) == [3 * PRICE] * 2  # what may have been bought was: that is one sum
        if is_put_back:
            await works.tell("resume", target="fake")
            assert (await works.tell("approve", cars))["done"]
            await works.rests()
            assert works.states(cars) == ["completed"] * 2
        assert works.fake.calls() == [] and counted(works) == [3 * PRICE] * 2
    with home.home.lock("reindex") as held:
        said = rebuild.reindex(held, expander, now).text()
    assert "$0.03 were spent by what sidecars tell, not by the ledger" in said
    if not is_put_back:
        put_back(home, safe)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert counted(works) == [3 * PRICE] * 2 and works.fake.calls() == []


async def test_what_stages_made_and_did_not_keep_counts_by_what_came_of_it(home: TestHome, monkeypatch: Patch) -> None:
    """Two pictures of 0.01, of each an unkept one of 0.02, of each again one of 0.02, whose stage came in between."""
    editor = {"provider": "other", "model": "editor"}
    then = [{"id": "half", "keep": False, **editor}, {"id": "whole", **editor, "parameters": {"strength": [1, 2]}}]
    async with at_work(home, monkeypatch) as works:
        await works.make(order(CARS, then=then))
        spent = counted(works)
        assert spent == [2 * (PRICE + 2 * PRICE + 4 * PRICE)] * 2
    for lost in (home.home.private, home.home.ledger):
        shutil.rmtree(lost)
    home.home.make()
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert counted(works) == spent and works.fake.calls() == works.other.calls() == []


AT = "2026-11-30T12:00:00.000Z"
CARD: dict[str, Any] = {
    "order": {"id": "o"}, "item": {"index": 1}, "provider": "fake", "created_at": AT, "rehearsal": False,
    "reused_from": None, "outputs": {"asked": 2, "delivered": 2}, "cost": {"usd": 0.01}, "timings": {"asked_at": AT},
}  # fmt: skip


@pytest.mark.parametrize(
    "said, cost",
    [
        ({}, 20_000),  # of the call, whose other picture may be gone
        ({"timings": {}}, 20_000),
        ({"cost": {"usd": 0.0}}, 0),
        ({"cost": {"usd": -1}}, 0),
        ({"cost": {"usd": float("nan")}}, 0),
        ({"cost": {"usd": 1e300}}, 0),
        ({"cost": None}, 0),
        ({"timings": {"asked_at": "noon"}}, 0),
        ({"rehearsal": True}, 0),
        ({"reused_from": "another"}, 0),
    ],
)
def test_what_a_sidecar_proves_was_paid(said: dict[str, Any], cost: int) -> None:
    assert told.bought({**CARD, **said})[0] == cost
