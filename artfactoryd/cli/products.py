"""`products`: what was made and a query finds, as data and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, count_of, made_home, say
from artfactoryd.cli.program import WRONG_USE
from artfactoryd.core.model import Model
from artfactoryd.core.query import read_query
from artfactoryd.core.slug import prompt_of
from artfactoryd.home import Home
from artfactoryd.printable import one_line
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import recognition, search
from artfactoryd.storage.lists.conditions import known_keys
from artfactoryd.storage.lists.search import FoundProduct

MOST_PROMPT = 60  # characters of a prompt in a line


@click.command()
@click.argument("query", nargs=-1)
@click.option("--most", default="50", metavar="N|all", help="How many to list (default 50).")
@as_json
@click.pass_context
def products(ctx: click.Context, query: tuple[str, ...], most: str, as_json: bool) -> None:
    """What was made, newest first: all, what a query finds, or which product a file is.

    Every term must hold: 'project:cars model:flux-dev guidance:>3 after:2026-11-01 "red car" -blue'. Put the
    query between single quotes; one that begins with - comes after --.
    """
    document = find_products(made_home(ctx), " ".join(query), count_of(most, "--most"))
    say(document, products_text(document), as_json)
    ctx.exit(WRONG_USE if _slips(document) else 0)


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
    created_at: str
    sha256: str
    order_id: str
    order: str | None
    item: int
    index: int
    model: str | None
    prompt: str
    on_shelf: bool
    damaged: str | None  # in words
    liked: bool
    rating: int | None
    tags: Sequence[str] | None  # None: those of its order
    notes: str | None  # likewise


@dataclass(frozen=True, slots=True)
class ProductsDocument(JsonObject):
    query: str
    products: Sequence[FoundDocument]
    more: bool
    unknown: Mapping[str, str]  # parameters asked for that no product has, and the nearest name there is


def find_products(home: Home, query: str, most: int | None) -> ProductsDocument:
    """`query`: may be a file that is a product, whatever it is called. `most`: None for all. Raises QueryWrong."""
    with Index.reading(home.index_file) as index:
        if index and (known := recognition.products_of(home, index, Path(query))):
            found = chain.from_iterable(search.find(index, f"id:{row.id}", 1) for row in known)
            return ProductsDocument(query, [_document(row, home) for row in found], False, {})
        read_query(query)
        rows = search.find(index, query, None if most is None else most + 1) if index else iter(())
        documents = [_document(row, home) for row in islice(rows, most)]
        unknown = search.unknown_names(index, query) if index else {}
        return ProductsDocument(query, documents, next(rows, None) is not None, unknown)


def _document(row: FoundProduct, home: Home) -> FoundDocument:
    model, product = row.model and Model.from_snapshot(row.model), row.product
    return FoundDocument(
        id=product.id, path=product.path, project=product.project, provider=row.provider, seed=row.seed,
        mime=product.mime, bytes=product.bytes, width=product.width, height=product.height,
        created_at=product.created_at, sha256=product.sha256, order_id=product.order_id, order=row.order_name,
        item=product.number,
        index=product.place, model=model.id if model else None,
        prompt=prompt_of(row.generation or {}, model) if model else "",
        on_shelf=(home.root / product.path).is_file(), damaged=product.looked or None,
        liked=product.liked, rating=product.rating, tags=product.tags, notes=product.notes,
    )  # fmt: skip


def _slips(document: ProductsDocument) -> list[str]:
    """What is near a term of queries, and neither one nor a parameter of any product."""
    return [name for name, near in document.unknown.items() if near and near in known_keys()]


def products_text(document: ProductsDocument) -> str:
    lines = [_line(product) for product in document.products]
    if not lines and not _slips(document):
        lines = ["Nothing fits." if document.query.strip() else "Nothing was made yet."]
    for name, near in document.unknown.items():
        what = f"There is no term {name}:, and no" if name in _slips(document) else "No"
        lines.append(f"{what} product has a parameter {name}.{f' Did you mean {near}:?' if near else ''}")
    if document.more:
        lines.append("… and more (--most all)")
    return "\n".join(map(one_line, lines))


def _line(product: FoundDocument) -> str:
    prompt = product.prompt if len(product.prompt) <= MOST_PROMPT else product.prompt[:MOST_PROMPT] + "…"
    gone = "" if product.on_shelf else "  (no longer on the shelf)"
    damaged = "  (damaged)" if product.damaged else ""
    return f"{clock.shown(product.created_at)[:10]}  {product.path}  {prompt}{damaged}{gone}"
