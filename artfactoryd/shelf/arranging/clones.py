"""Clones of products in a collection's folder: a view, of which no file is a product. Nothing is ever overwritten.

Killed at any line, doing the same again ends with the same files; a file that was changed since is left as it is.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artfactoryd import failpoints
from artfactoryd.core.names import numbered
from artfactoryd.durable import duplicate, make_folders, move_new
from artfactoryd.entries import same_bytes, sha256, temporary_name
from artfactoryd.medium import writing_to
from artfactoryd.shelf import desktop

FOLDER = "Collections"  # in the home
LIKED = "Liked"  # the collection that shows what is liked, where it has a folder


@dataclass(frozen=True, slots=True)
class Lying:
    """A plain file as it lies there. `changed`: its bytes, in nanoseconds of the epoch."""

    bytes: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Lying | None:
        """None where no plain file lies."""
        with suppress(FileNotFoundError, NotADirectoryError):
            status = path.lstat()
            return cls(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
        return None


def put(source: Path, folder: Path, product: str) -> Path:
    """The clone of a product in that folder, under its own name or with -2, -3, ...; where it lies.

    Raises StorageFull, and FileNotFoundError where the product is gone.
    """
    os.stat(source)
    with writing_to(folder):
        make_folders(folder)
        for candidate in numbered(*os.path.splitext(source.name)):
            if _is_put(source, folder / candidate, product):
                return folder / candidate
        raise AssertionError("there is always one more name")


def _is_put(source: Path, target: Path, product: str) -> bool:
    """False where something else has the name."""
    if os.path.lexists(target):
        return desktop.product_in(target) in (product, None) and same_bytes(source, target)
    arriving = target.with_name(temporary_name(target.name))
    with source.open("rb") as content:
        duplicate(content, arriving)
        status = os.fstat(content.fileno())
    os.utime(arriving, ns=(status.st_atime_ns, status.st_mtime_ns))
    desktop.name_product(arriving, product)
    failpoints.point("clone_made")
    try:
        move_new(arriving, target)
    except FileExistsError:
        return False
    finally:
        arriving.unlink(missing_ok=True)
    return True


def take_away(path: Path, digest: str, *, stays: bool = False) -> bool:
    """What was put there with these bytes (SHA-256); gone already is well. False where other bytes lie there now.
    `stays`: its folder, though it has nothing in it then."""
    with writing_to(path.parent):
        if (lying := Lying.of(path)) is None:
            return not os.path.lexists(path)
        if sha256(path) != digest or Lying.of(path) != lying:
            return False
        path.unlink()
        with suppress(OSError):
            if not stays:
                path.parent.rmdir()
        return True


def takes_room(source: Path, folder: Path) -> bool:
    """Whether a clone there does not share the blocks of its product. Raises OSError, StorageFull."""
    there = next(above for above in (folder, *folder.parents) if above.is_dir())
    trial = there / temporary_name("trial")
    with writing_to(there), source.open("rb") as content:
        try:
            return not duplicate(content, trial)
        finally:
            trial.unlink(missing_ok=True)
