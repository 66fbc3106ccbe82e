"""Which product a file is, wherever it lies and whatever it is called. Only reads.

Believed in this order: the id that goes along with the file, its path with its sidecar, the one product missing from
the shelf that had these bytes, and those that have them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from artfactoryd import entries
from artfactoryd.home import Home
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.reading import read_sidecar
from artfactoryd.shelf.sidecars import CARD, sidecar_of
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ProductRow


def products_of(home: Home, index: Index, file: Path) -> list[ProductRow]:
    """All that it may be, newest first; one: it is that. None where it is no product of this home, or no plain file."""
    if not _is_file(file):
        return []
    for product in (product_in(file), _told(home, file)):
        if product is not None and (row := index.product(product)) is not None:
            return [row]
    return [] if file.name.endswith(CARD) else by_bytes(home, index, file)


def _is_file(path: Path) -> bool:
    """False also for what can be the name of no file."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def by_bytes(home: Home, index: Index, file: Path) -> list[ProductRow]:
    """Those that had them when they were made: the missing one alone, where only one is missing."""
    with suppress(OSError):
        rows = naming.products_of_bytes(index, entries.sha256(file.resolve()))
        missing = [row for row in rows if not os.path.lexists(home.root / row.path)]
        return missing if len(missing) == 1 else rows
    return []


def _told(home: Home, file: Path) -> str | None:
    """The id in its sidecar, or in the sidecar that it is."""
    card = file if file.name.endswith(CARD) else sidecar_of(file, home.projects)
    try:
        return str(read_sidecar(card)["id"]) if card else None
    except (OSError, ValueError):
        return None
