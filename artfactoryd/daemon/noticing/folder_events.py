"""Folders of the shelf in which something has changed, as the system tells it. Hints only: looking is the truth.

On Linux each folder is watched by itself, from before it is looked into, and nothing wakes the machine while nothing
changes: watchfiles would hold up the whole program while it walks through two hundred thousand files. Elsewhere the
system watches a whole tree at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from artfactoryd.intake.watcher import TreeWatch
from artfactoryd.shelf.sidecars import NAMES
from artfactoryd.shelf.survey import may_be_picture
from artfactoryd.storage.noticing.known import TOP

log = logging.getLogger(__name__)

ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
DELETE_SELF, MOVE_SELF, UNMOUNT = 0x400, 0x800, 0x2000
OVERFLOW, IGNORED, ONLY_FOLDERS, IS_FOLDER = 0x4000, 0x8000, 0x1000000, 0x40000000
WANTED = ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF | ONLY_FOLDERS
NONBLOCKING = os.O_NONBLOCK | os.O_CLOEXEC
_HEAD = struct.Struct("iIII")  # descriptor of the watch, what, cookie, length of the name
MOST_READ = 1 << 18
REST = 0.5  # seconds in which events are gathered before they are read


class FolderEvents(Protocol):
    """`came` is set when there are hints."""

    came: asyncio.Event

    def add(self, folder: str) -> None:
        """From now on its changes are told: before it is looked into. `folder`: below the root. From any thread."""

    def take(self) -> set[str] | None:
        """Folders in which something changed since; None: perhaps in any, and some were not told."""

    @property
    def is_whole(self) -> bool:
        """Whether all folders are watched that were to be."""

    def close(self) -> None: ...


def folder_events(root: Path) -> FolderEvents:
    """`root`: of the home, in which paths are told."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            return Inotify(root)
    return Tree(root)


def is_hint(name: str, *, is_folder: bool) -> bool:
    """Whether a change of that name may be a person's, or a picture's."""
    if is_folder:
        return not name.startswith(".") and name not in NAMES
    return may_be_picture(name)


class Inotify:
    def __init__(self, root: Path) -> None:
        """Raises OSError where the system gives no more of them."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(NONBLOCKING)
        if self._fd < 0:
            raise OSError(number := ctypes.get_errno(), os.strerror(number))
        self._root, self._folders = root, dict[int, str]()
        self._hints, self._is_lost, self.is_whole = set[str](), False, True
        self._loop, self.came = asyncio.get_running_loop(), asyncio.Event()
        self._loop.add_reader(self._fd, self._rest)

    def add(self, folder: str) -> None:
        watch = self._libc.inotify_add_watch(self._fd, os.fsencode(self._root / folder), WANTED)
        if watch >= 0:
            self._folders[watch] = folder
        elif (number := ctypes.get_errno()) in (errno.ENOSPC, errno.ENOMEM) and self.is_whole:
            self.is_whole = False
            log.warning(
                "The system watches no more folders (%s; see fs.inotify.max_user_watches): changes in the rest of the "
                "shelf are seen a little later.", os.strerror(number),
            )  # fmt: skip

    def take(self) -> set[str] | None:
        hints, is_lost = self._hints, self._is_lost
        self._hints, self._is_lost = set(), False
        self.came.clear()
        return None if is_lost else hints

    def _rest(self) -> None:
        self._loop.remove_reader(self._fd)
        self._loop.call_later(REST, self._read)

    def _read(self) -> None:
        if self._fd < 0:
            return
        with suppress(BlockingIOError):
            while data := os.read(self._fd, MOST_READ):
                for watch, what, name in _events(data):
                    self._hear(watch, what, name)
        if self._hints or self._is_lost:
            self.came.set()
        self._loop.add_reader(self._fd, self._rest)

    def _hear(self, watch: int, what: int, name: str) -> None:
        if what & (OVERFLOW | UNMOUNT):
            self._is_lost = True
        elif what & (DELETE_SELF | MOVE_SELF):  # of any other the folder above it tells
            if self._folders.get(watch) == TOP:
                self._hints.add(TOP)
        elif what & IGNORED:
            self._folders.pop(watch, None)
        elif name and watch in self._folders and is_hint(name, is_folder=bool(what & IS_FOLDER)):
            self._hints.add(self._folders[watch])

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
        self._fd = -1


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    at = 0
    while at < len(data):
        watch, what, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield watch, what, os.fsdecode(data[at : at + length].rstrip(b"\0"))
        at += length


class Tree:
    """By watchfiles, where the system watches whole trees."""

    is_whole = True

    def __init__(self, root: Path) -> None:
        self._root, self.came = os.path.realpath(root), asyncio.Event()
        self._changed = set[str]()
        self._watch: TreeWatch | None = None
        self._loop = asyncio.get_running_loop()

    def add(self, folder: str) -> None:
        """The first is the top of the tree."""
        if self._watch is None:
            self._top = folder
            self._watch = TreeWatch(Path(os.path.realpath(os.path.join(self._root, folder))), self._tell)

    def _tell(self, paths: set[str]) -> None:
        """In the thread that watches."""
        with suppress(RuntimeError):  # the loop has gone
            self._loop.call_soon_threadsafe(self._hear, paths)

    def _hear(self, paths: set[str]) -> None:
        assert self._watch is not None
        for path in paths:
            inside = Path(path).relative_to(self._watch.folder)
            above, name = inside.parts[:-1], inside.name
            is_folder = "." not in name or os.path.isdir(path)
            if name and is_hint(name, is_folder=is_folder) and all(is_hint(one, is_folder=True) for one in above):
                self._changed.add("/".join((self._top, *above)))
        if self._changed:
            self.came.set()

    def take(self) -> set[str] | None:
        hints, self._changed = self._changed, set()
        self.came.clear()
        return hints

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
