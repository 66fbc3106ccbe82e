"""The folders of collections as a person changes them: what is dropped there joins, what is taken away leaves.

Noticed at a start, by the times of folders, as the system tells of a change and in between, and now and then by a look
at every file. Each change is a command like
those of a terminal, so it is in the ledger, and `undo` takes it back; killed at any line, the next look finds the rest.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from artfactoryd.clock import until_tick
from artfactoryd.core.inbox_rules import is_junk
from artfactoryd.core.names import folded, nfc
from artfactoryd.daemon import importing, mailbox
from artfactoryd.daemon.arranging.dropped import Arrival, Dropped
from artfactoryd.daemon.control import Control
from artfactoryd.errors import StorageFull
from artfactoryd.execution.assembly import Execution
from artfactoryd.home import Home
from artfactoryd.intake.watching.inotify import Hints
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import in_words
from artfactoryd.mounts import is_on_network
from artfactoryd.shelf import desktop
from artfactoryd.shelf.arranging import clones
from artfactoryd.shelf.arranging.changes import Came, Edited, Left, Put, Renamed, Seen, changes
from artfactoryd.shelf.arranging.clones import LIKED
from artfactoryd.storage.marks import collected
from artfactoryd.storage.marks.collected import CloneRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between looks at the times of the folders
TOLD_EVERY = 30.0  # the same where the system tells of their changes
REST = 0.5  # seconds in which such changes are gathered
WHOLE_EVERY = 3600.0  # seconds between looks at every file
QUIET = 1.0  # seconds for which a file has to lie there unchanged
TOGETHER = 50  # files that came, taken in before the next
TELL_EVERY = 5.0  # seconds between words about how far that is
OTHERS = (".json", ".xmp", ".txt", ".part", ".crdownload", ".download", ".tmp")  # what is no picture, or not yet


class CollectionFolders:
    def __init__(
        self, home: Home, books: Books, settings: LiveSettings, execution: Execution, control: Control
    ) -> None:
        self._home, self._books, self._execution, self._control = home, books, execution, control
        self._root = home.root / clones.FOLDER
        self._dropped = Dropped(home, books.index, settings, execution.scanner)
        self._times: dict[str, int] = {}  # of each folder, as it was looked at; of all of them, by an empty name
        self._strange: dict[str, Seen] = {}  # what is no picture, by its path
        self._whole_at, self._is_told = 0.0, False  # that: whether the system tells of all changes there
        self._told_at, self._is_many = -TELL_EVERY, False
        self.at_rest = False  # all that was changed before this start is followed

    async def run(self) -> None:
        """For as long as the program is at work."""
        hints = Hints(REST)
        try:
            while True:
                self._is_told = False
                try:
                    waits = await self._look(hints)
                except (OSError, StorageFull) as error:
                    log.warning("the collections cannot be looked at just now: %s", in_words(error))
                    waits = self._is_told = False
                self.at_rest = self.at_rest or not waits
                if waits:
                    await asyncio.sleep(QUIET)
                else:
                    await hints.wait(until_tick(TOLD_EVERY if self._is_told else EVERY))
        finally:
            hints.close()

    async def _look(self, hints: Hints) -> bool:
        """Whether something there is still being written."""
        if not self._root.is_dir():  # or on a disk that is not there: nothing is concluded
            return False
        is_whole = time.monotonic() >= self._whole_at
        names = await asyncio.to_thread(self._changed, is_whole, hints)
        waits = False
        for name in names:
            waits |= await self._follow(name)
        if is_whole:
            self._whole_at = time.monotonic() + WHOLE_EVERY
        return waits

    def _changed(self, is_whole: bool, hints: Hints) -> list[str]:
        """Folders in which something may have been done, those that are gone too. They are watched from before that."""
        told, at = [hints.watch(self._root)], self._root.stat().st_mtime_ns
        folders = [entry for entry in os.scandir(self._root) if _is_folder(entry)]
        told += [hints.watch(Path(folder.path)) for folder in folders]
        self._is_told = all(told) and not is_on_network(self._root)
        there = {folder.name: os.stat(folder.path).st_mtime_ns for folder in folders}
        if not there and (self._root.is_symlink() or self._root.is_mount()):
            return []  # that disk is not there
        names = {name for name, moment in there.items() if is_whole or self._times.get(name) != moment}
        if is_whole or self._times.get("") != at:
            names |= collected.folders(self._books.index) - there.keys()
            self._times[""] = at
        return sorted(names)

    async def _follow(self, name: str) -> bool:
        async with self._execution.clones.standing_still():
            at, lying, young = await asyncio.to_thread(self._lying, self._root / name)
            folder = f"{clones.FOLDER}/{name}/"
            there = await asyncio.to_thread(collected.clones_in, self._books.index, folder)
            rows = {row.path: row for row in there}
        put = [Put(row.path, row.product, row.bytes, row.changed) for row in rows.values()]
        lying += [Seen(one.path, one.bytes, one.changed, one.product) for one in put if one.path in young]  # for now
        found = [change for change in changes(put, lying) if not self._is_strange(change)]
        is_done = await self._carry_out(name, found, rows) if found else True
        if at is not None and not young and is_done:
            self._times[name] = at
        self._is_told = self._is_told and is_done  # what could not be done is tried again, and of that nothing tells
        return bool(young)

    def _is_strange(self, change: object) -> bool:
        return isinstance(change, Came) and self._strange.get(change.file.path) == change.file

    def _lying(self, folder: Path) -> tuple[int | None, list[Seen], set[str]]:
        """When the folder was changed, the files in it, and the paths of those that may be written just now."""
        try:
            at, entries = folder.stat().st_mtime_ns, sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return None, [], set()
        lying, young, now = list[Seen](), set[str](), time.time()
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower().endswith(OTHERS) or is_junk(entry.name):
                continue
            with suppress(FileNotFoundError):
                status, path = entry.stat(follow_symlinks=False), f"{clones.FOLDER}/{folder.name}/{entry.name}"
                if not entry.is_file(follow_symlinks=False) or not status.st_size:
                    continue
                if now - QUIET < max(status.st_ctime, status.st_mtime) <= now:
                    young.add(path)
                    continue
                product = desktop.product_in(Path(entry.path))
                lying.append(Seen(path, status.st_size, status.st_mtime_ns, product))
        return at, lying, young

    async def _carry_out(self, name: str, found: Sequence[object], rows: Mapping[str, CloneRow]) -> bool:
        """False where some of it is to be looked at again. What came is taken in by and by, so that the first of
        thousands are there soon."""
        collection = collected.spelled(self._books.index, nfc(name))
        renamed = [_row(change.file, rows[change.put.path]) for change in found if isinstance(change, Renamed)]
        forgotten = [change.put.path for change in found if isinstance(change, Renamed | Left)]
        leave = [change.put.product for change in found if isinstance(change, Left) and change.wholly]
        if leave:
            await self._tell(collection, leave, off=True)
        await self._books.note(partial(collected.remember, put=renamed, taken=forgotten))
        coming = [change for change in found if isinstance(change, Came | Edited)]
        is_done, self._is_many = True, len(coming) > TOGETHER
        for at in range(0, len(coming), TOGETHER):
            is_done &= await self._take_in(collection, coming[at : at + TOGETHER], rows)
            await self._tell_progress(name, min(at + TOGETHER, len(coming)), len(coming))
        return is_done

    async def _tell_progress(self, name: str, done: int, count: int) -> None:
        """Of many, in the log now and then, and where `status` and the page find it."""
        if not self._is_many:
            return
        moment, is_over = time.monotonic(), done == count
        if moment - self._told_at >= TELL_EVERY or is_over:
            self._told_at = moment
            words = f"{done:,} of {count:,} files that came into {clones.FOLDER}/{name} are looked at"
            log.info("%s", words)
            await asyncio.to_thread(self._home.tell, {"collecting": None if is_over else f"{words}."})

    async def _take_in(self, collection: str, coming: Sequence[Came | Edited], rows: Mapping[str, CloneRow]) -> bool:
        arrivals, replaced = await asyncio.to_thread(self._arrivals, collection, coming, rows)
        if cards := [arrival.card for arrival in arrivals if arrival.card]:
            await importing.take_in(self._books, self._home, self._execution.later, {"cards": cards})
        if replaced:
            await self._tell(collection, [rows[path].product for path in replaced], off=True)
        known = [arrival.row for arrival in arrivals if arrival.row and self._is_member(arrival.row)]
        await self._books.note(partial(collected.remember, put=known, taken=[]))
        new = [arrival for arrival in arrivals if not (arrival.row and self._is_member(arrival.row))]
        if binned := [arrival.product for arrival in new if arrival.is_binned]:
            await self._control.carry_out(mailbox.command("bin", products=binned, restore=True))
        if new:
            lying = [arrival.row for arrival in new if arrival.row]
            await self._tell(collection, [arrival.product for arrival in new], lying=lying)
        if strayed := [arrival for arrival in arrivals if arrival.strayed]:
            await asyncio.to_thread(self._put_back, strayed)
            await self._execution.clones.follow_first()
        return len(arrivals) == sum(1 for change in coming if self._is_taken(change))

    def _is_taken(self, change: object) -> bool:
        """Or was to be: it came, and is a picture."""
        return isinstance(change, Came | Edited) and self._strange.get(change.file.path) != change.file

    async def _tell(
        self, collection: str, products: Sequence[str], *, off: bool = False, lying: Sequence[CloneRow] = ()
    ) -> None:
        fields: dict[str, Any] = {"products": list(products), "off": off, "lying": list(lying)}
        is_liked = folded(collection) == folded(LIKED)
        command = (
            mailbox.command("like", **fields)
            if is_liked
            else mailbox.command("collect", collection=collection, **fields)
        )
        answer, _ = await self._control.carry_out(command)
        level = logging.DEBUG if self._is_many else logging.INFO  # of many it is told how far they are
        log.log(level, "in the folder of %s: %s", collection, answer["text"])

    def _is_member(self, row: CloneRow) -> bool:
        return collected.is_member(self._books.index, row.product, row.collection)

    def _arrivals(
        self, collection: str, found: Sequence[object], rows: Mapping[str, CloneRow]
    ) -> tuple[list[Arrival], list[str]]:
        """What came, and the paths of clones in whose place something else lies now."""
        arrivals, replaced = list[Arrival](), list[str]()
        for change in found:
            if not isinstance(change, Came | Edited):
                continue
            row = rows[change.put.path] if isinstance(change, Edited) else None
            try:
                arrival = self._dropped.arrival(change.file, collection, row)
            except (OSError, StorageFull) as error:
                log.warning("%s is not taken yet: %s", change.file.path, in_words(error))
                continue
            if arrival is None:
                self._strange[change.file.path] = change.file
                continue
            arrivals.append(arrival)
            if row is not None and arrival.product != row.product:
                replaced.append(row.path)
        return arrivals, replaced

    def _put_back(self, strayed: Sequence[Arrival]) -> None:
        for arrival in strayed:
            try:
                self._dropped.put_back(arrival)
            except (OSError, StorageFull) as error:
                log.warning("%s does not go back to its order yet: %s", arrival.strayed, in_words(error))


def _row(file: Seen, row: CloneRow) -> CloneRow:
    return CloneRow(file.path, row.product, row.collection, row.sha256, file.bytes, file.changed)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
