"""Never paid twice in a later stage either: what equals something made of the same bytes is copied."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from artfactoryd import documents
from artfactoryd.cli import plan
from artfactoryd.clock import now
from artfactoryd.planning import equal_items
from artfactoryd.planning import preview as planning
from artfactoryd.planning.accepted import expander
from artfactoryd.planning.equal_items import is_whole
from artfactoryd.storage.index import Index
from artfactoryd.storage.rebuild import reindex
from artfactoryd.storage.writer import catch_up
from tests.homes import TestHome, card_of
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]

EDITING = 2 * PRICE  # micro-dollars a picture of the editor costs
AGAIN: dict[str, Any] = {"id": "again", "provider": "other", "model": "editor", "parameters": {"strength": [1, 2]}}
FINER: dict[str, Any] = {"id": "finer", "provider": "other", "model": "editor", "after": "again"}
FED = pytest.mark.parametrize("then", [(AGAIN,), (AGAIN, FINER)], ids=["one stage", "two stages"])


@pytest.fixture
async def works(home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None) -> AsyncIterator[Works]:
    async with at_work(home, monkeypatch, concurrency=4) as found:
        yield found


def staged(prompt: str, *then: dict[str, Any], **keys: Any) -> str:
    return order(prompt, then=list(then or (AGAIN,)), **keys)


def cards(works: Works, order_id: str) -> list[dict[str, Any]]:
    rows = works.house.books.index.products(order_id)
    return [json.loads(card_of(works.home.home.root / row.path).read_bytes()) for row in rows]


def bought(works: Works) -> tuple[int, int]:
    return len(works.fake.calls()), len(works.other.calls())


def planned(works: Works, text: str, **given: Any) -> dict[str, Any]:
    file = works.home.root / "cars.yaml"
    file.write_text(text)
    found = planning.plan(works.home.home, works.house.settings.now, file, rehearse=False, most=None, **given)
    head: dict[str, Any] = found.document["orders"][0]
    return head


@FED
async def test_an_edited_order_buys_nothing_that_its_stages_made_before(works: Works, then: tuple[Any, ...]) -> None:
    first = await works.make(staged("a [red,blue] car", *then))
    before = bought(works)
    second = await works.make(staged("a [red,blue] car", *then, notes="edited"))
    assert (works.state(second), works.committed(second), bought(works)) == ("completed", 0, before)
    old, new = cards(works, first), cards(works, second)
    assert [card["reused_from"] for card in new] == [card["id"] for card in old]
    assert [card["file"]["sha256"] for card in new] == [card["file"]["sha256"] for card in old]
    ids = {card["id"] for card in new}
    assert all(set(card["parents"]) <= ids and card["cost"]["usd"] == 0 for card in new)
    assert Counter(card["stage"] for card in new) == Counter(card["stage"] for card in old)


async def test_a_value_added_buys_its_draft_and_what_is_made_of_it(works: Works) -> None:
    await works.make(staged("a [red,blue] car"))
    text = staged("a [red,green,blue] car")
    found = planned(works, text)
    assert found["reuse"] == {
        "reused": 6, "bought": 3, "joined": 0, "deleted": 0,
        "reasons": {"prompt differs": 1, "what it is made from is new": 2},
    }  # fmt: skip
    assert found["price"]["usd"] == 0.05 and (found["total_items"], found["held"]) == (9, [])
    reused = [(item["stage"], item["parent"]) for item in found["items"] if item["reused"]]
    assert reused == [(None, None)] * 2 + [("again", 1)] * 2 + [("again", 3)] * 2
    second = await works.make(text)
    assert bought(works) == (3, 6) and works.committed(second) == PRICE + 2 * EDITING
    assert works.order(second).price == PRICE + 2 * EDITING


async def test_of_an_order_that_is_all_new_the_page_says_nothing_of_reuse(works: Works) -> None:
    file = works.home.root / "cars.yaml"
    for text, told in ((staged("a [red,blue] car"), False), (staged("a [red,green] car"), True)):
        file.write_text(text)
        found = planning.plan(works.home.home, works.house.settings.now, file, rehearse=False, most=None)
        assert ("reuse " in "\n".join(plan.text(found))) == told
        await works.make(text)


async def test_a_changed_stage_is_made_of_the_copies_and_the_plan_says_what_differs(works: Works) -> None:
    await works.make(staged("a [red,blue] car"))
    text = staged("a [red,blue] car", {**AGAIN, "parameters": {"strength": [1, 3]}})
    assert planned(works, text)["reuse"] == {
        "reused": 4, "bought": 2, "joined": 0, "deleted": 0, "reasons": {"strength differs": 2}
    }  # fmt: skip
    second = await works.make(text)
    assert bought(works) == (2, 6) and works.committed(second) == 2 * EDITING
    assert planned(works, staged("a [red,blue] car", reuse="never"))["reuse"]["reasons"] == {"reuse is off": 6}


async def test_what_equals_in_one_order_is_made_once_in_its_stages_too(works: Works) -> None:
    text = staged("a car", parameters={"seed": 7}, cases=[{"prompt": "a car"}] * 2).replace("  prompt: a car\n", "", 1)
    assert planned(works, text)["reuse"]["joined"] == 3
    order_id = await works.make(text)
    assert (works.state(order_id), bought(works)) == ("completed", (1, 2))
    assert works.house.books.index.reused(order_id) == 3


async def test_outputs_of_one_call_are_not_taken_for_one_another(works: Works) -> None:
    text = staged("a car", {**AGAIN, "parameters": {"strength": 1, "seed": 7}}, count=2)
    assert planned(works, text)["reuse"]["joined"] == 0 and planned(works, text)["price"]["usd"] == 0.06


async def test_two_orders_at_once_pay_for_a_stage_once(works: Works) -> None:
    works.other.hold("collect")
    first = await works.take(staged("a car"))
    await works.other.reached("collect")
    second = await works.take(staged("a car", notes="edited"))
    await works.until(lambda: Counter(works.states(second)) == Counter(completed=1, planned=2))
    await works.lined_up(6)
    works.other.release("collect")
    await works.rests()
    assert (works.state(first), works.state(second), bought(works)) == ("completed", "completed", (1, 2))


async def test_a_product_of_a_stage_that_was_deleted_is_held_and_bought_when_approved(works: Works) -> None:
    first = await works.make(staged("a car"))
    path = works.home.home.root / works.house.books.index.products(first)[2].path
    path.unlink()
    second = await works.make(staged("a car", notes="edited"))
    [reason] = works.order(second).reasons
    assert reason.code == "deleted" and reason.text.startswith("1 of 3 was bought before")
    assert reason.text.count("$0.02") == 1
    await works.tell("approve", second)
    await works.until(lambda: works.state(second) == "completed")
    assert bought(works) == (1, 3) and works.committed(second) == EDITING


async def test_a_draft_that_was_edited_makes_its_stages_new(works: Works) -> None:
    """The copies would be of the draft that was; what is bought for the new one follows from its new bytes."""
    first = await works.make(staged("a car"))
    path = works.home.home.root / works.house.books.index.products(first)[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    second = await works.make(staged("a car", notes="edited"))
    [reason] = works.order(second).reasons
    assert (reason.code, reason.text[:6]) == ("deleted", "1 of 3")
    await works.tell("cancel", second)
    assert bought(works) == (1, 2)


async def test_a_liked_copy_goes_on_as_a_copy(works: Works) -> None:
    liked = {**AGAIN, "wait": "liked"}
    first = await works.make(staged("a [red,blue] car", liked))
    red = works.house.books.index.products(first)[0]
    await works.tell("like", products=[red.path])
    await works.until(lambda: Counter(works.states(first)) == Counter(completed=4, planned=2))
    await works.tell("cancel", first)
    second = await works.make(staged("a [red,blue] car", liked, notes="edited"))
    assert Counter(works.states(second)) == Counter(completed=2, planned=4)
    for row in works.house.books.index.products(second):
        await works.tell("like", products=[row.path])
    await works.until(lambda: works.state(second) == "completed")
    assert bought(works) == (2, 4) and works.committed(second) == 2 * EDITING


async def test_a_stage_is_fed_with_bytes_so_a_picture_of_the_same_bytes_equals_it(works: Works) -> None:
    first = await works.make(staged("a [red,blue] car", {**AGAIN, "parameters": {"strength": 1, "seed": 7}}))
    assert bought(works) == (2, 2)
    draft = works.house.books.index.products(first)[0]
    edit = {"image": f"product:{draft.id}", "strength": 1, "seed": 7}
    text = documents.dump_yaml({"provider": "other", "model": "editor", "parameters": edit})
    second = await works.make(text, "edit.yaml")
    assert (works.state(second), works.committed(second), bought(works)) == ("completed", 0, (2, 2))


async def test_the_index_made_again_from_the_ledger_has_the_same_keys(works: Works, tmp_path: Path) -> None:
    await works.make(staged("a [red,blue] car"))
    await works.make(staged("a [red,green,blue] car"))
    again = Index.open(tmp_path / "again.sqlite3")
    catch_up(again, works.home.home.ledger, expander)
    try:
        sql = "SELECT order_id, number, state, key, waits FROM item ORDER BY 1, 2"
        rows = works.house.books.index.rows(sql)
        assert again.rows(sql) == rows and all(row["key"] and row["waits"] == 0 for row in rows)
    finally:
        again.close()


ANY = "reuse: any-seed\n"


async def test_any_seed_goes_through_the_stages_that_are_fed_with_what_was_reused(works: Works) -> None:
    first = await works.make(staged("a [red,blue] car", AGAIN, FINER), "old.yaml")
    before, text = bought(works), staged("a [red,blue,green] car", AGAIN, FINER) + ANY
    per_car = works.order(first).total_items // 2
    reuse = planned(works, text)["reuse"]
    assert (reuse["any_seed"], reuse["reused"], reuse["bought"]) == (2 * per_car, 2 * per_car, per_car)
    second = await works.make(text, "new.yaml")
    assert works.state(second) == "completed"
    assert tuple(map(sum, zip(before, (1, per_car - 1), strict=True))) == bought(works)
    seeds = {card["id"]: card["item"]["seed"] for card in cards(works, first)}
    reused = [card for card in cards(works, second) if card["reused_from"]]
    assert len(reused) == 2 * per_car and all(seeds[card["reused_from"]] == card["item"]["seed"] for card in reused)


async def test_any_seed_knows_what_the_shelf_alone_tells_of(
    works: Works, home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ledger and index of another home are away; its products with their sidecars were moved here."""
    await works.make(staged("a [red,blue] car", AGAIN, seed=5), "old.yaml")
    await works.stop()
    other = TestHome.make(tmp_path / "other")
    shutil.copytree(home.home.projects, other.home.projects, dirs_exist_ok=True)
    reindex(other.home, expander, now)
    async with at_work(other, monkeypatch, concurrency=4) as there:
        made = await there.make(staged("a [red,blue,green] car", AGAIN) + ANY, "new.yaml")
        assert there.state(made) == "completed" and bought(there) == (1, 2)


async def test_an_order_too_large_for_other_seeds_is_held_with_these_words(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equal_items, "MOST_PLANNED", 5)
    (held,) = planned(works, staged("a [red,blue] car") + ANY)["held"]
    assert "this makes 6 items; seeds of others are looked for in the first 5 alone" in held["text"].lower()


async def test_of_many_that_would_do_no_more_are_read_than_are_needed(works: Works) -> None:
    await works.make(order("a car", parameters={"seed": "1..9"}), "old.yaml")
    with patch.object(equal_items, "is_whole", wraps=is_whole) as read:
        assert planned(works, order("a car") + ANY)["reuse"]["any_seed"] == 1
    assert len({call.args[0] for call in read.call_args_list}) == 1
