"""What a person says of products: liked, and tags. Ledger lines; the files on the shelf stay as they were made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artfactoryd.errors import AmbiguousName, NoSuchProduct
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index

Row = Mapping[str, Any]


def found(index: Index, names: list[str]) -> tuple[list[Row], str]:
    """The products of these names (storage/naming); with words where one is not to be had, and then none are."""
    try:
        products = [naming.product_named(index, name) for name in names]
    except (NoSuchProduct, AmbiguousName) as error:
        return [], str(error)
    once = {product["id"]: product for product in products}
    return list(once.values()), "" if once else "Name a product by its path in Projects or by its id."


def lines(index: Index, command: Row, products: list[Row]) -> list[dict[str, Any]]:
    """A line for each product that it changes, with what it is from then on."""
    wanted = []
    for product in products:
        order = index.order(product["order_id"]) or {"tags": []}
        before = {"liked": bool(product["liked"]), "tags": product["tags"] or order["tags"]}
        after = {"liked": before["liked"] if command["name"] == "tag" else not command.get("off"),
                 "tags": _tags(before["tags"], command.get("changes") or [])}  # fmt: skip
        if after != before:
            wanted.append({"kind": "mark", "product": product["id"], **after})
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
