"""One product with everything that whoever looks at it may want to know; and as the start of an order."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd import documents
from artfactoryd.core.json_types import Json, Parameters, Value
from artfactoryd.core.sidecar_again import order_again
from artfactoryd.entries import bounded
from artfactoryd.home import Home
from artfactoryd.planning import remake
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.products import FoundDocument, product_document
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search
from artfactoryd.storage.lists.search import FoundProduct

TOKENS = frozenset("[]{}|~,\\")  # what may act in a text of an order


@dataclass(frozen=True, slots=True)
class WholeProduct(JsonObject):
    """In JSON the product's own keys stand beside the rest. `cost_usd`: None where no sidecar tells."""

    product: FoundDocument
    parameters: Parameters
    folder: str  # on this machine
    cost_usd: float | None
    cost_estimated: bool

    def to_json(self) -> dict[str, object]:
        values = JsonObject.to_json(self)
        del values["product"]
        return {**self.product.to_json(), **values}


def whole_product(index: Index, home: Home, given: str) -> WholeProduct:
    """Raises NoSuchProduct and AmbiguousName."""
    row = found(index, given)
    card = card_of(home, row.product.path)
    cost = card["cost"] if card and isinstance(card.get("cost"), dict) else {}
    return WholeProduct(
        product_document(row, home.root), row.generation or {}, str((home.root / row.product.path).parent),
        cost.get("usd"), bool(cost.get("estimated")),
    )  # fmt: skip


def found(index: Index, given: str) -> FoundProduct:
    """Raises NoSuchProduct and AmbiguousName."""
    product = naming.product_named(index, given)
    return search.of_ids(index, [product.id])[0]


def card_of(home: Home, path: str) -> Json | None:
    """Its sidecar; None where none lies there."""
    try:
        card = sidecar_of(home.root / path, home.projects)
        return remake.read_card(bounded(card, remake.MOST_BYTES)) if card else None
    except OSError:
        return None


def as_order(card: Json) -> str:
    """An order for the same again, to be changed: what would act in a text is taken as written, all else may be given
    tokens. Unchanged, it is reused."""
    order = order_again(card)
    raw = [name for name, value in order["parameters"].items() if _acts(value)]
    del order["reuse"], order["raw"]
    return documents.dump_yaml({**order, "raw": raw} if raw else order)


def _acts(value: Value) -> bool:
    return isinstance(value, list) or (isinstance(value, str) and bool(set(value) & TOKENS))
