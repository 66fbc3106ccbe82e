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
from artfactoryd.index import Index

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Twin:
    """`made`: the products of one item, all whole, each with its place (`output`) among those asked for.

    `gone`: there were some, and of no item all are there.
    """

    made: tuple[Row, ...] = ()
    gone: bool = False
    on_the_way: bool = False

    @property
    def contents(self) -> list[tuple[int, str]]:
        """(output, SHA-256) of what was made."""
        return [(each["output"], each["sha256"]) for each in self.made]


class Twins:
    def __init__(self, index: Index, root: Path) -> None:
        self._index, self._root = index, root

    def of(self, keys: Sequence[str]) -> dict[str, Twin]:
        """By key, where there is anything equal at all."""
        return {key: self._one(list(rows)) for key, rows in groupby(self._index.twins(keys), lambda row: row["key"])}

    def _one(self, rows: Sequence[Row]) -> Twin:
        made = [row for row in rows if row["state"] == ItemState.COMPLETED]
        found = [self._products_of(row) for row in made]
        whole = next((products for products in found if products and self._are_whole(products)), ())
        return Twin(tuple(whole), bool(any(found) and not whole), len(made) < len(rows))

    def _products_of(self, item: Row) -> list[Row]:
        rows = self._index.products_of(item)
        return [{**row, "output": row["place"] - item["first_index"]} for row in rows]

    def _are_whole(self, products: Iterable[Row]) -> bool:
        return all(is_whole(self._root / each["path"], each) for each in products)


def is_whole(path: Path, product: Row) -> bool:
    """Whether the bytes that were delivered lie there."""
    try:
        return bool(path.lstat().st_size == product["bytes"] and entries.sha256(path) == product["sha256"])
    except OSError:
        return False
