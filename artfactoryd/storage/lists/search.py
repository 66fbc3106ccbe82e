"""Products found by a query, newest first, page by page."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.core.query import read_query
from artfactoryd.storage.index import ITEM_MODEL, Index
from artfactoryd.storage.lists.conditions import Condition, all_of, is_parameter, known_keys
from artfactoryd.storage.lists.sources import Source, sources
from artfactoryd.storage.rows import PRODUCTS, ProductRow

PAGE = 500
LATEST = (1 << 63) - 1  # no product is made later: the largest number that the index can hold
_COLUMNS = f"{PRODUCTS.select('p')}, o.name, i.seed, i.provider, {ITEM_MODEL}, i.generation"


@dataclass(frozen=True, slots=True)
class FoundProduct:
    """A product with what its order and item say of it; of one whose order is not known here, nothing."""

    product: ProductRow
    order_name: str | None
    seed: int | None
    provider: str | None
    _model: str | None
    _generation: str | None

    @classmethod
    def decode(cls, values: Sequence[Any], /) -> FoundProduct:
        own = len(PRODUCTS.columns)
        return cls(PRODUCTS.decode(values[:own]), *values[own:])

    @property
    def model(self) -> Json | None:
        return None if self._model is None else strict_json.loads(self._model)

    @property
    def generation(self) -> Json | None:
        return None if self._generation is None else strict_json.loads(self._generation)


def find(index: Index, query: str, most: int | None = None) -> Iterator[FoundProduct]:
    """Newest first. Raises QueryWrong before the first."""
    terms = read_query(query)
    condition = all_of(query, terms)
    return _pages(index, sources(index, terms, _parameters(index)), condition, most)


def unknown_names(index: Index, query: str) -> dict[str, str]:
    """Parameters asked for that no product has, each with the nearest name there is; empty where none is near."""
    there = _parameters(index)
    unknown = sorted(term.key for term in read_query(query) if is_parameter(term) and term.key not in there)
    known = [*there, *known_keys()]
    return {name: next(iter(get_close_matches(name, known, 1)), "") for name in unknown}


def _parameters(index: Index) -> list[str]:
    """The names of those that any item was sent with."""
    return [row["name"] for row in index.rows("SELECT name FROM parameter ORDER BY name")]


def _pages(index: Index, looked_at: Sequence[Source], condition: Condition, most: int | None) -> Iterator[FoundProduct]:
    """Each page goes on behind the last of the one before, so a long answer is never held at once."""
    before, left = LATEST, most
    while looked_at and (left is None or left > 0):
        size = PAGE if left is None else min(PAGE, left)
        pages = [_page(index, source, condition, before, size) for source in looked_at]
        page = list(heapq.merge(*pages, key=lambda row: -row.product.seq))[:size]
        yield from page
        if len(page) < size:
            return
        before, left = page[-1].product.seq, None if left is None else left - size


def _page(index: Index, source: Source, condition: Condition, before: int, most: int) -> list[FoundProduct]:
    """Those made earlier than `before`."""
    wanted, values = condition
    sql = (
        f"SELECT {_COLUMNS} FROM {source.tables} LEFT JOIN orders o ON o.id = p.order_id "
        "LEFT JOIN item i ON i.order_id = p.order_id AND i.number = p.number "
        f"WHERE {source.condition} AND {source.seq} < ? AND {wanted} ORDER BY {source.seq} DESC LIMIT ?"
    )

    return index.all(FoundProduct, sql, (*source.values, before, *values, most))
