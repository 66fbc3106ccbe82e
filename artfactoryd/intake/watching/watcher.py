"""What watches the inbox: hints to look, as soon as something changes. The one door to watchfiles.

A hint is an event that is set. It may come late, twice or never; who waits for it looks from time to time anyway.
Linux tells the loop by itself; elsewhere a thread watches, by a library that is loaded there alone.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from artfactoryd.intake.watching.inotify import CHANGES, LOST, MODIFY, Inotify
from artfactoryd.medium import in_words

log = logging.getLogger(__name__)

IS_TOLD = sys.platform == "linux"  # of changes, without a thread
STEP_MS = 500  # a hint comes within two steps; in a thread, each step wakes the machine once
TREE_STEP_MS = 1000
LONGEST_PAUSE = 60.0  # seconds between two tries to watch


class Watch(Protocol):
    """Sets the hint once it watches, at every change, and at its end."""

    ended: bool
    error: str  # why it ended, if that was not meant

    def close(self) -> None: ...


class Watcher:
    """Keeps one watch; makes another when the folders change, or when it has gone blind or died."""

    def __init__(self, stop: asyncio.Event, hint: asyncio.Event, step: int) -> None:
        """`stop` ends the watch, `hint` is set by it; both belong to the running loop. `step`: milliseconds."""
        self._stop, self._hint, self._step = stop, hint, step
        self._watch: Watch | None = None
        self._over: object = None
        self._began, self._not_before, self._pause = 0.0, 0.0, 0.0

    def tend(self, folders: tuple[Path, ...], root: object, now: float) -> bool:
        """True when these folders are watched.

        `root`: what tells one inbox from another made in its place; `now`: monotonic seconds.
        """
        if self._watch and self._watch.ended:
            self._bury(self._watch, now)
        if self._watch and self._over != (folders, root):
            self.close()
        if self._watch is None and now >= self._not_before:
            self._over, self._began = (folders, root), now
            self._watch = self._begin(folders)
        return self._watch is not None

    def _begin(self, folders: tuple[Path, ...]) -> Watch:
        if IS_TOLD:
            return _Told(folders, self._hint, self._step)
        return _Watch(folders, self._stop, self._hint, self._step)

    def _bury(self, watch: Watch, now: float) -> None:
        """The first death is mended at once; the next ones wait longer and longer, until one has lived a while."""
        self.close()
        if not watch.error:
            return
        if not self._pause:
            log.warning("Watching the inbox failed (%s). It is still looked into from time to time.", watch.error)
        self._not_before = now + self._pause
        self._pause = 0.0 if now - self._began > LONGEST_PAUSE else min(LONGEST_PAUSE, self._pause * 2 or 1.0)

    def close(self) -> None:
        if self._watch:
            self._watch.close()
        self._watch = None


class _Told:
    """By Linux: hints come when a step has passed since the first change."""

    def __init__(self, folders: tuple[Path, ...], hint: asyncio.Event, step: int) -> None:
        self._hint, self.ended, self.error = hint, False, ""
        self._queue: Inotify | None = None
        try:
            self._queue = Inotify(self._hear, hint.set, step / 1000)
            for folder in folders:
                self._add(self._queue, folder)
        except OSError as error:
            self.ended, self.error = True, in_words(error).rstrip(".")
        hint.set()

    @staticmethod
    def _add(queue: Inotify, folder: Path) -> None:
        """Not one that has gone since, or that may not be read: whoever looks sees that."""
        try:
            queue.add(folder, CHANGES | MODIFY)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
                raise

    def _hear(self, watch: int, what: int, name: str) -> None:
        self.ended = self.ended or bool(what & LOST)

    def close(self) -> None:
        if self._queue is not None:
            self._queue.close()


class _Watch:
    """One thread. It sets `hint` once it watches, at every change, and at its end: within a step of `stop`."""

    def __init__(self, folders: tuple[Path, ...], stop: asyncio.Event, hint: asyncio.Event, step: int) -> None:
        self._folders, self._stop, self._hint, self._step = folders, stop, hint, step
        self._loop = asyncio.get_running_loop()
        self._closed, self.ended, self.error = False, False, ""
        threading.Thread(target=self._run, name="inbox-watch").start()

    def is_set(self) -> bool:
        """What watchfiles asks at every step: whether to end."""
        return self._closed or self._stop.is_set() or self._loop.is_closed()

    def _run(self) -> None:
        try:
            self._look_out()
        except Exception as error:  # whatever it is, looking goes on without
            self.error = _in_words(error).rstrip(".")
        self.ended = True
        self._tell()

    def close(self) -> None:
        self._closed = True

    def _look_out(self) -> None:
        import watchfiles  # imported late: Linux does without its megabyte

        told, roots = False, {str(folder) for folder in self._folders}
        for changes in watchfiles.watch(
            *self._folders, watch_filter=None, debounce=self._step, step=self._step, rust_timeout=self._step,
            yield_on_timeout=True, stop_event=self, raise_interrupt=False, recursive=False,
            force_polling=False, ignore_permission_denied=True,
        ):  # fmt: skip
            if changes or not told:
                self._tell()
                told = True
            if any(kind == watchfiles.Change.deleted and path in roots for kind, path in changes):
                return  # it would keep silent about a folder made anew in that place

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop has gone
            self._loop.call_soon_threadsafe(self._hint.set)


def _in_words(error: Exception) -> str:
    """What the system refused, also where the library only quotes it."""
    quoted = re.search(r"\(os error (\d+)\)", str(error))
    return in_words(OSError(number := int(quoted[1]), os.strerror(number)) if quoted else error)


class TreeWatch:
    """A thread that tells of changes anywhere in a folder, where the system watches whole trees at once."""

    def __init__(self, folder: Path, tell: Callable[[set[str]], None]) -> None:
        self.folder, self._tell, self._closed = folder, tell, False
        threading.Thread(target=self._run, name="shelf-watch", daemon=True).start()

    def is_set(self) -> bool:
        """What watchfiles asks at every step: whether to end."""
        return self._closed

    def _run(self) -> None:
        try:
            import watchfiles

            for changes in watchfiles.watch(
                self.folder, watch_filter=None, debounce=TREE_STEP_MS, step=TREE_STEP_MS, stop_event=self,
                raise_interrupt=False, ignore_permission_denied=True,
            ):  # fmt: skip
                self._tell({path for _, path in changes})
        except Exception as error:  # whatever it is, looking goes on without
            log.warning("The shelf is not watched (%s). It is still looked at from time to time.", _in_words(error))

    def close(self) -> None:
        self._closed = True
