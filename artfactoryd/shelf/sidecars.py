"""Where a product's sidecar lies: beside it, or in a folder of the order's that mirrors the paths below that.

Written where the settings say. Read wherever it lies: beside its product, then in both folders at each level up to the
project, so that a setting that was changed, or a folder that was moved whole, loses none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

BESIDE = "beside"
CARD = ".json"  # what a sidecar's name adds to its product's
FOLDERS = {"folder": "sidecars", "hidden": ".sidecars"}  # by the setting; `beside` has none
BIN = "Projects/.bin/"  # in the home: where products lie that were put into the bin of the shelf
NAMES = frozenset(FOLDERS.values())
MOST_LEVELS = 10  # folders above a product in which one is looked for: project, day, order, and those in its name


def written_at(product: Path, order_folder: Path, layout: str) -> Path:
    """Where its sidecar is written. `layout`: the setting."""
    folder = FOLDERS.get(layout)
    below = product.with_name(product.name + CARD)
    return order_folder / folder / below.relative_to(order_folder) if folder else below


def places(product: Path, top: Path | None = None) -> Iterator[Path]:
    """Where its sidecar may lie, the first that is there being it. `top`: the last folder looked into."""
    yield product.with_name(product.name + CARD)
    path = os.fspath(product) + CARD
    above = product.parent
    for _ in range(MOST_LEVELS):
        inside = path[len(str(above).rstrip("/")) + 1 :]
        for name in FOLDERS.values():
            yield above / name / inside
        if above in (top, above.parent):
            return
        above = above.parent


def sidecar_of(product: Path, projects: Path | None = None) -> Path | None:
    """None where none lies there. `projects`: of the home, above whose projects nothing is looked for."""
    path = Path(os.path.abspath(product))
    return next((place for place in places(path, _project(path, projects)) if os.path.lexists(place)), None)


def _project(product: Path, projects: Path | None) -> Path | None:
    if projects is None or not product.is_relative_to(projects):
        return None
    return projects / product.relative_to(projects).parts[0]


def product_of(card: Path) -> Path:
    """Whose sidecar lies there, going by its path alone."""
    product = card.with_name(card.name.removesuffix(CARD))
    folder = mirrored(card.parent)
    return product if folder is None or os.path.lexists(product) else folder / product.name


def mirrored(folder: Path) -> Path | None:
    """The folder whose products' sidecars lie in this one; None of what is in no folder of sidecars."""
    parts = folder.parts
    levels = [number for number, part in enumerate(parts) if part in NAMES]
    return Path(*parts[: levels[-1]], *parts[levels[-1] + 1 :]) if levels else None
