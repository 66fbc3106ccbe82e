"""What is said of a product in a file beside it, NAME.png.xmp, as Immich, darktable and digiKam read it.

Ours ends with a word on its own bytes. Into one that somebody else wrote, or has changed since, rating and tags are put
where they stand; all else in it stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from artfactoryd.core.json_types import Value
from artfactoryd.durable import replace_file, write_new
from artfactoryd.entries import NO_FILE, bounded, new_mark
from artfactoryd.shelf.inside.merging import CannotMerge, Marks, described, merged

ENDING = ".xmp"
MOST_BYTES = 16 << 20  # darktable's tell every stroke of a brush
_OURS = re.compile(rb"<!-- artfactoryd ([0-9a-f]{64}) -->\n?\Z")


def beside(product: Path) -> Path:
    return product.with_name(product.name + ENDING)


def keep(product: Path, told: Mapping[str, Value]) -> bool:
    """As its sidecar has it. False where another's lies there to which nothing can be added. Raises OSError."""
    path, data = beside(product), document(told)
    try:
        lying = bounded(path, MOST_BYTES)
    except FileNotFoundError:
        return write_new(path, data)
    except OSError as error:
        if error.errno in NO_FILE:  # a folder of that name, say
            return False
        raise
    if not is_ours(lying):
        data = _merged(lying, told) or b""
    if path.is_symlink() or not data:
        return False
    if lying != data:
        replace_file(path, data, new_mark())
    return True


def _merged(theirs: bytes, told: Mapping[str, Value]) -> bytes | None:
    marks = Marks(told["rating"], tuple(told["tags"]), told["notes"] or _prompt(told))
    try:
        return merged(theirs, marks) if len(theirs) <= MOST_BYTES else None
    except CannotMerge:
        return None


def is_ours(data: bytes) -> bool:
    """As we wrote it."""
    end = _OURS.search(data)
    return end is not None and hashlib.sha256(data[: end.start()]).hexdigest() == end[1].decode()


def document(told: Mapping[str, Value]) -> bytes:
    """`told`: the sidecar. The prompt describes what has no notes."""
    body = described(Marks(told["rating"], tuple(told["tags"]), told["notes"] or _prompt(told)))
    return body + f"<!-- artfactoryd {hashlib.sha256(body).hexdigest()} -->\n".encode()


def _prompt(told: Mapping[str, Value]) -> str:
    sent = told["parameters"]["generation"]
    return next((sent[name] for name in ("prompt", "text") if isinstance(sent.get(name), str)), "")
