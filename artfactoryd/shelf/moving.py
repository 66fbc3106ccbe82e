"""Every sidecar of the shelf taken to where the settings have them now, one after the other, overwriting nothing.

Killed at any line, each lies in its old place, in its new one, or (the same file) in both; doing it again ends well.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from artfactoryd.core.inbox_rules import OWN_PAPERS
from artfactoryd.durable import make_folders, move_new
from artfactoryd.entries import same_bytes
from artfactoryd.errors import StorageFull
from artfactoryd.failpoints import point
from artfactoryd.medium import flush_folder, writing_to
from artfactoryd.shelf.reading import owner_of, walk
from artfactoryd.shelf.sidecars import BESIDE, CARD, FOLDERS, NAMES, sidecar_of, written_at

ID = re.compile(r"[\w-]{1,100}", re.ASCII)


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
    """The sidecar of a product that was moved without it, to where one of its kind lies there, and another product's
    sidecar there set aside. False where something else lies there. Raises StorageFull, and OSError."""
    parts = card.relative_to(projects).parts
    target = lies_at(product, projects, next((layout for layout, name in FOLDERS.items() if name in parts), BESIDE))
    make_room(product, projects, owner_of(card))
    with writing_to(target.parent):
        is_moved = _move(card, target)
    _remove_empty(card.parent)
    return is_moved


def all_along(pairs: Sequence[tuple[Path, Path]], projects: Path) -> Iterator[Path]:
    """Products whose sidecars stay where they are, though they were moved without them: all others were taken along."""
    owners = {card: owner_of(card) for _, card in pairs}
    for product, card in pairs:
        owner = owners[card]
        try:
            left = left_of([card], owner) if isinstance(owner, str) else None
            is_along = left is not None and (
                left == sidecar_of(product, projects) or take_along(left, product, projects)
            )
        except (OSError, StorageFull):
            is_along = False
        if not is_along:
            yield product


def make_room(product: Path, projects: Path, id: object) -> None:
    """Sidecars of others than this product, beside it, are set aside: theirs was moved too, or is gone. They lie under
    their ids then, where `left_of` finds them, and `reindex`. Raises as `take_along` does."""
    while (card := sidecar_of(product, projects)) is not None:
        owner = owner_of(card)
        if not isinstance(owner, str) or owner == id or not ID.fullmatch(owner):
            return
        with writing_to(card.parent):
            if not _move(card, _aside(card, owner)):
                return
        point("sidecar_aside")


def left_of(cards: Iterable[Path], id: str) -> Path | None:
    """The sidecar of this product: the first of these places that has it, or beside which it was set aside."""
    cards = [*cards]
    asides = (_aside(card, id) for card in cards)
    return next((card for card in (*cards, *asides) if owner_of(card) == id), None)


def _aside(card: Path, id: str) -> Path:
    return card.with_name(f"{id}{CARD}")


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
