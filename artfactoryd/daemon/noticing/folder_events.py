"""Folders of the shelf in which something has changed, as the system tells it. Hints only: looking is the truth.

On Linux each folder is watched by itself, from before it is looked into, and nothing wakes the machine while nothing
changes: watchfiles would hold up the whole program while it walks through two hundred thousand files. Elsewhere the
system watches a whole tree at once.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from artfactoryd.intake.watching.inotify import DELETE_SELF, IGNORED, IS_FOLDER, MOVE_SELF, OVERFLOW, UNMOUNT, Inotify
from artfactoryd.intake.watching.watcher import TreeWatch
from artfactoryd.medium import in_words
from artfactoryd.mounts import is_on_network
from artfactoryd.shelf.sidecars import NAMES
from artfactoryd.shelf.survey import may_be_picture
from artfactoryd.storage.noticing.known import TOP

log = logging.getLogger(__name__)

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
            return Told(root)
    return Tree(root)


def is_hint(name: str, *, is_folder: bool) -> bool:
    """Whether a change of that name may be a person's, or a picture's."""
    if is_folder:
        return not name.startswith(".") and name not in NAMES
    return may_be_picture(name)


class Told:
    """By Linux."""

    def __init__(self, root: Path) -> None:
        """Raises OSError where the system gives no more of them."""
        self._root, self._folders = root, dict[int, str]()
        self._hints, self._is_lost, self.is_whole = set[str](), False, True
        self.came = asyncio.Event()
        self._queue = Inotify(self._hear, self._tell, REST)

    def add(self, folder: str) -> None:
        if folder == TOP and is_on_network(self._root / folder):
            self.is_whole = False
        try:
            self._folders[self._queue.add(self._root / folder)] = folder
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM) and self.is_whole:
                self.is_whole = False
                log.warning(
                    "The system watches no more folders (%s; see fs.inotify.max_user_watches): changes in the rest of "
                    "the shelf are seen a little later.", in_words(error),
                )  # fmt: skip

    def take(self) -> set[str] | None:
        hints, is_lost = self._hints, self._is_lost
        self._hints, self._is_lost = set(), False
        self.came.clear()
        return None if is_lost else hints

    def _tell(self) -> None:
        if self._hints or self._is_lost:
            self.came.set()

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
        self._queue.close()


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
