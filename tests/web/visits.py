"""Whoever visits the page of a house at work in the test's own loop: a browser, or a program."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.homes import TestHome
from tests.works import Works, at_work


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes
    json: Any


@dataclass
class Visitor:
    session: aiohttp.ClientSession
    address: str
    form_token: str

    async def ask(self, path: str, method: str = "GET", **more: Any) -> Answer:
        async with self.session.request(method, self.address + path, allow_redirects=False, **more) as answer:
            body = await answer.read()
            told = await answer.json(content_type=None) if "json" in answer.content_type else None
            return Answer(answer.status, answer.headers, body, told)

    async def tell(self, path: str, **word: Any) -> Answer:
        """As a program does."""
        return await self.ask(path, "POST", json=word)

    async def press(self, path: str, **word: Any) -> Answer:
        """As our own page does."""
        headers = {"Origin": self.address, "X-Form-Token": self.form_token, "Sec-Fetch-Site": "same-origin"}
        return await self.ask(path, "POST", json=word, headers=headers)


@asynccontextmanager
async def visited(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, token: str = "", **more: Any
) -> AsyncIterator[tuple[Works, Visitor]]:
    """A house at work that somebody visits. `token`: that is asked for; `more`: as of `at_work`."""
    with home.home.lock():  # whoever holds it says where the page is
        async with at_work(home, monkeypatch, **more) as works, aiohttp.ClientSession() as session:
            await works.until(lambda: (home.home.holder() or {}).get("page"))
            visitor = Visitor(session, str((home.home.holder() or {})["page"]).rstrip("/"), "")
            drawn = (await visitor.ask(f"/write?token={token}")).body.decode()
            (visitor.form_token,) = re.findall('name="form-token" content="([^"]+)"', drawn)
            yield works, visitor
