"""How a picture came to be, in the words of the IPTC's digital source types, by what it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artfactoryd.core.inside.xmp import ALGORITHMIC, COMPOSITE, TRAINED, source_type_in
from artfactoryd.entries import bounded
from artfactoryd.execution.provenance import product_in
from artfactoryd.home import Home
from artfactoryd.planning import inputs
from artfactoryd.shelf.inside.embedding import MOST_BYTES
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow, OrderRow, OutputRow, ProductRow

LOCAL, SKETCH, UPSCALE = "local", "sketch", "upscale"
DEEPEST = 50  # makings, one of the other; beyond that nobody asks
NOT_KNOWN = ""


class Lineage:
    def __init__(self, home: Home, index: Index) -> None:
        self._root, self._index = home.root, index

    def source_type(self, row: ItemRow, order: OrderRow, depth: int = 0) -> str:
        """Empty where nothing can be said: what is only worked on here keeps what was said of its source."""
        model = order.model_of(row)
        is_here = row.provider == LOCAL and model.id != UPSCALE  # a trained network draws what that adds
        if order.rehearsal or (is_here and model.id == SKETCH):
            return ALGORITHMIC
        types = set(self._types_of_sources(row, order, is_here, depth)) if depth < DEEPEST else set()
        if is_here:
            return types.pop() if len(types) == 1 else NOT_KNOWN
        return COMPOSITE if types - {TRAINED, ALGORITHMIC} else TRAINED

    def _types_of_sources(self, row: ItemRow, order: OrderRow, is_here: bool, depth: int) -> Iterator[str]:
        if (fed := self._index.fed_with(row)) is not None:
            yield self.source_type(fed[1], order, depth + 1)
        for picture in inputs.of_item(row.generation, order.inputs, order.model_of(row)).values():
            if not picture["mime"].startswith("image/"):
                continue
            product = self._index.product(product_in(picture)) if product_in(picture) else None
            if product is not None:
                yield self._of_product(product, depth)
            else:  # a foreign one, whatever it says of itself
                yield self._in_file(order, picture) if is_here else NOT_KNOWN

    def _of_product(self, product: ProductRow | OutputRow, depth: int) -> str:
        item, order = self._index.item(product.order_id, product.number), self._index.order(product.order_id)
        if item is not None and order is not None:
            return self.source_type(item, order, depth + 1)
        return _told(self._root / product.path)  # only the shelf tells of it

    def _in_file(self, order: OrderRow, picture: Mapping[str, Any]) -> str:
        return _told(self._root / f"{order.folder}/inputs/{picture['name']}")


def _told(path: Path) -> str:
    try:
        return source_type_in(bounded(path, MOST_BYTES))
    except OSError:
        return NOT_KNOWN
