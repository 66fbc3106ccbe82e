"""One folder of the shelf as it lies: its files with their sizes and times, and the folders in it. Nothing is opened.

What is hidden, what editors and copies on their way leave, links, sidecars and an order's inputs are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Folder:
    """`modified`: of the folder itself; `is_order`: an order's papers lie in it; `nameless`: what has a name that is no
    text, and so can be told to nobody. Folders are by names."""

    files: dict[str, Lies]
    folders: Sequence[str]
    modified: int
    is_order: bool
    nameless: Sequence[str] = ()


def survey(folder: Path) -> Folder | None:
    """None where there is no such folder. Raises OSError for one that cannot be read: it is not empty by that."""
    files, folders, nameless = dict[str, Lies](), list[str](), list[str]()
    try:
        modified = os.stat(folder).st_mtime_ns
        with os.scandir(folder) as entries:
            for entry in entries:  # hundreds of thousands of them: in plain steps
                name = entry.name
                if name[0] == ".":
                    continue
                if not (name.isascii() or is_text(name)):
                    nameless.append(name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                elif (lies := _lying(entry)) is not None:
                    files[name] = lies
    except (FileNotFoundError, NotADirectoryError):
        return None
    passed_over = NAMES | OF_ORDER if OWN_PAPERS & files.keys() else NAMES
    below = sorted(name for name in folders if name not in passed_over)
    return Folder(files, below, modified, RECEIPT in files, nameless)


def _lying(entry: os.DirEntry[str]) -> Lies | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Lies(status.st_size, status.st_ctime_ns, status.st_mtime_ns, status.st_ino)


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
