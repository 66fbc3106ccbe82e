"""What a person says of products: liked, and tags. Ledger lines; the files on the shelf stay as they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ProductRow


def found(index: Index, names: list[str]) -> tuple[list[ProductRow], str]:
    """The products of these paths and ids; with words where one is not to be had, and then none are."""
    products: dict[str, ProductRow] = {}
    for name in names:
        rows = index.find_products(name) if name else []
        if not rows:
            return [], f"There is no product {name!r}. Name it by its path in Projects or by its id."
        if len(rows) > 1:
            return [], f"{name!r} may be any of {', '.join(row.id for row in rows[:5])}."
        products[rows[0].id] = rows[0]
    return list(products.values()), "" if products else "Name a product by its path in Projects or by its id."


def lines(index: Index, command: Mapping[str, Any], products: Sequence[ProductRow]) -> list[dict[str, Any]]:
    """A line for each product that it changes, with what it is from then on."""
    wanted = []
    for product in products:
        order = index.order(product.order_id)
        tags = product.tags or (order.tags if order else [])
        before = {"liked": bool(product.liked), "tags": tags}
        after = {"liked": before["liked"] if command["name"] == "tag" else not command.get("off"),
                 "tags": _tags(tags, command.get("changes") or [])}  # fmt: skip
        if after != before:
            wanted.append({"kind": "mark", "product": product.id, **after})
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
