"""`products`: what was made and a query finds, as data and in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import click

from artfactoryd.cli.context import as_json, count_of, made_home, say
from artfactoryd.core.model import Model
from artfactoryd.core.query import read_query
from artfactoryd.core.slug import prompt_of
from artfactoryd.home import Home
from artfactoryd.storage import search
from artfactoryd.storage.index import Index
from artfactoryd.storage.search import FoundProduct

MOST_PROMPT = 60  # characters of a prompt in a line


@click.command()
@click.argument("query", nargs=-1)
@click.option("--most", default="50", metavar="N|all", help="How many to list (default 50).")
@as_json
@click.pass_context
def products(ctx: click.Context, query: tuple[str, ...], most: str, as_json: bool) -> None:
    """What was made, newest first: all, or what a query finds.

    Every term must hold: 'project:cars model:flux-dev guidance:>3 after:2026-11-01 "red car" -blue'. Put the
    query between single quotes; one that begins with - comes after --.
    """
    document = find_products(made_home(ctx), " ".join(query), count_of(most, "--most"))
    say(document, products_text(document), as_json)


def find_products(home: Home, query: str, most: int | None) -> dict[str, Any]:
    """`most`: None for all. Raises QueryWrong."""
    read_query(query)
    with Index.reading(home.index_file) as index:
        rows = search.find(index, query, None if most is None else most + 1) if index else iter(())
        documents = [_document(row, home) for row in islice(rows, most)]
        return {"query": query, "products": documents, "more": next(rows, None) is not None}


def _document(row: FoundProduct, home: Home) -> dict[str, Any]:
    model, product = row.model and Model.from_snapshot(row.model), row.product
    prompt = prompt_of(row.generation or {}, model) if model else ""
    return {
        "id": product.id, "path": product.path, "project": row.project, "provider": row.provider, "seed": row.seed,
        "mime": product.mime, "bytes": product.bytes, "width": product.width, "height": product.height,
        "created_at": product.created_at, "sha256": product.sha256, "order_id": product.order_id,
        "order": row.order_name, "item": product.number, "index": product.place,
        "model": model.id if model else None, "prompt": prompt,
        "on_shelf": (home.root / product.path).is_file(),
    }  # fmt: skip


def products_text(document: Mapping[str, Any]) -> str:
    lines = [_line(product) for product in document["products"]]
    if not lines:
        lines = ["Nothing fits." if document["query"].strip() else "Nothing was made yet."]
    if document["more"]:
        lines.append("… and more (--most all)")
    return "\n".join(lines)


def _line(product: Mapping[str, Any]) -> str:
    prompt = product["prompt"]
    prompt = prompt if len(prompt) <= MOST_PROMPT else prompt[:MOST_PROMPT] + "…"
    gone = "" if product["on_shelf"] else "  (no longer on the shelf)"
    return f"{product['created_at'][:10]}  {product['path']}  {prompt}{gone}"
