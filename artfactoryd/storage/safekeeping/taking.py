"""A backup is made while the home is worked in: nothing is locked, and the ledger in it is of the moment it began.

Every file is copied, read again and compared: a product with what its sidecar tells, everything else with what was
read. Killed anywhere, the next backup goes on with what came whole; until it has ended none is there but the earlier
ones, and those are taken away only after it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from artfactoryd import __version__, durable, entries
from artfactoryd.clock import iso, shown
from artfactoryd.core.names import counted
from artfactoryd.core.strict_json import document
from artfactoryd.errors import StorageFull, StorageSick
from artfactoryd.failpoints import point
from artfactoryd.home import Home
from artfactoryd.medium import flush_folder, in_words, storage_errors
from artfactoryd.shelf import reading
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage.safekeeping import destination
from artfactoryd.storage.safekeeping.reports import Taken, in_units
from artfactoryd.storage.safekeeping.snapshots import (
    CHANGED,
    FILES,
    GONE,
    LEDGER,
    OWNER,
    PART,
    PROJECTS,
    SUMMARY,
    Filed,
    Snapshot,
    name_of,
    place_of,
    snapshots,
    walk,
)  # fmt: skip

MARGIN = 64 << 20  # bytes that a backup leaves free
TRIES = 3  # of a file that changes while it is read
TELL_EVERY = 200  # files
CHUNK = 1 << 20
LEFT_OUT = "Nothing was written; the earlier backups stand as they did. If that is as it should be: `backup --new`."
Tell = Callable[[str, int, int], None]


def back_up(
    home: Home, place: Path, *, keep: int, clock: Callable[[], datetime], check: bool = False, anew: bool = False,
    stopped: Callable[[], bool] = lambda: False, tell: Tell = lambda what, done, of: None,
) -> Taken:  # fmt: skip
    """`check`: what did not change is read again, too. `anew`: whatever is missing here is meant to be.

    Raises StorageFull, StorageSick or WrongUse with the earlier backups as they were.
    """
    destination.open_place(home, place, anew=anew)
    with destination.alone_at(place), storage_errors(place):
        _clear(place)
        earlier = next(reversed(snapshots(place)), None)
        if not anew:
            _check_there(home, earlier)
        moment = clock()
        taking = _Taking(home, place, earlier, check=check, stopped=stopped, tell=tell)
        taking.take(moment)
        taken = taking.taken
        taken.stays = _why_to_stay(taken, earlier)
        if not taken.stays:
            taken.removed, taken.pinned = _rotate(place, keep)
    destination.Memory.of(home).write(taken_at=iso(moment), trouble="")
    return taken


def _clear(place: Path) -> None:
    """Backups whose taking away was killed."""
    for name in os.listdir(place):
        if name.startswith(GONE):
            entries.remove(place / name)


def _check_there(home: Home, earlier: Snapshot | None) -> None:
    """A home whose disks are away must not be taken for one that is empty."""
    for folder in (home.projects, home.ledger):
        if not folder.is_dir():
            raise StorageSick(f"{folder} is not there. {LEFT_OUT}").titled("Nothing to back up")
    if earlier is None:
        return
    had_lines = any(file.size for file in earlier.files() if file.path.startswith(f"{LEDGER}/"))
    if had_lines and not any(path.suffix == ".jsonl" and path.stat().st_size for path in home.ledger.iterdir()):
        words = f"The ledger {home.ledger} is empty, and the backup of {shown(earlier.taken_at)} has lines."
        raise StorageSick(f"{words} {LEFT_OUT}").titled("Nothing to back up")
    if earlier.products and next(reading.walk(home.projects), None) is None:
        words = f"{home.projects} has no products, and the backup of {shown(earlier.taken_at)} has {earlier.products}."
        raise StorageSick(f"{words} Is its disk connected? {LEFT_OUT}").titled("Nothing to back up")


def _why_to_stay(taken: Taken, earlier: Snapshot | None) -> str:
    """Good backups are not taken away for one that has much less in it."""
    if taken.unread:
        return "not everything could be read."
    if earlier and taken.products * 2 < earlier.products:
        return f"this one has {counted(taken.products, 'product')}, and the one before {earlier.products}."
    return ""


def _rotate(place: Path, keep: int) -> tuple[list[str], list[str]]:
    """Only the newest `keep` stay, and of each project that is in none of those any more the last that has it: it may
    lie on a disk that is away. The names of those that go and of those that stay for that.

    First out of sight, so that no half of one is ever taken for a backup."""
    known = snapshots(place)
    safe = {project for snapshot in known[-keep:] for project in snapshot.projects}
    names, pinned = list[str](), list[str]()
    for snapshot in reversed(known[:-keep]):
        (names if safe.issuperset(snapshot.projects) else pinned).append(snapshot.folder.name)
        safe.update(snapshot.projects)
    for name in names:
        durable.move(place / name, place / f"{GONE}{name}")
        point("backup_rotated")
        entries.remove(place / f"{GONE}{name}")
    return names[::-1], pinned[::-1]


class _Earlier:
    """The files of the backup before, looked up in the order in which they were written."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self.folder = snapshot.folder if snapshot else None
        self._files: Iterator[Filed] = snapshot.files() if snapshot else iter(())
        self._next = next(self._files, None)

    def find(self, path: str) -> Filed | None:
        wanted = place_of(path)
        while self._next and self._next.key < wanted:
            self._next = next(self._files, None)
        return self._next if self._next and self._next.path == path else None


class _Taking:
    def __init__(
        self, home: Home, place: Path, earlier: Snapshot | None, *, check: bool, stopped: Callable[[], bool], tell: Tell
    ) -> None:
        self._home, self._place, self._stopped, self._tell, self._check = home, place, stopped, tell, check
        self._snapshot, self._part = earlier, place / PART
        self._goes_on = self._part.exists()
        self._folder = self._part  # the one that is written into
        self.taken = Taken(self._part)

    def take(self, moment: datetime) -> None:
        self._earlier = _Earlier(self._snapshot)
        needed, total = self._needed()
        free = shutil.disk_usage(self._place).free
        if needed + MARGIN > free:
            words = f"The backup needs {in_units(needed)}, and {self._place} has {in_units(free)} free."
            raise StorageFull(f"{words} Make room there, or lower `backup.keep`. Nothing was written.")
        durable.make_folders(self._part)
        self._earlier = _Earlier(self._snapshot)
        listed = durable.Arrival(self._part / FILES)
        try:
            for number, (path, source, status) in enumerate(walk(self._home)):
                self._heed_stop()
                for filed in self._file(path, source, status):
                    listed.write(filed.line())
                if number % TELL_EVERY == 0:
                    self._tell("backup", number, total)
            listed.finish()
        finally:
            listed.close()
            self._tell("", 0, 0)
        flush_folder(self._folder)
        if self._goes_on:
            self._take_out_strays()
        self._end(moment)

    def _heed_stop(self) -> None:
        if self._stopped():
            raise StorageFull("The program ends; the next backup goes on where this one was.")

    def _needed(self) -> tuple[int, int]:
        """Bytes that are to be copied, and how many files there are in all."""
        links = self._knows_links()
        needed = total = 0
        for path, _, status in walk(self._home):
            total += 1
            known = self._earlier.find(path)
            if not (links and known and _is_unchanged(known, status)) and not (self._part / path).exists():
                needed += status.st_size
        return needed, total

    def _knows_links(self) -> bool:
        probe = self._place / ".link"
        probe.unlink(missing_ok=True)
        self.taken.links = durable.link(self._place / OWNER, probe)
        probe.unlink(missing_ok=True)
        return self.taken.links

    # --- one file ---

    def _file(self, path: str, source: Path, status: os.stat_result) -> Iterator[Filed]:
        known = self._earlier.find(path)
        try:
            if stat.S_ISLNK(status.st_mode):
                yield self._link(path, source, status)
            elif known and self._is_same(known, status) and self._share(known):
                self.taken.unchanged += 1
                self._count(path, self._is_product(path, source))
                yield known
            else:
                yield from self._copied(path, source, known)
        except FileNotFoundError:
            return  # it went meanwhile
        except OSError as error:
            self.taken.unread.append(f"{path} ({in_words(error)})")
            durable.try_writing(self._place)  # is it the backup's own disk?
            if known and self._share(known):
                yield known

    def _is_same(self, known: Filed, status: os.stat_result) -> bool:
        """As the backup before has it; with `check` also that one is still good."""
        if not _is_unchanged(known, status):
            return False
        assert self._earlier.folder is not None
        return not self._check or entries.sha256(self._earlier.folder / known.path) == known.sha256

    def _share(self, known: Filed, path: str = "") -> bool:
        """The same file as in the backup before; False where the disk knows no second names."""
        assert self._earlier.folder is not None
        before, target = self._earlier.folder / known.path, self._at(path or known.path)
        if entries.same(before, target):
            return True
        with suppress(FileNotFoundError):
            target.unlink(missing_ok=True)
            return durable.link(before, target)
        return False

    def _link(self, path: str, source: Path, status: os.stat_result) -> Filed:
        target = self._at(path)
        target.unlink(missing_ok=True)
        durable.copy_link(source, target)
        return Filed(path, 0, status.st_mtime_ns, "")

    def _copied(self, path: str, source: Path, known: Filed | None) -> Iterator[Filed]:
        filed = self._copy(path, source)
        wanted = self._wanted(path, source)
        self._count(path, bool(wanted))
        if wanted and filed.sha256 != wanted:
            self.taken.differing.append(path)
            if known and known.sha256 == wanted:
                aside = self._at(f"{CHANGED}/{path}")
                durable.rename(self._part / path, aside)
                if self._share(known) or self._copy_of(known):
                    yield known
                    return
                durable.rename(aside, self._part / path)
        yield filed

    def _copy_of(self, known: Filed) -> bool:
        assert self._earlier.folder is not None
        durable.copy(self._earlier.folder / known.path, self._at(known.path))
        return True

    def _copy(self, path: str, source: Path) -> Filed:
        """Whole, and read again. Raises OSError for what cannot be read, or changes all the time."""
        target = self._at(path)
        for _ in range(TRIES):
            status = source.lstat()
            if self._goes_on and (filed := self._came_before(path, source, target, status)):
                return filed
            arriving = target.with_name(entries.temporary_name(target.name))
            arriving.unlink(missing_ok=True)
            durable.copy(source, arriving)
            got = arriving.stat().st_size
            sha256 = entries.sha256(arriving)
            if _beginning(source, got) == sha256:
                durable.rename(arriving, target)
                point("backup_copied")
                self.taken.copied += 1
                self.taken.bytes += got
                return Filed(path, got, status.st_mtime_ns if got == status.st_size else 0, sha256)
            arriving.unlink(missing_ok=True)
        raise OSError(f"{source} changes all the time, or its disk reads it differently each time.")

    def _came_before(self, path: str, source: Path, target: Path, status: os.stat_result) -> Filed | None:
        """A file that the backup which was killed had copied already."""
        with suppress(FileNotFoundError):
            if target.stat().st_size == status.st_size and target.stat().st_nlink == 1:
                sha256 = entries.sha256(target)
                if sha256 == _beginning(source, status.st_size):
                    self.taken.copied += 1
                    return Filed(path, status.st_size, status.st_mtime_ns, sha256)
        return None

    def _at(self, path: str) -> Path:
        """Where it goes in this backup; its folder is there. Of the folder before, all names are durable."""
        target = self._part / path
        if target.parent != self._folder:
            if self._folder.exists():
                flush_folder(self._folder)
            durable.make_folders(target.parent)
            self._folder = target.parent
        return target

    def _wanted(self, path: str, source: Path) -> str:
        """The SHA-256 that its sidecar tells of a product; empty of everything else."""
        if not self._is_product(path, source):
            return ""
        try:
            return str(reading.sidecar_for(source, self._home.projects)["file"]["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _is_product(self, path: str, source: Path) -> bool:
        return path.startswith(f"{PROJECTS}/") and sidecar_of(source, self._home.projects) is not None

    def _count(self, path: str, is_product: bool) -> None:
        if is_product:
            self.taken.products += 1
            self.taken.projects.add(path.split("/")[1])

    # --- the end ---

    def _take_out_strays(self) -> None:
        """What the killed one copied, and the home has no more."""
        listed = {file.path for file in Snapshot(self._part, {}).files()} | {FILES}
        for folder, _, files in os.walk(self._part):
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), self._part)
                if path not in listed and not path.startswith(f"{CHANGED}/"):
                    os.unlink(os.path.join(folder, name))

    def _end(self, moment: datetime) -> None:
        """From the rename on it is a backup."""
        total = self.taken.copied + self.taken.unchanged
        summary = {
            "format": 1, "artfactoryd": __version__, "home": str(self._home.root), "taken_at": iso(moment),
            "files": total, "products": self.taken.products, "projects": sorted(self.taken.projects),
            "unread": len(self.taken.unread),
            "differing": len(self.taken.differing),
        }  # fmt: skip
        durable.write_file(self._part / SUMMARY, document(summary))
        names = name_of(moment)
        self.taken.folder = durable.move_to_free(self._part, (self._place / name for name in names))
        flush_folder(self._place)
        point("backup_named")


def _is_unchanged(known: Filed, status: os.stat_result) -> bool:
    return known.sha256 != "" and (known.size, known.changed) == (status.st_size, status.st_mtime_ns)


def _beginning(path: Path, size: int) -> str:
    """SHA-256 of its first bytes: a file that only grows is well up to where it was copied."""
    whole = hashlib.sha256()
    with open(path, "rb", opener=lambda name, _: os.open(name, entries.READ_ONLY)) as file:
        while size > 0 and (piece := file.read(min(size, CHUNK))):
            whole.update(piece)
            size -= len(piece)
    return whole.hexdigest()
