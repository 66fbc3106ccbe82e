"""What one product and its sidecar tell, as plain values; and a process that reads many, for storage/walking/readers.

    python -m artfactoryd.storage.walking.reader HOME    a frame in and a frame out, for each batch:
    in:  the product's and the sidecar's path in the home, of each
    out: what was read of each, or in place of all the error's number and the path of what cannot be read

A frame is its length and what `marshal` makes of it: both sides are the same program of the same release.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
from collections.abc import Iterable
from typing import IO, Any, NamedTuple

from artfactoryd.entries import NO_FILE
from artfactoryd.shelf import reading, strayed
from artfactoryd.storage import told

LENGTH = 8  # bytes before each frame
UNNAMED, UNREAD, DOUBTFUL, WELL = range(4)
NO_DOUBT = ("", 0, "", "")
Row = tuple[object, ...]
Batch = list[tuple[str, str]]


class Read(NamedTuple):
    """`path`, `card`: of the product and its sidecar, in the home. The rest of what is well, or `doubt`: whose bytes
    the sidecar tells of, and which id goes along with the file. `is_changed`: of another size than it tells.
    `between`: rows of what was made on the way to it. `facts`: of what no order here tells; None where told wrongly."""

    path: str
    card: str
    outcome: int = WELL
    doubt: tuple[str, int, str, str] = NO_DOUBT
    order: str = ""
    row: Row = ()
    is_changed: bool = False
    is_imported: bool = False
    between: list[Row] = []  # noqa: RUF012  # never written into
    facts: Row | None = None


def read(root: str, path: str, card: str) -> Read:
    """Raises OSError for what cannot be read just now; what is no file is no sidecar."""
    if not told.is_text(path):
        return Read(path, card, UNNAMED)
    product, place = os.path.join(root, path), os.path.join(root, card)
    try:
        size, sidecar = strayed.size_of(product), reading.read_sidecar(place)
        row = told.row_of(sidecar, path)
    except (ValueError, KeyError, TypeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in NO_FILE:
            raise
        return Read(path, card, UNREAD)
    doubt = strayed.doubt(product, size, place, sidecar)
    doubted = (doubt.id, *doubt.bytes, doubt.named) if doubt else NO_DOUBT
    is_changed, facts = size != sidecar["file"]["bytes"], told.facts_or_none(sidecar)
    return Read(
        path, card, DOUBTFUL if doubt else WELL, doubted, str(row[1]), row, is_changed, told.is_imported(sidecar),
        told.unkept_rows(sidecar), facts,
    )  # fmt: skip


def read_all(root: str, batch: Iterable[tuple[str, str]]) -> list[Read]:
    return [read(root, path, card) for path, card in batch]


def serve(root: str, requests: IO[bytes], answers: IO[bytes]) -> None:
    while (batch := received(requests)) is not None:
        try:
            answer: Any = [tuple(one) for one in read_all(root, batch)]
        except OSError as error:
            answer = (error.errno or errno.EIO, str(error.filename or root))
        send(answers, answer)


def send(stream: IO[bytes], value: Any) -> None:
    data = marshal.dumps(value)
    stream.write(len(data).to_bytes(LENGTH, "big") + data)
    stream.flush()


def received(stream: IO[bytes]) -> Any:
    """None at its end. Raises EOFError or ValueError for half a frame."""
    length = stream.read(LENGTH)
    return marshal.loads(stream.read(int.from_bytes(length, "big"))) if len(length) == LENGTH else None


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
