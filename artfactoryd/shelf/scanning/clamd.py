"""clamd's protocol, as far as two questions need it: what is in these bytes (INSTREAM), and are you there (VERSION).

The bytes are sent, never a path: clamd is another user, may run on another machine, and need not be let into the home.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from artfactoryd.printable import printable
from artfactoryd.settings import Scan

CHUNK = 1 << 18  # bytes sent at once
CONNECT = 3.0  # seconds
ANSWER = 120.0  # seconds until it answers, and one more for each megabyte
MOST_ANSWER = 4096  # bytes
NOT_WHOLE = ("Heuristics.Limits.Exceeded", "(null)")  # begin the names by which it tells that it did not look at all
MOST = (2 << 30) - 1  # bytes: whatever its settings say, of more than that it calls well what it did not look at
SIZES = "StreamMaxLength, MaxFileSize and MaxScanSize in clamd.conf"

Place = tuple[int, str | tuple[object, ...]]  # family and address of a socket


@dataclass(frozen=True, slots=True)
class Verdict:
    """`found`: the name of what is in it. `unscanned`: in words why nobody knows; `away`: because clamd cannot be
    reached. All empty: clamd knows nothing against it."""

    found: str = ""
    unscanned: str = ""
    away: bool = False


CLEAN = Verdict()


async def scan(settings: Scan, path: Path) -> Verdict:
    """Raises OSError where the file itself cannot be read."""
    with await asyncio.to_thread(path.open, "rb") as file:
        if (bytes_ := path.stat().st_size) > MOST:
            return Verdict(unscanned="it is larger than the 2 GB that clamd can look at.")
        try:
            async with asyncio.timeout(ANSWER + bytes_ / 1e6), _connected(settings) as connection:
                answer = await _send(connection, file)
        except (OSError, TimeoutError) as error:
            return away(settings, error)
    return _verdict(answer) if answer else await _hung_up(settings)


async def version(settings: Scan) -> str:
    """What it calls itself. Raises OSError or TimeoutError where it does not answer."""
    async with asyncio.timeout(CONNECT), _connected(settings) as connection:
        await asyncio.get_running_loop().sock_sendall(connection, b"zVERSION\0")
        if answer := await _answer(connection):
            return answer
    raise ConnectionError("it hangs up without an answer")


@asynccontextmanager
async def _connected(settings: Scan) -> AsyncIterator[socket.socket]:
    async with asyncio.timeout(CONNECT):
        connection = await _first(await _places(settings))
    with connection:
        yield connection


async def _places(settings: Scan) -> list[Place]:
    """A name may stand for several addresses."""
    if settings.path:
        return [(socket.AF_UNIX, settings.path)]
    loop = asyncio.get_running_loop()
    told = await loop.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    return [(family, place) for family, *_, place in told]


async def _first(places: Sequence[Place]) -> socket.socket:
    """To the first of them that answers."""
    trouble: OSError = ConnectionError("it has no address")
    for family, place in places:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, place)
            return connection
        except OSError as error:
            connection.close()
            trouble = error
        except BaseException:
            connection.close()
            raise
    raise trouble


async def _send(connection: socket.socket, file: BinaryIO) -> str:
    """Its answer; empty where it hung up without one. It may answer, and hang up, while it is still being sent to."""
    loop = asyncio.get_running_loop()
    answer = loop.create_task(_answer(connection))
    try:
        with suppress(ConnectionError):
            await loop.sock_sendall(connection, b"zINSTREAM\0")
            while not answer.done() and (chunk := await asyncio.to_thread(file.read, CHUNK)):
                await loop.sock_sendall(connection, len(chunk).to_bytes(4, "big") + chunk)
            if not answer.done():
                await loop.sock_sendall(connection, bytes(4))
        return await answer
    finally:
        answer.cancel()


async def _answer(connection: socket.socket) -> str:
    told = b""
    with suppress(ConnectionError):
        while not told.endswith(b"\0") and len(told) < MOST_ANSWER:
            piece = await asyncio.get_running_loop().sock_recv(connection, MOST_ANSWER)
            if not piece:
                break
            told += piece
    return printable(told.rstrip(b"\0\n ").decode("utf-8", "replace"))


# --- what it says ---


def _verdict(answer: str) -> Verdict:
    if answer.endswith(": OK"):
        return CLEAN
    if answer.endswith(" FOUND"):
        name = answer.removeprefix("stream: ").removesuffix(" FOUND")
        if not name.startswith(NOT_WHOLE):
            return Verdict(name)
        return Verdict(unscanned=f"clamd did not look at all of it ({name}): raise {SIZES}.")
    if "size limit exceeded" in answer:
        return Verdict(unscanned=f"it is larger than what clamd takes: raise {SIZES}.")
    return Verdict(unscanned=f"clamd does not say what is in it; its answer is {answer!r}.")


async def _hung_up(settings: Scan) -> Verdict:
    """It does so where too much is sent to it, and its answer gets lost on the way; or it ended just now."""
    try:
        await version(settings)
    except (OSError, TimeoutError) as error:
        return away(settings, error)
    return Verdict(unscanned=f"clamd hung up; that is what it does with what is too large for it: see {SIZES}.")


def away(settings: Scan, error: Exception) -> Verdict:
    return Verdict(unscanned=f"clamd at {settings.address} {trouble(error)}.", away=True)


def trouble(error: Exception) -> str:
    """After its name."""
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    why = (error.strerror if isinstance(error, OSError) else "") or str(error)
    return f"cannot be reached ({why})"
