"""Uploading to Replicate, through the real client library, at the emulator and at crooked servers."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from artfactoryd.errors import AskAgain, CallRefused, ProviderError, ProviderStopped, Unreachable
from artfactoryd.factories import Uploads
from tests.emulator.client import Emulator
from tests.emulator.customer import KEY, at

DATA = b"\x89PNG not really, and nobody here minds " * 1000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator") / "ledger.jsonl") as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.calm()
    return running


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers everything with these bytes, and keeps what came."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        came.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", came


def said(status: str, body: Any, *headers: str) -> bytes:
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


async def test_an_upload_arrives_whole_and_gives_its_address_and_a_day(emulator: Emulator) -> None:
    async with at(emulator.base_url) as factory:
        assert isinstance(factory, Uploads)
        uploaded = await factory.upload("Büro “1”.png", DATA, "image/png")
        client = await factory._client.library()
        answer = await client._async_client.get(uploaded.address)
    kept = answer.json()
    assert (kept["content_type"], kept["size"], kept["name"]) == ("image/png", len(DATA), "Büro “1”.png")
    assert kept["checksums"]["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert uploaded.address == kept["urls"]["get"] and uploaded.address.startswith(emulator.base_url)
    assert uploaded.expires_at is not None
    left = datetime.fromisoformat(uploaded.expires_at) - datetime.now(UTC)
    assert 23 * 3600 < left.total_seconds() <= 24 * 3600
    assert uploaded.lives is not None and 23 * 3600 < uploaded.lives <= 24 * 3600 + 1


ANSWERS: list[tuple[Any, type[ProviderError]]] = [
    ("400", CallRefused),
    ("401", ProviderStopped),
    ("402", ProviderStopped),
    ("403", AskAgain),  # what needs no upload may be allowed
    ("404", AskAgain),  # of an address that is no call's own: it passes
    ("413", CallRefused),
    ("422", CallRefused),
    ("429", AskAgain),
    ("307", AskAgain),
    ("500", Unreachable),
    ("502", Unreachable),
    ("503", Unreachable),
    ("504", Unreachable),
    ("garbage", AskAgain),
    ("close", Unreachable),
]


@pytest.mark.parametrize(("told", "kind"), ANSWERS, ids=lambda value: str(value))
async def test_each_answer_to_an_upload_is_told_apart_and_asked_for_once(
    emulator: Emulator, told: Any, kind: type[ProviderError]
) -> None:
    emulator.control(upload=told)
    before = emulator.seen().get("POST v1", 0)
    async with at(emulator.base_url) as factory:
        with pytest.raises(ProviderError) as caught:
            await factory.upload("beach.png", DATA, "image/png")
    assert type(caught.value) is kind and KEY not in str(caught.value)
    assert emulator.seen()["POST v1"] - before == 1


async def test_an_upload_waits_as_long_as_it_is_told(emulator: Emulator) -> None:
    emulator.control(upload={"do": "429", "retry_after": 7})
    async with at(emulator.base_url) as factory:
        with pytest.raises(AskAgain) as caught:
            await factory.upload("beach.png", DATA, "image/png")
    assert caught.value.after == 7


async def test_without_a_key_or_a_network_nothing_is_uploaded(emulator: Emulator, unused_tcp_port: int) -> None:
    async with at(emulator.base_url, key=None) as factory:
        with pytest.raises(ProviderStopped, match="REPLICATE_API_TOKEN"):
            await factory.upload("beach.png", DATA, "image/png")
    async with at(f"http://127.0.0.1:{unused_tcp_port}") as factory:
        with pytest.raises(AskAgain):
            await factory.upload("beach.png", DATA, "image/png")


async def test_neither_key_nor_picture_follows_a_redirect_to_another_host() -> None:
    async with server(said("201 Created", {})) as (elsewhere, there):
        moved = said("307 Temporary Redirect", {}, f"Location: {elsewhere}/v1/files")
        async with server(moved) as (address, here), at(address) as factory:
            with pytest.raises(AskAgain):
                await factory.upload("beach.png", DATA, "image/png")
    assert len(here) == 1 and KEY.encode() in here[0] and there == []


async def test_an_address_on_another_host_is_only_passed_on_never_visited() -> None:
    async with server(said("200 OK", {})) as (elsewhere, there):
        answer = said("201 Created", {"urls": {"get": f"{elsewhere}/file"}, "expires_at": None})
        async with server(answer) as (address, _), at(address) as factory:
            uploaded = await factory.upload("beach.png", DATA, "image/png")
    assert (uploaded.address, uploaded.expires_at, there) == (f"{elsewhere}/file", None, [])


@pytest.mark.parametrize("body", [{}, [], {"urls": None}, {"urls": {"get": 7}}, "no", None], ids=str)
async def test_an_answer_without_an_address_is_asked_for_again(body: Any) -> None:
    async with server(said("201 Created", body)) as (address, _), at(address) as factory:
        with pytest.raises(AskAgain):
            await factory.upload("beach.png", DATA, "image/png")
