from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.errors import CallRefused, IllegalMove
from artfactoryd.storage.events import Event, Hold, from_line
from tests.homes import TestHome
from tests.works import Works, at_work, order, quick

FOUR: dict[str, Any] = {"prompt": "a [red,blue] car", "parameters": {"seed": "1,2"}}
__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def sent(works: Works) -> list[tuple[str, int]]:
    return [(str(call.parameters["prompt"]), int(call.parameters["seed"])) for call in works.fake.calls()]


def entry(home: TestHome) -> Path:
    (found,) = [path for path in home.home.held.iterdir() if path.suffix == ".yaml"]
    return found


def why(home: TestHome) -> str:
    return entry(home).with_name(f"{entry(home).name}.why.txt").read_text()


def test_after_its_proof_an_order_waits_with_the_price_of_the_rest(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            order_id = await works.make(order(**FOUR, proof=2))
            assert sent(works) == [("a red car", 1), ("a blue car", 2)]
            assert works.state(order_id) == "held"
            assert [reason.code for reason in works.order(order_id).reasons] == ["proof"]
            words = why(home)
            assert "Its proof is done: 2 of 4 items (2 made) for $0.02" in words
            assert "The other 2 may cost up to $0.02." in words and works.folder(order_id) in words
            await works.until(lambda: "Its proof is done" in str(home.receipt().get("reasons")))

    asyncio.run(scene())


def test_moving_it_to_the_inbox_makes_the_rest_in_the_same_folder(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            order_id = await works.make(order(**FOUR, proof=2))
            before = works.order(order_id)
            entry(home).rename(home.home.inbox / entry(home).name)
            await works.until(lambda: works.state(order_id) == "completed")
            after = works.order(order_id)
            assert (after.folder, after.accepted_at) == (before.folder, before.accepted_at)
            assert len(sent(works)) == len(set(sent(works))) == 4
            assert len(works.house.books.index.orders()) == 1 and works.house.claims.open() == []
            assert [path.name for path in home.home.held.iterdir() if not path.name.startswith(".")] == []

    asyncio.run(scene())


def test_cancelling_after_the_proof_ends_the_rest_and_keeps_what_was_made(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            order_id = await works.make(order(**FOUR, proof=1))
            assert (await works.tell("retry", order_id))["done"] is False
            assert (await works.tell("cancel", order_id))["done"]
            assert works.state(order_id) == "partial"
            assert sorted(works.states(order_id)) == ["cancelled", "cancelled", "cancelled", "completed"]
            assert works.house.claims.open() == []
            assert (await works.tell("retry", order_id))["retried"] == [2, 3, 4]
            await works.until(lambda: works.state(order_id) == "completed")
            assert works.lines("hold")[-1]["reasons"][0]["code"] == "proof" and len(works.lines("hold")) == 1

    asyncio.run(scene())


def test_a_proof_that_failed_waits_for_a_person_too(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        refuse = CallRefused("Not this.")
        async with at_work(home, monkeypatch, script=lambda fake: fake.script("submit", refuse, refuse)) as works:
            order_id = await works.make(order(**FOUR, proof=2))
            assert works.state(order_id) == "held" and len(sent(works)) == 2
            assert "(0 made, 2 failed) for $0.00" in why(home)

    asyncio.run(scene())


def test_killed_between_the_entry_and_its_line_the_next_start_holds_it_once(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async def never(*lines: object) -> None:
            raise asyncio.CancelledError

        async with at_work(home, monkeypatch) as works:
            real = works.house.books.record

            async def record(*events: Event) -> None:
                await (never() if isinstance(events[0], Hold) else real(*events))

            monkeypatch.setattr(works.house.books, "record", record)
            order_id = await works.take(order(**FOUR, proof=2))
            await works.until(lambda: list(home.home.held.glob("*.why.txt")))
            assert works.order(order_id).held is None
        monkeypatch.undo()
        async with at_work(home, monkeypatch) as works:
            await works.until(lambda: works.state(order_id) == "held")
            assert sent(works) == [] and entry(home).name == "cars.yaml"
            assert (await works.tell("approve", order_id))["done"]
            await works.until(lambda: works.state(order_id) == "completed")
            assert len(sent(works)) == 2

    asyncio.run(scene())


def test_no_wish_for_the_rest_is_legal_before_a_person_has_spoken(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            works.fake.hold("submit")
            order_id = await works.take(order(**FOUR, proof=1))
            await works.fake.reached("submit")
            await works.until(lambda: "Its proof of 1 item is made first" in str(home.receipt().get("reasons")))
            wish = {
                "kind": "wish", "order": order_id, "item": 2, "attempt": "x", "nth": 1, "provider": "fake",
                "model": "acme/painter", "actual": {}, "reserved": 0,
            }  # fmt: skip
            with pytest.raises(IllegalMove, match="waits for what a person says to its proof"):
                await works.house.books.record(from_line(wish))
            works.fake.release("submit")
            await works.until(lambda: works.state(order_id) == "held")

    asyncio.run(scene())


def test_a_proof_that_ends_just_before_its_receipt_is_written_is_looked_at(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of its order is due afterwards."""

    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            steady = works.daemon._steady.tell

            async def ends_now() -> bool:
                if any(asked.verb == "collect" for asked in works.fake.history) and works.fake._open:
                    works.fake.release("collect")
                    await works.until(lambda: "completed" in works.states())
                return await steady()

            works.fake.hold("collect")
            monkeypatch.setattr(works.daemon._steady, "tell", ends_now)
            await works.take(order("a [red,blue] car", proof=1))
            await works.until(lambda: len(works.house.books.index.held_orders()) == 1)

    asyncio.run(scene())


def test_the_documents_of_one_file_are_looked_at_together(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        two = order(**FOUR, proof=1) + "---\n" + order("a [green,grey] car", proof=1)
        async with at_work(home, monkeypatch) as works:
            await works.take(two)
            await works.until(lambda: len(works.house.books.index.held_orders()) == 2)
            assert len(sent(works)) == 2 and why(home).count("Its proof is done") == 2
            entry(home).rename(home.home.inbox / "again.yaml")
            await works.until(lambda: works.states() == ["completed"] * 6)
            assert len(works.house.books.index.orders()) == 2 and len(sent(works)) == 6

    asyncio.run(scene())
