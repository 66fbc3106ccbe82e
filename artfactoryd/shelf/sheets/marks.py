"""The mark inside a sheet of ours: whose it is, what it shows, and that nobody has changed it since.

It stands in a comment right behind the beginning of the JPEG. A file without it is a person's.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from artfactoryd.core.names import numbered
from artfactoryd.entries import bounded

WORDS = b"artfactoryd contact sheet "
BEGINS, COMMENT = b"\xff\xd8", b"\xff\xfe"
MOST_BYTES = 128 << 20  # of a sheet


@dataclass(frozen=True, slots=True)
class Mark:
    """`digest`: of what it shows; `order`: empty of what a person asked for by a query."""

    order: str
    page: int
    digest: str


def marked(jpeg: bytes, mark: Mark) -> bytes:
    told = WORDS + json.dumps({**asdict(mark), "crc": zlib.crc32(jpeg)}).encode()
    return BEGINS + COMMENT + (len(told) + 2).to_bytes(2, "big") + told + jpeg[len(BEGINS) :]


def mark_of(path: Path) -> Mark | None:
    """None of what is no sheet of ours, or was changed since. Raises OSError where nothing can be read."""
    data = bounded(path, MOST_BYTES)
    length = int.from_bytes(data[4:6], "big")
    told = data[6 : 4 + length]
    if data[:4] != BEGINS + COMMENT or not told.startswith(WORDS):
        return None
    try:
        value = json.loads(told.removeprefix(WORDS))
        crc = value.pop("crc")
        mark = Mark(**value)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return mark if crc == zlib.crc32(BEGINS + data[4 + length :]) else None


def is_sheet(path: Path) -> bool:
    """Whether the file is marked as one, changed or not."""
    try:
        head = bounded(path, 64)
    except OSError:
        return False
    return head[:4] == BEGINS + COMMENT and head[6:].startswith(WORDS)


def place_for(folder: Path, name: str, order: str, page: int) -> tuple[Path, Mark | None]:
    """Where the page of an order's sheet goes, and the mark of the one that lies there: in place of ours, else under
    the first name that nobody has."""
    stem, _, ending = name.rpartition(".")
    for chosen in numbered(stem, f".{ending}"):
        path = folder / chosen
        try:
            mark = mark_of(path)
        except FileNotFoundError:
            return path, None
        except OSError:
            continue
        if mark is not None and (mark.order, mark.page) == (order, page):
            return path, mark
    raise FileExistsError(str(folder / name))
