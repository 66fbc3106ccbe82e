"""Products that a query finds, as data: for `--json`, tables and the API."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

from artfactoryd.core.model import Model
from artfactoryd.core.names import kind_of
from artfactoryd.core.slug import prompt_of
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.shelf.sidecars import BIN
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search
from artfactoryd.storage.lists.search import FoundProduct
from artfactoryd.storage.rows import ProductRow


@dataclass(frozen=True, slots=True)
class FoundDocument(JsonObject):
    """Of a product whose order is not known here, what the order tells is None."""

    id: str
    path: str
    project: str | None
    provider: str | None
    seed: int | None
    mime: str
    bytes: int
    width: int | None
    height: int | None
    kind: str  # image, video, audio, 3d, text or other
    duration: float | None  # seconds, of a film or a sound
    codec: str | None
    created_at: str
    sha256: str
    order_id: str
    order: str | None
    item: int
    index: int
    model: str | None
    prompt: str
    on_shelf: bool
    binned: bool
    edited: bool  # by a person, since it was made
    missing: str | None  # since when it does not lie there
    damaged: str | None  # in words
    liked: bool
    rating: int | None
    tags: Sequence[str]
    collections: Sequence[str]
    notes: str | None


@dataclass(frozen=True, slots=True)
class ProductsDocument(JsonObject):
    """`next`: the product to go on before; None where there are no more."""

    query: str
    products: Sequence[FoundDocument]
    more: bool
    next: str | None


def page(index: Index | None, root: Path, query: str, most: int | None, before: str = "") -> ProductsDocument:
    """Newest first. `most`: None for all. Raises QueryWrong, and WrongUse where there is no product `before`."""
    rows = search.find(index, query, None if most is None else most + 1, before) if index else iter(())
    documents = [product_document(row, root) for row in islice(rows, most)]
    more = next(rows, None) is not None
    return ProductsDocument(query, documents, more, documents[-1].id if more and documents else None)


def of_rows(index: Index, root: Path, query: str, rows: Sequence[ProductRow]) -> ProductsDocument:
    """These products, whatever the query says."""
    ours = search.of_ids(index, [row.id for row in rows])
    return ProductsDocument(query, [product_document(row, root) for row in ours], False, None)


def product_document(row: FoundProduct, root: Path) -> FoundDocument:
    model, product = row.model and Model.from_snapshot(row.model), row.product
    return FoundDocument(
        id=product.id, path=product.path, project=product.project, provider=row.provider, seed=row.seed,
        mime=product.mime, bytes=product.bytes, width=product.width, height=product.height,
        kind=kind_of(product.mime), duration=product.duration, codec=product.codec,
        created_at=product.created_at, sha256=product.sha256, order_id=product.order_id, order=row.order_name,
        item=product.number, index=product.place, model=model.id if model else None,
        prompt=prompt_of(row.generation or {}, model) if model else "",
        on_shelf=(root / product.path).is_file(), binned=product.path.startswith(BIN), edited=bool(row.edited),
        missing=row.missing,
        damaged=product.looked or None, liked=product.liked, rating=product.rating, tags=row.tags,
        collections=product.collections or (), notes=row.notes,
    )  # fmt: skip


COLUMNS = tuple(field.name for field in fields(FoundDocument))


def table(documents: Iterable[FoundDocument]) -> str:
    """As CSV, the names of the columns first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(cells, documents))
    return text.getvalue()


def cells(document: FoundDocument) -> dict[str, str]:
    """By their columns; tags between commas."""
    return {name: _cell(getattr(document, name)) for name in COLUMNS}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
