"""Stages: what is made from what was made, at work in the house."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.errors import RunFailed
from artfactoryd.factories import Outputs
from artfactoryd.planning.accepted import expander
from artfactoryd.storage.derived import add_items
from artfactoryd.storage.events import Acceptance, Settlement, from_line
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search
from artfactoryd.storage.projection import apply
from tests.homes import TestHome, card_of
from tests.works import Works, at_work, found_again, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
PAINTED = "a [red,blue] car"
SMALLER: dict[str, Any] = {"id": "again", "provider": "other", "model": "editor", "parameters": {"strength": [1, 2]}}


def staged(*then: dict[str, Any], **keys: Any) -> str:
    return order(PAINTED, then=list(then), **keys)


def stages(works: Works, order_id: str) -> list[tuple[Any, Any, str]]:
    return [(item.stage, item.parent, item.state) for item in works.items(order_id)]


def first_products(works: Works, order_id: str) -> list[str]:
    return [row.path for row in works.house.books.index.products(order_id)]


def sidecar(home: TestHome, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(card_of(home.home.root / path).read_text())
    return found


async def test_each_product_is_made_into_the_next(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(staged(SMALLER))
        assert works.state(order_id) == "completed"
        done = "completed"
        assert stages(works, order_id) == [
            (None, None, done), (None, None, done), ("again", 1, done), ("again", 1, done), ("again", 2, done),
            ("again", 2, done),
        ]  # fmt: skip
        products = works.house.books.index.products(order_id)
        for call, parent in zip(works.other.calls(), [0, 0, 1, 1], strict=True):
            assert call.parameters["image"] == str(home.home.root / products[parent].path)
        told = sidecar(home, products[2].path)
        assert (told["stage"], told["parents"]) == ("again", [products[0].id])
        assert told["inputs"][0]["sha256"] == products[0].original != products[0].sha256
        assert "a-red-car" in products[2].path
        asked = search.find(works.house.books.index, f"input:{products[0].original[:12]}")
        assert {row.product.id for row in asked} == {products[2].id, products[3].id}
        assert works.order(order_id).price == 2 * 10_000 + 4 * 20_000 == works.committed(order_id)


async def test_what_did_not_come_ends_what_is_made_from_it_and_a_retry_brings_both_back(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", RunFailed("no such luck", charged=False))
        order_id = await works.make(staged(SMALLER))
        assert [state for _, _, state in stages(works, order_id)] == [
            "failed", "completed", "cancelled", "cancelled", "completed", "completed"
        ]  # fmt: skip
        assert works.items(order_id)[2].reason == "what it is made from did not come"
        answer = await works.tell("retry", order_id)
        assert answer["retried"] == [1, 3, 4]
        await works.rests()
        assert works.state(order_id) == "completed"
        assert found_again(home, Path(home.home.root) / "again.sqlite3") == Counter(completed=6)


async def test_what_was_asked_for_and_left_out_ends_only_its_own(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(order("a car", parameters={"num_outputs": 2}, then=[SMALLER]))
        assert [item.state for item in works.items(order_id)] == ["completed"] * 3 + ["cancelled"] * 2
        answer = await works.tell("retry", order_id)
        assert "nothing in cars to send again" in answer["text"]


async def test_what_came_above_what_was_asked_for_is_sent_on_too(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with items of its own, through every stage, once; and the ledger alone tells of the same."""
    last = {"id": "last", "provider": "other", "model": "editor"}
    async with at_work(home, monkeypatch) as works:
        three = Outputs(tuple(works.fake.picture(name) for name in ("one", "two", "six")), {})
        works.fake.script("collect", lambda _: three)
        order_id = await works.make(staged({**SMALLER, "parameters": {"strength": 1}}, last))
        await works.until(lambda: "more than was set aside" in " ".join(home.receipt().get("reasons", [])))
        assert set(works.states(order_id)) == {"completed", "planned"}
        assert (await works.tell("approve", order_id))["done"]
        await works.rests()
        assert works.state(order_id) == "completed"
        assert Counter(item.stage for item in works.items(order_id)) == {None: 2, "again": 4, "last": 4}
        products = works.house.books.index.products(order_id)
        names = sorted(Path(row.path).name.split("-")[0] for row in products)
        assert " ".join(names) == "0001 0001b 0001c 0002 0003 0003ba 0003ca 0004 0005 0005baa 0005caa 0006"
        fed = {sidecar(home, row.path)["parents"][0] for row in products if sidecar(home, row.path)["parents"]}
        assert len(fed) == 8  # every product of the first two stages
        await works.until(lambda: home.receipt()["items"] == {"total": 10, "completed": 10})
        assert found_again(home, Path(home.home.root) / "again.sqlite3") == Counter(completed=10)
        assert with_late_rows(home, order_id) == items_of(works.house.books.index, order_id)
    assert len(works.fake.calls()) + len(works.other.calls()) == 10


def with_late_rows(home: TestHome, order_id: str) -> list[dict[str, Any]]:
    """The items by the ledger, where those of later stages had no rows when the first item was settled."""
    with closing(Index.open(home.root / "late.sqlite3")) as index:
        for event in map(from_line, home.lines()):
            apply(index, event)
            late = isinstance(event, Settlement) and event.item == 1
            if isinstance(event, Acceptance) or late:
                accepted = index.order(order_id)
                assert accepted is not None
                providers, planned = expander(accepted)
                add_items(index, order_id, providers, list(planned)[: None if late else 2])
        return items_of(index, order_id)


def items_of(index: Index, order_id: str) -> list[dict[str, Any]]:
    return index.rows("SELECT * FROM item WHERE order_id = ? ORDER BY number", (order_id,))


async def test_what_is_sent_on_waits_for_its_own_mark(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(home, monkeypatch) as works:
        two = Outputs((works.fake.picture("one"), works.fake.picture("two")), {})
        works.fake.script("collect", lambda _: two)
        order_id = await works.make(order("a car", then=[{**SMALLER, "wait": "liked"}]))
        [_, second] = works.house.books.index.products(order_id)
        assert (await works.tell("approve", order_id))["done"]  # it cost more than was set aside
        assert (await works.tell("like", products=[second.path]))["done"]
        await works.until(lambda: Counter(works.states(order_id)) == Counter(completed=3, planned=2))
        assert {sidecar(home, row.path)["parents"][0] for row in works.house.books.index.products(order_id)[2:]} == {
            second.id
        }  # fmt: skip


def released(works: Works, order_id: str) -> set[int | None]:
    return {item.parent for item in works.items(order_id) if item.stage and not item.waits}


async def test_a_mark_taken_off_calls_off_what_nothing_was_sent_for(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(order("a [red,blue] car", then=[{**SMALLER, "wait": "liked"}]))
        red, blue = works.house.books.index.products(order_id)
        assert (await works.tell("pause"))["done"]
        assert (await works.tell("like", products=[red.path, blue.path]))["done"]
        assert released(works, order_id) == {red.place, blue.place}
        assert (await works.tell("like", products=[red.path], off=True))["done"]
        assert released(works, order_id) == {blue.place}
        assert (await works.tell("tag", products=[blue.path], changes=["+good"]))["done"]
        assert (await works.tell("resume"))["done"]
        await works.until(lambda: Counter(works.states(order_id)) == Counter(completed=4, planned=2))
        assert (await works.tell("like", products=[red.path]))["done"]
        await works.until(lambda: Counter(works.states(order_id)) == Counter(completed=6))
        assert (await works.tell("like", products=[red.path], off=True))["done"]
        assert Counter(works.states(order_id)) == Counter(completed=6)


async def test_a_rehearsal_draws_every_stage(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.take(staged(SMALLER, rehearse=True))
        assert works.order(order_id).price == 0
        assert works.order(order_id).provider == "local"


async def test_the_resolved_order_makes_the_same_stages(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await works.make(staged(SMALLER, {**SMALLER, "id": "more", "after": "again", "parameters": {}}))
        paper = next(home.home.projects.rglob("order.resolved.yaml")).read_text()
        second = await works.make(paper, "again.yaml")
        told = [[(i.stage, i.parent, i.generation) for i in works.items(each)] for each in (first, second)]
        assert told[0] == told[1]


async def test_only_what_is_liked_goes_on(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(staged({**SMALLER, "wait": "liked"}))
        assert Counter(works.states(order_id)) == Counter(completed=2, planned=4)
        assert works.other.calls() == []
        receipt = next(home.home.projects.rglob("receipt.yaml"))
        await works.until(lambda: "2 pictures wait for your mark" in receipt.read_text())
        liked = first_products(works, order_id)[1]
        assert (await works.tell("like", products=[liked]))["done"]
        await works.until(lambda: Counter(works.states(order_id)) == Counter(completed=4, planned=2))
        assert sidecar(home, liked)["liked"] is True  # which the ledger said first
        assert {item.parent for item in works.items(order_id) if item.state == "planned"} == {1}
        await works.tell("cancel", order_id)
        assert works.state(order_id) == "partial"
        assert len(works.other.calls()) == 2


async def test_stages_follow_one_another_and_any_one_before(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"id": "small", "provider": "other", "model": "editor"}
    third = {"id": "third", "provider": "other", "model": "editor", "after": "again"}
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(staged(SMALLER, small, third))
        found = Counter((item.stage, item.state) for item in works.items(order_id))
        assert found == {
            (None, "completed"): 2, ("again", "completed"): 4, ("small", "completed"): 4, ("third", "completed"): 4
        }  # fmt: skip
        seeds = [item.seed for item in works.items(order_id) if item.stage == "small"]
        assert len(set(seeds)) == 4


async def test_a_lost_index_knows_what_waits_and_what_was_liked(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(staged({**SMALLER, "wait": "liked"}, tags=["car"]))
        red, blue = first_products(works, order_id)
        assert (await works.tell("tag", products=[red], changes=["+best", "-car"]))["done"]
        await works.tell("pause", target="other")
        await works.tell("like", products=[blue])
        await works.rests()
    for path in home.home.index_file.parent.glob("index.sqlite3*"):
        path.unlink()
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert [row.tags for row in works.house.books.index.products(order_id)] == [["best"], ["car"]]
        await works.tell("resume", target="other")
        await works.until(lambda: Counter(works.states(order_id)) == Counter(completed=4, planned=2))
        assert [item.waits for item in works.items(order_id)] == [0, 0, 2, 2, 0, 0]
        assert len(works.other.calls()) == 2


async def test_a_mark_for_nothing_is_answered_in_words(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(home, monkeypatch) as works:
        answer = await works.tell("like", products=["Projects/none.png"])
        assert not answer["done"]
        assert "There is no product" in answer["text"]
