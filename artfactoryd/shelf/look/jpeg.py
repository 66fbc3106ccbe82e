"""JPEG: every segment's length, the size in the frame's header, and each scan to the mark that ends it."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO

from artfactoryd.shelf.look.seen import MOST_PARTS, PIECE, Seen, number

START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # marks without a segment
FIRST_PIECE = 1 << 10  # of a scan; each next one is twice as long, so that many short scans are read once
_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in the pixels: all but a stuffed zero, a restart and padding


def walk(file: BinaryIO, size: int) -> Seen:
    """After the mark of the end anything may come: phones put a film there."""
    seen, is_framed, scans = Seen(), False, 0
    file.seek(2)
    for _ in range(MOST_PARTS):
        mark = _mark(file)
        if mark is None:
            return seen.cut()
        if mark < 0 or mark == START:
            return seen.damaged("what follows is no part of a picture")
        if mark == END:
            return seen if scans else seen.damaged("it has no pixels")
        if mark in ALONE:
            continue
        length = number(head := file.read(2))
        if len(head) < 2 or file.tell() + length - 2 > size:
            return seen.cut()
        if length < 2 or (mark == SCAN and not is_framed):
            return seen.damaged("a part of it is not where it belongs")
        begins = file.tell()
        if mark in FRAMES:
            frame, is_framed = file.read(min(length - 2, 5)), True
            seen = seen.sized(number(frame[3:5]), number(frame[1:3]))
        file.seek(begins + length - 2)
        if mark == SCAN:
            scans += 1
            if not _skip_pixels(file):
                return seen.cut()
    return seen.damaged("it has more parts than any picture")


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Of a whole one: each segment's mark before the pixels, and where its body begins and ends."""
    return itertools.takewhile(lambda part: part[0] != SCAN, parts(data))


def parts(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The same to the mark of the end, which is the last; of a scan its pixels belong to it."""
    file = io.BytesIO(data)
    file.seek(2)
    while (mark := _mark(file)) not in (None, -1, END):
        assert mark is not None
        if mark not in ALONE:
            begins = file.tell() + 2
            ends = begins - 2 + number(file.read(2))
            file.seek(ends)
            if mark == SCAN:
                _skip_pixels(file)
                ends = file.tell()
            yield mark, begins, ends
            file.seek(ends)
    if mark == END:
        yield END, file.tell(), file.tell()


def _mark(file: BinaryIO) -> int | None:
    """The next one; None at the end of the file, -1 of what is none."""
    if (first := file.read(1)) != b"\xff":
        return -1 if first else None
    while (code := file.read(1)) == b"\xff":
        pass
    return code[0] if code else None


def _skip_pixels(file: BinaryIO) -> bool:
    """To the mark behind them; False when there is none."""
    before, length = b"", FIRST_PIECE
    while piece := file.read(length):
        whole = before + piece if before else piece
        if found := _MARK.search(whole):
            file.seek(found.start() - len(whole), 1)
            return True
        before, length = b"\xff" if piece.endswith(b"\xff") else b"", min(2 * length, PIECE)
    return False
