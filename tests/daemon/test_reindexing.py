"""The index made again while the daemon works: what is written meanwhile is in the new one, and the work goes on."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.clock import now
from artfactoryd.daemon import mailbox
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.storage import rebuild
from tests.homes import TABLES, TestHome, dump
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


async def reindexed(works: Works) -> dict[str, Any]:
    command = mailbox.command("reindex")
    return await asyncio.to_thread(mailbox.ask, works.home.home.commands, command, lambda: True)


def as_made_again(home: TestHome, tmp_path: Path) -> dict[str, Any]:
    """What the ledger and the shelf alone give."""
    again = TestHome(Home(Path(shutil.copytree(home.root, tmp_path / "again", symlinks=True))))
    shutil.rmtree(again.home.private)
    rebuild.reindex(again.home, expander, now)
    return dump(again)


async def test_nothing_that_is_written_meanwhile_is_lost(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch, concurrency=3) as works:
        first = works.house.home.index_file.stat().st_ino
        made = await works.take(order("a [red,blue,green,white] [car,boat]"))
        answers = [await reindexed(works) for _ in range(3)]
        await works.until(lambda: works.states(made) == ["completed"] * 8)
        await works.tell("like", products=[row.id for row in works.house.books.index.products(made)[:2]])
        answers.append(await reindexed(works))
        late = await works.make(order("a boat"), "boat.yaml")
        assert works.states(late) == ["completed"] and not works.daemon.stop.is_set()
        assert all(answer["done"] and answer["report"]["differences"] == [] for answer in answers), answers
        assert works.house.home.index_file.stat().st_ino != first
    assert len(works.fake.calls()) == 9 and len(list((home.home.private / "backups").glob("*.sqlite3"))) == 3
    here, again = dump(home), as_made_again(home, tmp_path)
    for table in TABLES:
        assert [dict(row, looked="", seq=0) for row in here[table]] == [
            dict(row, looked="", seq=0) for row in again[table]
        ]


async def test_an_index_that_cannot_be_made_leaves_the_old_one_at_work(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        monkeypatch.setattr(rebuild, "complaints", lambda path, whole: ["page 3 is damaged"])
        answer = await reindexed(works)
        assert not answer["done"] and "page 3 is damaged" in answer["text"]
        assert works.state(made) == "completed"
        assert works.states(await works.make(order("a boat"), "boat.yaml")) == ["completed"]
