"""The folders of projects and orders under Projects: found, made whole or not at all, and their receipts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from artfactoryd import entries, failpoints
from artfactoryd.core.inbox_rules import OWN_PAPERS, RECEIPT
from artfactoryd.core.names import folded, numbered
from artfactoryd.durable import Content, build_folder, make_folders, move_to_free, replace_file, write_new
from artfactoryd.entries import new_mark, temporary_name
from artfactoryd.medium import flush_folder, writing_to
from artfactoryd.shelf.sidecars import NAMES

HEAD = 4096  # bytes of a receipt in which its order's id stands
_ORDER = re.compile(rb"^order_id: *['\"]?(?P<id>[0-9a-f-]{36})['\"]? *$", re.MULTILINE)


def existing_project(projects: Path, name: str) -> str:
    """`Cars` and `cars`, `é` and `e` with an accent, are one folder on a Mac's disk, so they are one project here."""
    if projects.is_dir():
        for entry in sorted(os.listdir(projects)):
            if folded(entry) == folded(name):
                return entry
    return name


def open_order_folder(
    projects: Path,
    project: str,
    date: str,
    name: str,
    order_id: str,
    files: Mapping[str, Content],
    project_yaml: Callable[[], bytes],
    *,
    is_new: bool = False,
) -> Path:
    """The order's folder, complete with `files` from the moment it is seen: made, or found again.

    Found by its receipt.yaml, whose first 4096 bytes must hold `order_id: ID` on a line of its
    own, unless it `is_new`: a day of thousands of orders has as many receipts. The names in `files` may lie
    one folder down (`inputs/a.png`). A taken name gets -2, -3, ...
    """
    with writing_to(projects):
        day = projects / project / date
        make_folders(day)
        _describe_project(projects / project / "project.yaml", project_yaml)
        folder = None if is_new else _folder_of(day, order_id)
        if folder is None:
            built = day / temporary_name(name, order_id)
            build_folder(built, files)
            failpoints.point("order_folder_built")
            folder = move_to_free(built, (day / chosen for chosen in numbered(name, "")))
        flush_folder(day)
        return folder


def _describe_project(path: Path, project_yaml: Callable[[], bytes]) -> None:
    if not os.path.lexists(path):
        write_new(path, project_yaml())
        flush_folder(path.parent)


def _folder_of(day: Path, order_id: str) -> Path | None:
    """By its receipt, not its name: an earlier `cars` may be gone, and ours still be `cars-2`."""
    ours = re.compile(rb"^order_id: *['\"]?" + re.escape(order_id.encode()) + rb"['\"]? *$", re.MULTILINE)
    for receipt in sorted(day.glob("[!.]*/receipt.yaml")):
        try:
            head = entries.bounded(receipt, HEAD)
        except OSError as error:  # a pipe or a link to nowhere is nobody's receipt
            if error.errno not in entries.NO_FILE:
                raise
            continue
        if ours.search(head):
            return receipt.parent
    return None


def order_in(folder: Path) -> str | None:
    """The id of the order whose receipt lies there."""
    try:
        found = _ORDER.search(entries.bounded(folder / RECEIPT, HEAD))
    except OSError:
        return None
    return found["id"].decode() if found else None


def lying(projects: Path, folder: Path, order_id: str) -> Path:
    """Where an order's folder lies, which a person may have moved or renamed: `folder` where its papers are there, or
    nowhere. Raises OSError where it cannot be looked for."""
    if any((folder / paper).is_file() for paper in OWN_PAPERS):
        return folder
    beside = _folder_of(folder.parent, order_id)
    return beside or next((one for one in _with_receipts(projects) if order_in(one) == order_id), folder)


def _with_receipts(projects: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(projects):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in NAMES)
        if RECEIPT in files:
            yield Path(root)


def write_receipt(folder: Path, data: bytes, elsewhere: Callable[[], Path] | None = None) -> Path:
    """The one file of an order that is brought up to date; readers see the old or the new, whole. Where it lies then.

    `elsewhere`: where the folder is, when it is gone from there just now; made anew only where that tells the same.
    """
    with writing_to(folder):
        try:
            replace_file(folder / RECEIPT, data, new_mark())
        except FileNotFoundError:
            folder = elsewhere() if elsewhere else folder
            make_folders(folder)
            replace_file(folder / RECEIPT, data, new_mark())
        return folder
