"""Outages and stops of a provider: what is sent meanwhile, how it ends, and where a person reads of it."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, ClassVar

import pytest

from artfactoryd.cli import orders
from artfactoryd.errors import (
    AskAgain,
    InDoubt,
    ProviderStopped,
    RunFailed,
    StorageFull,
    Throttled,
    Unreachable,
)
from artfactoryd.execution.pacing import gate as limits
from artfactoryd.execution.pacing.gate import FEW
from artfactoryd.reporting import status, waiting
from artfactoryd.storage.rows import OutageRow
from artfactoryd.storage.writer import Books
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
AWAY = Unreachable("Nobody answers. Nothing was sent.")
CARS = "car [1,2,3,4,5,6,7,8,9,10]"


class Probed(FakeFactory):
    """Can be asked for nothing whether it works: the next of `answers`, and then the last one again."""

    answers: ClassVar[deque[Exception | None]] = deque()
    probes = 0

    async def probe(self) -> None:
        self.probes += 1
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0] if self.answers else None
        if answer is not None:
            raise answer


def answering(monkeypatch: Patch, *answers: Exception | None) -> type[Probed]:
    monkeypatch.setattr(Probed, "answers", deque(answers))
    return Probed


def slowly(monkeypatch: Patch) -> None:
    """An outage is not tried again within the test."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 250.0)


def outages(works: Works) -> dict[str, OutageRow]:
    return works.house.books.index.outages()


# --- nobody there ---


async def test_a_network_that_comes_back_by_itself_needs_nobody(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", *[AWAY] * (FEW + 1))
        made = await works.make(order())
        assert works.states(made) == ["completed", "completed"] and len(works.fake.calls()) == FEW + 3
        assert works.kinds(1)[:2] == ["wish", "release"] and works.committed(made) == 2 * PRICE
        assert outages(works) == {} and works.lines("pause") == []


async def test_an_outage_is_read_in_the_receipt_and_other_providers_go_on(home: TestHome, monkeypatch: Patch) -> None:
    slowly(monkeypatch)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", *[AWAY] * 50)
        made = await works.take(order(CARS))
        await works.until(lambda: outages(works))
        boats = await works.take(order("a boat", provider="other"), "boats.yaml")
        await works.until(lambda: works.states(boats) == ["completed"])
        assert len(works.fake.calls()) == FEW and works.states(made) == ["planned"] * 10
        folder = home.root / works.folder(made)
        await works.until(lambda: "fake does not work since" in str(home.receipt(folder).get("reasons")))
        [reason] = home.receipt(folder)["reasons"]
        assert "tried again by itself at" in reason and "Nobody answers" in reason and not works.daemon.done
        assert (await works.tell("resume", target="fake"))["done"]
        await works.until(lambda: len(works.fake.calls()) == 2 * FEW)


async def test_who_waits_for_an_end_ends_when_an_outage_outlasts_a_few_tries(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", *[AWAY] * 500)
        made = await works.make(order())
        assert FEW + limits.PROBES <= len(works.fake.calls()) < 50 and works.states(made) == ["planned"] * 2
        await works.until(lambda: outages(works)["fake"].given_up)
    async with at_work(home, monkeypatch) as works:  # the next start tries at once
        await works.until(lambda: works.states(made) == ["completed"] * 2)
        assert outages(works) == {}


async def test_two_lost_answers_in_a_row_slow_nothing_for_longer_than_the_next_that_comes(
    home: TestHome, monkeypatch: Patch
) -> None:
    """Every third create is answered, at a provider that cannot list: no pause, all sent, the doubts stay said."""
    slowly(monkeypatch)
    async with at_work(home, monkeypatch, concurrency=4) as works:
        works.fake.script("submit", *[InDoubt("lost"), InDoubt("lost"), "ok"] * 4)
        made = await works.make(order("car [1,2,3,4,5,6,7,8,9,10,11,12]"))
        assert Counter(works.states(made)) == Counter(completed=4, in_doubt=8)
        assert len(works.fake.calls()) == 12 and outages(works) == {}


async def test_what_a_person_paused_is_not_said_to_be_tried_again(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", *[AWAY] * 500)
        await works.make(order("a car"))
        await works.until(lambda: outages(works)["fake"].given_up)
        await works.tell("pause", target="fake")
        await works.until(lambda: home.receipt().get("reasons") == ["fake is paused by you; `resume fake`."])


# --- creates in doubt ---


async def test_an_outage_does_not_turn_everything_into_doubt(home: TestHome, monkeypatch: Patch) -> None:
    slowly(monkeypatch)
    async with at_work(home, monkeypatch, concurrency=2) as works:
        works.fake.script("submit", *[InDoubt("502")] * 50)
        made = await works.take(order(CARS))
        await works.until(lambda: outages(works) and "submitting" not in works.states(made))
        doubtful = works.states(made).count("in_doubt")
        assert FEW <= doubtful <= FEW + 1 and works.states(made).count("planned") == 10 - doubtful
        assert works.committed(made) == doubtful * PRICE


async def test_a_free_question_is_asked_before_an_item_is_risked_again(home: TestHome, monkeypatch: Patch) -> None:
    kind = answering(monkeypatch, AWAY, AWAY, None)
    async with at_work(home, monkeypatch, fake=kind) as works:
        works.fake.script("submit", *[InDoubt("502")] * FEW)
        made = await works.take(order(CARS))
        await works.until(lambda: works.states(made) == ["in_doubt"] * FEW + ["completed"] * (10 - FEW))
        assert isinstance(works.fake, Probed) and works.fake.probes == 3


# --- questions ---


async def test_while_questions_are_not_answered_nothing_is_created(home: TestHome, monkeypatch: Patch) -> None:
    slowly(monkeypatch)
    async with at_work(home, monkeypatch, concurrency=2) as works:
        works.fake.script("collect", *[AWAY] * FEW)
        made = await works.take(order(CARS))
        await works.until(lambda: outages(works))
        begun = len(works.fake.calls())
        gate = works.execution.gates["fake"]
        gate.concurrency = 5
        for _ in range(5):
            gate.wake()
            await works.until(lambda: not gate._is_changed)
        assert len(works.fake.calls()) == len(works.lines("wish")) == begun
        gate.lift()
        await works.until(lambda: works.states(made) == ["completed"] * 10)


async def test_running_items_of_an_outage_do_not_keep_once_from_ending(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[AWAY] * 500)
        made = await works.make(order("a car"))
        assert works.states(made) == ["running"]
        await works.until(lambda: outages(works)["fake"].given_up)
        folder = home.root / works.folder(made)
        await works.until(lambda: "does not work since" in str(home.receipt(folder).get("reasons")))


@pytest.mark.parametrize("verb", ["submit", "collect"])
async def test_who_follows_the_daemon_is_told_of_an_outage_and_waits_no_longer_than_it_does(
    home: TestHome, monkeypatch: Patch, verb: Any
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script(verb, *[AWAY] * 500)
        index = works.house.books.index
        made = await works.take(order("a car"))

        def resting() -> bool:
            return waiting.outlook(index, works.order(made), home.home, works.house.settings.now).rests

        await works.until(lambda: works.items(made) and outages(works))
        await works.until(lambda: outages(works)["fake"].given_up and resting())
        text = orders.status_text(status.status(home.home, index, works.house.settings.now, None))
        assert "Outage  fake does not work since" in text


async def test_trouble_with_one_item_alone_is_no_outage(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[AskAgain("an odd status")] * (FEW * 3))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and outages(works) == {}


async def test_a_question_that_is_told_to_wait_slows_every_other(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, concurrency=3) as works:
        works.fake.hold("collect")
        works.fake.script("collect", Throttled("slowly", after=100), None, None)
        made = await works.take(order("car [1,2,3,4]"))
        await works.until(lambda: works.states(made) == ["running"] * 3 + ["planned"])
        works.fake.release("collect")
        gate = works.execution.gates["fake"]
        await works.until(lambda: gate.waits > 50 and not gate.asking._under_way)
        asked = len(works.fake.history)
        assert works.states(made) == ["running"] * 3 + ["planned"] and not works.daemon.done
        gate.lift()
        await works.until(lambda: works.states(made) == ["completed"] * 4)
        assert len(works.fake.history) > asked


# --- a bad key, and money ---


async def test_a_key_that_works_again_lifts_the_stop_by_itself(home: TestHome, monkeypatch: Patch) -> None:
    bad = ProviderStopped("The key is not accepted.", of_key=True)
    kind = answering(monkeypatch, bad, bad, None)
    async with at_work(home, monkeypatch, fake=kind) as works:
        works.fake.script("submit", bad)
        made = await works.make(order())
        assert works.states(made) == ["planned"] * 2 and isinstance(works.fake, Probed) and works.fake.probes == 0
        for probes in (1, 2):  # other settings
            works.house.use(works.house.settings.now)
            await works.until(lambda: works.fake.probes == probes)  # type: ignore[attr-defined]  # noqa: B023
        assert works.states(made) == ["planned"] * 2
        monkeypatch.setattr(limits, "ASK_EVERY", 0.01)
        works.house.use(works.house.settings.now)
        await works.until(lambda: works.states(made) == ["completed"] * 2)
        assert [line["on"] for line in works.lines("pause")] == [True, False]
        assert works.house.books.index.stops() == {}


async def test_the_next_start_asks_at_once_and_leaves_a_persons_pause_alone(home: TestHome, monkeypatch: Patch) -> None:
    bad = ProviderStopped("The key is not accepted.", of_key=True)
    async with at_work(home, monkeypatch, fake=answering(monkeypatch, bad)) as works:
        works.fake.script("submit", bad)
        made = await works.make(order())
    async with at_work(home, monkeypatch, fake=Probed) as works:
        await works.rests()
        assert isinstance(works.fake, Probed) and works.fake.probes == 1 and works.fake.calls() == []
        await works.tell("pause", target="fake")
    async with at_work(home, monkeypatch, fake=answering(monkeypatch, None)) as works:
        await works.until(lambda: works.house.books.index.stops() == {})
        await works.rests()
        assert works.house.books.index.pauses().keys() == {"fake"} and works.fake.calls() == []
        await works.tell("resume", target="fake")
        await works.until(lambda: works.states(made) == ["completed"] * 2)


async def test_that_there_is_money_again_only_a_person_says(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(limits, "ASK_EVERY", 0.01)
    for times in (1, 2):
        async with at_work(home, monkeypatch, fake=answering(monkeypatch, None)) as works:
            works.fake.script("submit", ProviderStopped("There is no money."))
            if times == 1:
                made = await works.make(order())
            works.house.use(works.house.settings.now)
            await works.rests()
            assert isinstance(works.fake, Probed) and works.fake.probes == 0
            assert works.states(made) == ["planned"] * 2 and works.house.books.index.stops().keys() == {"fake"}


async def test_a_question_that_is_answered_says_nothing_about_money(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, fake=answering(monkeypatch, None), concurrency=2) as works:
        works.fake.script("submit", "ok", ProviderStopped("There is no money."))
        works.fake.script("collect", *[None] * 1000)
        made = await works.take(order())
        await works.until(lambda: works.house.books.index.stops())
        before = len(works.fake.history)
        await works.until(lambda: len(works.fake.history) > before + 3)
        assert works.states(made) == ["running", "planned"] and works.house.books.index.stops()


async def test_a_question_that_is_answered_lifts_the_stop_of_the_key_it_was_asked_with(
    home: TestHome, monkeypatch: Patch
) -> None:
    bad = ProviderStopped("The key is not accepted.", of_key=True)
    async with at_work(home, monkeypatch, fake=answering(monkeypatch, bad)) as works:
        works.fake.script("collect", bad, bad)  # one alone may be a slip
        made = await works.make(order("a car"))
        await works.until(lambda: works.states(made) == ["completed"])
        assert [line["on"] for line in works.lines("pause")] == [True, False]


async def test_a_probe_with_a_defect_ends_nothing(home: TestHome, monkeypatch: Patch) -> None:
    kind = answering(monkeypatch, KeyError("surprise"))
    async with at_work(home, monkeypatch, fake=kind) as works:
        works.fake.script("submit", *[AWAY] * FEW, ProviderStopped("bad key", of_key=True))
        await works.take(order())
        await works.until(lambda: works.house.books.index.stops())
        works.house.use(works.house.settings.now)
        await works.until(lambda: works.fake.probes == 2)  # type: ignore[attr-defined]
        assert not works.running.done() and works.house.books.index.stops()


async def test_an_outage_and_its_end_need_no_room_on_the_disk(home: TestHome, monkeypatch: Patch) -> None:
    """A note of it that cannot be written must not stop the item."""

    async def full(*given: Any, **named: Any) -> None:
        raise StorageFull("no room")

    async with at_work(home, monkeypatch) as works:
        monkeypatch.setattr(Books, "note_outage", full)
        works.fake.script("collect", *[AWAY] * (FEW + 1), RunFailed("no", charged=False))
        made = await works.make(order("a car"))
        assert works.states(made) == ["failed"]
