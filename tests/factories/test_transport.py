"""What leaves and what comes back: a create as the official clients write it, no answer read beyond its bound."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import inspect
import json
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import replicate
from fal_client import client as fal_library

from artfactoryd.errors import AskAgain, CallRefused, InDoubt, ProviderStopped, Throttled, Unreachable
from artfactoryd.factories import Attempt, Call, Ticket
from artfactoryd.factories.http import transport
from artfactoryd.factories.http.answer import Answer
from tests.crooked import server
from tests.emulator import customer
from tests.factories import test_fal

KEY = customer.KEY
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


# Every exception there is.

UNSENT = {
    "ClientConnectorError", "ClientConnectorDNSError", "ClientConnectorSSLError", "ClientConnectorCertificateError",
    "ClientSSLError", "ClientProxyConnectionError", "UnixClientConnectorError", "ConnectionTimeoutError",
}  # fmt: skip
LOST = {
    "ClientError", "ClientConnectionError", "ClientConnectionResetError", "ClientOSError", "ClientPayloadError",
    "ClientResponseError", "ClientHttpProxyError", "ContentTypeError", "ServerConnectionError",
    "ServerDisconnectedError", "ServerFingerprintMismatch", "ServerTimeoutError", "SocketTimeoutError",
    "TooManyRedirects", "WSMessageTypeError", "WSServerHandshakeError", "EofStream", "WebSocketError",
    "UploadAbortedError", "BadContentDispositionHeader", "BadContentDispositionParam",
    "InvalidURL", "InvalidUrlClientError", "NonHttpUrlClientError", "InvalidUrlRedirectClientError",
    "NonHttpUrlRedirectClientError", "RedirectClientError",
    # and what comes of an odd answer, of a defect, and of the system
    "JSONDecodeError", "RuntimeError", "KeyError", "ValueError", "TypeError", "AttributeError", "TimeoutError",
    "OSError", "ConnectionResetError", "BrokenPipeError", "error", "SecondCreate", "Elsewhere",
}  # fmt: skip
OTHERS: list[type[Exception]] = [
    json.JSONDecodeError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, TimeoutError, OSError,
    ConnectionResetError, BrokenPipeError, zlib.error, transport.SecondCreate, transport.Elsewhere,
]  # fmt: skip


def known() -> list[type[Exception]]:
    of_aiohttp = {
        one
        for _, one in inspect.getmembers(aiohttp, inspect.isclass)
        if issubclass(one, Exception) and one.__module__.partition(".")[0] == "aiohttp"
    }
    of_aiohttp |= {
        one
        for _, one in inspect.getmembers(aiohttp.client_exceptions, inspect.isclass)
        if issubclass(one, Exception) and one.__module__ == "aiohttp.client_exceptions"
    }
    return sorted(of_aiohttp | set(OTHERS), key=lambda one: one.__name__)


def test_every_exception_of_the_client_has_been_thought_about() -> None:
    assert {one.__name__ for one in known()} <= UNSENT | LOST


@pytest.mark.parametrize("kind", known(), ids=lambda kind: kind.__name__)
def test_an_exception_after_sending_is_doubt_unless_it_says_unsent(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    wanted = Unreachable if kind.__name__ in UNSENT else InDoubt
    assert type(transport.failed_create(error, Answer(KEY, sent=True), "x", "page")) is wanted
    assert type(transport.failed_create(error, Answer(KEY, sent=False), "x", "page")) is CallRefused


@pytest.mark.parametrize("kind", known(), ids=lambda kind: kind.__name__)
def test_an_answer_that_arrived_counts_more_than_the_exception_after_it(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    meant = {402: ProviderStopped, 403: ProviderStopped, 429: Throttled, 422: CallRefused, 201: InDoubt, 500: InDoubt}
    for status, wanted in meant.items():
        assert type(transport.failed_create(error, Answer(KEY, True, status), "x", "page")) is wanted


# The bytes of a create.

PARAMETERS: dict[str, Any] = {
    "prompt": "Ein „grünes“ Auto, 漢字 🚗 \x7f", "seed": 2**53 + 1, "guidance": 3.5, "small": 1e-7, "large": 1e22,
    "flags": [True, False, None], "deep": {"a": [1, {"b": ""}]},
}  # fmt: skip


class Recording:
    """A server that keeps each request whole and takes it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.requests.append((head[0], headers, await reader.readexactly(int(headers["content-length"]))))
        body = b'{"id": "abc", "request_id": "abc"}'
        writer.write(b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


async def official(name: str, address: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same create through the provider's own client, as its users write it."""
    if name == "fal":
        monkeypatch.setattr(fal_library, "QUEUE_URL_FORMAT", f"{address}/")
        await fal_library.AsyncClient(key=test_fal.KEY).submit(call.model, dict(call.parameters))
        return
    client = replicate.Client(customer.KEY, base_url=address)
    if call.version:
        await client.predictions.async_create(version=call.version, input=dict(call.parameters))
    else:
        await client.models.predictions.async_create(model=call.model, input=dict(call.parameters))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("replicate", Call("black-forest-labs/flux-schnell", None, PARAMETERS)),
        ("replicate", Call("stability-ai/sdxl", "7ca7f0d3a51cd993449541539270971d" * 2, PARAMETERS)),
        ("fal", Call("fal-ai/flux/dev/image-to-image", None, PARAMETERS)),
    ],
    ids=["model", "version", "fal"],
)  # fmt: skip
async def test_a_create_is_the_bytes_that_the_official_client_would_send(
    name: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording()
    listening = await asyncio.start_server(recording.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        async with AT[name](address) as factory:
            assert "abc" in (await factory.submit(call)).text
        with contextlib.suppress(Exception):  # of the rest of an answer that says no more than an id
            await official(name, address, call, monkeypatch)
    ours, theirs = recording.requests
    assert ours[0] == theirs[0] and ours[2] == theirs[2]
    own = {"user-agent", "accept", "accept-encoding", "connection"}
    assert {k: v for k, v in ours[1].items() if k not in own} == {k: v for k, v in theirs[1].items() if k not in own}


# Connections.


@pytest.mark.parametrize("name", AT)
async def test_a_create_that_is_refused_a_connection_or_tls_surely_did_not_leave(
    name: str, unused_tcp_port: int
) -> None:
    async with AT[name](f"http://127.0.0.1:{unused_tcp_port}") as factory:
        with pytest.raises(Unreachable, match="Nothing was sent"):
            await factory.submit(CALLS[name])

    async def no_tls(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")

    listening = await asyncio.start_server(lambda reader, writer: no_tls(writer), "127.0.0.1", 0)
    async with listening:
        address = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with AT[name](address) as factory:
            with pytest.raises(Unreachable, match="Nothing was sent"):
                await factory.submit(CALLS[name])


@pytest.mark.parametrize("name", AT)
async def test_questions_share_a_connection_and_one_that_was_closed_meanwhile_is_opened_again(name: str) -> None:
    async def ready_for_more(writer: asyncio.StreamWriter) -> None:
        body = b'{"id": "abc", "status": "processing"}' if name == "replicate" else b'{"status": "IN_QUEUE"}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        if len(askers) == 3:
            await writer.drain()
            writer.close()

    async with server(ready_for_more) as (address, askers), AT[name](address) as factory:
        for _ in range(5):
            assert await factory.collect(TICKETS[name]) is None
            await asyncio.sleep(0.01)
        assert len(set(askers)) == 2
