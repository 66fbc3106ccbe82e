"""Stages whose products are not kept: they are sent on, and are there until everything made of them is safe."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.cli.doctor import home as soundness
from artfactoryd.core.expansion.plan import PlannedItem
from artfactoryd.errors import CallRefused
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf.received import Fetched
from artfactoryd.shelf.staging import Staging
from artfactoryd.storage import writer
from artfactoryd.storage.index import Index
from artfactoryd.storage.writer import catch_up
from tests.execution.test_reuse_stages import EDITING, bought, cards, planned
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]

UP: dict[str, Any] = {
    "id": "up", "provider": "other", "model": "editor", "parameters": {"strength": 9}, "keep": False
}  # fmt: skip
OUT: dict[str, Any] = {"id": "out", "provider": "other", "model": "editor", "parameters": {"strength": [1, 2]}}


@pytest.fixture
async def works(home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None) -> AsyncIterator[Works]:
    async with at_work(home, monkeypatch, concurrency=4) as found:
        yield found


def chain(prompt: str = "a car", *then: dict[str, Any], **keys: Any) -> str:
    return order(prompt, then=list(then or (UP, OUT)), **keys)


def waiting(works: Works) -> list[Path]:
    return sorted((works.home.home.work / "interim").glob("*"))


def by_chunks(monkeypatch: pytest.MonkeyPatch, size: int) -> tuple[threading.Event, threading.Event]:
    """The second chunk of an order's rows waits for the first of these events; the second says that it does."""
    go_on, asked = threading.Event(), threading.Event()

    def slowly(items: Iterator[PlannedItem]) -> list[PlannedItem]:
        found = list(islice(items, size))
        if found and found[0].number > size:
            asked.set()
            assert go_on.wait(20)
        return found

    monkeypatch.setattr(writer, "_take", slowly)
    return go_on, asked


async def test_what_is_not_kept_is_sent_on_and_goes_when_all_made_of_it_is_safe(works: Works) -> None:
    order_id = await works.make(chain("a [red,blue] car"))
    assert (works.state(order_id), bought(works)) == ("completed", (2, 2 + 4))
    found = cards(works, order_id)
    assert [card["stage"] for card in found] == [None] * 2 + ["out"] * 4
    assert waiting(works) == [] and len(list(works.home.products())) == 6
    drafts = [card["id"] for card in found[:2]]
    assert [card["parents"] for card in found[2:]] == [[drafts[0]]] * 2 + [[drafts[1]]] * 2
    rows = works.house.books.index.rows("SELECT * FROM interim ORDER BY place")
    told = [card["inputs"][0] for card in found[2:]]
    assert [each["source"] for each in told] == ["stage:up"] * 4
    assert [each["sha256"] for each in told] == [row["sha256"] for row in rows for _ in (1, 2)]
    sent = [call.parameters["image"] for call in works.other.calls() if call.parameters["strength"] != 9]
    assert sorted(set(sent)) == sorted(str(works.home.home.root / row["path"]) for row in rows)
    assert all("a-red-car" in card["file"]["name"] for card in found[2:4])
    assert works.committed(order_id) == 2 * PRICE + 6 * EDITING


async def test_it_is_there_for_a_retry_of_what_failed(works: Works) -> None:
    works.other.script("submit", "ok", CallRefused("no"))
    order_id = await works.make(chain("a car", UP, {**OUT, "parameters": {"strength": 1}}))
    assert works.states(order_id) == ["completed", "completed", "failed"] and len(waiting(works)) == 1
    (said,) = soundness.between(works.home.home)
    assert (
        said.text.startswith("1 picture (")
        and said.text.endswith("was to be made for cars.")
        and f"retry {order_id[:13]}" in said.way_out
    )
    await works.tell("retry", order_id)
    await works.until(lambda: works.state(order_id) == "completed")
    assert list(soundness.between(works.home.home)) == []
    await works.until(lambda: not waiting(works))
    assert [call.parameters["strength"] for call in works.other.calls()] == [9, 1, 1]


async def test_an_edited_order_makes_nothing_again_that_was_not_kept(works: Works) -> None:
    twice = {**UP, "id": "twice", "parameters": {"strength": 8}}
    text = chain("a [red,blue] car", UP, twice, OUT)
    first = await works.make(text)
    before = bought(works)
    again = text + "notes: edited\n"
    found = planned(works, again)
    assert (found["price"]["usd"], found["reuse"]["reused"], found["reuse"]["bought"]) == (0, 10, 0)
    assert all(item["reused"] for item in found["items"])
    second = await works.make(again)
    assert (works.state(second), works.committed(second), bought(works)) == ("completed", 0, before)
    old, new = cards(works, first), cards(works, second)
    assert [card["reused_from"] for card in new] == [card["id"] for card in old]
    assert [card["parents"] for card in new[2:4]] == [[new[0]["id"]]] * 2
    assert waiting(works) == []
    third = await works.make(again + "tags: [x]\n")  # what was only sent on is known from there, too
    assert (works.state(third), bought(works)) == ("completed", before)


async def test_for_something_new_it_is_made_again_and_the_plan_says_so(works: Works) -> None:
    await works.make(chain("a [red,blue] car"))
    text = chain("a [red,blue] car", UP, {**OUT, "parameters": {"strength": [1, 2, 3]}})
    found = planned(works, text)
    assert found["reuse"] == {
        "reused": 2, "bought": 8, "joined": 0, "deleted": 0,
        "reasons": {"it was not kept": 2, "what it is made from is new": 6},
    }  # fmt: skip
    assert found["price"]["usd"] == 0.16
    second = await works.make(text)
    assert works.state(second) == "completed" and bought(works) == (2, 6 + 2 + 6)
    one = chain("a [red,green] car")  # of red all is there
    assert planned(works, one)["reuse"]["bought"] == 4
    await works.make(one)
    assert bought(works) == (3, 14 + 3)


async def test_for_something_new_the_whole_way_to_it_is_made_again(works: Works) -> None:
    twice = {**UP, "id": "twice", "parameters": {"strength": 8}}
    await works.make(chain("a car", UP, twice, OUT))
    text = chain("a car", UP, twice, {**OUT, "parameters": {"strength": [1, 3]}})
    assert planned(works, text)["reuse"]["bought"] == 4 and planned(works, text)["price"]["usd"] == 0.08
    second = await works.make(text)
    assert works.committed(second) == 4 * EDITING and bought(works) == (1, 4 + 4)


async def test_a_deleted_product_of_one_not_kept_is_held_with_the_price_of_both(works: Works) -> None:
    first = await works.make(chain())
    (works.home.home.root / works.house.books.index.products(first)[1].path).unlink()
    second = await works.make(chain(notes="edited"))
    [reason] = works.order(second).reasons
    assert reason.code == "deleted" and reason.text.startswith("1 of 4 was bought before")
    assert works.order(second).price == 3 * EDITING
    await works.tell("approve", second)
    await works.until(lambda: works.state(second) == "completed")
    assert bought(works) == (1, 6)


async def test_what_is_deleted_after_acceptance_ends_and_is_bought_by_retry(works: Works) -> None:
    first = await works.make(chain())
    await works.tell("pause", "fake")
    second = await works.take(chain(notes="edited"))
    await works.lined_up(8)
    (works.home.home.root / works.house.books.index.products(first)[1].path).unlink()
    await works.tell("resume", "fake")
    await works.until(lambda: works.state(second) == "partial")
    assert works.states(second) == ["completed", "failed", "cancelled", "cancelled"] and bought(works) == (1, 3)
    assert "retry" in (works.items(second)[1].reason or "")
    await works.tell("retry", second)
    await works.until(lambda: works.state(second) == "completed")
    assert bought(works) == (1, 6)


async def test_while_it_is_there_another_order_takes_a_copy(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    flush, flushed = Staging.flush, list[int]()

    def noted(kept: Staging) -> None:
        flushed.append(len(works.lines("reuse")))
        flush(kept)

    monkeypatch.setattr(Staging, "flush", noted)
    works.other.hold("collect")
    first = await works.take(chain())
    await works.other.reached("collect")
    second = await works.take(chain("a car", UP, {**OUT, "parameters": {"strength": [3, 4]}}))
    await works.until(lambda: works.states(second) == ["completed", "planned", "planned", "planned"])
    await works.lined_up(8)
    works.other.release("collect")
    await works.rests()
    assert (works.state(first), works.state(second)) == ("completed", "completed")
    assert sorted(call.parameters["strength"] for call in works.other.calls()) == [1, 2, 3, 4, 9]
    assert flushed == [1]  # that of the draft is written; that of the copy is not before its bytes are safe
    assert waiting(works) == []


async def test_what_goes_while_it_is_copied_is_made_again_for_what_is_new(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.other.script("submit", "ok", CallRefused("no"))
    first = await works.make(chain("a car", UP, {**OUT, "parameters": {"strength": 1}}))
    assert works.states(first)[2] == "failed" and len(waiting(works)) == 1
    copy = Staging.copy

    def late(kept: Staging, source: Path, product: str, sha256: str) -> Fetched:
        if source.parent.name == "interim":
            source.unlink()
        return copy(kept, source, product, sha256)

    monkeypatch.setattr(Staging, "copy", late)
    second = await works.make(chain("a car", UP, {**OUT, "parameters": {"strength": 2}}))
    assert works.state(second) == "completed"
    assert [call.parameters["strength"] for call in works.other.calls()] == [9, 1, 9, 2]


async def test_a_stage_that_is_kept_now_is_made_again(works: Works) -> None:
    await works.make(chain())
    kept = chain("a car", {**UP, "keep": True}, OUT)
    assert planned(works, kept)["reuse"]["reasons"] == {"it was not kept": 1, "what it is made from is new": 2}
    second = await works.make(kept)
    assert bought(works) == (1, 6) and [card["stage"] for card in cards(works, second)] == [None, "up", "out", "out"]
    again = await works.make(chain(notes="edited"))  # what is on the shelf need not be made to be sent on
    assert (works.state(again), bought(works), waiting(works)) == ("completed", (1, 6), [])


async def test_the_index_made_again_knows_what_was_sent_on(works: Works, tmp_path: Path) -> None:
    await works.make(chain())
    await works.make(chain(notes="edited"))
    again = Index.open(tmp_path / "again.sqlite3")
    catch_up(again, works.home.home.ledger, expander)
    try:
        for table in ("item", "interim", "product"):
            sql = f"SELECT * FROM {table} ORDER BY 1, 2"
            rows = [
                [{**row, "looked": None} for row in index.rows(sql)]  # of which the ledger knows the damaged ones alone
                for index in (again, works.house.books.index)
            ]
            assert rows[0] == rows[1]
        assert len(again.rows("SELECT * FROM interim")) == 2
    finally:
        again.close()


async def test_it_is_not_made_before_it_is_known_what_is_made_of_it(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of an order come in chunks: those of the last stage may come when the first is at work."""
    await works.make(chain())
    go_on, asked = by_chunks(monkeypatch, 2)
    second = await works.take(chain(notes="edited"))
    await works.until(asked.is_set)
    works.execution.wake()  # as another order does
    await works.until(lambda: works.states(second) == ["completed", "planned"])
    await asyncio.sleep(0.3)
    assert bought(works) == (1, 3) and works.states(second) == ["completed", "planned"]
    go_on.set()
    await works.until(lambda: works.state(second) == "completed")
    assert bought(works) == (1, 3)


async def test_it_does_not_go_before_all_rows_of_what_is_made_of_it_are_there(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = by_chunks(monkeypatch, 3)
    order_id = await works.take(chain())
    await works.until(asked.is_set)
    works.execution.wake()
    await works.until(lambda: works.states(order_id) == ["completed"] * 3)
    await asyncio.sleep(0.1)
    assert len(waiting(works)) == 1
    go_on.set()
    await works.until(lambda: works.state(order_id) == "completed")
    assert works.states(order_id) == ["completed"] * 4 and bought(works) == (1, 3)


async def test_what_would_be_made_of_something_not_kept_says_the_way_out(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    await works.make(chain("a car", UP, {**OUT, "parameters": {"strength": 1}}))
    copy = Staging.copy

    def late(kept: Staging, source: Path, product: str, sha256: str) -> Fetched:
        if "0003" in source.name:
            source.unlink()
        return copy(kept, source, product, sha256)

    monkeypatch.setattr(Staging, "copy", late)
    second = await works.make(chain("a car", UP, {**OUT, "parameters": {"strength": 1}}, notes="edited"))
    assert works.states(second) == ["completed", "completed", "failed"]
    await works.tell("retry", second)
    await works.until(lambda: works.states(second)[2] == "failed")
    await works.rests()
    assert "was not kept" in (works.items(second)[2].reason or "") and "reuse: never" in (
        works.items(second)[2].reason or ""
    )
    assert bought(works) == (1, 2)
