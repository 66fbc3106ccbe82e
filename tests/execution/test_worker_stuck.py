"""What a defect of ours has stopped says so, and a person can have it tried again or ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from artfactoryd.errors import AskAgain
from artfactoryd.execution import delivery
from artfactoryd.factories import Output, Outputs
from artfactoryd.reporting import waiting
from artfactoryd.settings import Limits
from artfactoryd.shelf.fetch import Fetcher
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def reasons(works: Works, made: str) -> list[str]:
    return waiting.reasons(works.house.books.index, works.order(made), works.home.home, works.house.settings.now)


async def stuck_while(works: Works, state: str) -> str:
    made = await works.make(order("a car"))
    assert works.states(made) == [state]
    [reason] = reasons(works, made)
    assert reason.startswith("Item 1: Stuck by a defect") and "KeyError" in reason and f"cancel {made[:13]}" in reason
    receipt = works.home.root / works.folder(made) / "receipt.yaml"
    await works.until(lambda: "Stuck by a defect" in receipt.read_text())
    return made


def defect(monkeypatch: Patch) -> None:
    async def fails(self: Fetcher, address: str, target: object, **more: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(Fetcher, "receive", fails)


async def test_one_stuck_while_it_is_asked_about_is_taken_up_where_it_was(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", KeyError("surprise"))
        made = await stuck_while(works, "running")
        assert (await works.tell("retry", made))["done"]
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(works.fake.calls()) == 1 and reasons(works, made) == []


async def test_one_stuck_before_it_was_sent_is_sent_when_a_person_says_so(home: TestHome, monkeypatch: Patch) -> None:
    def fails(*given: object) -> None:
        raise KeyError("surprise")

    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patched:
            patched.setattr("artfactoryd.execution.payload.Calls._pictures", fails)
            made = await stuck_while(works, "planned")
        assert (await works.tell("retry", made))["done"]
        await works.until(lambda: works.states(made) == ["completed"])


async def test_one_stuck_while_it_is_fetched_is_fetched_again_or_ended(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patched:
            defect(patched)
            made = await stuck_while(works, "delivering")
            await works.tell("retry", made)
            await works.until(lambda: works.execution.flights.stuck)
        await works.tell("retry", made)
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(works.fake.calls()) == 1
        with monkeypatch.context() as patched:
            defect(patched)
            second = await works.make(order("a second car"), "second.yaml")
            assert works.states(second) == ["delivering"]
            assert (await works.tell("cancel", second))["done"]
        assert works.states(second) == ["failed"] and works.committed(second) == PRICE
        assert "Cancelled by you" in (works.items(second)[0].reason or "")


async def test_what_could_not_be_asked_about_once_and_is_fetched_now_is_kept_when_its_order_is_cancelled(
    home: TestHome, monkeypatch: Patch
) -> None:
    real, fetched = Fetcher.receive, asyncio.Event()

    async def waits(self: Fetcher, *given: Any, **more: Any) -> Any:
        await fetched.wait()
        return await real(self, *given, **more)

    monkeypatch.setattr(Fetcher, "receive", waits)
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[AskAgain("Not just now.")] * 4)
        made = await works.take(order("a car"))
        await works.until(lambda: works.states(made) == ["delivering"])
        assert works.items(made)[0].reason is None
        await works.tell("cancel", made)
        fetched.set()
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(home.products()) == 1


async def test_what_is_too_large_can_be_cancelled(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(delivery, "BOUND_AGAIN", 0.01)
    async with at_work(home, monkeypatch, limits=Limits(free_disk_bytes=1000, product_bytes=10)) as works:
        made = await works.make(order("a car"))
        assert works.states(made) == ["delivering"]
        await works.tell("cancel", made)
        await works.until(lambda: not works.phases(made))
        assert works.states(made) == ["failed"] and works.committed(made) == PRICE


@pytest.mark.parametrize("address", ["https://a..b/x.png", f"https://{'a' * 70}.com/x", "https://[::1"])
async def test_an_address_that_no_resolver_takes_is_an_output_lost_and_no_defect(
    home: TestHome, monkeypatch: Patch, address: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", Outputs((Output(address),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["failed"] and works.execution.flights.stuck == {}
