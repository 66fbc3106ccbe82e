"""Whoever visits the page of a house at work in the test's own loop: a browser, or a program."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.works import Works


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
async def visiting(works: Works) -> AsyncIterator[Visitor]:
    await works.until(lambda: (works.home.home.holder() or {}).get("page"))
    address = str((works.home.home.holder() or {})["page"]).rstrip("/")
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(session, address, "")
        drawn = (await visitor.ask("/write")).body.decode()
        (visitor.form_token,) = re.findall('name="form-token" content="([^"]+)"', drawn)
        yield visitor
