"""One folder of the shelf as it lies: its files with their sizes and times, and the folders in it. Nothing is opened.

What is hidden, what editors and copies on their way leave, links, sidecars and an order's inputs are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from artfactoryd.core.inbox_rules import OWN_PAPERS, RECEIPT, is_junk
from artfactoryd.shelf.projects import PAPER
from artfactoryd.shelf.sidecars import CARD, NAMES
from artfactoryd.shelf.xmp import ENDING

OF_ORDER = frozenset({"inputs", "sheets"})  # folders of an order in which no products lie
PAPERS = frozenset({*OWN_PAPERS, PAPER})


class Lies(NamedTuple):
    """`changed`, `modified`: ctime and mtime, in nanoseconds."""

    bytes: int
    changed: int
    modified: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Lies:
        return cls(status.st_size, status.st_ctime_ns, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Folder:
    """`modified`: of the folder itself; `is_order`: an order's papers lie in it. By names."""

    files: Mapping[str, Lies]
    folders: Sequence[str]
    modified: int
    is_order: bool


def survey(folder: Path) -> Folder | None:
    """None where there is no such folder. Raises OSError for one that cannot be read: it is not empty by that."""
    try:
        modified = os.stat(folder).st_mtime_ns
        with os.scandir(folder) as entries:
            there = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return None
    names = {entry.name for entry in there}
    is_order = RECEIPT in names
    passed_over = OF_ORDER if OWN_PAPERS & names else frozenset()
    folders = sorted(
        entry.name for entry in there
        if entry.is_dir(follow_symlinks=False) and _is_looked_into(entry.name) and entry.name not in passed_over
    )  # fmt: skip
    return Folder(dict(_files(there)), folders, modified, is_order)


def _is_looked_into(name: str) -> bool:
    return not name.startswith(".") and name not in NAMES and is_text(name)


def _files(entries: Sequence[os.DirEntry[str]]) -> Iterator[tuple[str, Lies]]:
    for entry in entries:
        if entry.name.startswith(".") or not is_text(entry.name):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry.name, Lies.of(status)


def may_be_picture(name: str) -> bool:
    """Of a file that nobody knows, by its name alone."""
    return not (is_junk(name) or name in PAPERS or name.lower().endswith((CARD, ENDING)))


def lies(file: Path) -> Lies | None:
    """One file; None where none lies. Raises OSError where that cannot be seen just now."""
    try:
        status = os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (
        Lies(status.st_size, status.st_ctime_ns, status.st_mtime_ns, status.st_ino)
        if stat.S_ISREG(status.st_mode)
        else None
    )


def identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one of its name; None where there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
