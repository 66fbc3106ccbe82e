from __future__ import annotations

import uuid

import pytest

from artfactoryd.errors import CallRefused
from artfactoryd.settings import Limits
from tests.homes import TestHome
from tests.web.visits import visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
FEW = Limits(products_per_order=1, free_disk_bytes=1000)


async def test_money_that_a_browser_lets_go_is_asked_about_once_more_with_the_sum(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch, limits=FEW) as (works, visitor):
        order_id = await works.take(f"{order()}---\n{order('a [red,blue] boat')}")
        address = f"/api/v1/orders/{order_id}/approve"
        asked = await visitor.press(address)
        assert (asked.status, asked.json["code"], asked.json["confirm_usd"]) == (409, "confirm", "$0.04"), "both of it"
        wrong = await visitor.press(address, confirm_usd="$0.01")
        assert wrong.json["code"] == "confirm" and works.state(order_id) == "held"
        drawn = await visitor.ask(
            address, "POST", data={"form_token": visitor.form_token},
            headers={"Origin": visitor.address, "Accept": "text/html"},
        )  # fmt: skip
        assert drawn.status == 409 and b'name="confirm_usd" value="$0.04"' in drawn.body, "without scripts too"
        done = await visitor.press(address, confirm_usd="$0.04")
        assert done.status == 200 and done.json["done"]
        await works.until(lambda: works.state(order_id) == "completed")
        again = await visitor.tell(address)
        assert (again.status, again.json["code"], again.json["blockers"]) == (409, "not_done", [])


async def test_what_is_sent_again_for_money_is_asked_about_with_the_sum_too(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch, script=lambda fake: fake.script("submit", *[CallRefused("no")] * 2)) as (
        works, visitor,
    ):  # fmt: skip
        order_id = await works.make(order("a [red,blue] boat"))
        assert works.state(order_id) == "failed"
        address = f"/api/v1/orders/{order_id}/retry"
        asked = await visitor.press(address)
        assert (asked.status, asked.json["code"], asked.json["confirm_usd"]) == (409, "confirm", "$0.02")
        assert works.state(order_id) == "failed"
        assert (await visitor.press(address, confirm_usd="$0.02")).status == 200
        await works.until(lambda: works.state(order_id) == "completed")


async def test_a_word_is_carried_out_once_and_what_keeps_an_order_is_told_by_its_code(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch, script=lambda fake: fake.hold("collect")) as (works, visitor):
        order_id = await works.take(order())
        await works.until(lambda: "running" in works.states())
        address, word = f"/api/v1/orders/{order_id}", str(uuid.uuid4())
        for _ in range(2):
            assert (await visitor.tell(f"{address}/pause", id=word)).status == 200
        assert len(works.lines("pause")) == 1
        refused = await visitor.tell(f"{address}/retry")
        assert [one["code"] for one in refused.json["blockers"]] == ["order_paused"]
        assert (await visitor.tell(f"{address}/resume")).status == 200
        assert (await visitor.tell("/api/v1/providers/fake/pause")).status == 200
        assert works.house.books.index.pauses().keys() == {"fake"}
        assert (await visitor.tell("/api/v1/resume")).status == 200 and not works.house.books.index.pauses()
        assert (await visitor.tell(f"{address}/cancel")).json["done"]
        for path, word_, status in (
            (f"{address}/cancel", {"nonsense": 1}, 400), (f"{address}/cancel", {"id": "x"}, 400),
            (f"{address}/cancel", {"confirm_usd": 1}, 400),
            (f"{address}/cancel", {"in_doubt": "yes"}, 400),
            ("/api/v1/orders/nobody/cancel", {}, 404), ("/api/v1/providers/nobody/pause", {}, 404),
            (f"/api/v1/providers/{order_id}/pause", {}, 404),
        ):  # fmt: skip
            assert (await visitor.tell(path, **word_)).status == status, path
