"""Products put into the bin of the shelf, and taken out of it. Not here: how their files are moved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import uuid_utils

from artfactoryd.clock import day_of
from artfactoryd.core.names import LONGEST, counted, numbered, size
from artfactoryd.errors import WrongUse
from artfactoryd.execution.shelving.bin import KEPT
from artfactoryd.shelf.arranging.bin import FOLDER, path_for
from artfactoryd.shelf.sidecars import CARD
from artfactoryd.storage.events import Bin
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import binned
from artfactoryd.storage.rows import ProductRow


class Binning:
    def __init__(self, root: Path, index: Index, clock: Callable[[], datetime]) -> None:
        self._root, self._index, self._clock = root, index, clock

    def into(self, products: Sequence[ProductRow], command: str) -> tuple[list[Bin], str]:
        """The lines, and in words what they come to. Raises WrongUse where there is nothing to be moved."""
        day = day_of(self._clock())
        there = [row for row in products if not row.path.startswith(FOLDER)]
        lying = [row for row in there if os.path.lexists(self._root / row.path)]
        if there and not lying:
            raise WrongUse(f"{there[0].path} is no longer on the shelf.")
        wanted = [(row, path_for(row.path, day)) for row in lying]
        lines = [*self._lines(wanted, command)]
        if not lines:
            return lines, "Nothing changes: that is in the bin already."
        verb = "is" if len(lines) == 1 else "are"
        back = f"`undo` or `bin --restore` brings {'it' if len(lines) == 1 else 'them'} back, for {KEPT.days} days."
        return lines, f"{len(lines)} of {counted(len(products), 'product')} {verb} in the bin. {back}"

    def out_of(self, products: Sequence[ProductRow], command: str) -> tuple[list[Bin], str]:
        """As `into`."""
        known = [(row, binned.of_product(self._index, row.id)) for row in products]
        gone = next((row for row, bin in known if bin and bin.emptied), None)
        wanted = [(row, bin.source) for row, bin in known if bin and not bin.emptied]
        if gone and not wanted:
            raise WrongUse(f"{gone.path} was taken away for good: the bin keeps what is in it for {KEPT.days} days.")
        lines = [*self._lines(wanted, command)]
        if not lines:
            return lines, "Nothing changes: that is not in the bin."
        verb = "is" if len(lines) == 1 else "are"
        return lines, f"{len(lines)} of {counted(len(products), 'product')} {verb} out of the bin again."

    def back(self, places: Mapping[str, str], undoes: str) -> list[Bin]:
        """To where they lay before a command. `places`: by their ids."""
        rows = [(row, path) for product, path in places.items() if (row := self._index.product(product)) is not None]
        return [*self._lines(rows, "", undoes)]

    def _lines(self, wanted: Sequence[tuple[ProductRow, str]], command: str, undoes: str = "") -> Iterator[Bin]:
        """Each to a name that nothing has; what has it now is not moved for it."""
        chosen = set[str]()
        for row, path in wanted:
            free = next(name for name in _names(path) if name not in chosen and self._is_free(name, row))
            chosen.add(free)
            yield Bin(
                id=str(uuid_utils.uuid7()), product=row.id, source=row.path, path=free, command=command, undoes=undoes
            )

    def _is_free(self, path: str, row: ProductRow) -> bool:
        if path == binned.still_at(self._index, row.id):
            return True
        return not (os.path.lexists(self._root / path) or binned.taken(self._index, [path]) - {row.path})


def back_words(lines: Sequence[Bin]) -> str:
    """What became of products that a command had moved into the bin, or out of it, when that was taken back."""
    if len(lines) == 1:
        return f"{lines[0].source if lines[0].path.startswith(FOLDER) else lines[0].path} is {_back(lines, 'it was')}."
    return f"{counted(len(lines), 'product')} are {_back(lines, 'they were')}."


def _back(lines: Sequence[Bin], before: str) -> str:
    return "in the bin again" if lines and lines[0].path.startswith(FOLDER) else f"where {before}"


def later_words(waiting: int, moved: int) -> str:
    """Of what the disk does not take just now."""
    are, they = ("is", "It goes") if waiting == 1 else ("are", "They go")
    words = f"{waiting} of {counted(moved, 'product')} {are} not moved yet: the disk cannot be written just now."
    return f"{words} {they} there as soon as it can be."


def _names(path: str) -> Iterator[str]:
    folder, _, name = path.rpartition("/")
    return (f"{folder}/{one}" for one in numbered(*os.path.splitext(name), LONGEST - size(CARD)))
