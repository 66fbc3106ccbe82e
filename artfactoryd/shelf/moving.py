"""Every sidecar of the shelf taken to where the settings have them now, one after the other, overwriting nothing.

Killed at any line, each lies in its old place, in its new one, or (the same file) in both; doing it again ends well.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from artfactoryd.core.inbox_rules import OWN_PAPERS
from artfactoryd.durable import make_folders, move_new
from artfactoryd.entries import same_bytes
from artfactoryd.medium import flush_folder, writing_to
from artfactoryd.shelf.reading import walk
from artfactoryd.shelf.sidecars import BESIDE, FOLDERS, NAMES, written_at


def move_sidecars(projects: Path, layout: str) -> Iterator[Path]:
    """Those that were moved, where they lie now. Raises StorageFull, and OSError for a folder that cannot be read."""
    touched: set[Path] = set()
    for product, card in [*walk(projects)]:
        target = written_at(product, order_folder_of(product, projects), layout)
        if target == card:
            continue
        with writing_to(target.parent):
            if _move(card, target):
                touched.add(card.parent)
                yield target
    for folder in sorted(touched, reverse=True):
        _remove_empty(folder)


def take_along(card: Path, product: Path, projects: Path) -> bool:
    """The sidecar of a product that was moved without it, to where one of its kind lies there. False where something
    else does. Raises StorageFull, and OSError."""
    parts = card.relative_to(projects).parts
    target = lies_at(product, projects, next((layout for layout, name in FOLDERS.items() if name in parts), BESIDE))
    with writing_to(target.parent):
        is_moved = _move(card, target)
    _remove_empty(card.parent)
    return is_moved


def lies_at(product: Path, projects: Path, layout: str) -> Path:
    """Where its sidecar is written, wherever it lies in the home."""
    if product.parent == projects:  # no folder of sidecars is read there
        layout = BESIDE
    return written_at(product, order_folder_of(product, projects), layout)


def order_folder_of(product: Path, projects: Path) -> Path:
    """The folder above it that has an order's papers; its own, where none has."""
    above = (folder for folder in product.parents if folder != projects and folder.is_relative_to(projects))
    return next((folder for folder in above if any((folder / name).is_file() for name in OWN_PAPERS)), product.parent)


def _move(card: Path, target: Path) -> bool:
    """False where something else has its new place."""
    make_folders(target.parent)
    if os.path.lexists(target):
        if not same_bytes(card, target):
            return False
        card.unlink()
    else:
        move_new(card, target)
    flush_folder(target.parent)
    flush_folder(card.parent)
    return True


def _remove_empty(folder: Path) -> None:
    """A folder of sidecars that has none any more, with what it mirrored."""
    while NAMES.intersection(folder.parts):
        with contextlib.suppress(OSError):
            folder.rmdir()
        folder = folder.parent
