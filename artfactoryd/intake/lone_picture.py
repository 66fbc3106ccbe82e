"""A picture that lies in the inbox without an order: it orders nothing, and may be a product that a drag took along."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from artfactoryd import entries
from artfactoryd.durable import make_folders, write_file
from artfactoryd.failpoints import point
from artfactoryd.home import Home
from artfactoryd.intake.claim import Claim
from artfactoryd.intake.put_back import lay
from artfactoryd.medium import flush_folder, storage_errors
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.recognition import products_of
from artfactoryd.storage.rows import ProductRow

log = logging.getLogger(__name__)

MARK = "product"  # in a claim's folder: the id of the product that is put back
MOST = 5  # products named in a word


def put_back(home: Home, index: Index, claim: Claim) -> Path | None:
    """To its place on the shelf, where that is empty and these are its bytes. None: it stays a stray."""
    mark = claim.folder / MARK
    row = index.product(entries.words_in(mark)) if mark.exists() else _missing(home, index, claim)
    if row is None:
        return None
    product = home.root / row.path
    write_file(mark, row.id.encode())  # after a kill, it must not be taken for one that stayed there
    with storage_errors(product.parent):
        make_folders(product.parent)
        lay(claim.entry, product)
        flush_folder(product.parent)
    point("picture_put_back")
    log.info("%s was taken from the shelf, and is put back; nothing is made", claim.name)
    return product


def _missing(home: Home, index: Index, claim: Claim) -> ProductRow | None:
    rows = products_of(home, index, claim.entry)
    if len(rows) != 1 or os.path.lexists(home.root / rows[0].path):
        return None
    return rows[0] if entries.sha256(claim.entry) == rows[0].sha256 else None


def words(home: Home, index: Index, claim: Claim) -> str:
    """Which product it is, and what would work; empty where it is none of this home's."""
    rows = products_of(home, index, claim.entry)
    if not rows:
        return ""
    if len(rows) > 1:
        listed = "\n".join(f"  {row.id}  {row.path}" for row in rows[:MOST])
        head = f"{claim.name} is not an order: it is a picture whose bytes several products have.\n\n{listed}"
        return f"{head}\n\nA picture alone orders nothing. To have one again: `artfactoryd remake ID`.\n"
    row = rows[0]
    changed = "" if entries.sha256(claim.entry) == row.sha256 else ", changed since"
    head = f"{claim.name} is not an order: it is the product {row.id} ({row.path}){changed}."
    advice = "A picture alone orders nothing. To have it again, drop a copy of its sidecar, or"
    return f"{head}\n\n{advice} `artfactoryd remake {row.id}`.\n"
