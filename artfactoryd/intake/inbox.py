"""What lies in the inbox and is whole: orders to be taken, and strays that will never be orders.

Events are hints to look; looking is the truth. A hint may come late, twice or never: a queue overflows
without a word, a folder made anew is not the one watched, network volumes tell nothing. Looking moves
and writes nothing in the inbox; `claims` takes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from artfactoryd.core import inbox_rules
from artfactoryd.durable import make_folder, write_file
from artfactoryd.entries import PAPER_BYTES, Entry, bounded, everything_in, has_writer, listing, readable
from artfactoryd.errors import StorageFull
from artfactoryd.intake.own_folder import names_in
from artfactoryd.intake.watcher import STEP_MS, Watcher
from artfactoryd.mounts import mount_of, mounts

log = logging.getLogger(__name__)

STRAY_SECONDS = 60.0
SET = 1.0  # seconds that the two clocks may go apart before one of them was set
REST = 0.02  # seconds between two looks at the least, however much is about to settle
SLICE = 0.25  # seconds between two looks at `stop` where nothing else would wake us
# fmt: off
LOCAL = frozenset({
    "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "msdos", "ntfs3", "overlay",
    "ramfs", "reiserfs", "tmpfs", "ufs", "vfat", "xfs", "zfs",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Ready:
    """An order that is whole: a file, or a bundle with its pictures. `project`: the drop-box it lies in."""

    path: Path
    kind: str  # "file" or "bundle"
    project: str | None


@dataclass(frozen=True, slots=True)
class Stray:
    """What will never be an order. `NAME is WHAT. ADVICE` reads as it stands."""

    path: Path
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Scan:
    """One look. `ready`: oldest first; `waiting`: names not settled yet; `due`: seconds until one may be."""

    ready: tuple[Ready, ...] = ()
    strays: tuple[Stray, ...] = ()
    waiting: tuple[str, ...] = ()
    due: float = math.inf
    blind: str = ""  # why something could not be looked into; then the rest is not all there is
    at: float = field(default=0.0, compare=False)  # when it was looked (monotonic)


_Seen = dict[Path, tuple[tuple[int, ...], float]]


@dataclass(slots=True)
class _Look:
    """What one scan gathers. `seen`: which version of a path lies there, and since when (monotonic)."""

    now: float
    wall: float
    seen: _Seen = field(default_factory=dict)
    ready: list[tuple[int, Path, Ready]] = field(default_factory=list)  # with ctime (nanoseconds) and path
    strays: list[Stray] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    due: float = math.inf
    complaints: set[str] = field(default_factory=set)
    blind: set[str] = field(default_factory=set)  # those of them that hide something

    def take(self, entry: Entry, project: str | None) -> None:
        ready = Ready(entry.path, "bundle" if entry.kind == "folder" else "file", project)
        self.ready.append((entry.status.st_ctime_ns, entry.path, ready))

    def cannot_see(self, words: str) -> None:
        self.complaints.add(words)
        self.blind.add(words)

    def again_in(self, seconds: float) -> None:
        self.due = min(self.due, seconds)

    def wait(self, entry: Entry, project: str | None, seconds: float) -> None:
        self.waiting.append(readable(entry.name) if project is None else f"{project}/{readable(entry.name)}")
        self.again_in(seconds)

    def result(self) -> Scan:
        oldest_first = sorted(self.ready, key=lambda entry: entry[:2])
        ready = tuple(ready for _, _, ready in oldest_first)
        return Scan(ready, tuple(self.strays), tuple(self.waiting), self.due, " ".join(sorted(self.blind)), self.now)


class Inbox:
    """`dropboxes` is the file that remembers which folders have served as drop-boxes.

    `polling`: True never watches, False always does, None watches where the disk is known to be local.
    """

    def __init__(
        self, folder: Path, *, dropboxes: Path, settle_seconds: float, scan_seconds: float,
        polling: bool | None = None, stray_seconds: float = STRAY_SECONDS,
    ) -> None:  # fmt: skip
        self.folder = folder
        self._settle, self._period, self._stray = settle_seconds, scan_seconds, stray_seconds
        self._polling = polling
        self._served_file, self._served = dropboxes, _read_names(dropboxes)
        self._seen: _Seen = {}
        self._root: tuple[int, int] | None = None
        self._local = False
        self._apart: float | None = None  # the wall's clock and the steady one, at the first look
        self._folders: tuple[Path, ...] = ()
        self._complaints: set[str] = set()

    def scan(self, now: float, wall: float) -> Scan:
        """Look once. `now`: monotonic seconds; `wall`: seconds since 1970, compared with ctimes only."""
        look = _Look(now, wall)
        self._apart = wall - now if self._apart is None else self._apart
        try:
            same_root = self._find_root()
            entries = _not_junk(self.folder)
        except OSError as error:
            look.cannot_see(f"The inbox {self.folder} cannot be looked into: {error.strerror}.")
        else:
            self._judge_all(entries, same_root, look)
            self._seen = look.seen
        for text in look.complaints - self._complaints:
            log.warning("%s", text)
        self._complaints = look.complaints
        return look.result()

    def _judge_all(self, entries: list[Entry], same_root: bool, look: _Look) -> None:
        folders = [entry for entry in entries if entry.kind == "folder"]
        self._folders = (self.folder, *(entry.path for entry in folders))
        if same_root:
            self._remember(self._served & {readable(entry.name) for entry in folders}, look)
        for entry in entries:
            if entry.kind == "folder":
                self._judge_folder(entry, look)
            else:
                self._judge(entry, None, look)

    def _find_root(self) -> bool:
        """Make the inbox if it is gone; False when it is not the folder of the last look."""
        try:
            status = os.stat(self.folder)
        except FileNotFoundError:
            make_folder(self.folder)  # never its parents: they may be a volume that is away
            status = os.stat(self.folder)
        root = (status.st_dev, status.st_ino)
        if root == self._root:
            return True
        mount = mount_of(self.folder.resolve(), mounts())
        self._root, self._local = root, mount is not None and mount.kind in LOCAL
        return False

    # --- judging ---

    def _judge(self, entry: Entry, project: str | None, look: _Look) -> None:
        age = self._age(entry, look)
        word = inbox_rules.stray_file(entry.name, entry.kind, entry.status.st_size)
        if age < self._settle:
            look.wait(entry, project, self._settle - age)
        elif word is None:
            if self._written(entry):
                look.wait(entry, project, max(age / 10, REST))
            else:
                look.take(entry, project)
        else:
            self._judge_stray(entry, word, age, look)

    def _judge_stray(self, entry: Entry, word: inbox_rules.Word, age: float, look: _Look) -> None:
        if age < self._stray:
            look.again_in(self._stray - age)
        elif not self._written(entry):
            look.strays.append(Stray(entry.path, *word))

    def _judge_folder(self, box: Entry, look: _Look) -> None:
        """A bundle, a drop-box or a stray: known when all in it is quiet. Once a drop-box, it stays one."""
        if inbox_rules.is_order_folder(names_in(box.path)):
            self._judge_order_folder(box, None, look)
            return
        if readable(box.name) in self._served:
            self._look_into(box, look)
            return
        deep = list(everything_in(box.path))
        age = min(self._age(entry, look) for entry in chain([box], deep))
        if age < self._settle:
            look.wait(box, None, self._settle - age)
            return
        try:
            inside = list(listing(box.path))
        except OSError:
            self._judge_stray(box, inbox_rules.CLOSED, age, look)
            return
        orders = {entry.name: entry.status.st_size for entry in inside if _is_order(entry)}
        if word := inbox_rules.stray_folder(box.name, [entry.name for entry in inside]):
            self._judge_stray(box, word, age, look)
        elif not inbox_rules.is_bundle(orders):
            self._look_into(box, look)
        elif any(self._written(entry) for entry in deep):
            look.wait(box, None, max(age / 10, REST))
        elif not all(orders.values()):
            self._judge_stray(box, inbox_rules.HOLLOW, age, look)
        else:
            look.take(box, None)

    def _judge_order_folder(self, box: Entry, project: str | None, look: _Look) -> None:
        """One that has lain on the shelf, and whose pictures are no strays."""
        deep = list(everything_in(box.path))
        age = min(self._age(entry, look) for entry in chain([box], deep))
        if age < self._settle:
            look.wait(box, project, self._settle - age)
        elif any(self._written(entry) for entry in deep):
            look.wait(box, project, max(age / 10, REST))
        else:
            look.take(box, None)

    def _judge_nested(self, box: Entry, project: str, look: _Look) -> None:
        """A folder in a drop-box: what was dragged may be a whole day, or a whole project, of order folders."""
        if inbox_rules.is_order_folder(names_in(box.path)):
            self._judge_order_folder(box, project, look)
            return
        inside = [entry for entry in everything_in(box.path) if entry.kind == "folder"]
        own = [entry for entry in inside if inbox_rules.is_order_folder(names_in(entry.path))]
        for entry in own:
            self._judge_order_folder(entry, project, look)
        if not own:
            age = min(self._age(inner, look) for inner in chain([box], everything_in(box.path)))
            self._judge_stray(box, inbox_rules.NESTED, age, look)

    def _look_into(self, box: Entry, look: _Look) -> None:
        project, before = readable(box.name), len(look.ready)
        try:
            entries = _not_junk(box.path)
        except OSError as error:
            look.cannot_see(f"The drop-box {project} cannot be looked into: {error.strerror}.")
            return
        for entry in entries:
            if entry.kind == "folder":
                self._judge_nested(entry, project, look)
            else:
                self._judge(entry, project, look)
        if len(look.ready) > before:
            self._remember(self._served | {project}, look)

    def _age(self, entry: Entry, look: _Look) -> float:
        """Seconds since the last change: by its ctime, else (clocks differ) since this version was first seen."""
        version, since = self._seen.get(entry.path, (None, look.now))
        if version != entry.version:
            since = look.now
        look.seen[entry.path] = (entry.version, since)
        by_ctime = look.wall - entry.status.st_ctime_ns / 1e9 if self._local and not self._clock_was_set(look) else 0.0
        return max(look.now - since, by_ctime)

    def _clock_was_set(self, look: _Look) -> bool:
        """While this runs: what was changed just now may look old, so only our own looks count."""
        return abs(look.wall - look.now - (self._apart or 0.0)) > SET

    def _written(self, entry: Entry) -> bool:
        return self._local and entry.kind == "file" and has_writer(entry.path)

    def _remember(self, served: set[str], look: _Look) -> None:
        if served == self._served:
            return
        self._served = served
        try:
            write_file(self._served_file, json.dumps(sorted(served)).encode())
        except StorageFull as error:
            look.complaints.add(str(error))

    # --- looking again and again ---

    async def scans(self, stop: asyncio.Event) -> AsyncIterator[Scan]:
        """A look at once, after every hint, when something is due, and every `scan_seconds`, until `stop`."""
        hint = asyncio.Event()
        watcher = Watcher(stop, hint, min(STEP_MS, max(20, int(self._settle * 400))))
        try:
            while not stop.is_set():
                hint.clear()
                began = time.monotonic()
                scan = await self._scan_aside(stop)
                if scan is None:
                    return
                took = time.monotonic() - began
                watching = self._watches() and watcher.tend(self._folders, self._root, time.monotonic())
                yield scan
                due = scan.at - began + scan.due  # a look that comes a moment too early costs another REST
                until = began + min(self._period, max(due, REST, 2 * took))
                while not stop.is_set() and not hint.is_set() and (left := until - time.monotonic()) > 0:
                    await _wait(hint, left if watching else min(left, SLICE))
        finally:
            watcher.close()

    def _watches(self) -> bool:
        return self._local if self._polling is None else not self._polling

    async def _scan_aside(self, stop: asyncio.Event) -> Scan | None:
        """One look in a thread of its own: on a dead network volume it may never return. None when stopped."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        scans: list[Scan] = []
        errors: list[Exception] = []

        def work() -> None:
            try:
                scans.append(self.scan(time.monotonic(), time.time()))
            except Exception as error:
                errors.append(error)
            with suppress(RuntimeError):  # the loop has gone meanwhile
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=work, name="inbox-scan", daemon=True).start()
        while not done.is_set() and not stop.is_set():
            await _wait(done, SLICE)
        if errors:
            raise errors[0]
        return scans[0] if scans else None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _not_junk(folder: Path) -> list[Entry]:
    return [entry for entry in listing(folder) if not inbox_rules.is_junk(entry.name)]


def _is_order(entry: Entry) -> bool:
    return entry.kind == "file" and inbox_rules.is_order_name(entry.name) and not inbox_rules.is_junk(entry.name)


def _read_names(file: Path) -> set[str]:
    try:
        names = json.loads(bounded(file, PAPER_BYTES))
    except (OSError, ValueError):
        return set()
    return {str(name) for name in names} if isinstance(names, list) else set()
