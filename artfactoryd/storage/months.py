"""The ledger's files, one a month: which there are, and that each can be read.

Only what is not there counts as not there. A ledger that cannot be read is neither an empty nor a changed one: to go
on without it would forget what was spent, and buy it again.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from artfactoryd.errors import StorageSick
from artfactoryd.medium import in_words
from artfactoryd.printable import one_line, redact

SHOWN = 60  # bytes of a damaged line, for whoever looks for what it was
CHANGED = "The ledger is not as it was left"
UNREADABLE = "The ledger cannot be read"
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}\.jsonl")  # nothing else in the folder is ours, a sync tool's copy least of all
REAL = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\.jsonl")
RESTORING = ".restoring"  # in the ledger's folder: until a restore has ended, nothing works by it
RESTORE = "Put that file back from a backup and start again."
WITHOUT_BACKUP = (
    "Without a backup: copy the file to another folder, take that one line out of it and run `artfactoryd reindex`. "
    "What the line tells is lost with it: money it counted no longer counts against the caps, and what it says was "
    "sent may be bought again; pictures on the shelf stay as they are. Lines that build on it may then not fit either."
)
NOT_OURS = "If artfactoryd did not write this file, move it away and start again."
IS_NO_MONTH = "No month is called so: if artfactoryd did not write this file, move it away and start again."


def months(folder: Path) -> list[Path]:
    """Oldest first; none where no folder is. Raises StorageSick for one that cannot be looked into, and where one of
    them is no file: to open it could wait for ever."""
    with reading(folder):
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            check_link(folder)
            return []
    paths = sorted(folder / name for name in names if MONTH.fullmatch(name))
    for path in paths:
        check_plain(path)
    return paths


def check_whole(folder: Path) -> None:
    """Raise StorageSick while a restore that was begun here has not ended."""
    if (folder / RESTORING).exists():
        words = f"Lines are being put back into {folder} from a backup, and not all of them are there yet."
        raise StorageSick(f"{words} Repeat what was begun: `artfactoryd restore`.").titled("A restore has not ended")


def check_plain(path: Path) -> None:
    with reading(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:  # to open it will tell, or make it
            check_link(path)
            return
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no plain file"
        words = f"The ledger {path} is {what}. Move it away and put the file there that was there; then start again."
        raise StorageSick(words).titled(CHANGED)


def check_link(path: Path) -> None:
    """Raise StorageSick for a link to what is not there just now, such as a disk that is not connected."""
    if path.is_symlink():
        raise _unreadable(path, f"it is a link to {os.readlink(path)}, which is not there")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the system refuses is said as it is. Raises StorageSick; FileNotFoundError for what is not there."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(Path(error.filename or path), error.strerror or in_words(error)) from error


def stamps_of(folder: Path, names: Iterable[str]) -> dict[str, list[int]]:
    """Which file each is, and when it was written and changed last."""
    return {name: stamp((folder / name).stat()) for name in names}


def stamp(of: os.stat_result) -> list[int]:
    return [of.st_ino, of.st_mtime_ns, of.st_ctime_ns]


def sizes(folder: Path, before: str = "~") -> dict[str, int]:
    """Of each month's file, up to that name."""
    return {path.name: path.stat().st_size for path in months(folder) if path.name < before}


def _unreadable(path: Path, why: str) -> StorageSick:
    words = f"{path} cannot be read ({why}). Nothing is taken, sent or made again without it, and nothing in it is lost"
    return StorageSick(f"{words}: make it readable, then start again.").titled(UNREADABLE)


def unreadable_line(path: Path, number: int, raw: bytes) -> StorageSick:
    """Of a line that no power cut leaves: lines of ours follow it, and it was never closed."""
    begins = one_line(redact(raw[:SHOWN].decode("utf-8", "backslashreplace").strip()))
    return StorageSick(
        f"{path}, line {number}, cannot be read any more: the disk or another program damaged it. It begins: {begins} "
        "What it told is not known, and all lines before and after it are; nothing is made again from them without it, "
        f"so that nothing is bought twice. {RESTORE} {WITHOUT_BACKUP}"
    ).titled(CHANGED)


def way_out(path: Path, is_first_line: bool) -> str:
    """For a file with a line that does not fit, when the index was made of the ledger alone."""
    if not REAL.fullmatch(path.name):
        return IS_NO_MONTH
    return f"{NOT_OURS if is_first_line else ''} {RESTORE} {WITHOUT_BACKUP}".strip()
