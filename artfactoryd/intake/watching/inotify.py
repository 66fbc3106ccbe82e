"""Folders that change, as Linux tells of them: a queue that the loop reads. No thread waits for it, and nothing wakes
the machine while nothing changes.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

from artfactoryd.clock import until_tick

MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
DELETE_SELF, MOVE_SELF, UNMOUNT, OVERFLOW, IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
ONLY_FOLDERS, IS_FOLDER = 0x1000000, 0x40000000
CHANGES = ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF
LOST = DELETE_SELF | MOVE_SELF | UNMOUNT | IGNORED  # the folder itself: nothing more is told of what lies at its path

NONBLOCKING = os.O_NONBLOCK | os.O_CLOEXEC
WRITTEN = 0.02  # seconds in which a small file is written, and named
_HEAD = struct.Struct("iIII")  # number of the watch, what, cookie, length of the name
MOST_READ = 1 << 18


class Inotify:
    """`hear` is called with each event: the number of its watch, what it was, a name; `gathered` behind the last one.

    Events are gathered for `rest` seconds before they are read: who writes a thousand files wakes us once.
    """

    def __init__(self, hear: Callable[[int, int, str], None], gathered: Callable[[], None], rest: float) -> None:
        """Raises OSError where the system has none, or gives no more of them."""
        if sys.platform != "linux":
            raise OSError("only Linux has inotify")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(NONBLOCKING)
        if self._fd < 0:
            raise _refusal()
        self._hear, self._gathered, self._rest = hear, gathered, rest
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._await_more)

    def add(self, folder: str | Path, what: int = CHANGES) -> int:
        """The number of its watch, which stays the same when the same folder is added again. From any thread.

        Raises OSError."""
        watch = int(self._libc.inotify_add_watch(self._fd, os.fsencode(folder), what | ONLY_FOLDERS))
        if watch < 0:
            raise _refusal()
        return watch

    def _await_more(self) -> None:
        self._loop.remove_reader(self._fd)
        self._loop.call_later(self._rest, self._read)

    def _read(self) -> None:
        if self._fd < 0:
            return
        with suppress(BlockingIOError):
            while data := os.read(self._fd, MOST_READ):
                for event in _events(data):
                    self._hear(*event)
        self._loop.add_reader(self._fd, self._await_more)
        self._gathered()

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
        self._fd = -1


def _refusal() -> OSError:
    return OSError(number := ctypes.get_errno(), os.strerror(number))


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    at = 0
    while at < len(data):
        watch, what, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield watch, what, os.fsdecode(data[at : at + length].rstrip(b"\0"))
        at += length


class Hints:
    """That something changed in one of a few folders, for whoever looks from time to time anyway.

    Where the system tells nothing, waiting ends by time alone.
    """

    def __init__(self, rest: float) -> None:
        self._came = asyncio.Event()
        self._queue: Inotify | None = None
        with suppress(OSError, AttributeError):
            self._queue = Inotify(lambda watch, what, name: None, self._came.set, rest)

    def watch(self, folder: Path) -> bool:
        """Whether its changes are told from now on. Before each look: it may have been made anew. From any thread."""
        if self._queue is None:
            return False
        try:
            self._queue.add(folder)
        except OSError:
            return False
        return True

    async def wait(self, seconds: float) -> None:
        """Until something has changed since the last waiting ended; no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came.wait()
        self._came.clear()

    def close(self) -> None:
        if self._queue is not None:
            self._queue.close()


async def looks(folder: Path, *, told: float, untold: float) -> AsyncIterator[None]:
    """Without end: at once, when something has changed there, and about as often as `told` seconds; where the system
    tells of no changes, every `untold` seconds."""
    hints = Hints(WRITTEN)
    try:
        while True:
            is_told = hints.watch(folder)
            yield
            await hints.wait(until_tick(told) if is_told else untold)
    finally:
        hints.close()
