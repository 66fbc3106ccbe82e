"""What became of sendings whose answer was lost: asked about, and what follows on the ordinary path."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from artfactoryd.cli.orders import order_text, whole_order
from artfactoryd.clock import now
from artfactoryd.daemon import loop
from artfactoryd.daemon.run import RunOptions
from artfactoryd.errors import AskAgain, CallRefused, InDoubt, ProviderStopped, Throttled
from artfactoryd.execution import reconciliation as doubts
from artfactoryd.execution.payload import Calls
from artfactoryd.factories import Absent, Attempt, Ticket
from artfactoryd.reporting import orders, waiting
from artfactoryd.settings import Settings
from tests.emulator.client import Emulator
from tests.fakes import FakeFactory
from tests.homes import CARS, TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
Patch = pytest.MonkeyPatch
SHOW = int(os.environ.get("ARTFACTORY_TEST_SHOW_ITEMS", "30"))  # 200 for the whole show
LOST = InDoubt("The answer was lost.")


class Telling(FakeFactory):
    """What it says became of a sending, by prompt: a ticket, Absent or an error; what is not here nobody can say.

    A list is used up answer by answer, its last one for ever.
    """

    says: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[tuple[list[str], list[str]]]] = []  # prompts in doubt, and tickets known, at each question
    sent_at: ClassVar[list[datetime]] = []  # of the first in doubt, as it was told at each question

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Ticket | Absent]:
        prompts = {doubt.id: str(doubt.call.parameters["prompt"]) for doubt in doubts}
        self.sent_at.append(doubts[0].asked_at)
        self.asked.append((list(prompts.values()), [each.ticket.text for each in known if each.ticket]))
        told = {name: self._next(prompt) for name, prompt in prompts.items() if prompt in self.says}
        for answer in told.values():
            if isinstance(answer, Exception):
                raise answer
        return {name: answer for name, answer in told.items() if answer is not None}

    def _next(self, prompt: str) -> Any:
        answers = self.says[prompt]
        if not isinstance(answers, deque):
            return answers
        return answers.popleft() if len(answers) > 1 else answers[0]


@pytest.fixture
def says(monkeypatch: Patch) -> dict[str, Any]:
    monkeypatch.setattr(Telling, "says", {})
    monkeypatch.setattr(Telling, "asked", [])
    monkeypatch.setattr(Telling, "sent_at", [])
    return Telling.says


@pytest.fixture(autouse=True)
def impatient(quick: None, monkeypatch: Patch) -> None:
    for name, seconds in (("SOON", 0.01), ("FIRST", 0.02), ("LONGEST", 0.05)):
        monkeypatch.setattr(doubts, name, seconds)
    monkeypatch.setattr(doubts, "PATIENCE", timedelta(seconds=0.3))


async def doubtful(works: Works, text: str = "a car", **keys: Any) -> str:
    """An order whose first sending is lost."""
    works.fake.script("submit", LOST)
    made = await works.take(order(text, **keys))
    await works.until(lambda: "in_doubt" in works.states(made) or len(works.lines("ticket")) > 0)
    return made


def asked(works: Works) -> int:
    assert isinstance(works.fake, Telling)
    return len(works.fake.asked)


# --- the three answers ---


@pytest.mark.parametrize(
    ("answer", "state", "sent", "kinds"),
    [
        (Ticket("found"), "completed", 1, ["wish", "failure", "ticket", "result", "settlement"]),
        (Absent(), "completed", 2, ["wish", "failure", "release", "wish", "ticket", "result", "settlement"]),
        (None, "in_doubt", 1, ["wish", "failure"]),
    ],
    ids=["taken", "absent", "unknown"],
)
async def test_what_was_lost_is_asked_about_and_goes_on_by_the_ordinary_path(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any], answer: Any, state: str, sent: int, kinds: list[str]
) -> None:
    says["a car"] = answer
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        await works.rests()
        assert (works.states(made), len(works.fake.calls()), works.kinds()) == ([state], sent, kinds)
        assert works.committed(made) == PRICE and len(home.products()) == (state == "completed")
        assert works.execution.gates["fake"]._held == 0


@pytest.mark.parametrize(("answer", "state", "sent"), [(Ticket("found"), "completed", 0), (Absent(), "completed", 1),
                                                       (None, "in_doubt", 0)])  # fmt: skip
async def test_what_a_stop_caught_in_its_sending_is_in_doubt_first_and_then_asked_about(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any], answer: Any, state: str, sent: int
) -> None:
    monkeypatch.setattr(loop, "GRACE", 0.05)
    async with at_work(home, monkeypatch, fake=Telling) as works:
        works.fake.hold("submit")
        made = await works.take(order("a car"))
        await works.fake.reached("submit")
    assert home.states() == ["submitting"]
    says["a car"] = answer
    async with at_work(home, monkeypatch, fake=Telling) as works:
        await works.rests()
        assert works.kinds()[:2] == ["wish", "failure"] and "program ended" in works.lines("failure")[0]["reason"]
        assert (works.states(made), len(works.fake.calls()), works.committed(made)) == ([state], sent, PRICE)


async def test_what_an_earlier_run_left_in_doubt_is_asked_about_again(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        await works.rests()
    says["a car"] = Ticket("found")
    async with at_work(home, monkeypatch, fake=Telling) as works:
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.fake.calls() == []


# --- a clock that is set back ---


class Wall:
    """A clock that a test puts right."""

    by = timedelta(minutes=30)

    def __call__(self) -> datetime:
        return now() + self.by


@pytest.mark.parametrize("again", [False, True], ids=["nothing since, restarted", "another since"])
async def test_absence_proves_nothing_of_what_was_sent_before_the_clock_was_set_back(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any], again: bool
) -> None:
    wall = Wall()
    async with at_work(home, monkeypatch, fake=Telling, clock=wall) as works:
        made = await doubtful(works)
        wall.by = timedelta()
        await works.until(lambda: Telling.sent_at and Telling.sent_at[-1] <= now())
        if again:
            await works.make(order("a boat"), "boat.yaml")
            await _stays_in_doubt(works, made, wall, says)
    if not again:
        async with at_work(home, monkeypatch, fake=Telling, clock=wall) as works:
            await _stays_in_doubt(works, made, wall, says)


async def _stays_in_doubt(works: Works, made: str, wall: Wall, says: dict[str, Any]) -> None:
    """Though the provider's list lacks it, and the clock has come to where it was by itself."""
    says["a car"], wall.by, before = Absent(), timedelta(minutes=40), asked(works)
    await works.until(lambda: asked(works) > before + 2)
    assert works.states(made) == ["in_doubt"] and works.prompts().count("a car") < 2
    assert "set back" in works.home.call("order", made).stdout
    says["a car"] = Ticket("found")
    await works.until(lambda: works.states(made) == ["completed"])


# --- when, and how often ---


async def test_it_is_asked_until_it_tells_and_then_no_more(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    says["a car"] = deque([None, AskAgain("no"), Throttled("wait", after=0.01), None, Ticket("found")])
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        await works.rests()
        assert works.states(made) == ["completed"] and asked(works) == 5
        await asyncio.sleep(0.1)
        assert asked(works) == 5


async def test_a_question_that_is_told_to_wait_slows_the_whole_provider(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    says["a car"] = Throttled("wait", after=100)
    async with at_work(home, monkeypatch, fake=Telling) as works:
        await doubtful(works)
        await works.until(lambda: works.execution.gates["fake"].waits > 50)


async def test_one_question_is_about_all_that_is_in_doubt_and_tells_what_is_known(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    monkeypatch.setattr(doubts, "SOON", 0.2)
    says |= {f"car {n}": Ticket(f"found {n}") for n in (2, 3)}
    async with at_work(home, monkeypatch, fake=Telling) as works:
        works.fake.script("submit", "ok", LOST, LOST)
        made = await works.make(order("car [1,2,3]"))
        assert works.states(made) == ["completed"] * 3
        assert Telling.asked == [(["car 2", "car 3"], ["fake-1"])]


async def test_a_run_that_ends_by_itself_waits_while_asking_may_still_help_and_a_daemon_asks_on(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        assert not works.daemon.done
        row, house = works.order(made), works.house
        index = house.books.index
        outlook = waiting.outlook(index, row, home.home, Settings())
        assert not outlook.rests and "being asked" in " ".join(outlook.reasons)
        await works.rests()
        outlook = waiting.outlook(index, row, home.home, Settings())
        assert outlook.rests and "nobody can say yet" in " ".join(outlook.reasons)
        before = asked(works)
        await works.until(lambda: asked(works) > before + 1)
        says["a car"] = Ticket("found")
        await works.until(lambda: works.states(made) == ["completed"])


async def test_once_ends_when_asking_takes_too_long(home: TestHome, monkeypatch: Patch, says: dict[str, Any]) -> None:
    async with at_work(home, monkeypatch, fake=Telling, job=RunOptions(until_done=True)) as works:
        works.fake.script("submit", LOST)
        home.drop("cars.yaml", order("a car"))
        await works.running
        assert works.states() == ["in_doubt"] and asked(works) >= 3


async def test_a_provider_that_refuses_to_be_asked_is_not_waited_for_nor_stopped(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    monkeypatch.setattr(doubts, "PATIENCE", timedelta(hours=1))
    says["car 1"] = ProviderStopped("This key may not look at the list.")
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works, "car [1,2]")
        await works.rests()
        assert works.states(made) == ["in_doubt", "completed"] and works.house.books.index.stops() == {}
        [doubt] = orders.doubts(works.house.books.index, works.order(made))
        assert "may not look" in doubt.answer


async def test_a_receipt_written_while_the_answer_is_being_remembered_is_written_again(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    says["a car"] = ProviderStopped("This key may not look at the list.")
    async with at_work(home, monkeypatch, fake=Telling) as works:
        remember = works.house.books.remember_questions

        async def slowly(questions: Any) -> None:
            await works.until(lambda: not works.execution.receipts)
            await remember(questions)

        monkeypatch.setattr(works.house.books, "remember_questions", slowly)
        await doubtful(works)
        await works.rests()
        await works.until(lambda: "nobody can say yet" in " ".join(home.receipt().get("reasons", [])))


async def test_a_defect_while_asking_leaves_it_in_doubt_and_the_house_at_work(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    says["car 1"] = deque([KeyError("surprise"), Ticket("found")])
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works, "car [1,2]")
        await works.until(lambda: works.states(made) == ["completed"] * 2)


async def test_what_is_too_long_ago_is_asked_about_a_few_times_in_each_run_and_then_rests(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        await works.rests()
    monkeypatch.setattr(doubts, "YOUNG", timedelta(0))
    for old, questions in ((timedelta(hours=24), doubts.FEW), (timedelta(0), 0)):
        monkeypatch.setattr(doubts, "OLD", old)
        Telling.asked.clear()
        async with at_work(home, monkeypatch, fake=Telling) as works:
            await works.until(lambda: not works.execution.doubts.hopeful)
            await works.rests()
            index = works.house.books.index
            while orders.doubts(index, works.order(made))[0].next_ask_at:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert asked(works) == questions and works.states(made) == ["in_doubt"]


# --- what a person does meanwhile ---


async def test_what_is_found_while_it_is_about_to_be_sent_again_is_collected_and_not_sent(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    about, go = asyncio.Event(), asyncio.Event()
    real = Calls.of

    async def slowly(self: Calls, row: Any, given: Any) -> Any:
        if row.attempts:
            about.set()
            await go.wait()
        return await real(self, row, given)

    monkeypatch.setattr(Calls, "of", slowly)
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        await works.tell("retry", made, in_doubt=True)
        await about.wait()
        says["a car"] = Ticket("found")
        await works.until(lambda: works.states(made) == ["running"])
        go.set()
        await works.until(lambda: works.states(made) == ["completed"])
        await works.rests()
        assert len(works.fake.calls()) == 1 and works.committed(made) == PRICE


async def test_what_is_found_when_it_was_to_be_sent_again_and_was_cancelled_before_is_collected(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        await works.tell("pause", made)
        for command in ("retry", "cancel"):
            assert (await works.tell(command, made, in_doubt=True))["done"]
        assert works.states(made) == ["cancelled"] and works.items(made)[0].attempt is None
        says["a car"] = Ticket("found")
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(works.fake.calls()) == 1 and works.committed(made) == PRICE
        assert [line["asked"] for line in works.lines("ticket")] == [True]


@pytest.mark.parametrize(
    ("answer", "state", "left", "cancels"), [(Ticket("found"), "completed", PRICE, 1), (Absent(), "cancelled", 0, 0)],
    ids=["taken", "absent"],
)  # fmt: skip
async def test_a_cancelled_doubt_is_still_asked_about_and_what_was_bought_is_shelved(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any], answer: Any, state: str, left: int, cancels: int
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        assert "if it is found" in (await works.tell("cancel", made))["text"]
        assert (works.states(made), works.committed(made)) == (["cancelled"], PRICE)
        says["a car"] = answer
        await works.until(lambda: works.states(made) == [state] and works.committed(made) == left)
        await works.rests()
        assert len(works.fake.calls()) == 1 and len(home.products()) == (state == "completed")
        assert [each.verb for each in works.fake.history].count("cancel") == cancels
        assert works.state(made) == state


async def test_what_is_cancelled_while_being_sent_and_then_lost_is_cancelled_and_asked_about(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        works.fake.hold("submit")
        works.fake.script("submit", LOST)
        made = await works.take(order("a car"))
        await works.fake.reached("submit")
        await works.tell("cancel", made)
        works.fake.release("submit")
        await works.until(lambda: works.states(made) == ["cancelled"])
        assert works.committed(made) == PRICE
        says["a car"] = Ticket("found")
        await works.until(lambda: works.states(made) == ["completed"])


@pytest.mark.parametrize("answer", [Ticket("found"), Absent()], ids=["taken", "absent"])
async def test_an_attempt_found_after_the_item_was_sent_again_is_taken_down_apart(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any], answer: Any
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        assert (await works.tell("retry", made))["at_stake"] == [{"item": 1, "usd": 0.01}]
        await works.tell("retry", made, in_doubt=True)
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.committed(made) == 2 * PRICE
        says["a car"] = answer
        absent = isinstance(answer, Absent)
        index = works.house.books.index
        await works.until(lambda: index.attempts(made)[0].cost == 0 if absent else index.attempts(made)[0].ticket)
        await works.rests()
        assert works.committed(made) == (1 if absent else 2) * PRICE
        assert works.states(made) == ["completed"] and len(home.products()) == 1 and len(works.fake.calls()) == 2
        told = orders.doubts(index, works.order(made))
        assert [doubt.ticket for doubt in told] == ([] if absent else ["found"])
        before = asked(works)
        await asyncio.sleep(0.1)
        assert asked(works) == before


async def test_an_earlier_doubt_still_counts_when_the_next_attempt_was_refused(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        made = await doubtful(works)
        works.fake.script("submit", CallRefused("no"))
        await works.tell("retry", made, in_doubt=True)
        await works.until(lambda: works.states(made) == ["failed"])
        answer = await works.tell("retry", made)
        assert answer["retried"] == [] and answer["at_stake"] == [{"item": 1, "usd": 0.01}]
        assert "item 1, up to $0.01" in answer["text"]


# --- never the same ticket for two ---


async def test_a_ticket_that_another_attempt_has_is_not_taken(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    says["car 2"] = Ticket("fake-1")
    async with at_work(home, monkeypatch, fake=Telling) as works:
        works.fake.script("submit", "ok", LOST)
        made = await works.make(order("car [1,2]"))
        assert works.states(made) == ["completed", "in_doubt"]


async def test_while_an_equal_create_is_on_its_way_what_is_found_may_be_that_one(
    home: TestHome, monkeypatch: Patch, says: dict[str, Any]
) -> None:
    async with at_work(home, monkeypatch, fake=Telling, concurrency=2) as works:
        seven: Any = {"parameters": {"seed": 7}}
        made = await doubtful(works, **seven)
        works.fake.hold("submit")
        works.fake.script("submit", Ticket("found"))
        other = await works.take(order("a car", name="boats", reuse="never", **seven), "boats.yaml")
        await works.fake.reached("submit")
        says["a car"] = Ticket("found")
        before = asked(works)
        await works.until(lambda: asked(works) > before + 1)
        assert works.states() == ["in_doubt", "submitting"]
        works.fake.release("submit")
        await works.rests()
        assert (works.states(made), works.states(other)) == (["in_doubt"], ["completed"])


# --- what a person is told ---


def shown(home: TestHome) -> tuple[dict[str, Any], str]:
    """`order cars`, as data and in words."""
    whole = whole_order(home.home, Settings(), "cars")
    return whole.to_json(), order_text(whole)


def test_an_order_shows_each_doubt_what_was_asked_and_the_two_ways_out(emulator: Emulator, home: TestHome) -> None:
    shop = TestHome.make(home.root.parent / "shop", emulator.base_url)
    emulator.control(create=["close-after"], list="403")
    shop.drop("cars.yaml", CARS)
    assert shop.once() == 3
    found, said = shown(shop)
    [doubt] = found["doubts"]
    attempt = next(each for each in found["attempts"] if each["id"] == doubt["attempt"])
    assert (attempt["verdict"], attempt["asked_at"]) == ("in_doubt", doubt["since"])
    assert (doubt["usd"], doubt["state"], doubt["asked"]) == (0.003, "in_doubt", 1) and "403" in doubt["answer"]
    name = found["order_id"][:13]
    for words in (doubt["attempt"], "up to $0.003", "replicate.com/predictions", "Asked once", "Asked again at",
                  f"retry {name} --in-doubt", f"cancel {name}"):  # fmt: skip
        assert words in said, words
    assert shop.call("cancel", "cars").returncode == 0
    emulator.control(list="ok")
    assert shop.once() == 0
    assert shown(shop)[0]["doubts"] == [] and len(shop.products()) == 4


async def test_where_nobody_can_be_asked_it_waits_and_says_so(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", "ok", "ok", LOST, "ok", "ok", LOST)
        made = await works.make(order("car [1,2,3,4,5,6]"))
        assert works.states(made) == ["completed", "completed", "in_doubt"] * 2
        assert len(works.fake.calls()) == 6 and works.committed(made) == 6 * PRICE
    said = shown(home)[1]
    assert said.count("cannot be asked what became of it") == 2 and "2 sent perhaps, worth up to $0.02" in said


# --- the whole show ---


def test_every_third_answer_is_dropped_and_everything_comes_once(emulator: Emulator, home: TestHome) -> None:
    shop = TestHome.make(home.root.parent / "shop", emulator.base_url, limits={"products_per_order": 1000})
    emulator.control(create={"every": [3, "close-after"]})
    prompt = ",".join(f"car {number}" for number in range(SHOW))
    text = f'provider: replicate\nmodel: flux-schnell\nparameters:\n  prompt: "[{prompt}]"\n'
    shop.drop("cars.yaml", text)
    assert shop.once() == 0
    assert shop.states() == ["completed"] * SHOW and len(shop.products()) == SHOW
    prompts = [create["input"]["prompt"] for create in emulator.creates()]
    assert len(prompts) == len(set(prompts)) == SHOW
    assert len(shop.lines("failure")) == SHOW // 3 and len(shop.lines("wish")) == SHOW
    assert shop.receipt()["cost"]["spent_usd"] == pytest.approx(0.003 * SHOW)
