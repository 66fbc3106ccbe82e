from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
import pytest
from PIL import Image

from artfactoryd.settings import Limits
from tests.homes import TestHome
from tests.web.visits import Visitor, visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
YAML = {"Content-Type": "application/yaml"}
TWO = order("a [red,blue] <b>car</b>")
EDIT = "provider: other\nmodel: editor\nparameters: {image: photo.png}\n"


async def settled(visitor: Visitor, submission: str) -> dict[str, Any]:
    """What became of it."""
    told: dict[str, Any] = {"state": "waiting"}
    while told["state"] == "waiting":
        await asyncio.sleep(0.03)
        told = (await visitor.ask(f"/api/v1/submissions/{submission}")).json
    return told


async def test_an_order_is_planned_as_it_is_written_and_goes_through_the_inbox(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(order_bytes=4000, free_disk_bytes=1000)
    async with visited(home, monkeypatch, limits=limits) as (works, visitor):
        planned = await visitor.ask("/api/v1/plan?name=my%20cars", "POST", data=TWO, headers=YAML)
        (head,) = planned.json["orders"]
        assert (head["name"], head["total_items"], head["price"]["usd"]) == ("my cars", 2, 0.02)
        assert [item["parameters"]["prompt"] for item in head["items"]] == [
            "a red <b>car</b>", "a blue <b>car</b>",
        ]  # fmt: skip
        drawn = await visitor.ask("/api/v1/plan", "POST", data=TWO, headers={**YAML, "Accept": "text/html"})
        assert b"a red &lt;b&gt;car&lt;/b&gt;" in drawn.body and b"<b>car" not in drawn.body
        wrong = await visitor.ask("/api/v1/plan", "POST", data="provider: local\nmodl: x\n", headers=YAML)
        assert wrong.status == 200 and 2 in [one["line"] for one in wrong.json["orders"][0]["errors"]]
        assert not works.lines(), "nothing was taken by looking"
        put = await visitor.ask("/api/v1/generate?name=my%20cars", "POST", data=TWO, headers=YAML)
        assert put.status == 202
        told = await settled(visitor, put.json["submission"])
        (order_id,) = told["orders"]
        row = works.order(order_id)
        assert (told["state"], row.name) == ("accepted", "my cars")
        await works.until(lambda: works.state(order_id) == "completed")
        bad = await visitor.ask("/api/v1/generate", "POST", data="provider: local\n", headers=YAML)
        told = await settled(visitor, bad.json["submission"])
        assert told["state"] == "rejected" and "Nothing of it was sent" in str(told["text"])
        for data, status in ((" ", 400), ("#" * 5000, 413)):
            assert (await visitor.ask("/api/v1/generate", "POST", data=data, headers=YAML)).status == status
        assert (await visitor.ask(f"/api/v1/orders/{order_id}/document")).body.decode() == TWO
        product = works.house.books.index.newest_products(1)[0]
        again = (await visitor.ask(f"/api/v1/products/{product.id}/order")).body
        replanned = await visitor.ask("/api/v1/plan", "POST", data=again, headers=YAML)
        (head,) = replanned.json["orders"]
        assert not head["errors"] and head["reuse"]["reused"] == 1, "unchanged, it is the same picture"


def png() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(data, "PNG")
    return data.getvalue()


def form(*files: tuple[str, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)
    for name, content in files:
        data.add_field("file", content, filename=name)
    return data


async def test_an_order_that_is_dropped_with_its_pictures_is_one_and_nothing_gets_out_of_its_folder(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(home, monkeypatch) as (works, visitor):
        headers = {"Origin": visitor.address, "X-Form-Token": visitor.form_token}

        async def drop(*files: tuple[str, bytes]) -> tuple[int, str]:
            answer = await visitor.ask("/api/v1/inbox", "POST", data=form(*files), headers=headers)
            return answer.status, answer.json.get("submission", "")

        status, submission = await drop(("shop/order.yaml", EDIT.encode()), ("shop/photo.png", png()))
        assert status == 202
        told = await settled(visitor, submission)
        (order_id,) = told["orders"]
        assert works.order(order_id).name == "shop" and len(works.order(order_id).inputs) == 1
        for files in (
            [("a.yaml", b"x"), ("../b.png", b"")], [("a.yaml", b"x"), (".ssh/b.png", b"")], [("a.png", b"")],
            [("a.yaml", b"x"), ("b.yaml", b"x")], [("a/./b.yaml", b"x")], [("a/b/c/d/e.yaml", b"x")],
            [("a.yaml", b"x"), ("..\\\\b.png", b"")], [("a.yaml", b"x"), ("a.yaml", b"x")],
            [("a.yaml", b"x"), (255 * "a" + ".png", b"")],
            [("a.yaml", b"x"), ("b", b""), ("B/c.png", b"")], [("a.yaml", b"x"), ("order.yaml/c.png", b"")],
        ):  # fmt: skip
            assert (await drop(*files))[0] == 400, files
        for kind, body in (
            ("multipart/form-data", b"--x"), ("multipart/form-data; boundary=x", b""),
            ("multipart/form-data; boundary=x", b"--x\r\nnone\r\n\r\nx"),
            ("application/x-www-form-urlencoded; charset=none", b"liked=1"),
        ):  # fmt: skip
            answer = await visitor.ask("/api/v1/inbox", "POST", data=body, headers={**headers, "Content-Type": kind})
            assert answer.status in (400, 415), (kind, body)
        broken = {"Content-Type": "application/x-www-form-urlencoded; charset=none"}
        assert (await visitor.ask("/api/v1/undo", "POST", data=b"a=1", headers=broken)).status == 400
        simple = {"Origin": visitor.address}
        refused = await visitor.ask("/api/v1/inbox", "POST", data=form(("a.yaml", b"x")), headers=simple)
        assert (refused.status, refused.json["code"]) == (403, "form_token")
