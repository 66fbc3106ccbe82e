"""Who is let in, by attack."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.web import desk
from artfactoryd.web.pace import Buckets, Pace
from tests.homes import TestHome
from tests.web.visits import visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
EVIL = "http://evil.example"
FORM = "application/x-www-form-urlencoded"
FOREIGN: list[tuple[dict[str, Any], str]] = [
    ({"headers": {"Host": "evil.example"}}, "forbidden"),
    ({"headers": {"Origin": EVIL}}, "forbidden"),
    ({"headers": {"Origin": "null"}}, "forbidden"),
    ({"headers": {"Origin": EVIL, "X-Form-Token": "TOKEN"}}, "forbidden"),
    ({"headers": {"Sec-Fetch-Site": "cross-site"}}, "forbidden"),
    ({"headers": {"Sec-Fetch-Site": "same-site", "X-Form-Token": "TOKEN"}}, "forbidden"),
    ({"headers": {"Origin": "OURS"}}, "form_token"),
    ({"headers": {"Origin": "OURS", "X-Form-Token": "x" * 32}}, "form_token"),
    ({"headers": {"Cookie": "a=b"}}, "form_token"),
    ({"data": "liked=true", "headers": {"Content-Type": FORM}}, "form_token"),
    ({"data": "form_token=wrong&liked=true", "headers": {"Content-Type": FORM}}, "form_token"),
    ({"data": '{"liked": true}', "headers": {"Content-Type": "text/plain"}}, "form_token"),
    ({"data": "{", "headers": {"Content-Type": "application/json"}}, "bad_request"),
    ({"data": "[1]", "headers": {"Content-Type": "application/json"}}, "bad_request"),
    ({"data": "[" * 9000, "headers": {"Content-Type": "application/json"}}, "bad_request"),
    ({"data": b"x" * 70_000, "headers": {"Content-Type": "application/json"}}, "too_large"),
]


async def test_nobody_else_changes_anything_and_whoever_asks_too_often_waits(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "Buckets", lambda: Buckets(lambda: 0.0))  # no time goes by
    async with visited(home, monkeypatch) as (works, visitor):
        order_id = await works.make(order("a car"))
        product = works.house.books.index.newest_products(1)[0]
        before = len(works.lines())
        swaps = {"OURS": visitor.address, "TOKEN": visitor.form_token}
        paths = [
            f"/api/v1/products/{product.id}/marks", f"/api/v1/orders/{order_id}/retry", "/api/v1/pause",
            "/api/v1/providers/fake/pause", "/api/v1/generate", "/api/v1/plan", "/api/v1/inbox",
        ]  # fmt: skip
        for more, code in FOREIGN:
            headers = {name: swaps.get(text, text) for name, text in more["headers"].items()}
            for path in paths if code in ("forbidden", "form_token") else paths[:1]:
                answer = await visitor.ask(path, "POST", **{**more, "headers": headers})
                assert answer.json["code"] == code, (more, path)
                assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        assert len(works.lines()) == before, "none of it left a line"
        answers = [await visitor.ask("/api/v1/plan", "POST", json={}) for _ in range(Pace.PLAN.value.burst + 1)]
        refused = answers[-1]
        assert [answer.status for answer in answers[:-1]] == [200] * Pace.PLAN.value.burst and refused.status == 429
        assert refused.json["code"] == "too_many" and int(refused.headers["Retry-After"]) >= 1
        assert (await visitor.ask("/healthz")).status == 200, "the others are answered"


async def test_where_a_token_is_set_a_browser_remembers_it_and_the_address_need_not(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artfactoryd.web.server.resolve_token", lambda settings, environ: "t" * 24)
    async with visited(home, monkeypatch, token="t" * 24) as (_, visitor):
        first = await visitor.ask(f"/?token={'t' * 24}")
        cookie = first.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "t" * 24 not in cookie
        visitor.session.headers.clear()
        shown = {"Cookie": cookie.partition(";")[0]}
        assert (await visitor.ask("/", headers=shown)).status == 200
        assert (await visitor.ask("/")).status == 401
        assert (await visitor.ask("/", headers={"Cookie": shown["Cookie"][:-1] + "x"})).status == 401
