"""Products and sidecars read back from the shelf."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.entries import TEMPORARY, bounded
from artfactoryd.shelf.sidecars import CARD, NAMES, mirrored, product_of, sidecar_of

MOST_BYTES = 16 << 20  # of a sidecar


def owner_of(card: Path) -> object:
    """The product id in a sidecar; None where none lies there; its path, which is nobody's id, if it is no sidecar."""
    try:
        return read_sidecar(card)["id"]
    except FileNotFoundError:
        return None
    except (ValueError, IsADirectoryError):  # no other: after a failing disk every name would look taken
        return card


def sidecar_for(product: Path, projects: Path) -> Json:
    """Of a product in the home. Raises OSError where none is there, and ValueError."""
    card = sidecar_of(product, projects)
    if card is None:
        raise FileNotFoundError(f"{product.name} has no sidecar")
    return read_sidecar(card)


def read_sidecar(path: Path | str) -> Json:
    """Raises ValueError for what is no sidecar."""
    data = bounded(path, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{os.path.basename(path)} is no sidecar: it is larger than {MOST_BYTES:,} bytes")
    document = strict_json.loads(data)
    if not (isinstance(document, dict) and isinstance(document.get("id"), str) and "file" in document):
        raise ValueError(f"{os.path.basename(path)} is no sidecar: it has no id and file")
    return document


def walk(projects: Path) -> Iterator[tuple[Path, Path]]:
    """Every product with its sidecar, in the order of their paths. Raises OSError for a folder that cannot be read: to
    pass it over would look as if nothing lay there."""
    yield from ((Path(product), Path(card)) for product, card in walk_names(projects))


def walk_names(projects: Path) -> Iterator[tuple[str, str]]:
    """As `walk`, of as many as there may be."""
    mirrors: list[_Mirror] = []  # of the folders on the way down
    for folder, names, inside in _folders(projects, _unless_gone):
        mirrors = [mirror for mirror in mirrors if folder.is_relative_to(mirror.base)]
        mirrors += [_Mirror.of(folder, name) for name in inside if folder != projects]
        below = [(mirror, mirror.beginning(folder)) for mirror in reversed(mirrors)]
        before = os.path.join(folder, "")
        for name in sorted(names):
            if name.startswith("."):  # such as the ._ files of a Mac on a foreign disk
                continue
            card = name + CARD
            if card in names:
                yield before + name, before + card
            elif place := next((mirror.path(at + card) for mirror, at in below if at + card in mirror.cards), None):
                yield before + name, place


@dataclass(frozen=True, slots=True)
class _Mirror:
    """A folder of sidecars. `base`: the folder whose paths it mirrors; `cards`: paths in it."""

    base: Path
    at: Path
    cards: frozenset[str]

    @classmethod
    def of(cls, base: Path, name: str) -> _Mirror:
        at = base / name
        start = len(str(at)) + 1
        cards = (f"{folder}/{file}"[start:] for folder, _, files in os.walk(at, onerror=_unless_gone) for file in files)
        return cls(base, at, frozenset(card for card in cards if card.endswith(CARD)))

    def path(self, card: str) -> str:
        """In the file system, of one that is named as in `cards`."""
        return os.path.join(self.at, card)

    def beginning(self, folder: Path) -> str:
        """Of the paths in it that mirror what lies in `folder`."""
        return "" if folder == self.base else f"{folder.relative_to(self.base)}/"


def files(projects: Path) -> Iterator[Path]:
    """All that may be products by their names, with a sidecar or without, in the order of their paths."""
    for folder, names, _ in _folders(projects, _unless_gone):
        yield from (folder / name for name in sorted(names) if not name.startswith(".") and not name.endswith(CARD))


def orphans(projects: Path) -> Iterator[Path]:
    """What killed deliveries left: temporary files and folders, and sidecars without a product.

    A sidecar among them may belong to a delivery that will go on, or to a product that a person moved; the caller knows
    by its id.
    """
    for folder, names, inside in _folders(projects):
        yield from _orphans_in(folder, names)
        for hidden in (name for name in inside if name.startswith(".")):
            for below, files, _ in _folders(folder / hidden):
                yield from _orphans_in(below, files)


def _orphans_in(folder: Path, names: set[str]) -> Iterator[Path]:
    lying = names | _lying_in(mirrored(folder))
    for name in sorted(names):
        alone = name.endswith(CARD) and name.removesuffix(CARD) not in lying
        if TEMPORARY.fullmatch(name) or (alone and _is_alone(folder / name)):
            yield folder / name


def _lying_in(folder: Path | None) -> set[str]:
    """Of a folder that is not there, nothing: what is alone is looked at once more by its own path."""
    with suppress(OSError):
        return set(os.listdir(folder)) if folder else set()
    return set()


def _is_alone(card: Path) -> bool:
    return not os.path.lexists(product_of(card)) and isinstance(owner_of(card), str)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _folders(
    projects: Path, heed: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, set[str], list[str]]]:
    """Every folder that may hold products, with the names in it, and those of its folders of sidecars.

    An order's inputs are no products.
    """
    for root, folders, files in os.walk(projects, onerror=heed):
        temporary = {name for name in folders if TEMPORARY.fullmatch(name)}
        skipped = {"inputs"} if "receipt.yaml" in files else set()
        inside = sorted(NAMES.intersection(folders))
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in skipped)
        yield Path(root), {*files, *temporary}, inside
