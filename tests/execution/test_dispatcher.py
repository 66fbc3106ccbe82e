"""What the last run, or the machine before it slept, left behind comes before anything new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from artfactoryd.errors import AskAgain, ProviderStopped, Unreachable
from artfactoryd.execution import dispatcher
from artfactoryd.factories import Call, Ticket
from artfactoryd.settings import Provider
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


class Endless(FakeFactory):
    """Nothing ends."""

    async def collect(self, ticket: Ticket) -> None:  # type: ignore[override]
        await super().collect(ticket)


async def left_running(home: TestHome, monkeypatch: Patch, most: int = 2) -> str:
    """An order of five, of which the first ones have tickets."""
    async with at_work(home, monkeypatch, concurrency=most, fake=Endless) as works:
        made = await works.take(order("car [1,2,3,4,5]"))
        await works.until(lambda: works.states(made) == ["running"] * most + ["planned"] * (5 - most))
        return made


async def test_after_a_start_every_ticket_is_asked_about_and_its_outputs_fetched_before_anything_new_is_sent(
    home: TestHome, monkeypatch: Patch
) -> None:
    made = await left_running(home, monkeypatch)
    found: list[list[str]] = []

    def sent(call: Call) -> None:
        found.append(works.states(made)[:2])

    async with at_work(home, monkeypatch, concurrency=5, script=lambda fake: fake.hold("collect")) as works:
        works.fake.script("submit", sent)
        await works.fake.reached("collect")
        gate = works.execution.gates["fake"]
        for _ in range(3):
            gate.wake()
            await works.until(lambda: not gate._is_changed)
        assert works.fake.calls() == [] and works.states(made)[2:] == ["planned"] * 3 and not works.daemon.done
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["completed"] * 5)
        assert found == [["completed"] * 2]


async def test_what_still_runs_when_it_is_asked_about_is_not_waited_for(home: TestHome, monkeypatch: Patch) -> None:
    made = await left_running(home, monkeypatch)
    async with at_work(home, monkeypatch, concurrency=5, fake=Endless) as works:
        await works.until(lambda: works.states(made) == ["running"] * 5)
        assert [asked.verb for asked in works.fake.history[:2]] == ["collect", "collect"]


@pytest.mark.parametrize(
    "trouble",
    [AskAgain("busy"), Unreachable("away"), ProviderStopped("bad key")],
    ids=lambda error: type(error).__name__,
)
async def test_a_question_that_fails_is_not_waited_for(home: TestHome, monkeypatch: Patch, trouble: Exception) -> None:
    made = await left_running(home, monkeypatch)

    def told(fake: FakeFactory) -> None:
        fake.script("collect", trouble, *[None] * 1000)

    async with at_work(home, monkeypatch, concurrency=5, script=told) as works:
        await works.until(lambda: len(works.fake.history) >= 2 and not works.execution.flights.owes("fake"))
        works.execution.gates["fake"].lift()
        await works.until(lambda: works.states(made) == ["running"] * 5)


async def test_a_question_without_an_answer_is_waited_for_only_so_long(home: TestHome, monkeypatch: Patch) -> None:
    made = await left_running(home, monkeypatch)
    assert dispatcher.OWED_LASTS == 30
    monkeypatch.setattr(dispatcher, "OWED_LASTS", 0.2)
    async with at_work(home, monkeypatch, concurrency=5, script=lambda fake: fake.hold("collect")) as works:
        await works.until(lambda: works.states(made) == ["running"] * 5)
        works.fake.release("collect")


async def test_another_provider_does_not_wait(home: TestHome, monkeypatch: Patch) -> None:
    await left_running(home, monkeypatch)
    async with at_work(home, monkeypatch, concurrency=5, script=lambda fake: fake.hold("collect")) as works:
        works.other.release("collect")
        boats = await works.take(order("a boat", provider="other"), "boats.yaml")
        await works.until(lambda: works.states(boats) == ["completed"])
        assert works.fake.calls() == []
        works.fake.release("collect")


async def test_after_a_sleep_tickets_are_asked_about_at_once_and_before_anything_new_is_sent(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch, concurrency=2) as works:
        monkeypatch.setattr("artfactoryd.execution.pacing.polling.LONGEST", 1000.0)
        monkeypatch.setattr("artfactoryd.execution.pacing.polling.SHORTEST", 1000.0)  # nothing is asked again by itself
        works.fake.script("collect", None, None)
        made = await works.take(order("car [1,2,3]"))
        await works.until(lambda: [asked.verb for asked in works.fake.history].count("collect") == 2)
        await works.until(lambda: not works.execution.gates["fake"].asking._under_way)
        slept = [True]
        monkeypatch.setattr(works.execution.dispatcher, "slept", lambda: bool(slept) and slept.pop())
        gate = works.execution.gates["fake"]
        gate.use(3, None)  # so there is room for the third just then
        gate.wake()
        await works.until(lambda: len(works.fake.calls()) == 3)
        verbs = [asked.verb for asked in works.fake.history]
        assert verbs == ["submit", "submit", "collect", "collect", "collect", "collect", "submit"]
        assert works.states(made)[:2] == ["completed"] * 2


# --- creates a minute ---


async def test_waiting_for_the_next_create_of_the_minute_writes_no_wish(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, concurrency=5) as works:
        providers = {"fake": Provider(concurrency=5, requests_per_minute=1), "other": Provider()}
        works.house.use(replace(works.house.settings.now, providers=providers))
        made = await works.take(order("car [1,2,3]"))
        await works.until(lambda: works.states(made) == ["completed", "planned", "planned"])
        assert len(works.lines("wish")) == 1 and not works.daemon.done
        assert 50 < works.execution.gates["fake"].waits <= 60
