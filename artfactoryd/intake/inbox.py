"""The inbox looked at again and again: orders to be taken, and strays that will never be orders (see `judging`).

Events are hints to look; looking is the truth. A hint may come late, twice or never: a queue overflows
without a word, a folder made anew is not the one watched, network volumes tell nothing. Looking moves
and writes nothing in the inbox; `claims` takes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from artfactoryd.clock import until_tick
from artfactoryd.core import inbox_rules
from artfactoryd.core.names import nfc
from artfactoryd.durable import make_folder, write_file
from artfactoryd.entries import PAPER_BYTES, Entry, bounded, listing, readable
from artfactoryd.errors import StorageFull
from artfactoryd.intake.judging import REST, Look, Rules, Scan, Seen
from artfactoryd.intake.watching.watcher import STEP_MS, Watcher
from artfactoryd.mounts import mount_of, mounts

log = logging.getLogger(__name__)

STRAY_SECONDS = 60.0
SET = 1.0  # seconds that the two clocks may go apart before one of them was set
SLICE = 0.25  # seconds between two looks where nothing is watched, and for an answer of a disk
# fmt: off
LOCAL = frozenset({
    "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "msdos", "ntfs3", "overlay",
    "ramfs", "reiserfs", "tmpfs", "ufs", "vfat", "xfs", "zfs",
})
# fmt: on


def _no_defaults(folder: Path, project: str) -> Mapping[str, str]:
    return {}


class Inbox:
    """`dropboxes` is the file that remembers which folders have served as drop-boxes; `standing`: names of those that
    are some by the settings. `defaults`: the texts that a drop-box, by its folder and name, gives its orders.

    `polling`: True never watches, False always does, None watches where the disk is known to be local.
    """

    def __init__(
        self, folder: Path, *, dropboxes: Path, settle_seconds: float, scan_seconds: float,
        polling: bool | None = None, stray_seconds: float = STRAY_SECONDS,
        standing: Callable[[], Collection[str]] = tuple,
        defaults: Callable[[Path, str], Mapping[str, str]] = _no_defaults,
    ) -> None:  # fmt: skip
        self.folder = folder
        self._settle, self._period, self._stray = settle_seconds, scan_seconds, stray_seconds
        self._polling, self._standing, self._defaults = polling, standing, defaults
        self._served_file, self._served = dropboxes, _read_names(dropboxes)
        self._seen: Seen = {}
        self._root: tuple[int, int] | None = None
        self._local = False
        self._apart: float | None = None  # the wall's clock and the steady one, at the first look
        self._folders: tuple[Path, ...] = ()
        self._complaints: set[str] = set()

    def scan(self, now: float, wall: float) -> Scan:
        """Look once. `now`: monotonic seconds; `wall`: seconds since 1970, compared with ctimes only."""
        self._apart = wall - now if self._apart is None else self._apart
        try:
            same_root = self._find_root()
            entries = {entry.name: entry for entry in listing(self.folder)}
        except OSError as error:
            look = Look(self._rules(now, wall), self._seen, now, wall)
            look.cannot_see(f"The inbox {self.folder} cannot be looked into: {error.strerror}.")
        else:
            look = self._judged(entries, same_root, now, wall)
            self._seen = look.seen
        for text in look.complaints - self._complaints:
            log.warning("%s", text)
        self._complaints = look.complaints
        return look.result()

    def _judged(self, entries: Mapping[str, Entry], same_root: bool, now: float, wall: float) -> Look:
        folders = [entry for name, entry in entries.items() if entry.kind == "folder" and not inbox_rules.is_junk(name)]
        self._folders = (self.folder, *(entry.path for entry in folders))
        look = Look(self._rules(now, wall), self._seen, now, wall)
        if same_root:
            self._remember(self._served & {readable(entry.name) for entry in folders}, look)
        look.judge_all(entries)
        self._remember(self._served | look.served, look)
        return look

    def _rules(self, now: float, wall: float) -> Rules:
        was_set = abs(wall - now - (self._apart or 0.0)) > SET  # what was changed just now may look old
        standing = {*map(nfc, self._standing())}
        return Rules(
            self._settle, self._stray, self._local, self._local and not was_set,
            lambda name: name in self._served or name in standing, self._defaults,
        )  # fmt: skip

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

    def _remember(self, served: set[str], look: Look) -> None:
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
        stopping = asyncio.create_task(_pass_on(stop, hint))
        watcher = Watcher(stop, hint, min(STEP_MS, max(20, int(self._settle * 500))))
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
                until = began + min(until_tick(self._period), max(due, REST, 2 * took))
                while not stop.is_set() and not hint.is_set() and (left := until - time.monotonic()) > 0:
                    await _wait(hint, left if watching else min(left, SLICE))
        finally:
            stopping.cancel()
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


async def _pass_on(stop: asyncio.Event, hint: asyncio.Event) -> None:
    """A stop is a hint, too: whoever waits for one sees it at once."""
    await stop.wait()
    hint.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _read_names(file: Path) -> set[str]:
    try:
        names = json.loads(bounded(file, PAPER_BYTES))
    except (OSError, ValueError):
        return set()
    return {str(name) for name in names} if isinstance(names, list) else set()
