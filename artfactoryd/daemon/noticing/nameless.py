"""What lies on the shelf under a name that is no text (not UTF-8): neither ledger nor index can hold it, so it is not
followed; it is said, and a product that lies there is not gone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from artfactoryd.core.names import counted
from artfactoryd.shelf.desktop import product_in
from artfactoryd.shelf.survey import may_be_picture

MOST = 10_000  # files that are looked into below a folder of such a name


class Nameless:
    """By the folder in which they lie, as each was looked into last."""

    def __init__(self) -> None:
        self._there: dict[str, dict[str, frozenset[str]]] = {}  # by folder and name: ids of products there

    def note(self, root: Path, folder: str, names: Sequence[str]) -> None:
        """What there is in that folder now. Called in worker threads."""
        if there := [name for name in names if may_be_picture(name)]:
            self._there[folder] = {name: frozenset(_products(root / folder / name)) for name in there}
        else:
            self._there.pop(folder, None)

    @property
    def products(self) -> frozenset[str]:
        """Ids of those that are known to lie there."""
        return frozenset().union(*(ids for names in list(self._there.values()) for ids in names.values()))

    @property
    def words(self) -> str:
        """For a person, with what to do; empty where there is nothing."""
        paths = [f"{folder}/{name}" for folder, names in list(self._there.items()) for name in names]
        if not paths:
            return ""
        first = os.fsencode(min(paths)).decode("utf-8", "backslashreplace")
        others = f" and {len(paths) - 1} more have names" if len(paths) > 1 else " has a name"
        known = len(self.products)
        lost = f", {counted(known, 'product')} of yours among them," if known else ""
        return f"{first}{others} that no program can read as text (not UTF-8){lost} and cannot be followed: rename it."


def _products(path: Path) -> Iterator[str]:
    files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names) if path.is_dir() else [path]
    return (id for file in islice(files, MOST) if (id := product_in(file)))
