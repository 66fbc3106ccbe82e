"""Boxes in boxes: how films, and pictures of the same family, are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from artfactoryd.shelf.look.seen import MOST_PARTS, number

LARGEST = 64 << 20  # bytes of a box that is read: an index, never what it is the index of
ENDS_WITH_FILE, LONG = 0, 1  # lengths that stand for another


class Box(NamedTuple):
    """`begins`, `ends`: its content in the file, and beyond the file where that is cut short."""

    name: bytes
    begins: int
    ends: int


def outer(file: BinaryIO, size: int) -> Iterator[Box]:
    """Those that lie in no other; one that is longer than the file is the last."""
    place = 0
    for _ in range(MOST_PARTS):
        if place + 8 > size:
            return
        file.seek(place)
        head = file.read(16)
        name, length, begins = head[4:8], number(head[:4]), 8
        if length == ENDS_WITH_FILE:
            length = size - place
        elif length == LONG:
            length, begins = number(head[8:16]), 16
        ends = place + length if length >= begins else size + 1
        yield Box(name, place + begins, ends)
        if ends > size:
            return
        place = ends


def content(file: BinaryIO, box: Box) -> bytes:
    """Nothing of one that is too large to be read."""
    if box.ends - box.begins > LARGEST:
        return b""
    file.seek(box.begins)
    return file.read(box.ends - box.begins)


def children(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes in a content, each with its own."""
    place = 0
    while place + 8 <= len(data):
        length, name = number(data[place : place + 4]), data[place + 4 : place + 8]
        if length < 8:
            return
        yield name, data[place + 8 : place + length]
        place += length


def inside(data: bytes, *names: bytes) -> bytes:
    """The content of the first box that is called so, of the first in that, and so on; empty where there is none."""
    for name in names:
        data = next((inner for known, inner in children(data) if known == name), b"")
    return data
