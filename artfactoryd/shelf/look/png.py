"""PNG: every chunk's length, order and checksum, from the header to IEND. Nothing is inflated."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from artfactoryd.shelf.look.seen import MOST_PARTS, PIECE, Seen, number

SIGNATURE = 8  # bytes
HEADER_ENDS = SIGNATURE + 25
LONGEST = (1 << 31) - 1  # bytes of a chunk
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by kind of colour
PALETTE = 3


@dataclass
class _Order:
    """Which chunk may follow which."""

    colour: int | None = None
    palette: bool = False
    pixels: bool = False
    last: bytes = b""

    def fault(self, name: bytes, length: int) -> str:
        """Why this one may not come now; empty where it may."""
        before, self.last = self.last, name
        if not (name.isalpha() and length <= LONGEST):
            return "what follows is no part of a picture"
        if (name == b"IHDR") == bool(before) or (name == b"IHDR" and length != 13):
            return "its header is not where it belongs"
        if name == b"IDAT":
            apart, self.pixels = self.pixels and before != b"IDAT", True
            if self.colour == PALETTE and not self.palette:
                return "its palette is missing"
            return "its pixels lie apart" if apart else ""
        if name == b"PLTE":
            self.palette = True
        if name == b"IEND" and not self.pixels:
            return "it has no pixels"
        return ""


def walk(file: BinaryIO, size: int) -> Seen:
    seen, order, ends = Seen(), _Order(), SIGNATURE
    file.seek(SIGNATURE)
    for _ in range(MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return seen.cut()
        length, name = number(head[:4]), head[4:]
        if why := order.fault(name, length):
            return seen.damaged(why)
        ends += 12 + length
        if ends > size:
            return seen.cut()
        first, checksum = _read(file, name, length)
        if file.read(4) != checksum.to_bytes(4, "big"):
            return seen.damaged(f"a checksum of it is wrong ({name.decode()})")
        if name == b"IHDR":
            seen, order.colour = seen.sized(number(first[:4]), number(first[4:8])), first[9]
            if not _makes_sense(first):
                return seen.damaged("its header makes no sense")
        if name == b"IEND":
            return seen
    return seen.damaged("it has more parts than any picture")


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Of a whole one: each chunk's name, and where its body begins and ends, to IEND."""
    return chunks_in(io.BytesIO(data))


def chunks_in(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The same of a file, of which nothing else is read; of one that is cut short, those whose head is there."""
    begins = SIGNATURE + 8
    for _ in range(MOST_PARTS):
        file.seek(begins - 8)
        head = file.read(8)
        if len(head) < 8:
            return
        length, name = number(head[:4]), head[4:]
        yield name, begins, begins + length
        if name == b"IEND":
            return
        begins += length + 12


def _read(file: BinaryIO, name: bytes, length: int) -> tuple[bytes, int]:
    """The beginning of a chunk, and the checksum of all of it."""
    first = piece = file.read(min(length, PIECE))
    checksum, left = zlib.crc32(first, zlib.crc32(name)), length - len(first)
    while left and (piece := file.read(min(left, PIECE))):
        checksum, left = zlib.crc32(piece, checksum), left - len(piece)
    return first, checksum


def _makes_sense(header: bytes) -> bool:
    width, height, depth, colour = number(header[:4]), number(header[4:8]), header[8], header[9]
    sides = 0 < width <= LONGEST and 0 < height <= LONGEST
    return sides and depth in DEPTHS.get(colour, ()) and header[10:12] == b"\0\0" and header[12] in (0, 1)
