from __future__ import annotations

from typing import Any

import pytest

from tests.homes import TestHome
from tests.web.visits import visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
THEN = [{"id": "again", "provider": "other", "model": "editor", "wait": "liked"}]


async def test_marks_are_given_by_a_browser_and_a_program_and_bad_ones_are_refused(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch) as (works, visitor):
        await works.make(order("a car"))
        product = works.house.books.index.newest_products(1)[0]
        address = f"/api/v1/products/{product.id}/marks"
        tags = {"add": ["good", "rejected"], "remove": ["x"]}
        done = await visitor.press(address, liked=True, rating=4, tags=tags)
        assert done.status == 200
        shown = (await visitor.ask(f"/api/v1/products/{product.id}")).json
        assert (shown["liked"], shown["rating"], shown["tags"]) == (True, 4, ["good", "rejected"])
        assert (await visitor.tell(address, rating=None)).status == 200
        assert (await visitor.ask(f"/api/v1/products/{product.id}")).json["rating"] is None
        assert (await visitor.tell(address, collections={"add": ["best", "all"], "remove": ["all"]})).status == 200
        assert (await visitor.ask(f"/api/v1/products/{product.id}")).json["collections"] == ["best"]
        away = f"/api/v1/products/{product.id}/bin"
        assert (await visitor.press(away)).status == 200
        assert (await visitor.ask(f"/api/v1/products/{product.id}")).json["binned"] is True
        assert (await visitor.ask("/api/v1/products?query=car")).json["products"] == []
        assert b"Out of the bin" in (await visitor.ask(f"/pictures/{product.id}")).body
        assert (await visitor.tell(away, restore=True)).status == 200
        assert (await visitor.ask("/api/v1/products?query=car")).json["products"][0]["binned"] is False
        nowhere = ({"collections": ["best"]}, {"collections": {"add": [" "]}}, {"collections": {"add": ["a/b"]}})
        half = {"liked": False, "tags": {"add": ["a\x07bell"]}}  # none of several marks where one can never be
        wrong: list[dict[str, Any]] = [
            {"id": "mine"}, {"rating": "4"}, {"tags": None}, {"collections": {"remove": [""]}}, half, {}, {"rating": 6},
            {"rating": "good"}, {"tags": ["a"]}, {"tags": {"add": [""]}}, *nowhere,
        ]  # fmt: skip
        for word in wrong:
            assert (await visitor.tell(address, **word)).status == 400, word
        assert (await visitor.tell(address, rating=3.0, tags={})).status == 200, "as JSON Schema has it"
        assert works.house.books.index.newest_products(1)[0].liked
        form = {"form_token": visitor.form_token, "liked": "false"}
        plain = await visitor.ask(address, "POST", data=form, headers={"Accept": "text/html"})
        assert plain.status == 303 and not works.house.books.index.newest_products(1)[0].liked


async def test_a_like_that_sends_something_on_is_asked_about_with_the_sum_and_undone_without(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch) as (works, visitor):
        order_id = await works.make(order("a car", then=THEN))
        product = works.house.books.index.newest_products(1)[0]
        address = f"/api/v1/products/{product.id}/marks"
        asked = await visitor.press(address, liked=True)
        assert (asked.json["code"], asked.json["confirm_usd"]) == ("confirm", "$0.02")
        assert (await visitor.press(address, rating=5)).status == 200, "that sends nothing on"
        assert (await visitor.press("/api/v1/undo")).status == 200
        assert works.house.books.index.newest_products(1)[0].rating is None and works.state(order_id) == "processing"
        assert (await visitor.press(address, liked=True, confirm_usd="$0.02")).status == 200
        await works.until(lambda: works.state(order_id) == "completed")
