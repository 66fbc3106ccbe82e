"""What was dragged from the shelf into the Inbox goes back to its place."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from artfactoryd import entries
from artfactoryd.durable import copy, make_folders, move_new, write_file
from artfactoryd.failpoints import point
from artfactoryd.home import Home
from artfactoryd.intake.claim import Claim, source_of
from artfactoryd.medium import flush_folder, storage_errors
from artfactoryd.planning.remake import MOST_BYTES, SUFFIX, read_card
from artfactoryd.shelf.sidecars import sidecar_of, written_at
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ProductRow

log = logging.getLogger(__name__)

DRAGGED = "dragged"  # in a claim's folder: this is to be put back


def put_back(home: Home, index: Index, claim: Claim, layout: str) -> Path | None:
    """Of a sidecar that was dragged from the shelf, where it lies again: nothing is to be made. None: it was not.

    The picture goes back with it where it lies beside it in the inbox; one that only repeats what is on the
    shelf goes from the inbox.
    """
    row, card = _known(index, claim)
    if row is None or card is None:
        return None
    product, mark = home.root / row.path, claim.folder / DRAGGED
    lies = sidecar_of(product, home.projects)
    sidecar = lies or written_at(product, _order_folder(home, index, row), layout)
    picture = _picture_beside(claim, card)
    if lies is None and not mark.exists():
        write_file(mark, b"")  # after a kill, the sidecar in its place must not be taken for one that stayed there
    if mark.exists():
        with storage_errors(product.parent):
            make_folders(product.parent)
            make_folders(sidecar.parent)
            if picture is not None:
                lay(picture, product)
                flush_folder(product.parent)
            point("picture_put_back")
            lay(claim.entry, sidecar)
            flush_folder(sidecar.parent)
        point("sidecar_put_back")
        log.info("%s was taken from the shelf, and is put back; nothing is made", claim.name)
    if picture is not None and _sha256(product) == card["file"]["sha256"]:
        picture.unlink(missing_ok=True)
    return sidecar if mark.exists() else None


def awaits_picture(home: Home, index: Index, claim: Claim) -> bool:
    """Sidecar and picture are both gone from the shelf, and the picture has not come yet."""
    row, card = _known(index, claim)
    if row is None or card is None or os.path.lexists(home.root / row.path):
        return False
    gone = sidecar_of(home.root / row.path, home.projects) is None
    return gone and _picture_beside(claim, card) is None


def _order_folder(home: Home, index: Index, row: ProductRow) -> Path:
    """In which its sidecar has a place; its own folder, where it lies in no order's."""
    order, product = index.order(row.order_id), home.root / row.path
    folder = home.root / order.folder if order and order.folder else product.parent
    return folder if product.is_relative_to(folder) else product.parent


def _known(index: Index, claim: Claim) -> tuple[ProductRow | None, dict[str, Any] | None]:
    """The product of a loose sidecar, and what that says; None for what is none, or of a product not known here."""
    if claim.kind != "file" or not claim.name.lower().endswith(SUFFIX):
        return None, None
    try:
        card = read_card(entries.bounded(claim.entry, MOST_BYTES))
    except OSError:
        return None, None
    return (index.product(str(card["id"])), card) if card and isinstance(card["file"], dict) else (None, None)


def _picture_beside(claim: Claim, card: Mapping[str, Any]) -> Path | None:
    """The product that was dropped with its sidecar, if it is whole."""
    source = source_of(claim)
    picture = source.with_name(source.name[: -len(SUFFIX)]) if source else None
    return picture if picture and _sha256(picture) == card["file"].get("sha256") else None


def _sha256(path: Path) -> str:
    with suppress(OSError):
        return entries.sha256(path)
    return ""


def lay(source: Path, target: Path) -> None:
    """A whole copy under a name of its own first, then one step; never onto something."""
    arriving = target.with_name(f".{target.name}.part")
    copy(source, arriving)
    try:
        move_new(arriving, target)
    except FileExistsError:
        arriving.unlink()
