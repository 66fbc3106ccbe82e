"""WebP and AVI: the length that the file tells, and its parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from artfactoryd.shelf.look.seen import MOST_PARTS, Seen, little

HEAD = 12
PIXELS = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
KEY_FRAME = b"\x9d\x01\x2a"
LOSSLESS = 0x2F
AVI_HEAD = 72  # bytes of it and of what describes the film
STREAMED = 0xFFFFFFFF  # a stream does not know its length beforehand


class Part(NamedTuple):
    """`head`: its first bytes; `begins`, `ends`: its body in the file."""

    name: bytes
    head: bytes
    begins: int
    ends: int


def picture(file: BinaryIO, size: int) -> Seen:
    """WebP."""
    seen, names = Seen(), set[bytes]()
    ends = little(file.read(HEAD)[4:8]) + 8
    if ends > size:
        return _first_part(file).cut()
    for part in parts(file, ends):
        if part.ends > ends:
            return seen.damaged("a part of it is longer than all of it")
        if known := sides(part.name, part.head):
            seen = seen if b"VP8X" in names else seen.sized(*known)
        names.add(part.name)
    if not names & PIXELS:
        return seen.damaged("it has no pixels")
    return seen if seen.width else seen.damaged("its header makes no sense")


def _first_part(file: BinaryIO) -> Seen:
    for part in parts(file, HEAD + 8):
        if size := sides(part.name, part.head):
            return Seen().sized(*size)
    return Seen()


def parts(file: BinaryIO, ends: int) -> Iterator[Part]:
    """To where the file says that it ends; the last one may claim to be longer."""
    place = HEAD
    for _ in range(MOST_PARTS):
        if place + 8 > ends:
            return
        file.seek(place)
        name, length = file.read(4), little(file.read(4))
        begins, place = place + 8, place + 8 + length
        yield Part(name, file.read(min(length, 10)), begins, place)
        place += length % 2


def has_alpha(name: bytes, head: bytes) -> bool:
    """Of a lossless picture; a lossy one tells it in a part of its own."""
    return name == b"VP8L" and len(head) >= 5 and bool(little(head[1:5]) >> 28 & 1)


def sides(name: bytes, head: bytes) -> tuple[int, int] | None:
    if len(head) < 10 and name != b"VP8L":
        return None
    if name == b"VP8X":
        return little(head[4:7]) + 1, little(head[7:10]) + 1
    if name == b"VP8 " and head[3:6] == KEY_FRAME:
        return little(head[6:8]) & 0x3FFF, little(head[8:10]) & 0x3FFF
    if name == b"VP8L" and len(head) >= 5 and head[0] == LOSSLESS:
        bits = little(head[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def film(file: BinaryIO, size: int) -> Seen:
    """AVI: by the head that stands in front of all."""
    head = file.read(AVI_HEAD)
    told, seen = little(head[4:8]) + 8, Seen(shows=True)
    if head[24:28] == b"avih" and len(head) == AVI_HEAD:
        microseconds, frames = little(head[32:36]), little(head[48:52])
        seen = seen.sized(little(head[64:68]), little(head[68:72])).lasting(microseconds * frames / 1e6)
    return seen.cut_off() if HEAD < told < STREAMED and told > size else seen
