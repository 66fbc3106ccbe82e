"""Never paid twice: what equals something made is copied, what is on its way waited for, what is gone asked about."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.cli import plan
from artfactoryd.errors import CallRefused, InDoubt
from artfactoryd.factories import Outputs, Ticket
from artfactoryd.planning import preview as planning
from artfactoryd.reporting import waiting
from artfactoryd.settings import Budget, Limits
from artfactoryd.shelf.received import Fetched
from artfactoryd.shelf.staging import Staging
from artfactoryd.storage.lists import search
from tests.homes import TestHome, card_of
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]


@pytest.fixture
async def works(home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None) -> AsyncIterator[Works]:
    async with at_work(home, monkeypatch, concurrency=4) as found:
        yield found


def cards(works: Works, order_id: str) -> list[dict[str, Any]]:
    """The sidecars of an order, by the place of their products."""
    return [json.loads(card_of(path).read_bytes()) for path in files(works, order_id)]


def files(works: Works, order_id: str) -> list[Path]:
    rows = works.house.books.index.products(order_id)
    return [works.home.home.root / row.path for row in rows]


async def test_a_value_added_and_dropped_again_buys_the_new_column_and_copies_the_rest(works: Works) -> None:
    first = await works.make(order())
    second = await works.make(order("a [red,green,blue] car"))
    assert works.prompts() == ["a red car", "a blue car", "a green car"]
    assert works.state(second) == "completed"
    assert (works.committed(first), works.committed(second)) == (2 * PRICE, PRICE)
    assert works.order(second).price == PRICE
    old = {card["parameters"]["generation"]["prompt"]: card for card in cards(works, first)}
    red, green, blue = cards(works, second)
    assert green["reused_from"] is None and green["cost"] == {"usd": 0.01, "estimated": False}
    for card in (red, blue):
        was = old[card["parameters"]["generation"]["prompt"]]
        assert card["reused_from"] == was["id"] != card["id"]
        assert card["cost"] == {"usd": 0, "estimated": False}
        assert card["item"]["seed"] == was["item"]["seed"]
        for name in ("actual", "generation", "returned"):
            assert card["parameters"][name] == was["parameters"][name]
        assert card["file"]["sha256"] == was["file"]["sha256"]
    copies, originals = files(works, second), files(works, first)
    assert copies[0].read_bytes() == originals[0].read_bytes()
    assert copies[0].stat().st_ino != originals[0].stat().st_ino
    assert [path.name[:4] for path in copies] == ["0001", "0002", "0003"]
    assert works.house.books.index.reused(second) == 2
    queries = (f"is:copy order:{second}", f"reused_from:{old['a red car']['id']}", "cost:>0", "-is:copy has:seed")
    assert [len(list(search.find(works.house.books.index, query))) for query in queries] == [2, 1, 3, 3]


async def test_the_same_bytes_dropped_again_are_new_pictures(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artfactoryd.planning.planner.Scholar._counts_as_repeated", lambda self, row, agent: False)
    await works.make(order())
    await works.make(order())
    assert len(works.fake.calls()) == 4


@pytest.mark.parametrize(
    "other",
    [
        {"reuse": "never"},
        {"parameters": {"seed": 8}},
        {"count": 2},
        {"parameters": {"seed": 7, "num_outputs": 1}},
        {"model": "timer"},
        {"provider": "other"},
    ],
)
async def test_only_what_is_equal_in_all_that_is_sent_is_reused(works: Works, other: dict[str, Any]) -> None:
    keys: dict[str, Any] = {"parameters": {"seed": 7}, "notes": "again", **other}
    await works.make(order("a car", parameters={"seed": 7}))
    again = await works.make(order("a car", **keys))
    assert not works.house.books.index.reused(again)
    assert len(works.fake.calls()) + len(works.other.calls()) == 2


async def test_rehearsals_neither_make_nor_take_what_is_reused(works: Works) -> None:
    rehearsed = await works.take(order(rehearse=True))
    real = await works.make(order(notes="for real"))
    await works.until(lambda: len(works.items(rehearsed)) == 2)
    assert [item.key for item in works.items(rehearsed)] == [None, None]
    assert None not in [item.key for item in works.items(real)]
    assert len(works.fake.calls()) == 2


async def test_an_equal_item_on_its_way_is_waited_for_and_copied(works: Works) -> None:
    works.fake.hold("collect")
    first = await works.take(order("a car"))
    await works.fake.reached("collect")
    second = await works.take(order("a [car,boat]", notes="edited"), "cars.yaml")
    await works.until(lambda: len(works.fake.calls()) == 2)
    await works.until(lambda: works.states(second) == ["planned", "running"])
    works.fake.release("collect")
    await works.rests()
    assert sorted(works.prompts()) == ["a boat", "a car"]
    assert (works.state(first), works.state(second)) == ("completed", "completed")
    assert cards(works, second)[0]["reused_from"] == cards(works, first)[0]["id"]


async def test_many_that_wait_for_many_come_as_those_end(works: Works) -> None:
    works.fake.hold("collect")
    numbers = ",".join(map(str, range(12)))
    first = await works.take(order(f"car [{numbers}]"))
    await works.fake.reached("collect")
    second = await works.take(order(f"car [{numbers},more]", notes="edited", priority=5))
    await works.lined_up(25)
    works.fake.release("collect")
    await works.rests()
    assert (works.state(first), works.state(second)) == ("completed", "completed")
    assert len(works.prompts()) == 13 == len(set(works.prompts()))


async def test_an_equal_item_that_was_waited_for_and_fails_is_made(works: Works) -> None:
    works.fake.hold("submit")
    works.fake.script("submit", CallRefused("no"), "ok")
    first = await works.take(order("a car"))
    await works.fake.reached("submit")
    second = await works.take(order("a car", notes="edited"))
    await works.lined_up(2)
    works.fake.release("submit")
    await works.rests()
    assert (works.state(first), works.state(second)) == ("failed", "completed")
    assert works.committed(second) == PRICE


async def test_what_equals_something_in_doubt_waits_for_a_person_and_says_so(works: Works) -> None:
    works.fake.script("submit", InDoubt("no answer"))
    first = await works.make(order("a car"))
    second = await works.make(order("a car", notes="edited"))
    assert (works.states(first), works.states(second)) == (["in_doubt"], ["planned"])
    assert len(works.fake.calls()) == 1
    house = works.house
    [reason] = waiting.reasons(house.books.index, works.order(second), house.home, house.settings.now)
    assert reason == "1 wait for an equal one that is in doubt; they are made when it turns out not to be."
    await works.tell("cancel", first)
    await works.until(lambda: works.state(second) == "completed")
    assert len(works.fake.calls()) == 2


async def test_equal_items_of_one_order_are_bought_once(works: Works) -> None:
    text = order("a car", parameters={"seed": 7}) + "cases: [{prompt: a car}, {prompt: a car}]\n"
    text = text.replace("  prompt: a car\n", "")
    made = await works.make(text)
    assert works.state(made) == "completed"
    assert len(works.fake.calls()) == 1 and len(files(works, made)) == 2


async def test_a_batch_is_copied_whole(works: Works) -> None:
    def two_of_three(ticket: Ticket) -> Outputs:
        return Outputs((works.fake.picture(f"{ticket.text}-a"), works.fake.picture(f"{ticket.text}-b")))

    works.fake.script("collect", two_of_three, two_of_three)
    first = await works.make(order("a car", count=3))
    second = await works.make(order("a [boat,car]", count=3))
    assert works.prompts() == ["a car", "a boat"]
    copied = cards(works, second)[2:]
    assert [card["reused_from"] for card in copied] == [card["id"] for card in cards(works, first)]
    assert [card["file"]["index"] for card in copied] == [4, 5]


@pytest.mark.parametrize("harm", ["deleted", "edited"])
async def test_what_was_deleted_or_edited_is_held_and_bought_when_approved(works: Works, harm: str) -> None:
    first = await works.make(order())
    path = files(works, first)[0]
    data = path.read_bytes()
    path.unlink()
    if harm == "edited":
        path.write_bytes(data[:-1] + b"x")
    second = await works.make(order("a [red,green,blue] car"))
    assert len(works.fake.calls()) == 2
    [reason] = works.order(second).reasons
    assert reason.code == "deleted"
    assert reason.text == (
        "1 of 3 was bought before and since deleted or edited (what was only moved is found again by "
        "`artfactoryd reindex`); approving buys it again for $0.01."
    )
    await works.tell("approve", second)
    await works.until(lambda: works.state(second) == "completed")
    assert sorted(works.prompts()) == ["a blue car", "a green car", "a red car", "a red car"]
    assert works.committed(second) == 2 * PRICE


async def test_what_is_deleted_after_acceptance_ends_and_is_bought_by_retry(works: Works) -> None:
    first = await works.make(order("a car"))
    await works.tell("pause", "fake")
    second = await works.take(order("a car", notes="edited"))
    await works.lined_up(2)
    files(works, first)[0].unlink()
    await works.tell("resume", "fake")
    await works.until(lambda: works.state(second) == "failed")
    [item] = works.items(second)
    assert "bought before and since deleted or edited" in (item.reason or "") and "retry" in (item.reason or "")
    assert len(works.fake.calls()) == 1
    await works.tell("retry", second)
    await works.until(lambda: works.state(second) == "completed")
    assert len(works.fake.calls()) == 2 and works.committed(second) == PRICE


@pytest.mark.parametrize("harm", ["deleted", "edited"])
async def test_what_goes_while_it_is_copied_is_not_bought_but_by_retry(
    works: Works, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    first = await works.make(order("a car"))
    path, copy = files(works, first)[0], Staging.copy

    def late(kept: Staging, source: Path, product: str, sha256: str) -> Fetched:
        source.unlink() if harm == "deleted" else source.write_bytes(b"another picture")
        return copy(kept, source, product, sha256)

    monkeypatch.setattr(Staging, "copy", late)
    second = await works.make(order("a car", notes="edited"))
    assert path.exists() == (harm == "edited") and works.kinds()[-2:] == ["reuse", "tombstone"]
    assert (works.state(second), works.committed(second), len(works.fake.calls())) == ("failed", 0, 1)
    await works.tell("retry", second)
    await works.until(lambda: works.state(second) == "completed")
    assert len(works.fake.calls()) == 2 and works.committed(second) == PRICE


async def test_limits_count_what_is_bought_alone(home: TestHome, monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
    limits: dict[str, Any] = {
        "limits": Limits(products_per_order=2, free_disk_bytes=1000),
        "budget": Budget(ask_above=0.02),
    }
    async with at_work(home, monkeypatch, concurrency=4, **limits) as works:
        await works.make(order())
        second = await works.make(order("a [red,green,blue] car"))
        assert works.order(second).held is None and works.state(second) == "completed"
        third = await works.make(order("a [red,green,blue,pink,grey,black] car"))
        reasons = [reason.text for reason in works.order(third).reasons]
        assert reasons == [
            "It buys 3 products; more than 2 need your word, or `limit: 3` in the order.",
            "Its 3 items may cost up to $0.03; above $0.02 you are asked first.",
        ]


async def test_the_plan_says_what_is_reused_and_why_the_rest_is_bought(works: Works, tmp_path: Path) -> None:
    first = await works.make(order("a [red,blue] car", parameters={"seed": 7}))
    made = [card["id"] for card in cards(works, first)]
    file = tmp_path / "cars.yaml"

    def planned(text: str, most: int = 10) -> tuple[dict[str, Any], str]:
        file.write_text(text)
        found = planning.plan(works.home.home, works.house.settings.now, file, rehearse=False, most=most)
        return found.document["orders"][0], "\n".join(plan.text(found))

    found, text = planned(order("a [red,green,blue] car", parameters={"seed": 7}))
    assert found["reuse"] == {
        "reused": 2, "bought": 1, "joined": 0, "deleted": 0, "reasons": {"prompt differs": 1}
    }  # fmt: skip
    assert [item["reused"] for item in found["items"]] == [[made[0]], None, [made[1]]]
    assert found["price"]["usd"] == 0.01 and (found["total_items"], found["total_products"]) == (3, 3)
    assert "reuse    2 reused from the shelf, 1 to buy" in text and "1 because prompt differs" in text
    assert planned(order("a [red,green,blue] car", parameters={"seed": 7}), most=1)[0]["reuse"] == found["reuse"]
    found, _ = planned(order("a [red,blue] car", parameters={"seed": 8}))
    assert found["reuse"]["reasons"] == {"seed differs": 2}
    found, _ = planned(order("a [red,blue] car", parameters={"seed": 7}, reuse="never"))
    assert found["reuse"] == {"reused": 0, "bought": 2, "joined": 0, "deleted": 0, "reasons": {"reuse is off": 2}}
    found, text = planned(order("a [red,blue] car", name="boats"))
    assert found["reuse"]["reasons"] == {"no equal product": 2} and "reuse " not in text
    files(works, first)[0].unlink()
    found, text = planned(order("a [red,blue] car", parameters={"seed": 7}, notes="edited"))
    assert found["reuse"]["deleted"] == 1 and [each["code"] for each in found["held"]] == ["deleted"]
    assert "approving buys it again for $0.01" in text


async def test_a_reused_item_takes_no_create_of_the_minutes(works: Works) -> None:
    await works.make(order("a [red,green,blue] car"))
    works.execution.gates["fake"].use(4, 1)
    second = await works.take(order("a [red,green,blue] car", notes="edited"))
    await works.until(lambda: works.state(second) == "completed")


async def test_the_index_made_again_from_the_ledger_knows_what_was_reused(works: Works, tmp_path: Path) -> None:
    from artfactoryd.planning.accepted import expander
    from artfactoryd.storage.index import Index
    from artfactoryd.storage.writer import catch_up

    await works.make(order())
    await works.make(order("a [red,green,blue] car"))
    again = Index.open(tmp_path / "again.sqlite3")
    catch_up(again, works.home.home.ledger, expander)
    try:
        for table in ("item", "product", "generation_log", "orders"):
            sql = f"SELECT * FROM {table} ORDER BY 1, 2"
            rows = [
                [{**row, "looked": None} for row in index.rows(sql)]  # of which the ledger knows the damaged ones alone
                for index in (again, works.house.books.index)
            ]
            assert rows[0] == rows[1]
    finally:
        again.close()


# --- seeds that differ ---


def seen(works: Works, text: str, tmp_path: Path, name: str) -> tuple[dict[str, Any], str]:
    """What `plan` says of an order: its head, and its words."""
    (file := tmp_path / f"{name}.yaml").write_text(text)
    found = planning.plan(works.home.home, works.house.settings.now, file, rehearse=False, most=None)
    return found.orders[0].head, "\n".join(plan.text(found))


async def test_an_order_renamed_is_told_which_seed_reuses_what_was_made(works: Works, tmp_path: Path) -> None:
    free = order()
    first = await works.make(free, "cars.yaml")
    head, words = seen(works, free, tmp_path, "autos")
    base = works.order(first).base_seed
    assert head["reuse"]["hint"] == {"order": "cars", "seed": base, "items": 2}
    assert f"2 equal but for the seed to cars; add `seed: {base}` to reuse them" in words
    await works.make(f"seed: {base}\n{free}", "autos.yaml")
    assert len(works.fake.calls()) == 2


async def test_any_seed_takes_each_product_once_the_newest_first_and_buys_the_rest(
    works: Works, tmp_path: Path
) -> None:
    await works.make(order(parameters={"seed": 7}), "old.yaml")
    newer = await works.make(order(parameters={"seed": 8}), "new.yaml")
    text = order("a [red,green,blue] car") + "reuse: any-seed\n"
    head, words = seen(works, text, tmp_path, "autos")
    assert (head["reuse"]["reused"], head["reuse"]["any_seed"], head["reuse"]["bought"]) == (2, 2, 1)
    assert "2 reused from the shelf (2 of them with another seed), 1 to buy" in words
    third = await works.make(text, "autos.yaml")
    assert len(works.fake.calls()) == 5 and works.state(third) == "completed"
    made = {card["parameters"]["generation"]["prompt"]: card for card in cards(works, newer)}
    for card in cards(works, third):
        twin = made.get(card["parameters"]["generation"]["prompt"])
        assert card["reused_from"] == (twin and twin["id"])
        assert twin is None or card["item"]["seed"] == 8 == card["parameters"]["actual"]["seed"]


async def test_two_items_that_want_one_product_get_one_each_or_are_bought(works: Works) -> None:
    await works.make(order("a car", parameters={"seed": 7}), "old.yaml")
    await works.make(order("a car", parameters={"seed": "1,2"}) + "reuse: any-seed\n", "new.yaml")
    assert len(works.fake.calls()) == 2


async def test_plan_names_the_folder_where_it_will_land(works: Works, tmp_path: Path) -> None:
    text = order(parameters={"seed": 7})
    await works.make(text, "cars.yaml")
    head, _ = seen(works, order(parameters={"seed": 9}), tmp_path, "cars")
    landed = await works.make(order(parameters={"seed": 9}), "cars.yaml")
    assert head["folder"] == str(works.home.root / works.folder(landed)) and head["folder"].endswith("cars-2")
