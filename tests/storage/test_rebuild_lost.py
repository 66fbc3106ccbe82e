"""`.artfactory` deleted, or the ledger too: what follows from the files that are left is back, field by field."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from typing import Any

import pytest

from artfactoryd.cli import explain
from artfactoryd.clock import today
from artfactoryd.entries import sha256
from artfactoryd.errors import InDoubt
from artfactoryd.reporting import status
from artfactoryd.settings import Budget, Settings
from artfactoryd.storage import budget
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import cards
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
CAP = Budget(per_day=0.05, per_month=0.05)
TABLES = (
    "orders", "item", "generation_log", "product", "product_tag", "interim", "question", "provider_stop", "command",
    "spending",
)  # fmt: skip
DERIVED = {
    "product": {"looked", "seq", "unwritten"},
    "product_tag": {"seq"},
}  # how far this machine is with it: from no file


async def lived(home: TestHome, monkeypatch: Patch) -> dict[str, str]:
    """One order finished, with marks; one held, one running, one in doubt: the cap has room for nothing more."""
    async with at_work(home, monkeypatch, budget=CAP) as works:
        orders = {"finished": await works.make(order("a [red,blue] car", project="cars", tags=["fast"]), "cars.yaml")}
        orders["held"] = await works.make(order("a [red,blue] boat", budget=0.001), "boats.yaml")
        works.fake.script("submit", InDoubt("the line broke"))
        orders["in doubt"] = await works.make(order("a kite", project="skies"), "kite.yaml")
        works.fake.hold("collect")
        orders["running"] = await works.take(order("a [grey,white] train", project="p"), "train.yaml")
        await works.until(lambda: works.states(orders["running"]) == ["running", "planned"])
        red, blue = works.house.books.index.products(orders["finished"])
        await works.tell("like", products=[red.id])
        await works.tell("rate", products=[red.id, blue.id], rating=4)
        await works.tell("tag", products=[blue.id], changes=["+shiny", "-fast"])
        await works.tell("pause", target=orders["held"])
        await works.until(lambda: not cards.unwritten(works.house.books.index, 1))
    return orders


def told(home: TestHome) -> dict[str, Any]:
    """Every row and every document of it, without what is derived anew."""
    with closing(Index.look(home.home.index_file)) as index:
        rows = {name: index.rows(f"SELECT * FROM {name}") for name in TABLES}
        whole = status.status(home.home, index, Settings(budget=CAP), None).to_json()
        money = {"counted": budget.counted(index, "day", today()), "spent": index.spent_in_all()}
        products = [row.id for row in index.newest_products(100)]
    made = {id: explain.explanation(home.home, id).to_json() for id in products}
    return {**{name: _comparable(name, of_table) for name, of_table in rows.items()}, "money": money, "made": made,
            "status": {**whole, "to_look_at": None}, "files": files(home)}  # fmt: skip


def _comparable(name: str, rows: list[dict[str, Any]]) -> list[str]:
    kept = ({key: value for key, value in row.items() if key not in DERIVED.get(name, ())} for row in rows)
    return sorted(json.dumps(row, sort_keys=True) for row in kept)


def files(home: TestHome) -> dict[str, str]:
    """What is on the shelf for good."""
    anew = ("receipt.yaml", "contact-sheet.jpg")
    there = (path for path in home.home.projects.rglob("*") if path.is_file() and path.name not in anew)
    return {str(path.relative_to(home.root)): sha256(path) for path in there}


def resting(fake: FakeFactory) -> None:
    """What is on its way stays so."""
    fake.hold("collect")


async def test_an_index_that_was_deleted_comes_back_field_by_field_and_nothing_is_made_twice(
    home: TestHome, monkeypatch: Patch
) -> None:
    orders = await lived(home, monkeypatch)
    before = told(home)
    shutil.rmtree(home.home.private)
    home.home.make()
    async with at_work(home, monkeypatch, budget=CAP, script=resting) as works:
        await works.until(lambda: works.phases(orders["running"]))
        after = told(home)
        for part, value in before.items():
            assert after[part] == value, part
        assert {name: works.state(order_id) for name, order_id in orders.items()} == {
            "finished": "completed", "held": "held", "in doubt": "processing", "running": "processing",
        }  # fmt: skip
        works.fake.release("collect")
        await works.rests()
        assert works.states(orders["running"]) == ["completed"] * 2 and works.prompts() == ["a white train"]
        late = await works.make(order("a tree"), "tree.yaml")
        assert counted(works) == 5 * PRICE and works.states(late) == ["planned"] and len(works.fake.calls()) == 1
    assert files(home).items() >= before["files"].items() and len(home.products()) == 4


def counted(works: Works) -> int:
    return budget.counted(works.house.books.index, "day", today())


async def test_with_the_ledger_gone_too_the_shelf_gives_its_products_with_what_their_sidecars_say(
    home: TestHome, monkeypatch: Patch
) -> None:
    orders = await lived(home, monkeypatch)
    before = told(home)
    shutil.rmtree(home.home.private)
    shutil.rmtree(home.home.ledger)
    home.home.make()
    sidecars = {card["id"]: card for card in home.sidecars()}
    async with at_work(home, monkeypatch, budget=CAP) as works:
        await works.rests()
        found = {row.id: row for row in works.house.books.index.newest_products(100)}
        assert found.keys() == sidecars.keys() and len(found) == 2
        assert works.fake.calls() == [] and files(home) == before["files"]
        for id, card in sidecars.items():
            told_of_it = explain.explanation(home.home, id).to_json()
            assert told_of_it == {**before["made"][id], "order_folder": None, "attempts": []}
            assert card["rating"] == told_of_it["rating"] == 4
        assert {row.liked for row in found.values()} == {True, False}
        again = await works.make(order("a [red,blue] car", project="cars", tags=["fast"]), "cars.yaml")
        assert works.states(again) == ["completed"] * 2 and works.fake.calls() == []  # copied from the shelf
        assert works.house.books.index.order(orders["finished"]) is None
