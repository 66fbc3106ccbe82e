"""What equals an item: made and whole on the shelf, on its way just now, or made before and taken away since.

Only reads. A product that a person edited is no longer what was made, so it is gone like a deleted one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from artfactoryd import entries
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.storage.index import Index

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Twin:
    """`made`: the products of one item, all whole, each with its place (`output`) among those asked for.

    `gone`: there were some, and of no item all are there. `spent`: what one made that was not to be kept, so that
    it need not be there any more.
    """

    made: tuple[Row, ...] = ()
    gone: bool = False
    on_the_way: bool = False
    spent: tuple[Row, ...] = ()

    @property
    def contents(self) -> list[tuple[int, str]]:
        """(output, SHA-256) of what was made."""
        return [(each["output"], each["sha256"]) for each in self.made or self.spent]


class Twins:
    def __init__(self, index: Index, root: Path) -> None:
        self._index, self._root = index, root

    def of(self, keys: Sequence[str]) -> dict[str, Twin]:
        """By key, where there is anything equal at all."""
        return {key: self._one(list(rows)) for key, rows in groupby(self._index.twins(keys), lambda row: row["key"])}

    def _one(self, rows: Sequence[Row]) -> Twin:
        made = [row for row in rows if row["state"] == ItemState.COMPLETED]
        found = [each for each in map(self._outputs_of, made) if each]
        whole = next((outputs for outputs in found if self._are_whole(outputs)), [])
        spent = next((outputs for outputs in found if not outputs[0]["shelved"]), [])
        gone = not whole and any(outputs[0]["shelved"] for outputs in found)
        return Twin(tuple(whole), gone, len(made) < len(rows), tuple(spent))

    def _outputs_of(self, item: Row) -> list[Row]:
        rows = self._index.outputs_of(item)
        return [{**row, "output": row["place"] - item["first_index"]} for row in rows]

    def _are_whole(self, products: Iterable[Row]) -> bool:
        return all(is_whole(self._root / each["path"], each) for each in products)


def is_whole(path: Path, product: Row) -> bool:
    """Whether the bytes that were delivered lie there."""
    try:
        return bool(path.lstat().st_size == product["bytes"] and entries.sha256(path) == product["sha256"])
    except OSError:
        return False
