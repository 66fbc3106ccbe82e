"""What a file system keeps beside a file's bytes: the id of a product, which goes along when it is renamed or moved.

Best effort: some file systems keep no such thing, or have no room for it, and most copies are made without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import uuid
from pathlib import Path

log = logging.getLogger(__name__)

PRODUCT = "user.artfactoryd.product"  # Linux knows none that does not begin with `user.`
MOST = 100  # bytes of it


def name_product(file: Path, product: str) -> None:
    """Its id with the file, before it is shelved."""
    try:
        _put(file, product.encode())
    except OSError as error:
        log.debug("%s gets no id: %s", file.name, error.strerror)


def product_in(file: Path) -> str | None:
    """The id that goes along with a file; None where there is none, or something else under that name."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        text = _get(file)[:MOST].decode()
        return text if str(uuid.UUID(text)) == text else None
    return None


def _put(file: Path, value: bytes) -> None:
    if sys.platform == "darwin":
        import xattr  # imported late: loading it takes longer than a command may

        xattr.setxattr(os.fspath(file), PRODUCT, value)
    else:
        os.setxattr(file, PRODUCT, value)


def _get(file: Path) -> bytes:
    if sys.platform == "darwin":
        import xattr

        return bytes(xattr.getxattr(os.fspath(file), PRODUCT))
    return os.getxattr(file, PRODUCT)
