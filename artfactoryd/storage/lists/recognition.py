"""Which product a file is, wherever it lies and whatever it is called. Only reads.

Believed in this order: the id that goes along with the file, its path with its sidecar, its place in a collection, the
one product missing from the shelf that had these bytes, the id inside it, and whose bytes they are, or were when they
came.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from artfactoryd import entries
from artfactoryd.core.inside.undo import told
from artfactoryd.home import Home
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.reading import read_sidecar
from artfactoryd.shelf.sidecars import CARD, sidecar_of
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks.collected import clone_at
from artfactoryd.storage.rows import ProductRow

MOST_BYTES = 64 << 20  # of a file in which an id is looked for


def products_of(home: Home, index: Index, file: Path) -> list[ProductRow]:
    """All that it may be, newest first; one: it is that. None where it is no product of this home, or no plain file."""
    if not _is_file(file):
        return []
    for product in (product_in(file), _told(home, file), _cloned(home, index, file)):
        if product is not None and (row := index.product(product)) is not None:
            return [row]
    return [] if file.name.endswith(CARD) else by_bytes(home, index, file)


def _cloned(home: Home, index: Index, file: Path) -> str | None:
    """The product that lies there as a clone, in the folder of a collection."""
    path = Path(os.path.abspath(file))
    clone = clone_at(index, str(path.relative_to(home.root))) if path.is_relative_to(home.root) else None
    return clone.product if clone else None


def _is_file(path: Path) -> bool:
    """False also for what can be the name of no file."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def by_bytes(home: Home, index: Index, file: Path) -> list[ProductRow]:
    """Those that had them when they were made: the missing one alone, where only one is missing."""
    with suppress(OSError):
        sha256 = entries.sha256(file.resolve())
        rows = naming.products_of_bytes(index, sha256)
        missing = [row for row in rows if not os.path.lexists(home.root / row.path)]
        if rows:  # of several, the id inside tells none apart: a copy made in place of buying has that of its source
            return missing if len(missing) == 1 else rows
        inside = told(entries.bounded(file.resolve(), MOST_BYTES))
        if inside and (row := index.product(inside.product)) is not None:
            return [row]
        return _by_original(index, sha256) or _by_original(index, inside.original_sha256 if inside else "")
    return []


def _by_original(index: Index, sha256: str) -> list[ProductRow]:
    """Those that came as these bytes, as a provider's page still has them."""
    return naming.products_of_original(index, sha256) if sha256 else []


def _told(home: Home, file: Path) -> str | None:
    """The id in its sidecar, or in the sidecar that it is."""
    card = file if file.name.endswith(CARD) else sidecar_of(file, home.projects)
    try:
        return str(read_sidecar(card)["id"]) if card else None
    except (OSError, ValueError):
        return None
