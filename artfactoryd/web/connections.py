"""How many may be connected to the status page: it must never take the descriptors that the work needs."""

from __future__ import annotations

import asyncio
import resource

from aiohttp import web

MOST = 64
RESERVE = 128  # descriptors kept for the work: ledger, index, providers, pictures
QUIET = 10.0  # seconds that half a request, or a connection without one, is waited for
BACKLOG = 16  # taken from the system together


def most(limit: int) -> int:
    """Connections at once, where a process may have so many files open."""
    return MOST if limit == resource.RLIM_INFINITY else max(4, min(MOST, limit - RESERVE))


class TurnedAway(asyncio.Protocol):
    """One too many: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


async def listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    """Bound. Where the system gives no descriptor for a new connection, asyncio waits a second. Raises OSError."""
    server, allowed = runner.server, most(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    assert server is not None

    def protocol() -> asyncio.BaseProtocol:
        return TurnedAway() if len(server.connections) >= allowed else server()

    return await asyncio.get_running_loop().create_server(protocol, host, port, backlog=BACKLOG)
