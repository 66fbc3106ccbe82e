"""The bin of the shelf: products moved with their sidecars to Projects/.bin/DATE/, below it as they lay, and back.

The sidecar goes first, nothing is overwritten, and doing it again ends well, killed at any line.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from artfactoryd import failpoints
from artfactoryd.core.names import LONGEST, numbered, size
from artfactoryd.durable import make_folders, move_new
from artfactoryd.entries import same, sha256
from artfactoryd.medium import flush_folder, writing_to
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.moving import take_along
from artfactoryd.shelf.reading import owner_of
from artfactoryd.shelf.sidecars import BIN, CARD, NAMES, sidecar_of

PROJECTS = "Projects/"  # paths here are in the home
FOLDER = BIN


def path_for(path: str, day: str) -> str:
    """Where a product at that path lies when it was put into the bin on that day."""
    return f"{FOLDER}{day}/{path.removeprefix(PROJECTS)}"


def day_in(path: str) -> str:
    """Of a path in the bin."""
    return path.removeprefix(FOLDER).partition("/")[0]


def was_at(path: str) -> str:
    """Where what lies at that path in the bin lay before."""
    return PROJECTS + path.removeprefix(FOLDER).partition("/")[2]


def move(root: Path, source: str, target: str, product: str, digest: str) -> str:
    """The product with its sidecar to its new place; where it lies then: with -2, -3, ... where something else is in
    the way, or still at `source` where that is another file. `digest`: SHA-256 of the product, where nobody changed it.

    Raises StorageFull.
    """
    old, projects = root / source, root / PROJECTS
    with writing_to(projects):
        if not _is_it(old, product, digest, projects):
            return target
        names = numbered(*os.path.splitext(Path(target).name), LONGEST - size(CARD))
        for name in names:
            new = (root / target).with_name(name)
            if _is_moved(old, new, product, projects):
                _remove_empty(old.parent, projects)
                return new.relative_to(root).as_posix()
        raise AssertionError("there is always one more name")


def _is_it(path: Path, product: str, digest: str, projects: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    if (known := product_in(path)) is not None:
        return known == product
    card = sidecar_of(path, projects)
    return (card is not None and owner_of(card) == product) or sha256(path) == digest


def _is_moved(old: Path, new: Path, product: str, projects: Path) -> bool:
    """False where something else has the name."""
    if os.path.lexists(new) and not same(old, new):
        return False
    card = sidecar_of(old, projects)
    if card is not None and owner_of(card) == product and not take_along(card, new, projects):
        return False
    failpoints.point("binned_card")
    make_folders(new.parent)
    if os.path.lexists(new):  # killed between its two names
        old.unlink()
    else:
        move_new(old, new)
    flush_folder(new.parent)
    flush_folder(old.parent)
    return True


def take_away(root: Path, path: str, product: str, digest: str) -> bool:
    """For good, with its sidecar. False where it is another file, or was edited since: then it stays. Gone is well."""
    file, projects = root / path, root / PROJECTS
    with writing_to(projects):
        card = sidecar_of(file, projects)
        if os.path.lexists(file):
            if not is_as_made(root, path, product, digest):
                return False
            file.unlink()
            failpoints.point("bin_emptied")
        if card is not None and owner_of(card) == product:
            card.unlink()
            _remove_empty(card.parent, projects)
        _remove_empty(file.parent, projects)
        return True


def is_as_made(root: Path, path: str, product: str, digest: str) -> bool:
    """Whether this product lies there, its bytes as they were shelved."""
    file, card = root / path, sidecar_of(root / path, root / PROJECTS)
    try:
        is_ours = card is not None and owner_of(card) == product
        return is_ours and file.is_file() and not file.is_symlink() and sha256(file) == digest
    except OSError:
        return False


def _remove_empty(folder: Path, top: Path) -> None:
    """It and those above it, below `top`, that have nothing in them. Of the shelf only folders of sidecars."""
    while folder != top and folder.is_relative_to(top) and {*NAMES, ".bin"}.intersection(folder.parts):
        with contextlib.suppress(OSError):
            folder.rmdir()
        folder = folder.parent
