"""No answer of a provider is read whole before it is bounded, through the real client libraries."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from artfactoryd.errors import AskAgain, CallRefused, InDoubt, Unreachable
from artfactoryd.factories import Attempt, Call, Ticket
from artfactoryd.factories.http import transport
from tests.crooked import server
from tests.emulator import customer
from tests.factories import test_fal

BOUND = 2_000_000
AT: dict[str, Callable[..., Any]] = {"replicate": customer.at, "fal": test_fal.at}
CALLS = {
    "replicate": Call("black-forest-labs/flux-schnell", None, {"prompt": "a car"}),
    "fal": Call("fal-ai/flux/schnell", None, {"prompt": "a car"}),
}
TICKETS = {
    "replicate": Ticket("abc"), "fal": Ticket(json.dumps({"request_id": "abc", "endpoint": "fal-ai/flux/schnell"}))
}  # fmt: skip
DOUBT = "and its answer is larger than 2,000,000 bytes, and was not read whole"
QUESTIONS: dict[str, Callable[[Any, str], Awaitable[object]]] = {
    "status": lambda factory, name: factory.collect(TICKETS[name]),
    "cancel": lambda factory, name: factory.cancel(TICKETS[name]),
    "account": lambda factory, name: factory.probe(),
    "upload": lambda factory, name: factory.upload("a.png", b"picture", "image/png"),
    "list": lambda factory, name: factory.reconcile([Attempt("a", CALLS[name], datetime.now(UTC))], []),
    "platform": lambda factory, name: factory.describe(CALLS[name].model, None),
}


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_CREATED", BOUND)
    monkeypatch.setattr(transport, "MOST_ANSWERED", BOUND)


class Endless:
    """Answers without an end. `taken`: bytes that were taken from it."""

    def __init__(self, status: str = "200 OK", head: str = "", first: bytes = b"") -> None:
        self.status, self.head, self.first, self.taken = status, head, first, 0

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {self.status}\r\n{self.head}\r\n".encode() + self.first)
        while not writer.is_closing() and self.taken < 100 * BOUND:
            writer.write(b"x" * 65536)
            await writer.drain()
            self.taken += 65536


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("first", [b"", b'{"page": "', b"<script>" * 1000], ids=["text", "json", "page"])
async def test_an_endless_answer_to_a_create_is_a_doubt_in_words_and_asked_for_once(name: str, first: bytes) -> None:
    endless = Endless("201 Created", first=first)
    async with server(endless) as (address, askers), AT[name](address) as factory:
        with pytest.raises(InDoubt, match=DOUBT):
            await factory.submit(CALLS[name])
        assert len(askers) == 1 and endless.taken < 10 * BOUND


@pytest.mark.parametrize("name", AT)
async def test_an_id_at_its_beginning_is_a_ticket_and_a_refusal_is_one(name: str) -> None:
    key = {"replicate": "id", "fal": "request_id"}[name]
    endless = Endless("201 Created", first=b'{"%s": "abc", "x": "' % key.encode())
    async with server(endless) as (address, _), AT[name](address) as factory:
        assert "abc" in (await factory.submit(CALLS[name])).text
    async with server(Endless("422 No")) as (address, askers), AT[name](address) as factory:
        with pytest.raises(CallRefused):
            await factory.submit(CALLS[name])
        assert len(askers) == 1


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("head", ["", f"Content-Length: {BOUND + 1}\r\n"], ids=["endless", "announced"])
async def test_no_question_reads_more_than_its_bound_and_none_is_an_outage(name: str, question: str, head: str) -> None:
    endless = Endless(head=head)
    async with server(endless) as (address, _), AT[name](address) as factory:
        with pytest.raises(AskAgain, match="is larger than 2,000,000 bytes") as caught:
            await QUESTIONS[question](factory, name)
        assert not isinstance(caught.value, Unreachable) and endless.taken < 10 * BOUND


@pytest.mark.parametrize("name", AT)
async def test_what_is_packed_is_bounded_as_it_is_unpacked(name: str) -> None:
    bomb = gzip.compress(b"x" * 50 * BOUND)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)

    async with server(answer) as (address, _), AT[name](address) as factory:
        with pytest.raises(AskAgain, match="is larger than"):
            await factory.collect(TICKETS[name])


async def test_what_fits_comes_as_it_was_sent() -> None:
    body = json.dumps({"id": "abc", "status": "processing", "x": "y" * (BOUND - 60)}).encode()
    packed = gzip.compress(body)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    async with server(answer) as (address, _), AT["replicate"](address) as factory:
        assert await factory.collect(TICKETS["replicate"]) is None


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize(
    "head", ["Content-Length: " + "9" * 40, "Content-Length: -1", "Content-Length: ten", "no header"]
)
async def test_what_is_no_http_is_no_answer(name: str, head: str) -> None:
    """Not a defect of this program, with which the item would stick; to a create it is a doubt."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{{}}".encode())

    async with server(answer) as (address, _), AT[name](address) as factory:
        with pytest.raises(Unreachable):
            await factory.collect(TICKETS[name])
        with pytest.raises(InDoubt):
            await factory.submit(CALLS[name])


@pytest.mark.parametrize("name", AT)
async def test_a_packed_answer_to_a_create_is_bounded_as_it_is_unpacked(name: str) -> None:
    bomb = gzip.compress(b"x" * 50 * BOUND)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb))

    async with server(answer) as (address, askers), AT[name](address) as factory:
        with pytest.raises(InDoubt, match=DOUBT):
            await factory.submit(CALLS[name])
        assert len(askers) == 1
