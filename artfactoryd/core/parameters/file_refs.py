"""What is written for a file parameter: a path, a pattern, an address, a product, or a query for products."""

from __future__ import annotations

import hashlib
import re

PRODUCT, PRODUCTS = "product:", "products:"
STAGE = "stage:"  # in a sidecar, before the id of a stage that made an input which was not kept
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]*://|data:")


_PICTURE = re.compile(r"image|img|picture|photo|mask|frame", re.IGNORECASE)


def must_be_picture(name: str) -> bool:
    """By a parameter's name: others may take sound, a film, a LoRA's weights."""
    return _PICTURE.search(name) is not None


def is_address(value: str) -> bool:
    return _ADDRESS.match(value) is not None


def without_query(address: str, sha256: str) -> str:
    """An address that may be signed, as it is written down: known by what came from it.

    Two that gave the same stay two values: an order makes as many items with them as without.
    """
    bare, mark, _ = address.partition("?")
    own = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{bare}#{sha256[:12]}-{own[:6]}" if mark and is_address(address) else address


def is_product(value: str) -> bool:
    return value.startswith(PRODUCT)


def is_query(value: str) -> bool:
    return value.startswith(PRODUCTS)


def is_pattern(value: str) -> bool:
    """Of paths: * and ? stand for any letters of a name, ** for any folders."""
    return not (is_address(value) or is_product(value) or is_query(value)) and any(sign in value for sign in "*?")


def stands_for_many(value: str) -> bool:
    return is_query(value) or is_pattern(value)
