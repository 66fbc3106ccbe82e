"""What equals an item: made and whole on the shelf, on its way just now, or made before and taken away since.

Only reads. A product that a person edited is no longer what was made, so it is gone like a deleted one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from artfactoryd import entries
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.storage.index import EqualItem, Index
from artfactoryd.storage.rows import OutputRow, ProductRow


class Made(NamedTuple):
    """A product with its place among those asked for, from 0."""

    output: OutputRow
    place: int


@dataclass(frozen=True, slots=True)
class Twin:
    """`made`: the products of one item, all whole.

    `gone`: there were some, and of no item all are there. `spent`: what one made that was not to be kept, so that
    it need not be there any more.
    """

    made: tuple[Made, ...] = ()
    gone: bool = False
    on_the_way: bool = False
    spent: tuple[Made, ...] = ()

    @property
    def contents(self) -> list[tuple[int, str]]:
        """(place among those asked for, SHA-256) of what was made."""
        return [(made.place, made.output.sha256) for made in self.made or self.spent]


class Twins:
    def __init__(self, index: Index, root: Path) -> None:
        self._index, self._root = index, root

    def of(self, keys: Sequence[str]) -> dict[str, Twin]:
        """By key, where there is anything equal at all."""
        return {
            key: self._one(list(rows)) for key, rows in groupby(self._index.equal_items(keys), lambda item: item.key)
        }

    def _one(self, items: Sequence[EqualItem]) -> Twin:
        completed = [item for item in items if item.state == ItemState.COMPLETED]
        outputs_of = [(item, outputs) for item in completed if (outputs := self._outputs_of(item))]
        all_there = [outputs for item, outputs in outputs_of if _are_all(item, outputs)]
        whole = next((outputs for outputs in all_there if self._are_whole(outputs)), ())
        spent = next((outputs for outputs in all_there if not outputs[0].output.shelved), ())
        gone = not whole and any(outputs[0].output.shelved for _, outputs in outputs_of)
        return Twin(tuple(whole), gone, len(completed) < len(items), tuple(spent))

    def _outputs_of(self, item: EqualItem) -> list[Made]:
        return [Made(output, output.place - item.first_index) for output in self._index.outputs_of(item)]

    def _are_whole(self, outputs: Iterable[Made]) -> bool:
        return all(is_whole(self._root / made.output.path, made.output) for made in outputs)


def _are_all(item: EqualItem, outputs: Sequence[Made]) -> bool:
    """One that was taken away before its item was known from the shelf has left no row."""
    return item.delivered is None or len(outputs) == item.delivered


def is_whole(path: Path, product: ProductRow | OutputRow) -> bool:
    """Whether the bytes that were delivered lie there."""
    try:
        return bool(path.lstat().st_size == product.bytes and entries.sha256(path) == product.sha256)
    except OSError:
        return False
