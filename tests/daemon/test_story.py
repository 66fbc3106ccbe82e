"""An order's whole life is in the log, in order, each thing once, also when the program was killed."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import news
from artfactoryd.daemon import story
from artfactoryd.daemon.story import Story
from artfactoryd.errors import CallRefused, InDoubt, ProviderStopped, RunFailed, Unreachable
from artfactoryd.news import News
from artfactoryd.storage import writer
from artfactoryd.storage.events import Pause, from_line
from artfactoryd.storage.index import Index
from tests.accounts import ORDER, acceptance, books_in, clock, expander, release, wish
from tests.homes import TestHome, until
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
Patch = pytest.MonkeyPatch
TWO = "provider: local\nmodel: sketch\nparameters: {prompt: 'a [red,blue] car', width: 64, height: 64}\n"
ITEM = ["item.bought", "product.shelved", "item.completed"]


@pytest.fixture
def told(monkeypatch: Patch) -> list[News]:
    heard: list[News] = []
    monkeypatch.setattr(news, "listeners", [heard.append])
    return heard


def names(told: list[News], prefix: str = "") -> list[str]:
    return [piece.event for piece in told if piece.event.startswith(prefix)]


async def has_come(works: Works, told: list[News], event: str) -> None:
    await works.until(lambda: event in names(told))


def log_lines(home: TestHome, prefix: str = "") -> list[dict[str, Any]]:
    file = home.home.logs / "artfactoryd.log"
    lines = map(json.loads, file.read_text().splitlines() if file.exists() else ())
    return [line for line in lines if str(line.get("event", "")).startswith(prefix or ("order.", "item.", "product."))]


@pytest.mark.usefixtures("quick")
def test_an_orders_whole_life_is_told_in_order_with_counts_price_and_folder(
    home: TestHome, monkeypatch: Patch, told: list[News]
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            order_id = await works.make(order())
            await has_come(works, told, "order.completed")
            folder = str(home.root / works.folder(order_id))
            assert names(told)[:3] == ["order.accepted", "order.begun", "item.bought"]
            for item in (1, 2):
                assert [piece.event for piece in told if piece.facts.get("item") == item] == ITEM
            assert names(told)[-1] == "order.completed" and len(told) == 9
            assert told[0].facts.items() >= {"order": order_id, "items": 2, "usd": 0.02, "name": "cars"}.items()
            assert told[2].facts.items() >= {"item": 1, "provider": "fake", "model": "acme/painter"}.items()
            assert [piece.facts["usd"] for piece in told if piece.event == "item.completed"] == [0.01, 0.01]
            end = {"order": order_id, "name": "cars", "products": 2, "usd": 0.02, "folder": folder, "completed": 2}
            assert told[-1].facts.items() >= end.items()
            assert told[-1].words == f"cars is completed: 2 pictures, $0.02, in {folder}"

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_what_goes_wrong_with_an_item_is_told_with_its_money_and_its_reason(
    home: TestHome, monkeypatch: Patch, told: list[News]
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            works.fake.script("submit", CallRefused("No cars."), InDoubt("The line broke."))
            order_id = await works.make(order())
            failed, doubtful = (piece for piece in told if piece.event in ("item.failed", "item.in_doubt"))
            assert (failed.facts["reason"], failed.facts["usd"], failed.level) == ("No cars.", 0.0, logging.WARNING)
            assert (doubtful.facts["reason"], doubtful.facts["usd"]) == ("The line broke.", 0.01)
            await works.tell("cancel", order_id)
            await has_come(works, told, "order.failed")
            assert names(told, "order.")[-2:] == ["order.cancelled", "order.failed"]

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_an_order_that_ends_again_after_a_retry_is_told_again(
    home: TestHome, monkeypatch: Patch, told: list[News]
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            works.fake.script("collect", RunFailed("Too dark.", charged=True), "ok")
            order_id = await works.make(order())
            await has_come(works, told, "order.partial")
            partial = next(piece for piece in told if piece.event == "order.partial")
            assert partial.facts.items() >= {"items": 2, "completed": 1, "failed": 1, "usd": 0.02}.items()
            await works.tell("retry", order_id, in_doubt=True)
            await has_come(works, told, "order.completed")
            assert names(told, "order.") == ["order.accepted", "order.begun", "order.partial", "order.completed"]
            assert "item.retried" in names(told)

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_what_waits_for_a_person_and_what_a_person_says_is_told(
    home: TestHome, monkeypatch: Patch, told: list[News]
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            order_id = await works.make(order(proof=1))
            await has_come(works, told, "order.held")
            held = next(piece for piece in told if piece.event == "order.held")
            assert held.facts["codes"] == ("proof",) and "Its proof is done" in held.words
            await works.tell("approve", order_id)
            await has_come(works, told, "order.completed")
            approved = next(piece for piece in told if piece.event == "order.approved")
            assert approved.words == "the proof of cars is approved: at most $0.02"
            await works.tell("pause", target="fake")
            other = await works.take(order("a bike"), "bikes.yaml")
            await works.lined_up(3)
            for name, target in (("pause", other), ("resume", other), ("resume", "fake")):
                await works.tell(name, target=target)
            words = [piece.words for piece in told if piece.event.endswith(("paused", "resumed"))]
            assert words == ["fake is paused", "bikes is paused", "bikes goes on", "fake goes on"]

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_an_equal_item_is_told_as_reused_and_not_as_bought(
    home: TestHome, monkeypatch: Patch, told: list[News]
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            await works.make(order())
            second = await works.make(order("a [red,green,blue] car"))
            await works.until(lambda: names(told).count("order.completed") == 2)
            events = Counter(piece.event for piece in told if piece.facts["order"] == second)
            assert (events["item.reused"], events["item.bought"], events["product.shelved"]) == (2, 1, 3)

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_a_provider_that_is_away_or_stopped_is_a_warning_and_its_coming_back_is_none(
    home: TestHome, monkeypatch: Patch, told: list[News]
) -> None:
    async def scene() -> None:
        async with at_work(home, monkeypatch) as works:
            works.fake.script("submit", *[Unreachable("Nobody answers.")] * 5)
            await works.make(order("a car"))
            await has_come(works, told, "provider.back")
            works.fake.script("submit", ProviderStopped("No money."))
            await works.take(order("a bike"), "bike.yaml")
            await has_come(works, told, "provider.stopped")

    asyncio.run(scene())
    levels = {piece.event: piece.level for piece in told if piece.event.startswith("provider.")}
    assert levels == {
        "provider.outage": logging.WARNING, "provider.back": logging.INFO, "provider.stopped": logging.ERROR
    }  # fmt: skip


def test_a_key_that_works_again_is_no_warning(told: list[News], tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index.sqlite3")
    Story().hear(index, [Pause(provider="fal", on=False, by="answer")])
    index.close()
    assert [(piece.words, piece.level) for piece in told] == [("fal takes the key again", logging.INFO)]


# --- killed and started again ---


@pytest.mark.parametrize(
    "fault",
    ["claimed", "order_accepted", "order_expanded", "recorded_wish:1", "recorded_ticket:2", "recorded_result:1",
     "recorded_settlement:1", "recorded_settlement:2", *(f"ledger_written:{number}" for number in range(1, 8))],
)  # fmt: skip
def test_killed_and_started_again_nothing_is_told_twice_and_nothing_left_out(home: TestHome, fault: str) -> None:
    home.configure(providers={"local": {"concurrency": 1}})  # moves that wait together would be one write
    home.drop("cars.yaml", TWO)
    assert home.call("once", ARTFACTORY_FAULT=fault).returncode == -signal.SIGKILL
    assert home.once() == 0 and home.once() == 0
    lines = log_lines(home)
    order_id = home.orders()[0]["order_id"]
    assert {line["order"] for line in lines} == {order_id}
    assert [line["event"] for line in lines if line["event"].startswith("order.")] == [
        "order.accepted", "order.begun", "order.completed"
    ]  # fmt: skip
    for item in (1, 2):
        events = [line["event"] for line in lines if line.get("item") == item]
        assert events[-3:] == ITEM and max(Counter(events).values()) == 1  # before them a doubt, and its end


async def test_an_older_index_that_was_put_back_repeats_no_news(tmp_path: Path) -> None:
    heard: list[str] = []

    def listen(index: Index, events: Any) -> None:
        heard.extend(event.kind for event in events)

    async with books_in(tmp_path) as books:
        await books.record(acceptance())
        for number in range(writer.MOST_MISSED):
            await books.set_folder(ORDER, f"folder {number}")
    (tmp_path / "index.sqlite3").unlink()
    again = writer.Books(tmp_path / "Ledger", tmp_path / "index.sqlite3", expander, clock, listen)
    await again.set_folder(ORDER, "the last")
    again.close()
    assert heard == ["folder"]


# --- where it is read ---


def test_run_says_on_a_terminal_what_becomes_of_orders_and_nothing_of_items(home: TestHome) -> None:
    program = home.start("run")
    until(lambda: home.home.holder() is not None)
    home.drop("cars.yaml", TWO)
    home.drop("bad.yaml", "provider: nobody\n")
    home.drop("dear.yaml", TWO.replace("[red,blue]", "[" + ",".join(f"c{n}" for n in range(120)) + "]"))
    until(lambda: len(log_lines(home, "order.")) == 6)
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate()
    said = [line.partition(" ")[2] for line in errors.splitlines()]
    of_cars = [line.rpartition(" (order=")[0] for line in said if line.startswith("cars ")]
    folder = home.root / next(made for made in home.orders() if made["name"] == "cars")["folder"]
    assert of_cars == [
        "cars is taken: 2 items, 2 products, free", "cars is begun",
        f"cars is completed: 2 pictures, $0.00, in {folder}",
    ]  # fmt: skip
    (rejected,) = [line for line in said if "bad.yaml" in line]
    assert (
        rejected.startswith("warning: bad.yaml is rejected (E_") and "Rejected/bad.yaml.error.txt says why" in rejected
    )
    assert sum(line.startswith("dear waits for you: ") for line in said) == 1
    assert not any("item 1" in line or "on the shelf" in line for line in said)


def test_once_keeps_its_own_words_and_its_log_tells_the_story_of_each_order(home: TestHome) -> None:
    home.drop("cars.yaml", TWO)
    home.drop("bikes.yaml", TWO.replace("car", "bike"))
    home.drop("bad.yaml", "provider: nobody\n")
    done = home.call("once")
    assert done.stderr == "" and "cars: completed, 2 pictures, $0.00 in" in done.stdout
    for made in home.orders():
        shown = home.call("logs", "--order", made["name"]).stdout.splitlines()
        events = [line.split(" ")[2] for line in shown if f"order={made['order_id']}" in line]
        assert events[0] == "order.accepted" and events[-1] == "order.completed"
        assert Counter(events) == Counter(["order.accepted", "order.begun", *ITEM, *ITEM, "order.completed"])
        last = json.loads(home.call("logs", "--order", made["name"], "--json").stdout.splitlines()[-1])
        assert last.items() >= {"event": "order.completed", "products": 2, "usd": 0.0}.items()
    (rejected,) = [line for line in log_lines(home) if line["event"] == "order.rejected"]
    assert rejected["file"] == "bad.yaml" and rejected["codes"][0].startswith("E_")


def test_no_key_of_a_provider_is_in_the_story(home: TestHome) -> None:
    home.drop("cars.yaml", TWO.replace("a [red,blue] car", "r8_SecretSecret of a [red,blue] car"))
    home.once(REPLICATE_API_TOKEN="r8_OtherSecret")
    text = "".join(path.read_text() for path in home.home.logs.iterdir())
    assert "order.completed" in text and "Secret" not in text


async def test_the_log_of_attempts_names_provider_and_model_also_of_one_whose_wish_an_earlier_run_wrote(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(story, "generation", told.append)
    async with books_in(tmp_path) as books:
        await books.record(acceptance())
        await books.expand(books.index.orders()[0])
        await books.record(wish(1))
    again = writer.Books(tmp_path / "Ledger", tmp_path / "index.sqlite3", expander, clock, Story().hear)
    await again.record(from_line(release(1)))
    again.close()
    facts = {"kind": "release", "order": ORDER, "item": 1, "provider": "fake", "reason": release(1)["reason"]}
    assert len(told) == 1 and told[0].items() >= facts.items(), told
