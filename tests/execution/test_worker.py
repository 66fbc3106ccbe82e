"""The life of an item against a scripted factory: every answer leads to the right state, lines and money."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from artfactoryd.daemon import loop
from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    InDoubt,
    OutputLost,
    ProviderStopped,
    RunFailed,
    Throttled,
)
from artfactoryd.factories import Call, Outputs, Ticket
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import PRICE, at_work, full_disk, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


# --- what is durable, and when ---


async def test_the_wish_is_durable_before_anything_is_sent(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        found: list[Any] = []
        works.fake.script("submit", lambda call: found.append((works.kinds(1), works.states())))
        await works.make(order("a car"))
        assert found == [(["wish"], ["submitting"])]


async def test_the_ticket_is_durable_before_anything_is_asked_about_it(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        found: list[Any] = []
        works.fake.script("submit", Ticket("T-1"))
        works.fake.script("collect", lambda ticket: found.append((works.lines()[-1]["ticket"], works.states())))
        await works.make(order("a car"))
        assert found == [("T-1", ["running"])]


async def test_ids_and_times_of_the_products_are_durable_before_anything_is_fetched(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        [result], [settlement] = works.lines("result"), works.lines("settlement")
        chosen = [(each["id"], each["created_at"]) for each in result["outputs"]]
        assert chosen == [(each["id"], each["created_at"]) for each in settlement["products"]]
        assert works.kinds(1) == ["wish", "ticket", "result", "settlement"]
        [card] = home.sidecars()
        assert (card["id"], card["created_at"]) == chosen[0]


# --- what each error of a sending means: state, lines, money, and whether the rest goes on ---

SENDING = [
    (CallRefused("bad prompt"), "failed", ["wish", "failure"], 0, "completed"),
    (InDoubt("lost the answer"), "in_doubt", ["wish", "failure"], PRICE, "completed"),
    (ValueError("a surprise"), "in_doubt", ["wish", "failure"], PRICE, "completed"),
    (OutputLost("not an answer to a sending"), "in_doubt", ["wish", "failure"], PRICE, "completed"),
    (ProviderStopped("no key"), "planned", ["wish", "release"], 0, "planned"),
    (Throttled("slowly", after=1000), "planned", ["wish", "release"], 0, "planned"),
]


@pytest.mark.parametrize(("error", "state", "kinds", "money", "second"), SENDING, ids=lambda v: type(v).__name__)
async def test_an_error_of_a_sending_leads_to_its_state(
    home: TestHome, monkeypatch: Patch, error: Exception, state: str, kinds: list[str], money: int, second: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", error)
        made = await works.take(order())
        elsewhere = await works.take(order("a boat", provider="other"), "boats.yaml")
        await works.until(lambda: works.states(made) == [state, second] and works.states(elsewhere) == ["completed"])
        assert works.kinds(1)[:2] == kinds
        spent = PRICE if second == "completed" else 0
        assert works.committed(made) == money + spent
        assert len(works.fake.calls()) == (2 if second == "completed" else 1)


async def test_a_refused_item_says_the_providers_own_reason(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", CallRefused("The prompt has a rude word."))
        made = await works.make(order("a car"))
        assert works.items(made)[0].reason == "The prompt has a rude word."
        [attempt] = works.house.books.index.attempts(made)
        assert (attempt.verdict, attempt.cost, attempt.reserved) == ("refused", 0, PRICE)


async def test_a_stopped_provider_sends_nothing_until_it_is_resumed_also_after_a_restart(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", ProviderStopped("no key"))
        made = await works.make(order())
        assert works.execution.gates["fake"].stopped == "no key"
        assert [line["reason"] for line in works.lines("pause")] == ["no key"]
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert works.fake.calls() == [] and works.states(made) == ["planned", "planned"]
        assert (await works.tell("resume"))["done"]
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert len(works.fake.calls()) == 2


async def test_a_throttled_provider_is_left_alone_as_long_as_it_says_and_then_goes_on(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", Throttled("slowly", after=50), "ok")
        made = await works.take(order())
        gate = works.execution.gates["fake"]
        await works.until(lambda: gate.waits)
        assert 45 < gate.waits <= 50 and not works.daemon.done
        gate.lift()
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.prompts() == ["a red car", "a red car", "a blue car"]


async def test_what_is_in_doubt_is_never_sent_again_by_itself(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", InDoubt("lost"))
        made = await works.make(order("a car"))
        assert len(works.fake.calls()) == 1
    for _ in range(2):
        async with at_work(home, monkeypatch) as works:
            await works.rests()
            assert works.fake.history == [] and works.states(made) == ["in_doubt"]
    assert home.receipt()["failures"] == [{"item": 1, "state": "in_doubt", "reason": "lost"}]


# --- what each answer to a question means ---

ASKING = [
    (RunFailed("no", charged=False), "failed", 0),
    (RunFailed("no", charged=True), "failed", PRICE),
    (RunFailed("stopped", charged=True, cancelled=True), "cancelled", PRICE),
    (RunFailed("stopped", charged=False, cancelled=True), "cancelled", 0),
    (OutputLost("erased"), "failed", PRICE),
    (Outputs(()), "failed", PRICE),
]


@pytest.mark.parametrize(("answer", "state", "cost"), ASKING)
async def test_an_end_without_a_picture_leads_to_its_state_and_cost(
    home: TestHome, monkeypatch: Patch, answer: Any, state: str, cost: int
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", answer)
        made = await works.make(order())
        assert works.states(made) == [state, "completed"]
        assert works.committed(made) == cost + PRICE
        assert works.house.books.index.spent(made) == cost + PRICE
        assert len(works.fake.calls()) == 2 and len(home.products()) == 1


@pytest.mark.parametrize("answer", [None, AskAgain("busy"), AskAgain("busy", after=0.02), ProviderStopped("key gone")])
async def test_what_is_no_end_is_only_asked_again(home: TestHome, monkeypatch: Patch, answer: Any) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", answer, answer)
        made = await works.take(order("a car"))
        await works.until(lambda: works.states(made) == ["completed"])
        assert [asked.verb for asked in works.fake.history] == ["submit", "collect", "collect", "collect"]
        assert works.kinds(1) == ["wish", "ticket", "result", "settlement"]


async def test_a_running_item_whose_provider_needs_a_person_does_not_keep_once_from_ending(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("artfactoryd.execution.collection.STOPPED_AGAIN", 1000.0)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[ProviderStopped("key")] * 2)  # one may pass
        made = await works.take(order("a car"))
        await works.until(lambda: works.house.books.index.stops())
        await works.rests()
        assert works.states(made) == ["running"] and works.house.books.index.stops()["fake"].reason == "key"


async def test_a_defect_in_asking_stops_that_item_alone_and_only_until_a_restart(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", KeyError("surprise"))
        made = await works.make(order())
        assert works.states(made) == ["running", "completed"]
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.fake.calls() == []


async def test_a_defect_before_the_wish_sends_nothing_and_is_not_tried_for_ever(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        tries: list[Any] = []

        def broken(*given: Any) -> Call:
            tries.append(given)
            raise KeyError("surprise")

        with monkeypatch.context() as patched:
            patched.setattr("artfactoryd.execution.payload.Calls.of", broken)
            made = await works.make(order())
        assert len(tries) == 2 and works.fake.calls() == [] and works.lines("wish") == []
        assert works.states(made) == ["planned", "planned"]


# --- the disk ---


async def test_without_room_for_the_wish_nothing_is_sent_until_there_is(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", ProviderStopped("no key"))
        made = await works.make(order())
        with full_disk(home, monkeypatch):
            works.execution.gates["fake"].lift()
            await works.until(lambda: "room" in works.execution.disk.full)
            assert works.states(made) == ["planned", "planned"] and len(works.fake.calls()) == 1
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert len(works.fake.calls()) == 3


async def test_without_room_for_the_wish_the_line_does_not_spin(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr("artfactoryd.execution.pacing.machine.ROOM_AGAIN", 1000.0)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", ProviderStopped("no key"))
        made = await works.make(order())
        gate = works.execution.gates["fake"]
        with full_disk(home, monkeypatch):
            gate.lift()
            await works.until(lambda: "room" in works.execution.disk.full)
            await works.rests()  # `once` may end here
            begun: list[Any] = []
            monkeypatch.setattr(works.execution.worker, "make", begun.append)
            for _ in range(20):
                gate.wake()
                await asyncio.sleep(0)
        assert begun == [] and len(works.fake.calls()) == 1 and works.states(made) == ["planned", "planned"]


@pytest.mark.parametrize(
    ("verb", "answer", "state"),
    [
        ("submit", "ok", "completed"), ("submit", CallRefused("no"), "failed"), ("submit", InDoubt("lost"), "in_doubt"),
        ("collect", "ok", "completed"), ("collect", RunFailed("no", charged=True), "failed"),
    ],
)  # fmt: skip
async def test_an_answer_is_written_down_however_long_the_disk_has_no_room(
    home: TestHome, monkeypatch: Patch, caplog: pytest.LogCaptureFixture, verb: Any, answer: Any, state: str
) -> None:
    caplog.set_level("INFO")
    async with at_work(home, monkeypatch) as works:
        works.fake.hold(verb)
        works.fake.script(verb, answer)
        made = await works.take(order("a car"))
        await works.fake.reached(verb)
        before = works.states(made)
        with full_disk(home, monkeypatch):
            works.fake.release(verb)
            await works.until(lambda: "waits to be written" in caplog.text)
            assert works.states(made) == before
        await works.until(lambda: works.states(made) == [state])
        await works.until(lambda: "that waited is written" in caplog.text)
        assert caplog.text.count("waits to be written") == 1, "however often it was tried"
        assert len(works.fake.calls()) == 1


# --- whose turn, and how many at once ---


async def test_two_orders_take_turns_item_by_item(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        await works.take(order("first [1,2,3]"), "a.yaml")
        await works.fake.reached("submit")
        await works.take(order("second [1,2,3]"), "b.yaml")
        await works.lined_up(6)
        works.fake.release("submit")
        await works.rests()
        assert [prompt.split()[0] for prompt in works.prompts()[1:]] == ["first", "second", "first", "second", "second"]


async def test_a_more_urgent_order_goes_first(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        await works.take(order("slow [1,2,3]"), "a.yaml")
        await works.fake.reached("submit")
        await works.take(order("fast [1,2,3]", priority=5), "b.yaml")
        await works.lined_up(6)
        works.fake.release("submit")
        await works.rests()
        assert [prompt.split()[0] for prompt in works.prompts()] == ["slow", *["fast"] * 3, *["slow"] * 2]


class Counting(FakeFactory):
    """How many were bought and not collected at once, at most."""

    under_way = most = 0

    async def submit(self, call: Call) -> Ticket:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.005)
        return await super().submit(call)

    async def collect(self, ticket: Ticket) -> Outputs | None:
        await asyncio.sleep(0.005)
        given = await super().collect(ticket)
        self.under_way -= given is not None
        return given


async def test_concurrency_is_used_and_never_exceeded(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, concurrency=3, fake=Counting) as works:
        made = await works.make(order("car [1,2,3,4,5,6,7,8,9,10,11,12]"))
        assert works.states(made) == ["completed"] * 12
        assert isinstance(works.fake, Counting) and works.fake.most == 3


async def test_tickets_of_the_last_run_hold_slots(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, concurrency=2) as works:
        works.fake.hold("collect")
        made = await works.take(order("car [1,2,3]"))
        await works.until(lambda: works.states(made) == ["running", "running", "planned"])
    async with at_work(home, monkeypatch, concurrency=2, script=lambda fake: fake.hold("collect")) as works:
        await works.fake.reached("collect")
        assert works.fake.calls() == [] and not works.execution.gates["fake"].free
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["completed"] * 3)
        assert works.prompts() == ["car 3"]


# --- fewer than asked ---


async def test_fewer_pictures_than_asked_complete_the_item_and_say_so(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((works.fake.picture("a"), works.fake.picture("b")), {}, 1.0))
        made = await works.make(order("a car", parameters={"num_outputs": 3}))
        assert works.states(made) == ["completed"] and works.committed(made) == 2 * PRICE
        assert [card["outputs"] for card in home.sidecars()] == [{"asked": 3, "delivered": 2}] * 2
        await works.until(lambda: home.receipt()["state"] == "completed")
        assert home.receipt()["warnings"][0]["item"] == 1 and "2 of 3" in home.receipt()["warnings"][0]["text"]


# --- cancelling what is under way ---


async def test_cancelled_while_running_the_provider_is_told_and_what_comes_is_kept(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("collect")
        works.fake.script("collect", None)
        made = await works.take(order())
        await works.fake.reached("collect")
        assert "1 already running" in (await works.tell("cancel", made))["text"]
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["completed", "cancelled"])
        assert [asked.verb for asked in works.fake.history].count("cancel") == 1
        assert len(home.products()) == 1 and len(works.fake.calls()) == 1


async def test_the_provider_is_told_of_a_cancel_until_it_has_heard(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("collect")
        works.fake.script("collect", None, RunFailed("stopped", charged=False, cancelled=True))
        works.fake.script("cancel", AskAgain("busy"))
        made = await works.take(order("a car"))
        await works.fake.reached("collect")
        await works.tell("cancel", made)
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["cancelled"])
        assert [asked.verb for asked in works.fake.history][1:] == ["collect", "cancel", "cancel", "collect"]


async def test_a_cancel_survives_a_restart(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("collect")
        made = await works.take(order("a car"))
        await works.fake.reached("collect")
        await works.tell("cancel", made)
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed"])
        assert [asked.verb for asked in works.fake.history] == ["cancel", "collect"]


async def test_cancelled_while_being_sent_and_then_surely_not_sent_it_is_not_sent_again(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        works.fake.script("submit", Throttled("slowly", after=0.01))
        made = await works.take(order("a car"))
        await works.fake.reached("submit")
        await works.tell("cancel", made)
        works.fake.release("submit")
        await works.until(lambda: works.states(made) == ["cancelled"])
        await works.rests()
        assert len(works.fake.calls()) == 1 and works.committed(made) == 0


async def test_a_cancel_that_came_too_late_does_not_stop_a_later_attempt(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("collect")
        works.fake.script("collect", RunFailed("no", charged=False))
        made = await works.take(order("a car"))
        await works.fake.reached("collect")
        await works.tell("cancel", made)
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["failed"])
        await works.tell("retry", made)
        await works.until(lambda: works.states(made) == ["completed"])
        assert "cancel" not in [asked.verb for asked in works.fake.history]


# --- stopping ---


async def test_a_sending_that_is_answered_while_stopping_is_kept(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        works.fake.hold("collect")
        made = await works.take(order())
        await works.fake.reached("submit")
        works.daemon.stop.set()
        await works.until(lambda: works.execution.flights.stopping)
        works.fake.release("submit")
        await works.running
        assert works.states(made) == ["running", "planned"]
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.prompts() == ["a blue car"]


async def test_a_sending_that_is_not_answered_while_stopping_stays_submitting_and_is_in_doubt(
    home: TestHome, monkeypatch: Patch
) -> None:
    assert loop.GRACE == 4.0  # of the five seconds promised
    monkeypatch.setattr(loop, "GRACE", 0.05)
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        made = await works.take(order())
        await works.fake.reached("submit")
        await works.stop()
        assert works.states(made) == ["submitting", "planned"]
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["in_doubt", "completed"])
        assert works.prompts() == ["a blue car"]


async def test_a_wish_written_while_stopping_is_taken_back_unsent(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        record = works.house.books.record

        async def slowly(*lines: Any) -> None:
            await record(*lines)
            if lines[0].kind == "wish":
                works.daemon.stop.set()
                await works.until(lambda: works.execution.flights.stopping)

        monkeypatch.setattr(works.house.books, "record", slowly)
        made = await works.take(order("a car"))
        await works.running
        assert works.fake.calls() == [] and works.states(made) == ["planned"] and works.committed(made) == 0


async def test_a_stop_does_not_wait_for_what_runs(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, concurrency=4) as works:
        works.fake.hold("collect")
        made = await works.take(order("car [1,2,3,4]"))
        await works.until(lambda: works.states(made) == ["running"] * 4)
        await works.stop()
        assert works.states(made) == ["running"] * 4
