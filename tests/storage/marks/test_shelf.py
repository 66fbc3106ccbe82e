"""What a person said is known again from the ledger, or from the shelf alone; a like found there buys nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from artfactoryd.cli.program import main
from artfactoryd.clock import now
from artfactoryd.planning.accepted import expander
from artfactoryd.storage import rebuild
from artfactoryd.storage.index import Index
from tests.homes import TestHome, card_of
from tests.postgres import lose
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
DRAWN: dict[str, Any] = {"id": "again", "provider": "other", "model": "editor", "wait": "liked"}


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


def said(home: TestHome) -> list[dict[str, object]]:
    names = ("id", "path", "project", "liked", "tags", "rating", "notes", "mark", "found")
    with closing(Index.look(home.home.index_file)) as index:
        return [{name: getattr(row, name) for name in names} for row in index.newest_products(9)]


def paths(works: Works) -> list[str]:
    return [row.path for row in reversed(works.house.books.index.newest_products(9))]


def again(home: TestHome) -> list[str]:
    with home.home.lock("reindex"):
        return rebuild.reindex(home.home, expander, now).differences


async def test_every_mark_comes_back_without_the_index_and_without_the_ledger_too(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car", tags=["car"], notes="for spring"))
        red, blue, _ = paths(works)
        await works.tell("like", products=[red, blue])
        await works.tell("rate", products=[red], rating=4)
        await works.tell("tag", products=[red], changes=["+best", "-car"])
        await works.tell("note", products=[blue], notes="for the cover")
        await works.tell("like", products=[blue], off=True)
    before = said(home)
    assert [(row["liked"], row["tags"], row["rating"], row["notes"]) for row in reversed(before)] == [
        (True, ["best"], 4, None), (False, ["car"], None, "for the cover"), (False, None, None, None)
    ]  # fmt: skip
    card = json.loads(card_of(home.root / red).read_text())
    assert (card["mark"], card["liked"], card["tags"]) == (before[-1]["mark"], True, ["best"])
    shutil.rmtree(home.home.private)
    assert again(home) == [] and said(home) == before
    shutil.rmtree(home.home.ledger)
    shutil.rmtree(home.home.private)
    assert "2 products carry marks that the ledger does not tell of" in " ".join(again(home))
    of_order = {"tags": ["car"], "notes": "for spring"}  # which nobody knows any more
    assert said(home) == [
        row | {name: value for name, value in of_order.items() if row[name] is None} | {"found": row["liked"]}
        for row in before
    ]


async def test_a_like_that_the_shelf_alone_tells_of_is_sent_on_when_a_person_says_so(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order(then=[DRAWN]))
        red, blue = paths(works)
    for path, mark in ((red, "fff"), (blue, None)):  # of a ledger that went on, and by hand
        card = card_of(home.root / path)
        card.write_text(json.dumps({**json.loads(card.read_text()), "liked": True, **({"mark": mark} if mark else {})}))
    lose(home.home.index_file)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert Counter(works.states()) == Counter(completed=2, planned=2) and works.other.calls() == []
        assert [row["found"] for row in said(home)] == [True, True]
        (row,) = works.house.books.index.orders()
        asked = ["--home", str(home.root), "why", row.id]
        why = (await asyncio.to_thread(CliRunner().invoke, main, asked)).output  # in a thread: it has a loop of its own
        assert (
            f"2 pictures are liked by what the shelf tells: `approve {row.short}` sends on 2 items for up to $0.04"
            in why
        )
        await works.tell("like", products=[red], off=True)
        await works.rests()
        assert works.other.calls() == []
        answer = await works.tell("approve", row.id)
        assert "1 picture liked on the shelf. 1 item may be sent for them, for up to $0.02." in answer["text"]
        await works.until(lambda: Counter(works.states()) == Counter(completed=3, planned=1))
        assert len(works.other.calls()) == 1


async def test_what_the_ledger_said_last_counts_whatever_an_older_sidecar_or_a_wrong_one_says(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order())
        red, blue = paths(works)
        await works.tell("rate", products=[red, blue], rating=2)
        older = card_of(home.root / red).read_bytes()
        await works.tell("rate", products=[red, blue], rating=5)
    card_of(home.root / red).write_bytes(older)
    wrong = {**json.loads(card_of(home.root / blue).read_text()), "rating": 17, "mark": "fff"}
    card_of(home.root / blue).write_text(json.dumps(wrong))
    before = said(home)
    lose(home.home.index_file)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        await works.until(lambda: json.loads(card_of(home.root / red).read_text())["rating"] == 5)
        assert said(home) == before
