"""A crowd at the page does not take the work's descriptors."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from artfactoryd.web import connections
from artfactoryd.web.connections import IDLE, MOST, MOST_FOLLOWERS, Doors, most, most_followers
from tests.homes import TestHome, until
from tests.web.test_server import ask, page_of

SKETCH = "provider: local\nmodel: sketch\nparameters: {prompt: a cat, width: 64, height: 64}\n"


def test_connections_leave_a_reserve_for_the_work() -> None:
    assert [most(limit) for limit in (100, 150, 200, 4096, resource.RLIM_INFINITY)] == [4, 22, MOST, MOST, MOST]


def test_followers_are_counted_out_of_what_the_others_leave() -> None:
    limits = (100, 150, 200, 256, 4096, resource.RLIM_INFINITY)
    assert [most_followers(limit) for limit in limits] == [2, 2, 8, 64, MOST_FOLLOWERS, MOST_FOLLOWERS]


@asynccontextmanager
async def little_page(monkeypatch: pytest.MonkeyPatch, at_once: int) -> AsyncIterator[Callable[[], Awaitable[Visit]]]:
    """A server behind doors for so many; `visit` connects to it."""
    monkeypatch.setattr(connections, "MOST", at_once)
    monkeypatch.setattr(connections, "LEAST", at_once)
    doors, held = Doors(), asyncio.Event()

    @web.middleware
    async def answering(request: web.Request, handler: Any) -> web.StreamResponse:
        with doors.answering(request.transport):
            return await handler(request)  # type: ignore[no-any-return]

    async def well(request: web.Request) -> web.Response:
        return web.Response(text="well")

    async def slow(request: web.Request) -> web.Response:
        await held.wait()
        return web.Response(text="slow")

    async def follow(request: web.Request) -> web.Response:
        with doors.following(request.transport):
            return await slow(request)

    app = web.Application(middlewares=[answering])
    app.router.add_get("/", well)
    app.router.add_get("/slow", slow)
    app.router.add_get("/follow", follow)
    runner = web.AppRunner(app, keepalive_timeout=IDLE, shutdown_timeout=0.1)
    await runner.setup()
    listener = await doors.listen(runner, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    visits: list[Visit] = []

    async def visit() -> Visit:
        visits.append(Visit(*await asyncio.open_connection("127.0.0.1", port)))
        return visits[-1]

    try:
        yield visit
    finally:
        held.set()
        for one in visits:
            one.writer.close()
        listener.close()
        await runner.cleanup()


@dataclass
class Visit:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, path: str) -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def told(self) -> bytes:
        """What comes; empty when it was closed."""
        async with asyncio.timeout(5):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
                return head + await self.reader.readexactly(4)
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""

    async def is_answered(self) -> bool:
        self.ask("/")
        return (await self.told()).endswith(b"well")


async def test_half_a_request_is_waited_for_shortly_and_between_two_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HALF", 0.1)
    async with little_page(monkeypatch, 5) as visit:
        resting, half, silent, drops = [await visit() for _ in range(4)]
        assert await resting.is_answered() and await half.is_answered()
        half.writer.write(b"GET / HT")
        drops.writer.write(b"GET /")
        for _ in range(10):
            await asyncio.sleep(0.02)
            with suppress(ConnectionError):
                drops.writer.write(b"x")
        assert [await one.told() for one in (half, silent, drops)] == [b"", b"", b""]
        assert await resting.is_answered()


async def test_in_any_crowd_the_next_is_answered_and_nobody_who_is_being_answered_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with little_page(monkeypatch, 4) as visit:
        busy, first, second, half = [await visit() for _ in range(4)]
        busy.ask("/slow")
        half.writer.write(b"GET / HT")
        assert await second.is_answered() and await first.is_answered()
        for _ in range(4):
            assert await (await visit()).is_answered()
        assert await half.told() == b""
        busy.reader.feed_data(b"")
        assert not busy.reader.at_eof()


async def test_those_who_follow_leave_the_others_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    async with little_page(monkeypatch, 2) as visit:
        for _ in range(6):
            follower = await visit()
            follower.ask("/follow")
            await asyncio.sleep(0.02)
        one, other = await visit(), await visit()
        assert await one.is_answered() and await other.is_answered() and await one.is_answered()


def test_half_open_connections_end_neither_the_daemon_nor_the_page(home: TestHome) -> None:
    command = ["bash", "-c", 'ulimit -n 200; exec "$@"', "-", *home.command("run")]
    with subprocess.Popen(command, env=home.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as daemon:
        address = page_of(home)
        place = urlsplit(address)
        crowd = []
        for _ in range(258):
            one = socket.create_connection((place.hostname, place.port), timeout=5)
            one.sendall(b"GET / HT")
            crowd.append(one)
        home.drop("cat.yaml", SKETCH)
        until(lambda: home.states() == ["completed"])
        until(lambda: answers(address))
        for one in crowd:
            one.close()
        assert daemon.poll() is None
        daemon.terminate()
        assert daemon.wait(20) == 0


def answers(address: str) -> bool:
    try:
        return ask(address, "/healthz").status == 200
    except OSError:
        return False
