"""More than one attempt: only for a reason that passes, at most three, each paid for on its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace

import pytest

from artfactoryd.errors import CallRefused, InDoubt, RunFailed
from artfactoryd.execution import collection, delivery
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.factories import Output, Outputs, Ticket
from artfactoryd.settings import Limits
from artfactoryd.shelf.staging import INLINE
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
PASSING = RunFailed("Interrupted; please retry.", charged=False, passing=True)
CHARGED = RunFailed("Out of memory.", charged=True, passing=True)


def verdicts(works: Works, order_id: str, number: int = 1) -> list[tuple[str | None, int | None]]:
    rows = works.house.books.index.attempts(order_id, number)
    return [(row.verdict, row.cost) for row in rows]


def resting(monkeypatch: Patch, *seconds: float) -> None:
    monkeypatch.setattr(collection, "ATTEMPT_AGAIN", seconds)


async def test_what_ended_for_a_passing_reason_is_attempted_again_and_each_attempt_has_its_cost(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", PASSING, CHARGED)
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and len(works.fake.calls()) == 3
        assert verdicts(works, made) == [("passing", 0), ("passing", PRICE), (None, PRICE)]
        assert works.committed(made) == works.house.books.index.spent(made) == 2 * PRICE
        assert works.kinds(1) == ["wish", "ticket", "failure"] * 2 + ["wish", "ticket", "result", "settlement"]
        assert works.items(made)[0].reason is None


async def test_the_third_failure_is_the_last_and_a_persons_retry_begins_anew(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[PASSING] * 5)
        made = await works.make(order("a car"))
        [item] = works.items(made)
        assert item.state == "failed" and len(works.fake.calls()) == collection.ATTEMPTS == 3
        assert (item.reason or "").startswith("Interrupted; please retry.") and "After 3 attempts" in (
            item.reason or ""
        )
        assert [each for each, _ in verdicts(works, made)] == ["passing", "passing", "ended"]
        await works.tell("retry", made)
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(works.fake.calls()) == 6


@pytest.mark.parametrize("end", [RunFailed("no", charged=False), CallRefused("rude")], ids=["ended", "refused"])
async def test_what_another_attempt_would_not_better_is_attempted_once(
    home: TestHome, monkeypatch: Patch, end: Exception
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit" if isinstance(end, CallRefused) else "collect", end)
        made = await works.make(order("a car"))
        assert works.states(made) == ["failed"] and len(works.fake.calls()) == 1
        assert "attempts" not in (works.items(made)[0].reason or "")


async def test_while_one_rests_the_others_go_on_and_nothing_ends(home: TestHome, monkeypatch: Patch) -> None:
    resting(monkeypatch, 250.0, 250.0)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", PASSING)
        made = await works.take(order("car [1,2,3,4]"))
        await works.until(lambda: works.states(made) == ["planned"] + ["completed"] * 3)
        assert not works.daemon.done and len(works.fake.calls()) == 4
        await works.until(lambda: "Interrupted; please retry. It is sent again" in str(home.receipt().get("reasons")))
    async with at_work(home, monkeypatch) as works:  # it is planned, and no more than that
        await works.until(lambda: works.states(made) == ["completed"] * 4)
        assert works.prompts() == ["car 1"]


async def test_one_that_rests_comes_by_itself_when_its_time_has_come(home: TestHome, monkeypatch: Patch) -> None:
    resting(monkeypatch, 0.3, 0.3)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", PASSING)
        made = await works.take(order("car [1,2]"))
        await works.until(lambda: works.states(made) == ["planned", "completed"])
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        assert works.prompts() == ["car 1", "car 2", "car 1"]


async def test_another_attempt_must_fit_under_the_cap_again(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", CHARGED)
        made = await works.make(order("a car", budget=0.015))
        assert works.states(made) == ["planned"] and works.committed(made) == PRICE and len(works.fake.calls()) == 1
        await works.until(lambda: "cap" in str(home.receipt().get("reasons")))
        [reason] = home.receipt()["reasons"]  # and not that it is sent again by itself
        assert reason.startswith("Its cap of $0.015 is reached.")


async def test_cancelled_while_it_rests_it_is_not_attempted_again(home: TestHome, monkeypatch: Patch) -> None:
    resting(monkeypatch, 250.0, 250.0)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", PASSING)
        made = await works.take(order("a car"))
        await works.until(lambda: works.kinds(1)[-1:] == ["failure"])
        await works.tell("cancel", made)
        await works.rests()
        assert works.states(made) == ["cancelled"] and len(works.fake.calls()) == 1


async def test_cancelled_while_it_runs_a_passing_failure_ends_it(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("collect")
        works.fake.script("collect", CHARGED)
        made = await works.take(order("a car"))
        await works.fake.reached("collect")
        await works.tell("cancel", made)
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["cancelled"])
        await works.rests()
        assert len(works.fake.calls()) == 1 and works.committed(made) == PRICE
        assert (await works.tell("retry", made))["at_stake"] == [{"item": 1, "usd": PRICE / 1e6}]


async def test_cancelled_while_sending_and_then_in_doubt_it_is_cancelled_and_its_money_stays_counted(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        works.fake.script("submit", InDoubt("The answer was lost."))
        made = await works.take(order())
        await works.fake.reached("submit")
        await works.tell("cancel", made)
        works.fake.release("submit")
        await works.until(lambda: works.states(made) == ["cancelled"] * 2)
        assert works.state(made) == "cancelled" and works.committed(made) == PRICE
        assert works.house.books.index.doubtful(made) == PRICE
        assert works.items(made)[0].reason == "cancelled by you; The answer was lost."
        assert (await works.tell("retry", made))["retried"] == [2]


async def test_cancelled_while_its_pictures_are_fetched_they_are_kept(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        delivery = works.execution.worker._delivery
        deliver = delivery.deliver

        async def then(*given: object) -> object:
            said.append((await works.tell("cancel", made))["text"])
            return await deliver(*given)  # type: ignore[arg-type]

        said: list[str] = []
        monkeypatch.setattr(delivery, "deliver", then)
        made = await works.take(order("a car"))
        await works.until(lambda: works.states(made) == ["completed"])
        assert "1 made already: they are fetched and kept" in said[0] and len(home.products()) == 1


# --- what lies in the answer itself ---


def written_out(data: bytes, mime: str = "image/png") -> Output:
    return Output(f"data:{mime};base64,{base64.b64encode(data).decode()}")


async def test_an_output_in_the_answer_itself_goes_to_a_file_and_the_ledger_holds_its_hash(
    home: TestHome, monkeypatch: Patch
) -> None:
    data = bytes(range(256)) * 400
    async with at_work(home, monkeypatch) as works:
        echo = {"image": "data:image/png;base64," + "A" * 200_000, "list": [{"mask": "B" * 200_000}]}
        works.fake.script("collect", Outputs((written_out(data),), echo))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"]
        [result] = works.lines("result")
        assert result["outputs"][0]["address"] == INLINE + hashlib.sha256(data).hexdigest()
        assert len(json.dumps(works.lines())) < 20_000
    [card] = home.sidecars()
    assert card["file"]["sha256"] == hashlib.sha256(data).hexdigest() and len(json.dumps(card)) < 5000


async def test_what_came_in_an_answer_and_is_above_the_bound_waits_like_any_other(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(delivery, "BOUND_AGAIN", 0.01)
    async with at_work(home, monkeypatch, limits=Limits(free_disk_bytes=1000, product_bytes=200)) as works:
        works.fake.script("collect", Outputs((written_out(bytes(range(256))),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["delivering"]
        assert "256 bytes" in (works.items(made)[0].reason or "")
        settings = works.house.settings
        settings.now = replace(settings.now, limits=replace(settings.now.limits, product_bytes=256))
        await works.until(lambda: works.states(made) == ["completed"])


@pytest.mark.parametrize(
    "address", ["data:;base64,not base64 at all!", "data:text/plain,a%20cat", "data:;base64,YWJj\nZA"]
)
async def test_loose_ways_of_writing_an_output_out_are_taken_and_nothing_is_thrown_away(
    home: TestHome, monkeypatch: Patch, address: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", Outputs((Output(address),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and home.sidecars()[0]["file"]["mime"] == "text/plain"


@pytest.mark.parametrize(("took", "waits"), [(0.06, False), (0.0, True)], ids=["slow create", "quick create"])
async def test_the_first_question_is_timed_from_the_sending(
    home: TestHome, monkeypatch: Patch, took: float, waits: bool
) -> None:
    rested: list[float] = []
    rest = Gate.rest

    async def watched(gate: Gate, seconds: float) -> None:
        rested.append(seconds)
        await rest(gate, min(seconds, 0.01))

    monkeypatch.setattr(FakeFactory, "first_ask", 0.05)
    monkeypatch.setattr(Gate, "rest", watched)
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("submit")
        made = await works.take(order("a car"))
        await works.fake.reached("submit")
        await asyncio.sleep(took)
        works.fake.release("submit")
        await works.until(lambda: works.states(made) == ["completed"])
        assert bool(rested) is waits and all(seconds <= 0.05 for seconds in rested)


class Telling(FakeFactory):
    """One that knows how far it is."""

    def progress(self, ticket: Ticket) -> str:
        return f"{len(self.history) - 1} of 3 pieces are done."


async def test_how_far_an_item_is_can_be_read_while_it_runs(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch, fake=Telling) as works:
        works.fake.script("collect", None)
        works.fake.hold("collect")
        made = await works.take(order("a car"))
        await works.fake.reached("collect")
        works.fake.release("collect")
        works.fake.hold("collect")
        await works.fake.reached("collect")
        assert works.items(made)[0].reason == "1 of 3 pieces are done."
        works.fake.release("collect")
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.items(made)[0].reason is None
