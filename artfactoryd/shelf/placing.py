"""The shelf: products and their sidecars in dated order folders, durable before anyone relies on them.

What is promised, killed at any line: nothing that exists is overwritten, a name is never seen
with half a file behind it, and doing the same again ends with the same names and bytes. A
product has its sidecar before it; a sidecar without product is a delivery not finished.
Nothing here decides: names, ids and documents come from the caller. One process writes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from artfactoryd import failpoints
from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Document
from artfactoryd.core.names import LONGEST, numbered, size
from artfactoryd.core.sidecar import carried_over
from artfactoryd.durable import make_folders, replace_file, share_new, write_new
from artfactoryd.entries import TEMPORARY, bounded, new_mark, same, same_bytes, sha256
from artfactoryd.medium import flush_folder, writing_to
from artfactoryd.shelf import desktop
from artfactoryd.shelf.reading import owner_of, read_sidecar, sidecar_for
from artfactoryd.shelf.received import Fetched
from artfactoryd.shelf.sidecars import BESIDE, CARD, places, written_at

Sidecar = Callable[[str], Document]
Name = str | Callable[[int], str]  # called with 1, 2, ...: versions, of which the first free one is taken


# -- products ----------------------------------------------------------------------------------


def place(source: Path, folder: Path, name: Name, sidecar: Sidecar, layout: str = BESIDE) -> str:
    """Put a complete, flushed file on the shelf; returns the name it got (`name`, or with -2, -3, ...).

    A name may lie in folders below `folder`. `sidecar(chosen)` is the sidecar document for that name;
    its `id` is the product's, and says on a second call what of the first is already there. `layout`: where in
    `folder` it lies (settings), unless one of this product lies somewhere else already. The source
    stays. It may become a hard link to the product, so it is never written to again, only replaced or
    discarded. Raises StorageFull, and FileNotFoundError when the source is gone.
    """
    os.stat(source)
    with writing_to(folder):
        for candidate in _candidates(name):
            product = folder / candidate
            if card := _place(source, product, folder, sidecar, layout):
                if card.parent != product.parent:
                    flush_folder(card.parent)
                flush_folder(product.parent)
                failpoints.point("folder_synced")
                return candidate
        raise AssertionError("there is always one more name")


def _place(source: Path, product: Path, folder: Path, sidecar: Sidecar, layout: str) -> Path | None:
    """Where the sidecar lies then; None when the name belongs to something else."""
    make_folders(product.parent)
    lying = next((path for path in places(product, folder) if os.path.lexists(path)), None)
    card = lying or written_at(product, folder, layout)
    if lying is None:
        make_folders(card.parent)
    return card if _settle(source, product, card, sidecar(product.name)) else None


def _candidates(name: Name) -> Iterator[str]:
    if callable(name) and name(1) != name(2):
        yield from map(name, itertools.count(1))
    folders, _, last = (name(1) if callable(name) else name).rpartition("/")
    above = f"{folders}/" if folders else ""
    yield from (f"{above}{candidate}" for candidate in numbered(*os.path.splitext(last), LONGEST - size(CARD)))


def _settle(source: Path, product: Path, card: Path, document: Document) -> bool:
    """Both files under this name, or False when the name belongs to something else."""
    data = strict_json.document(document)
    if os.path.lexists(product):
        owner = owner_of(card)
        if owner == document["id"]:
            return same_bytes(source, product) or _is_same_picture(product, card, document)
        return owner is None and same_bytes(source, product) and write_new(card, data)
    if not (write_new(card, data) or _is_ours(card, document)):
        return False
    failpoints.point("sidecar_placed")
    if not share_new(source, product):  # two products must never share one file, so no third name
        card.unlink()
        return False
    if desktop.product_in(product) != document["id"]:  # it was copied: to another volume, or without links
        desktop.name_product(product, document["id"])
    failpoints.point("product_linked")
    return True


def lying(source: Fetched, product: Path, projects: Path) -> Fetched:
    """What lies on the shelf after `source` was placed: itself, or what an earlier delivery of the same left there. A
    person may have taken it elsewhere by now, with its sidecar or without."""
    if not same(source.path, product):
        with contextlib.suppress(FileNotFoundError):
            file = sidecar_for(product, projects)["file"]
            return replace(source, path=product, sha256=file["sha256"], bytes=file["bytes"])
    return replace(source, path=product)


def _is_same_picture(product: Path, card: Path, document: Document) -> bool:
    """Whether it lies there as an earlier delivery of the same bytes left it: the release, or the settings, may have
    put other words inside."""
    written = read_sidecar(card)["file"]
    original = document["file"].get("original_sha256")
    return original is not None and original == written.get("original_sha256") and sha256(product) == written["sha256"]


def _is_ours(card: Path, document: Document) -> bool:
    """Whether the sidecar that lies there was left by a killed delivery of this product; it is up to date then, and
    what a person has said of the product stays."""
    try:
        lying = read_sidecar(card)
    except (ValueError, FileNotFoundError, IsADirectoryError):  # no other: after a failing disk every name looks taken
        return False
    if lying["id"] != document["id"]:
        return False
    data = strict_json.document(carried_over(document, lying))
    if bounded(card, len(data)) != data:
        replace_file(card, data, new_mark())
    return True


def discard(path: Path) -> None:
    """Remove a file that is needed no more, or what `orphans` named; gone already is well."""
    with writing_to(path.parent):
        if TEMPORARY.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
