"""What was put into a file stands inside it too, so that it can be taken out again: what is left then are the bytes
that came, to the last one. Whether they are is known by their SHA-256, which stands there as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

UNDO, ORIGINAL, PRODUCT = "Undo", "OriginalSHA256", "Product"  # names of properties, in our own namespace
_UNDO = re.compile(rb'artfactoryd:Undo="([0-9a-f. ]+)"')
_ORIGINAL = re.compile(rb'artfactoryd:OriginalSHA256(?:="|>)([0-9a-f]{64})')
_PRODUCT = re.compile(rb'artfactoryd:Product(?:="|>)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})')
MARK = b"artfactoryd:"  # before each of them, also where another program has written the packet anew


class Edit(NamedTuple):
    """Bytes in place of others, which may be none. `begins`, `ends`: in the file as it was."""

    begins: int
    ends: int
    data: bytes

    @property
    def growth(self) -> int:
        return len(self.data) - (self.ends - self.begins)


class Told(NamedTuple):
    """What a file says of itself."""

    product: str
    original_sha256: str


def spliced(data: bytes, edits: Iterable[Edit]) -> Iterator[bytes | memoryview]:
    """The file with its edits, in pieces: it may be large. They come in the order of their places."""
    whole, at = memoryview(data), 0
    for edit in edits:
        yield whole[at : edit.begins]
        yield edit.data
        at = edit.ends
    yield whole[at:]


def written_down(data: bytes, edits: Sequence[Edit]) -> str:
    """How they are undone: place and length of each in the file that has them, and what was there. Of one length for
    as many edits of the same bytes, whatever they put in."""
    shift, steps = 0, []
    for edit in edits:
        was = bytes(data[edit.begins : edit.ends]).hex()
        steps.append(f"{edit.begins + shift:010d}.{len(edit.data):08d}.{was}")
        shift += edit.growth
    return " ".join(steps)


def told(data: bytes) -> Told | None:
    """None where nothing of ours is in it."""
    product, original = _search(_PRODUCT, data), _search(_ORIGINAL, data)
    return Told(product, original) if product and original else None


def _search(wanted: re.Pattern[bytes], data: bytes) -> str:
    at = data.find(MARK)
    while at >= 0:
        if match := wanted.match(data, at):
            return match[1].decode()
        at = data.find(MARK, at + 1)
    return ""


def restored(data: bytes) -> bytes | None:
    """The bytes that came; None where nothing of ours is in it, or it was changed since."""
    original, steps = _search(_ORIGINAL, data), _search(_UNDO, data)
    if not (original and steps):
        return None
    try:
        came = b"".join(_undone(data, steps))
    except ValueError:
        return None
    return came if sha256(came).hexdigest() == original else None


def _undone(data: bytes, steps: str) -> Iterator[bytes | memoryview]:
    whole, at = memoryview(data), 0
    for step in steps.split(" "):
        begins, length, was = step.split(".")
        yield whole[at : int(begins)]
        yield bytes.fromhex(was)
        at = int(begins) + int(length)
    yield whole[at:]
