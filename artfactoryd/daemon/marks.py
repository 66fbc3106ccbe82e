"""What a person says of products: liked, and tags. Ledger lines; the files on the shelf stay as they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artfactoryd.errors import NoSuchProduct
from artfactoryd.storage import naming
from artfactoryd.storage.events import Mark
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ProductRow


def products_named(index: Index, names: Sequence[str]) -> list[ProductRow]:
    """The products of these names, each once (storage/naming). Raises where one of them is not to be had."""
    if not names:
        raise NoSuchProduct("Name a product by its path in Projects or by its id.")
    products = [naming.product_named(index, name) for name in names]
    return list({product.id: product for product in products}.values())


def lines(index: Index, command: Mapping[str, Any], products: Sequence[ProductRow]) -> list[Mark]:
    """A line for each product that it changes, with what it is from then on."""
    wanted = []
    for product in products:
        order = index.order(product.order_id)
        tags = product.tags or (order.tags if order else [])
        liked = product.liked if command["name"] == "tag" else not command.get("off")
        marked = _tags(tags, command.get("changes") or [])
        if (liked, marked) != (product.liked, tags):
            wanted.append(Mark(product=product.id, liked=liked, tags=marked))
    return wanted


def _tags(before: list[str], changes: list[str]) -> list[str]:
    """`changes`: +tag and -tag, in their order."""
    tags = dict.fromkeys(before)
    for change in changes:
        if change[0] == "+":
            tags[change[1:]] = None
        else:
            tags.pop(change[1:], None)
    return list(tags)
