"""The append-only files of every wish, ticket, result and cost: the truth about money.

One JSON object a line, in `Ledger/YYYY-MM.jsonl`. A line is durable before `append` returns.
Lines that count together or not at all (a step) say so: each but the last has `"more": true`.
A step torn at the end (the power went in the middle) is closed by a line break and ignored. After
a failed flush the ledger refuses to write: on Linux a second fsync may report success for bytes
that are lost. It also refuses when its files are not what it left: a line in a file that
another program has exchanged, or taken away, is a line that the next start does not know."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Document as Line
from artfactoryd.core.json_types import Json
from artfactoryd.errors import StorageFaulty, StorageFull, StorageSick
from artfactoryd.medium import NO_ROOM, flush, flush_folder, storage_errors, title_of
from artfactoryd.storage.months import (
    CHANGED,
    RESTORE,
    check_link,
    check_plain,
    check_whole,
    months,
    reading,
    sizes,
    stamp,
    stamps_of,
    unreadable_line,
)  # fmt: skip

log = logging.getLogger(__name__)

AS_IT_WAS = "put it back as it was and start again, or go by this ledger alone: `artfactoryd reindex`."
TAIL = 4096  # bytes before a position by which it is known again
ASIDE = 4 * 1024 * 1024  # bytes kept from other programs, so that a full disk still takes the tickets on their way


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two steps: file name and byte offset. The empty one is before everything.

    `line`: the byte at which a line that was read begins, for whoever must say which.
    """

    file: str = ""
    offset: int = 0
    line: int = field(default=0, compare=False)

    @classmethod
    def parse(cls, text: str) -> Position:
        file, _, offset = text.partition(":")
        return cls(file, int(offset or 0))

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


class Ledger:
    """One writer; only the holder of the home's lock makes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd, self._name, self._end = -1, "", 0
        self._earlier: dict[str, int] = {}  # the months before the one that is written, with their sizes
        self._stamps: dict[str, list[int]] = {}  # of the same
        self._sick = False
        self._path: Path  # of the file that is written
        self._opened: os.stat_result  # that file as it was opened, and
        self._seen: os.stat_result  # as it was looked at last
        self._aside = folder / ".aside"
        check_whole(folder)
        self._keep_aside()
        for file in months(folder)[-1:]:
            with _opening(file):
                self._open(file.name)

    def append(self, steps: Sequence[bytes], month: str) -> Position:
        """All steps (see `encode`) or none; raises StorageFull (nothing written) or StorageSick (stop the program)."""
        if self._sick:
            raise StorageSick("The ledger could not be flushed; start the program again.")
        self._check()
        if f"{month}.jsonl" > self._name:
            self._begin(f"{month}.jsonl")
        data = b"".join(steps)
        while not self._written(data):
            pass
        self._flush()
        self._end += len(data)
        self._check()  # exchanged while it was written: nothing may be sent that only the lost file knows of
        if not self._has_aside:
            self._keep_aside()
        return Position(self._name, self._end)

    def mark(self) -> str:
        """By what the place that was written last is known again; see `difference`."""
        stamps = {**self._stamps, self._name: stamp(self._seen)} if self._name else {}
        return _mark(os.pread(self._fd, TAIL, max(self._end - TAIL, 0)), self._earlier, stamps) if self._name else ""

    def _check(self) -> None:
        """Is what the names lead to what was left there? Costs a look a month."""
        changed = (self._exchanged() if self._name else "") or _first_changed(self.folder, self._earlier)
        if changed:
            self._sick = True
            raise StorageSick(f"{changed}. Nothing is sent that it does not tell of; {AS_IT_WAS}").titled(CHANGED)

    def _exchanged(self) -> str:
        """What another program did to the file that is open; empty when nothing."""
        try:
            with reading(self._path):
                self._seen = os.stat(self._path)
        except FileNotFoundError as error:
            return f"The ledger {self._path} was taken away while it was in use ({error.strerror})"
        if not os.path.samestat(self._opened, self._seen):
            return f"The ledger {self._path} was exchanged for another file while it was in use"
        return _of_size(self._path, self._seen.st_size, self._end)

    def _begin(self, name: str) -> None:
        """The next month's file, which nobody else may have begun."""
        with _opening(self.folder / name):
            self._open(name)
        if self._end:
            self._sick = True
            words = f"The ledger {self.folder / name} was put there by another program; {AS_IT_WAS}"
            raise StorageSick(words).titled(CHANGED)

    def _written(self, data: bytes) -> bool:
        """False when there was no room, but some is now."""
        try:
            written = 0
            while written < len(data):
                written += os.write(self._fd, data[written:])
            return True
        except OSError as error:
            self._take_back(error)
            return False

    def _take_back(self, error: OSError) -> None:
        """Half a batch must not stay: cut it off, or give up writing altogether."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            self._sick = True
        if error.errno not in NO_ROOM or self._sick:
            self._sick = True
            raise StorageSick(f"The ledger cannot be written ({error.strerror}).").titled(title_of(error)) from error
        if not self.give_room():
            words = "No room left for the ledger. Make room; the work goes on by itself."
            raise StorageFull(words).titled(title_of(error)) from error

    def _flush(self) -> None:
        try:
            flush(self._fd)
        except OSError as error:
            self._sick = True
            raise StorageSick("The ledger could not be flushed to disk. Check the disk, then start again.") from error

    def _open(self, name: str) -> None:
        """Go on in this file, closed if torn; on an error nothing has changed."""
        check_plain(self.folder / name)
        fd = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, _closing(fd))
            flush(fd)
            flush_folder(self.folder)
        except OSError:
            os.close(fd)
            raise
        self.close()
        self._opened = self._seen = os.fstat(fd)
        self._fd, self._name, self._end = fd, name, self._seen.st_size
        self._path = self.folder / name
        self._earlier = sizes(self.folder, name)
        self._stamps = stamps_of(self.folder, self._earlier)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    # --- room kept aside ---

    def give_room(self) -> bool:
        """The disk is full: let go of what was kept aside. False when there is nothing left to let go of."""
        self._has_aside = False
        with contextlib.suppress(OSError):
            self._aside.unlink()
            return True
        return False

    def _keep_aside(self) -> None:
        """As soon as there is plenty again; without it the ledger is only as safe as the disk is empty."""
        with contextlib.suppress(OSError):
            self._has_aside = self._aside.exists()
            if self._has_aside or shutil.disk_usage(self.folder).free < 16 * ASIDE:
                return
            try:
                with self._aside.open("xb") as file:
                    _fill(file.fileno())
                self._has_aside = True
            except OSError:
                self._aside.unlink()


@contextlib.contextmanager
def _opening(file: Path) -> Iterator[None]:
    """Elsewhere a failed flush is made good with a new file; the ledger has only this one."""
    try:
        with storage_errors(file):
            yield
    except StorageFaulty as error:
        raise StorageSick(f"The ledger {file} cannot be relied on. Check the disk, then start again.") from error
    except FileNotFoundError as error:
        words = f"The folder {file.parent} was taken away while it was in use; {AS_IT_WAS}"
        raise StorageSick(words).titled(CHANGED) from error


def _fill(fd: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, ASIDE)
    else:  # macOS
        os.write(fd, bytes(ASIDE))


def encode(lines: Sequence[Line]) -> bytes:
    """One step: lines that count together or not at all."""
    last = len(lines) - 1
    marked = (line if number == last else {**line, "more": True} for number, line in enumerate(lines))
    return b"".join(strict_json.data(line) + b"\n" for line in marked)


def read(folder: Path, after: Position = Position(), *, aloud: bool = False) -> Iterator[tuple[Json, Position]]:
    """Every line of the whole steps after `after`, oldest first, with the place behind its step.

    `aloud`: what never counted is told. Raises StorageSick for a line that counted once and can no longer be read: what
    it told is not known, and to go on without it could buy it again.
    """
    for path in months(folder):
        if path.name >= after.file:
            yield from _read(path, after.offset if path.name == after.file else 0, aloud)


def torn(folder: Path) -> list[str]:
    """Places (file:line) that never counted: where the power went, and where hands wrote."""
    places = []
    for path in months(folder):
        inside = False  # a step
        with reading(path), path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                line = _decode(raw)
                if line is None and (raw.strip() or inside):
                    places.append(f"{path.name}:{number}")
                inside = line is not None and "more" in line
    return places


def _read(path: Path, offset: int, aloud: bool) -> Iterator[tuple[Json, Position]]:
    name, step = path.name, list[tuple[Json, int]]()
    damaged: tuple[int, bytes] | None = None
    with reading(path), path.open("rb") as file:
        file.seek(offset)
        for raw in file:
            begin, offset = offset, offset + len(raw)
            line = _decode(raw)
            if line is None:
                if aloud and (raw.strip() or step):
                    log.warning("%s", _torn_words(path, step[0][1] if step else begin))
                damaged = (damaged or (begin, raw)) if raw.strip() else None  # an empty line closes what was torn
                step = []
                continue
            if damaged:
                raise unreadable_line(path, line_number(path, damaged[0]), damaged[1])
            step.append((line, begin))
            if not line.pop("more", False):
                yield from [(one, Position(name, offset, first)) for one, first in step]
                step = []


def _torn_words(path: Path, begin: int) -> str:
    return (
        f"{path}, line {line_number(path, begin)} is no line of the ledger, and never counted. A power cut leaves such "
        f"a one at the end: nothing needs to be done. If another program damaged it: {RESTORE[0].lower()}{RESTORE[1:]}"
    )


def line_number(path: Path, begin: int) -> int:
    """Of the line that begins at this byte."""
    count = 1
    with path.open("rb") as file:
        while begin > 0 and (chunk := file.read(min(begin, 1 << 20))):
            count, begin = count + chunk.count(b"\n"), begin - len(chunk)
    return count


def behind_torn(folder: Path, position: Position) -> Position:
    """Where reading goes on after `position`, behind which there is no whole step: what was torn is told once."""
    if not position.file:
        return position
    path = folder / position.file
    with reading(path), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_closed = size > position.offset and not _closing(file.fileno())
    return Position(position.file, size) if is_closed else position


# --- whether it is the ledger that was left ---


def difference(folder: Path, position: Position, mark: str) -> str:
    """In words, when this is not the ledger of which `position` and `mark` are remembered; else empty."""
    path = folder / position.file
    if not position.file:
        return ""
    try:
        with reading(path):
            size = path.stat().st_size
        if size < position.offset:
            return f"{path} is shorter than is remembered ({size:,} of {position.offset:,} bytes)"
        seen = mark_at(folder, position)
        if not seen or (mark and json.loads(mark)["tail"] != json.loads(seen)["tail"]):
            more = f", and it is {size - position.offset:,} bytes longer" if size > position.offset else ""
            return f"{path} has other lines before byte {position.offset:,} than are remembered{more}"
    except FileNotFoundError as error:
        check_link(folder)
        return f"{path} is gone ({error.strerror})"
    earlier = json.loads(mark)["earlier"] if mark else {}
    return _first_changed(folder, earlier)


def mark_at(folder: Path, position: Position) -> str:
    """By what this position is known again; empty when it is behind no line."""
    if not position.file:
        return ""
    path = folder / position.file
    with reading(path), path.open("rb") as file:
        tail = os.pread(file.fileno(), min(TAIL, position.offset), max(position.offset - TAIL, 0))
    earlier = sizes(folder, position.file)
    return _mark(tail, earlier, stamps_of(folder, [*earlier, position.file])) if tail[-1:] in (b"\n", b"") else ""


def touched(folder: Path, position: Position, mark: str) -> list[Path]:
    """Files that are as long and end as they were left, and were written or put there by another program since. The
    last does not count where it has grown: then we were killed before its mark was written."""
    stamps: dict[str, list[int]] = json.loads(mark).get("stamps", {}) if mark else {}
    files = [folder / name for name, stamp in stamps.items() if stamps_of(folder, [name]) != {name: stamp}]
    return [path for path in files if path.name != position.file or path.stat().st_size == position.offset]


def _mark(tail: bytes, earlier: dict[str, int], stamps: dict[str, list[int]]) -> str:
    return json.dumps({"tail": hashlib.sha256(tail).hexdigest(), "earlier": earlier, "stamps": stamps})


def _first_changed(folder: Path, left: Mapping[str, int]) -> str:
    return next(filter(None, (_other_size(folder / name, size) for name, size in left.items())), "")


def _other_size(path: Path, left: int) -> str:
    try:
        with reading(path):
            size = path.stat().st_size
    except FileNotFoundError as error:
        return f"The ledger {path} was taken away ({error.strerror})"
    return _of_size(path, size, left)


def _of_size(path: Path, size: int, left: int) -> str:
    if size == left:
        return ""
    how = "longer" if size > left else "shorter"
    return f"The ledger {path} is {abs(size - left):,} bytes {how} than it was left: another program changed it"


def _closing(fd: int) -> bytes:
    """What closes a file that ends inside a line or a step; an empty line ends the step before it."""
    size, look = os.fstat(fd).st_size, 1 << 16
    tail = os.pread(fd, look, max(size - look, 0))
    while tail.count(b"\n") < 2 and look < size:
        look *= 4
        tail = os.pread(fd, look, max(size - look, 0))
    if tail and not tail.endswith(b"\n"):
        return b"\n\n"
    line = _decode(tail[:-1].rpartition(b"\n")[2] + b"\n")
    return b"\n" if line is not None and "more" in line else b""


def _decode(raw: bytes) -> Json | None:
    if raw.endswith(b"\n"):
        with contextlib.suppress(ValueError):
            line = strict_json.loads(raw)
            return line if isinstance(line, dict) else None
    return None
