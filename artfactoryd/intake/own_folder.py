"""An order's folder that came back into the inbox: known by its own papers, put back where its place is empty.

Where its original lies, or where the order is not known here, it is an order for the same again, and waits for a
person's word: nobody buys by moving a folder.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from artfactoryd import entries
from artfactoryd.core.inbox_rules import OWN_PAPERS, RECEIPT, RESOLVED
from artfactoryd.durable import make_folders, move_new, write_file
from artfactoryd.entries import TEMPORARY, same_bytes
from artfactoryd.failpoints import point
from artfactoryd.home import Home
from artfactoryd.intake.claim import Claim
from artfactoryd.medium import flush_folder, storage_errors
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow

log = logging.getLogger(__name__)

GOES_BACK = "goes-back"  # in a claim's folder: the id of the order whose folder this is, on its way to its place
_ID = re.compile(r"^(?:order_id: *|# Order )['\"]?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", re.MULTILINE)
HEAD = 4096  # bytes of a paper in which its order's id stands


def put_back(home: Home, index: Index, claim: Claim) -> Path | None:
    """Where it lies again; None when it is no order's folder, or its place is not empty. Killed, it is called again."""
    mark = claim.folder / GOES_BACK
    if not mark.exists() and not claim.is_order_folder:
        return None
    row = index.order(_head(mark) or order_id(claim))
    if row is None or row.folder is None:
        return None
    target = home.root / row.folder
    if not mark.exists():
        if _is_there(claim.entry, target):
            return None
        write_file(mark, row.id.encode())
    with storage_errors(target.parent):
        _move_to(target, claim.entry)
    log.info("%s was taken from the shelf, and is put back; nothing is made", claim.name)
    return target


def _move_to(target: Path, folder: Path) -> None:
    """In one step, or file by file where a receipt or a product has come meanwhile; never onto something."""
    make_folders(target.parent)
    for name in os.listdir(folder):
        if TEMPORARY.fullmatch(name):  # a receipt that was just being written when it was dragged away
            entries.remove(folder / name)
    if not os.path.lexists(target):
        move_new(folder, target)
        flush_folder(target.parent)
        point("folder_put_back")
        return
    for name in sorted(os.listdir(folder)):
        if not os.path.lexists(target / name):
            move_new(folder / name, target / name)
            point("file_put_back")
    flush_folder(target)


def _is_there(folder: Path, target: Path) -> bool:
    """Something of it beside the receipt, which is written whenever there is news of the order."""
    return any(os.path.lexists(target / name) for name in os.listdir(folder) if name != RECEIPT)


def order_id(claim: Claim) -> str:
    """By its papers; empty where they do not tell."""
    heads = (_head(claim.entry / name) for name in (RECEIPT, RESOLVED))
    return next((match[1] for head in heads if (match := _ID.search(head))), "")


def _head(path: Path) -> str:
    try:
        with path.open(errors="replace") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        return ""


def original(index: Index, claim: Claim) -> str | None:
    """Of what it is a duplicate, in words; None when it is no order's folder."""
    if not claim.is_order_folder:
        return None
    row = index.order(order_id(claim))
    if row is None:
        return f"{claim.name}: this is the folder of an order that is not known here"
    return f"{row.name} ({row.short}, {row.folder or 'Held'})"


def beyond_shelf(home: Home, index: Index, claim: Claim, left: Iterable[Path]) -> list[Path]:
    """Of `left` in an order's folder, what would be lost with it: neither a paper of ours nor on the shelf as well."""
    row: OrderRow | None = index.order(order_id(claim))
    place = home.root / row.folder if row and row.folder else None
    return [path for path in left if not _is_paper(path, claim) and not _on_shelf(path, claim, place)]


def _is_paper(path: Path, claim: Claim) -> bool:
    return path.parent == claim.entry and path.name in OWN_PAPERS


def _on_shelf(path: Path, claim: Claim, place: Path | None) -> bool:
    return place is not None and same_bytes(path, place / path.relative_to(claim.entry))


def names_in(folder: Path) -> Collection[str]:
    """Empty where it cannot be looked into."""
    try:
        return os.listdir(folder)
    except OSError:
        return ()
