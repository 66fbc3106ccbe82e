"""Products and sidecars read back from the shelf."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.entries import TEMPORARY, bounded

CARD = ".json"  # what a sidecar's name adds to its product's
MOST_BYTES = 16 << 20  # of a sidecar


def owner_of(card: Path) -> object:
    """The product id in a sidecar; None where none lies there; its path, which is nobody's id, if it is no sidecar."""
    try:
        return read_sidecar(card)["id"]
    except FileNotFoundError:
        return None
    except (ValueError, IsADirectoryError):  # no other: after a failing disk every name would look taken
        return card


def card_of(product: Path) -> Path:
    return product.with_name(product.name + CARD)


def read_sidecar(path: Path) -> Json:
    """Raises ValueError for what is no sidecar."""
    data = bounded(path, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path.name} is no sidecar: it is larger than {MOST_BYTES:,} bytes")
    document = strict_json.loads(data)
    if not (isinstance(document, dict) and isinstance(document.get("id"), str) and "file" in document):
        raise ValueError(f"{path.name} is no sidecar: it has no id and file")
    return document


def walk(projects: Path) -> Iterator[tuple[Path, Path]]:
    """Every product with its sidecar, in the order of their paths. Raises OSError for a folder that cannot be read: to
    pass it over would look as if nothing lay there."""
    for folder, names in _folders(projects, _unless_gone):
        for name in sorted(names & {card.removesuffix(CARD) for card in names if card.endswith(CARD)}):
            if not name.startswith("."):  # such as the ._ files of a Mac on a foreign disk
                yield folder / name, folder / (name + CARD)


def orphans(projects: Path) -> Iterator[Path]:
    """What killed deliveries left: temporary files and folders, and sidecars without a product.

    A sidecar among them may belong to a delivery that will go on; the caller knows by its id.
    """
    for folder, names in _folders(projects):
        for name in sorted(names):
            alone = name.endswith(CARD) and name.removesuffix(CARD) not in names
            if TEMPORARY.fullmatch(name) or (alone and isinstance(owner_of(folder / name), str)):
                yield folder / name


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _folders(projects: Path, heed: Callable[[OSError], None] | None = None) -> Iterator[tuple[Path, set[str]]]:
    """Every folder that may hold products with the names in it; an order's inputs are no products."""
    for root, folders, files in os.walk(projects, onerror=heed):
        temporary = {name for name in folders if TEMPORARY.fullmatch(name)}
        skipped = {"inputs"} if "receipt.yaml" in files else set()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in skipped)
        yield Path(root), {*files, *temporary}
