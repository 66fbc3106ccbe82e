"""How many may be connected to the status page, and for how long: it never takes the descriptors that the work needs.

A connection is a `Door`: it waits for a request (ten seconds), is being answered, rests between two requests (a
minute), or follows an order. Those that follow are counted apart. Where all are taken, the one that has been quiet for
longest makes room, so that a health check is answered in any crowd.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

MOST, MOST_FOLLOWERS = 64, 100
LEAST, LEAST_FOLLOWERS = 4, 2
RESERVE = 128  # descriptors kept for the work: ledger, index, providers, pictures
HALF = 10.0  # seconds that half a request, or a connection without one, is waited for
IDLE = 60.0  # seconds between two requests
BACKLOG = 16  # taken from the system together


def most(limit: int) -> int:
    """Connections at once, beside those that follow, where a process may have so many files open."""
    return MOST if limit == resource.RLIM_INFINITY else max(LEAST, min(MOST, limit - RESERVE))


def most_followers(limit: int) -> int:
    """Out of what the others leave."""
    left = MOST_FOLLOWERS if limit == resource.RLIM_INFINITY else limit - RESERVE - most(limit)
    return max(LEAST_FOLLOWERS, min(MOST_FOLLOWERS, left))


class TurnedAway(asyncio.Protocol):
    """One too many: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class Door(asyncio.Protocol):
    """One connection: all that comes is handed on to aiohttp's own protocol, and half a request is timed."""

    def __init__(self, doors: Doors, visitor: RequestHandler) -> None:
        self._doors, self._visitor = doors, visitor
        self._patience: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self.is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._doors.enter(transport, self)
        self._wait_for_whole()
        self._visitor.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self.is_answering:
            self._wait_for_whole()
        self._visitor.data_received(data)

    def eof_received(self) -> None:
        self._visitor.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        assert self._transport is not None
        self._doors.leave(self._transport)
        self._visitor.connection_lost(exc)

    def pause_writing(self) -> None:
        self._visitor.pause_writing()

    def resume_writing(self) -> None:
        self._visitor.resume_writing()

    @contextmanager
    def answering(self) -> Iterator[None]:
        self.is_answering = True
        self._be_patient()
        try:
            yield
        finally:
            self.is_answering = False

    @property
    def is_quiet(self) -> bool:
        """Nothing would be lost by closing it."""
        return not (self.is_answering or self._transport is None or self._transport.get_write_buffer_size())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wait_for_whole(self) -> None:
        """A request that comes in drops is not waited for longer."""
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(HALF, self.close)

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Doors:
    """All connections; the one that has been quiet for longest comes first."""

    def __init__(self) -> None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._most, self.most_followers = most(limit), most_followers(limit)
        self._open: dict[asyncio.BaseTransport, Door] = {}
        self._following: set[asyncio.BaseTransport] = set()

    async def listen(self, runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
        """Bound. Where the system gives no descriptor for a new connection, asyncio waits a second. Raises OSError."""
        server = runner.server
        assert server is not None

        def protocol() -> asyncio.BaseProtocol:
            return Door(self, server()) if self._has_room() else TurnedAway()

        return await asyncio.get_running_loop().create_server(protocol, host, port, backlog=BACKLOG)

    def enter(self, transport: asyncio.BaseTransport, door: Door) -> None:
        self._open[transport] = door

    def leave(self, transport: asyncio.BaseTransport) -> None:
        self._open.pop(transport, None)
        self._following.discard(transport)

    @contextmanager
    def answering(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """While a request of this connection is answered."""
        door = self._open.get(transport) if transport else None
        if transport is None or door is None:  # it is gone already
            yield
            return
        with door.answering():
            yield
        if transport in self._open:
            self._open[transport] = self._open.pop(transport)  # the last to have been quiet

    @contextmanager
    def following(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """Not counted among the others meanwhile."""
        if transport in self._open:
            self._following.add(transport)
        try:
            yield
        finally:
            if transport is not None:
                self._following.discard(transport)

    def _has_room(self) -> bool:
        if len(self._open) - len(self._following) < self._most:
            return True
        for transport, door in self._open.items():
            if transport not in self._following and door.is_quiet:
                self.leave(transport)
                door.close()
                return True
        return False
