"""What a person may tell the house to do, and what it answers."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import pytest

from artfactoryd.errors import CallRefused, InDoubt, OutputLost, ProviderStopped, RunFailed, StorageFull
from artfactoryd.execution import delivery
from artfactoryd.factories import Output, Outputs
from artfactoryd.intake.claims import Claims
from artfactoryd.settings import Limits
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
DEAR = order(budget=0.001)


async def told_twice(works: Works, name: str, order_id: str = "", **fields: Any) -> list[dict[str, Any]]:
    command = {"id": "the-same", "name": name, "order": order_id, **fields}
    return [await works.daemon.carry_out(command) for _ in range(2)]


# --- a command is carried out once ---


@pytest.mark.parametrize("name", ["approve", "cancel"])
async def test_a_command_seen_again_is_only_answered(home: TestHome, monkeypatch: Patch, name: str) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.take(DEAR)
        await works.until(lambda: works.order(made).held)
        first, second = await told_twice(works, name, made)
        assert first["done"] and second == first
        assert len(works.lines("command")) == 1 and len(works.lines("approval") + works.lines("cancel")) == 1


@pytest.mark.parametrize(("name", "state"), [("approve", "completed"), ("cancel", "cancelled")])
async def test_what_the_disk_does_not_take_of_a_command_that_is_in_the_books_follows_by_itself(
    home: TestHome, monkeypatch: Patch, name: str, state: str
) -> None:
    def refuse(claims: Claims, entry: str) -> None:
        raise StorageFull("Held cannot be written (Read-only file system).")

    async with at_work(home, monkeypatch) as works:
        made = await works.take(order("a car", budget=0.001))
        await works.until(lambda: works.order(made).held)
        with monkeypatch.context() as disk:
            disk.setattr(Claims, "drop_held", refuse)
            answer = await works.tell(name, made)
            assert answer["done"] and "The rest of it waits: Held cannot be written" in answer["text"]
        left = lambda: [*home.home.held.glob("cars*"), *home.home.claims.glob("0*")]  # noqa: E731
        await works.until(lambda: works.state(made) == state and not left())


async def test_a_name_means_the_order_that_is_not_over_and_its_paper_names_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        over = await works.make(order("a boat"))
        held = await works.take(DEAR)
        await works.until(lambda: works.order(held).held)
        paper = home.home.held / f"{works.order(held).entry}.why.txt"
        assert f"`artfactoryd approve {works.order(held).short}`" in paper.read_text()
        assert works.order(held).name == works.order(over).name == "cars"
        answer = await works.tell("cancel", "cars")
        assert answer["done"] and answer["order_id"] == held
        assert "may be any of these" in (await works.tell("cancel", "cars"))["text"]  # neither can be


async def test_a_retry_seen_again_sends_nothing_more(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", CallRefused("no"), CallRefused("no"))
        made = await works.make(order("a car"))
        await told_twice(works, "retry", made)
        await works.until(lambda: works.items(made)[0].attempts == 2)
        await works.rests()
        assert (await told_twice(works, "retry", made))[0]["retried"] == [1]  # the first answer, again
        await works.rests()
        assert len(works.fake.calls()) == 2


async def test_a_command_and_its_effect_are_one_step_of_the_ledger(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.take(DEAR)
        await works.until(lambda: works.order(made).held)
        await works.tell("cancel", made)
        kinds = [(line["kind"], line["at"]) for line in works.lines()[-2:]]
        assert [kind for kind, _ in kinds] == ["cancel", "command"] and kinds[0][1] == kinds[1][1]


async def test_a_cancel_while_an_item_goes_on_is_neither_lost_nor_done_twice(
    home: TestHome, monkeypatch: Patch
) -> None:
    """The item that it ends was delivered between the look at its note and the line about it."""
    monkeypatch.setattr(delivery, "BOUND_AGAIN", 0.01)
    async with at_work(home, monkeypatch, limits=Limits(free_disk_bytes=1000, product_bytes=200)) as works:
        works.fake.hold("collect")
        made = await works.take(order())
        await works.fake.reached("collect")
        works.execution.gates["fake"].hold_creates(60)
        packed = base64.b64encode(bytes(range(256))).decode()
        works.fake.script("collect", Outputs((Output(f"data:image/png;base64,{packed}"),)))
        works.fake.release("collect")
        await works.until(lambda: "256 bytes" in (works.items(made)[0].reason or ""))
        record, settings = works.house.books.record, works.house.settings

        async def late(*events: Any) -> None:
            if any(event.kind == "failure" for event in events):
                monkeypatch.setattr(works.house.books, "record", record)
                settings.now = replace(settings.now, limits=replace(settings.now.limits, product_bytes=256))
                await works.until(lambda: works.states(made)[0] == "completed")
            await record(*events)

        monkeypatch.setattr(works.house.books, "record", late)
        answers = await asyncio.gather(works.tell("cancel", made), works.tell("cancel", made, id="another"))
        assert [given["done"] for given in answers] == [True, False]
        assert works.states(made) == ["completed", "cancelled"] and len(works.lines("cancel")) == 1


@pytest.mark.parametrize("tag", ["re\x1b[31md", "re\nd", "\u202ered", "a\x07"])
async def test_a_tag_that_would_act_on_a_terminal_is_refused(home: TestHome, monkeypatch: Patch, tag: str) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        (product,) = works.house.books.index.newest_products(1)
        told = await works.tell("tag", products=[product.id], changes=["+fine", f"+{tag}"])
        assert not told["done"] and told["wrong_use"] and "control character" in told["text"]
        none = await works.tell("tag", products=[product.id])
        assert none["wrong_use"] and none["text"].startswith("Say which tags: +TAG")
        long = await works.tell("tag", products=[product.id], changes=["+" + 301 * "a"])
        assert not long["done"] and "at most 300 characters" in long["text"]
        assert works.lines("mark") == [] and works.order(made)
        home.drop("boats.yaml", order("a boat", tags=["fine", tag]))
        word = home.home.rejected / "boats.yaml.error.txt"
        await works.until(word.exists)
        assert "without control characters" in word.read_text()


# --- retry: what surely cost nothing, and what may have been charged ---

RETRIES = [
    ("submit", CallRefused("no"), True),
    ("collect", RunFailed("no", charged=False), True),
    ("collect", RunFailed("no", charged=False, cancelled=True), True),
    ("submit", InDoubt("lost"), False),
    ("collect", RunFailed("no", charged=True), False),
    ("collect", RunFailed("no", charged=True, cancelled=True), False),
    ("collect", OutputLost("erased"), False),
]


@pytest.mark.parametrize(("verb", "error", "free"), RETRIES, ids=lambda v: type(v).__name__)
async def test_retry_sends_only_what_surely_cost_nothing(
    home: TestHome, monkeypatch: Patch, verb: Any, error: Exception, free: bool
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script(verb, error)
        made = await works.make(order("a car"))
        before = works.states(made)
        answer = await works.tell("retry", made)
        assert answer["retried"] == ([1] if free else []) and answer.get("waits", False) is not free
        assert answer["at_stake"] == ([] if free else [{"item": 1, "usd": 0.01}])
        if not free:
            assert works.states(made) == before and "--in-doubt" in answer["text"] and "0.01" in answer["text"]
            assert (await works.tell("retry", made, in_doubt=True))["retried"] == [1]
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(works.fake.calls()) == 2
        assert works.committed(made) == (PRICE if free else 2 * PRICE)  # what may have been charged stays counted


async def test_retry_in_doubt_raises_the_cap_by_what_it_may_cost_again(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", InDoubt("lost"))
        made = await works.make(order("a car", budget=0.01))
        await works.tell("retry", made, in_doubt=True)
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.order(made).cap == 2 * PRICE


async def test_retry_leaves_alone_what_is_made(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order())
        answer = await works.tell("retry", made, in_doubt=True)
        assert not answer["done"] and "nothing in cars to send again" in answer["text"]
        await works.rests()
        assert len(works.fake.calls()) == 2


async def test_what_was_cancelled_before_it_was_sent_is_sent_by_retry(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", ProviderStopped("no key"))
        made = await works.make(order())
        await works.tell("cancel", made)
        assert works.states(made) == ["cancelled", "cancelled"] and works.state(made) == "cancelled"
        await works.tell("resume", provider="fake")
        await works.rests()
        assert len(works.fake.calls()) == 1
        assert (await works.tell("retry", made))["retried"] == [1, 2]
        await works.until(lambda: works.states(made) == ["completed", "completed"])


# --- cancel ---


async def test_what_is_in_doubt_ends_by_cancel_and_stays_counted(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", InDoubt("lost"))
        made = await works.make(order("a car"))
        assert "In doubt stays counted: up to $0.01" in (await works.tell("cancel", made))["text"]
        assert works.state(made) == "cancelled" and works.committed(made) == PRICE


async def test_what_is_made_stays_and_what_is_planned_ends_by_cancel(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", "ok", ProviderStopped("no key"))
        made = await works.make(order("car [1,2,3]"))
        await works.tell("cancel", made)
        assert works.states(made) == ["completed", "cancelled", "cancelled"] and works.state(made) == "partial"
        assert len(home.products()) == 1


# --- resume ---


async def test_resume_names_one_provider_or_all(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", ProviderStopped("no key"))
        works.other.script("submit", ProviderStopped("no money"))
        await works.take(order("a car"))
        await works.take(order("a boat", provider="other"), "boats.yaml")
        await works.until(lambda: len(works.house.books.index.stops()) == 2)
        assert (await works.tell("resume", provider="other"))["text"] == "other goes on."
        assert list(works.house.books.index.stops()) == ["fake"]
        assert (await works.tell("resume"))["done"]
        await works.until(lambda: works.states() == ["completed", "completed"])
        assert not (await works.tell("resume"))["done"]
        assert "fake is not stopped" in (await works.tell("resume", provider="fake"))["text"]


# --- names ---


async def test_a_wrong_name_is_answered_and_changes_nothing(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        before = works.lines()
        for name in ("cancel", "retry", "approve", "dance"):
            answer = await works.tell(name, "ships")
            assert not answer["done"] and ("no order 'ships'" in answer["text"] or "no command" in answer["text"])
        assert "not held" in (await works.tell("approve", "cars"))["text"]
        for command in ({"id": "x", "name": "cancel"}, {"id": "y", "name": "retry", "order": None}, {"id": "z"}):
            assert not (await works.daemon.carry_out(command))["done"]
        assert works.lines() == before


async def test_an_order_is_found_by_id_beginning_name_and_folder(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", InDoubt("lost"))
        made = await works.make(order("a car"))
        folder = works.order(made).folder
        for name in (made, made[:13], "cars", folder, f"{folder}/"):
            assert (await works.tell("retry", name or ""))["order_id"] == made


async def test_a_name_that_two_orders_have_asks_for_an_id(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        first = await works.make(order("a car"))
        second = await works.make(order("a boat"))
        answer = await works.tell("cancel", "cars")
        assert not answer["done"] and first in answer["text"] and second in answer["text"]
        held = await works.take(DEAR)
        await works.until(lambda: works.order(held).held)
        answer = await works.tell("approve", "cars")
        assert not answer["done"] and held in answer["text"]
        assert (await works.tell("approve", held[:20]))["order_id"] == held
