"""What a person did to the shelf, taken over by the index. It follows from what lies there, so it has no lines; only
that a product is gone has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from artfactoryd.core.noticing.changes import (
    Back,
    Change,
    Copied,
    Edited,
    File,
    Known,
    Missing,
    Moved,
    Other,
)  # fmt: skip
from artfactoryd.storage.index import Index
from artfactoryd.storage.noticing.known import COPY, EDITED, OTHER

if TYPE_CHECKING:  # whoever only looks does not load the kinds of lines
    from artfactoryd.storage.events import ProductGone

_LIES = (
    "INSERT INTO lying (path, bytes, changed, what) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET "
    "bytes = excluded.bytes, changed = excluded.changed, what = excluded.what"
)
_IS_THERE = (
    "INSERT INTO shelf_state (product, edited) VALUES (?, ?) ON CONFLICT (product) DO UPDATE SET "
    "edited = excluded.edited, missing = NULL"
)
_SETTLED = "DELETE FROM shelf_state WHERE product = ? AND edited = 0 AND missing IS NULL AND gone = 0"


def apply(index: Index, changes: Sequence[Change | Missing], at: str) -> None:
    """`at`: now, ISO 8601."""
    for change in changes:
        if isinstance(change, Missing):
            _miss(index, change.product, at)
            continue
        if isinstance(change, Moved):
            if not _move(index, change):
                continue
            _lies_there(index, change.product.id, edited=change.is_edited)
        elif isinstance(change, Edited | Back):
            _lies_there(index, change.product.id, edited=isinstance(change, Edited))
        index.run(_LIES, change.file.path, change.file.bytes, change.file.changed, _what(change))


def _move(index: Index, change: Moved) -> bool:
    """False where it was taken elsewhere since it was looked at. Its sidecar is to tell its project."""
    known = (change.product.id, change.product.path)
    sql = "UPDATE product SET path = ?, unwritten = 1 WHERE id = ? AND path = ?"
    if not index.run(sql, change.file.path, *known):
        return False
    index.run("DELETE FROM lying WHERE path = ?", change.product.path)
    return True


def _what(change: Change) -> str:
    match change:
        case Copied():
            return f"{COPY}{change.of.id}"
        case Other():
            return OTHER
        case Edited() | Moved(is_edited=True):
            return EDITED
    return ""


def _miss(index: Index, product: Known, at: str) -> None:
    """Unless it was taken elsewhere since it was looked for."""
    sql = (
        "INSERT INTO shelf_state (product, missing) SELECT id, ? FROM product WHERE id = ? AND path = ? "
        "ON CONFLICT (product) DO UPDATE SET missing = excluded.missing"
    )
    index.run(sql, at, product.id, product.path)


def _lies_there(index: Index, product: str, *, edited: bool) -> None:
    index.run(_IS_THERE, product, int(edited))
    index.run(_SETTLED, product)


def look(index: Index, files: Iterable[tuple[File, str]]) -> None:
    """Files as they were looked at, and what they are."""
    rows = [(file.path, file.bytes, file.changed, what) for file, what in files]
    if rows:
        index.add(_LIES, rows)


def touch(index: Index, shown: Iterable[tuple[str, int, int]]) -> None:
    """Files of which only what a desktop shows was written, by us: their ctimes before and after."""
    for path, before, after in shown:
        index.run("UPDATE lying SET changed = ? WHERE path = ? AND changed = ?", after, path, before)


def forget(index: Index, paths: Iterable[str]) -> None:
    """Where nothing lies any more."""
    for path in paths:
        index.run("DELETE FROM lying WHERE path = ?", path)


def gone(index: Index, event: ProductGone) -> None:
    """That it is found again lifts it. Of a product that is not known here nothing is noted."""
    if event.lifted:
        index.run("UPDATE shelf_state SET gone = 0, missing = NULL WHERE product = ?", event.product)
        index.run(_SETTLED, event.product)
    elif index.product(event.product) is not None:
        sql = (
            "INSERT INTO shelf_state (product, missing, gone) VALUES (?, ?, 1) ON CONFLICT (product) DO UPDATE SET "
            "gone = 1, missing = coalesce(shelf_state.missing, excluded.missing)"
        )
        index.run(sql, event.product, event.at)
