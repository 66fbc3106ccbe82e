"""One passing 404 or 403 loses nothing: neither of a status, nor of a result, nor of the output itself."""

from __future__ import annotations

from collections import Counter

import pytest
from aiohttp import web

from artfactoryd.errors import OutputLost, ProviderStopped
from artfactoryd.execution import collection, delivery
from artfactoryd.factories import Output, Outputs, Ticket
from artfactoryd.reporting import waiting
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
UNKNOWN = OutputLost("It does not know this (404).", passing=True)


async def test_a_ticket_that_is_not_known_for_a_moment_is_asked_about_again(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(collection, "GONE_LASTS", 60.0)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", UNKNOWN, UNKNOWN, None, UNKNOWN)
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and len(works.fake.calls()) == 1
        assert works.items(made)[0].reason is None


async def test_one_that_stays_unknown_is_lost_after_some_minutes(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[UNKNOWN] * 1000)
        made = await works.make(order("a car"))
        assert works.states(made) == ["failed"] and works.committed(made) == PRICE


async def test_what_is_gone_for_good_is_not_asked_about_again(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(collection, "GONE_LASTS", 60.0)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", OutputLost("410"))
        made = await works.make(order("a car"))
        assert works.states(made) == ["failed"]


async def test_one_refusal_of_the_key_stops_nothing(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", ProviderStopped("401"))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and works.lines("pause") == []


REFUSED = OutputLost("It does not let this be asked about (403).", refused=True)


class Probed(FakeFactory):
    """Whose account may be asked about: `trouble` is what it says."""

    trouble: Exception | None = None

    async def probe(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@pytest.mark.parametrize("fake", [FakeFactory, Probed])
async def test_a_question_about_one_job_that_stays_refused_is_that_jobs_trouble_alone(
    home: TestHome, monkeypatch: Patch, fake: type[FakeFactory]
) -> None:
    async with at_work(home, monkeypatch, fake=fake, concurrency=2) as works:

        async def collect(ticket: Ticket) -> Outputs | None:
            if ticket.text == "fake-1":
                raise REFUSED
            return Outputs((works.fake.picture(ticket.text),))

        monkeypatch.setattr(works.fake, "collect", collect)
        made = await works.make(order("a [red,blue,green] car"))
        assert Counter(works.states(made)) == Counter(failed=1, completed=2)
        assert works.lines("pause") == [] and works.committed(made) == 3 * PRICE
        (failed,) = (item for item in works.items(made) if item.state == "failed")
        assert failed.reason and "does not let this be asked about (403)" in failed.reason


async def test_where_the_account_is_refused_too_what_was_bought_waits_for_a_person(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(Probed, "trouble", ProviderStopped("The account is locked (403).", of_key=True))
    async with at_work(home, monkeypatch, fake=Probed) as works:
        works.fake.script("collect", *[REFUSED] * 10_000)
        made = await works.take(order("a car"))
        await works.until(lambda: works.house.books.index.stops())
        await works.rests()
        before = len(works.fake.history)
        await works.until(lambda: len(works.fake.history) > before + 5)  # a refusal does not show a key that works
        assert works.states(made) == ["running"] and works.house.books.index.stops().keys() == {"fake"}
        works.fake._steps["collect"].clear()
        await works.until(lambda: works.states(made) == ["completed"])


async def host(works: Works, answers: list[int]) -> tuple[web.AppRunner, str]:
    """Answers with these statuses, then with a picture."""
    picture = works.fake.picture("p")

    async def answer(request: web.Request) -> web.Response:
        status = answers.pop(0) if answers else 200
        body = (works.fake._work / "p.png").read_bytes() if status == 200 else b"no"
        return web.Response(status=status, body=body)

    assert picture.address
    app = web.Application()
    app.add_routes([web.get("/p.png", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/p.png"


@pytest.mark.parametrize("statuses", [[404], [403, 403, 404], [401], [404] * 6])
async def test_an_output_that_is_refused_for_a_moment_is_fetched_again(
    home: TestHome, monkeypatch: Patch, statuses: list[int]
) -> None:
    monkeypatch.setattr(FakeFactory, "output_hosts", frozenset({"127.0.0.1"}))
    monkeypatch.setattr(delivery, "GONE_LASTS", 60.0)
    async with at_work(home, monkeypatch) as works:
        runner, address = await host(works, list(statuses))
        works.fake.script("collect", Outputs((Output(address),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and works.items(made)[0].reason is None
        await runner.cleanup()


async def test_a_download_that_keeps_failing_says_so_in_receipt_and_status(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(FakeFactory, "output_hosts", frozenset({"127.0.0.1"}))
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", Outputs((Output("http://127.0.0.1:9/x.png"),)))
        made = await works.take(order("a car"))
        await works.until(lambda: works.items(made) and works.items(made)[0].reason)
        [reason] = waiting.reasons(works.house.books.index, works.order(made), home.home, works.house.settings.now)
        assert reason.startswith("Item 1: What was made does not come")
        receipt = home.root / works.folder(made) / "receipt.yaml"
        await works.until(lambda: "does not come" in receipt.read_text())
        monkeypatch.setattr(delivery, "LASTS", -1.0)
        await works.until(lambda: works.states(made) == ["failed"])
