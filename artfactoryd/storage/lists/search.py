"""Products found by a query, newest first, page by page."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.core.query import Term, read_query
from artfactoryd.errors import NoSuchProduct
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import moments
from artfactoryd.storage.lists.conditions import (
    GENERATION_OF,
    ITEM_MODEL,
    JOINED,
    NOTES,
    ORDER_NAME,
    PROVIDER,
    SEED,
    Condition,
    all_of,
)  # fmt: skip
from artfactoryd.storage.lists.moments import Bounds
from artfactoryd.storage.lists.sources import Source, sources
from artfactoryd.storage.rows import PRODUCTS, ProductRow

PAGE = 500
_STATE = "LEFT JOIN shelf_state lying ON lying.product = p.id"
_OF_ORDER = (
    f"{ORDER_NAME}, {SEED}, {PROVIDER}, {ITEM_MODEL}, {GENERATION_OF}, o.tags, {NOTES}, "
    "coalesce(lying.edited, 0), lying.missing"
)
_OWN = len(PRODUCTS.columns)
_COLUMNS = f"{PRODUCTS.select('p')}, {_OF_ORDER}"


class FoundProduct(NamedTuple):
    """A product with what its order and item say of it; of one whose order is not known here, what its sidecar says.
    `edited`: 1 where a person changed its bytes; `missing`: since when it does not lie there.

    No dataclass: to fill one takes ten times as long, and of a list that is most of its cost.
    """

    product: ProductRow
    order_name: str | None
    seed: int | None
    provider: str | None
    model_json: str | None
    generation_json: str | None
    order_tags_json: str | None
    notes: str | None
    edited: int
    missing: str | None

    @classmethod
    def decode(cls, values: Sequence[Any], /) -> FoundProduct:
        return cls._make((PRODUCTS.decode(values[:_OWN]), *values[_OWN:]))

    @property
    def model(self) -> Json | None:
        return None if self.model_json is None else strict_json.loads(self.model_json)

    @property
    def generation(self) -> Json | None:
        return None if self.generation_json is None else strict_json.loads(self.generation_json)

    @property
    def tags(self) -> list[str]:
        """Its own, where `tag` changed them; else those of its order."""
        if self.product.tags is not None:
            return self.product.tags
        told: list[str] = [] if self.order_tags_json is None else strict_json.loads(self.order_tags_json)
        return told


def find(index: Index, query: str, most: int | None = None, before: str = "") -> Iterator[FoundProduct]:
    """Newest first; those made before the product `before`, by its id. Raises QueryWrong before the first, and
    NoSuchProduct."""
    terms = read_query(query)
    condition = all_of(query, terms, parameters(index) if any(term.names_parameter for term in terms) else ())
    bounds = _bounds(index, terms, before)
    return _pages(index, sources(index, terms), condition, bounds, most)


def of_ids(index: Index, ids: Sequence[str]) -> list[FoundProduct]:
    """In that order; those that are no products here are left out."""
    source = Source("(SELECT id AS nth, value AS wanted FROM json_each(?)) w CROSS JOIN product p ON p.id = w.wanted")
    return index.all(FoundProduct, _selected(source, "ORDER BY w.nth"), (json.dumps(ids),))


def _bounds(index: Index, terms: Sequence[Term], before: str) -> Bounds:
    low, high = moments.bounds(terms)
    if not before:
        return Bounds(low, high)
    product = index.product(before)
    if product is None:
        raise NoSuchProduct(f"There is no product {before!r} to go on from.")
    return Bounds(low, min(high, product.seq))


def parameters(index: Index) -> list[str]:
    """The names of those that any item was sent with."""
    return [row["name"] for row in index.rows("SELECT name FROM parameter ORDER BY name")]


def _pages(
    index: Index, looked_at: Sequence[Source], condition: Condition, bounds: Bounds, most: int | None
) -> Iterator[FoundProduct]:
    """Each page goes on behind the last of the one before, so a long answer is never held at once."""
    left = most
    while looked_at and (left is None or left > 0):
        size = PAGE if left is None else min(PAGE, left)
        pages = [_page(index, source, condition, bounds, size) for source in looked_at]
        page = list(heapq.merge(*pages, key=lambda row: -row.product.seq))[:size]
        yield from page
        if len(page) < size:
            return
        bounds, left = bounds._replace(high=page[-1].product.seq), None if left is None else left - size


def _page(index: Index, source: Source, condition: Condition, bounds: Bounds, most: int) -> list[FoundProduct]:
    wanted, values = condition
    return index.all(FoundProduct, question(source, wanted), (*source.values, *bounds, *values, most))


def question(source: Source, wanted: str) -> str:
    rest = (
        f"WHERE {source.condition} AND {source.seq} >= ? AND {source.seq} < ? AND {wanted} "
        f"ORDER BY {source.seq} DESC LIMIT ?"
    )
    return _selected(source, rest)


def _selected(source: Source, rest: str) -> str:
    return f"SELECT {_COLUMNS} FROM {source.tables} {JOINED} {_STATE} {rest}"
