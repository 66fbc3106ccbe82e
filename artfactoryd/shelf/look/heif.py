"""Pictures in boxes (AVIF, HEIF): the one that is meant to be shown, and where the data of all lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from artfactoryd.shelf.look.boxes import children, content, outer
from artfactoryd.shelf.look.film import told_by
from artfactoryd.shelf.look.seen import Seen, number


def walk(file: BinaryIO, size: int) -> Seen:
    """One without a still picture is a film of pictures."""
    there = dict[bytes, bytes]()
    for box in outer(file, size):
        if box.ends > size:
            return Seen().cut()
        if box.name in (b"moov", b"meta"):
            there[box.name] = content(file, box)
    if b"meta" not in there:
        return told_by(there[b"moov"]) if b"moov" in there else Seen().cut()
    inner = list(_inner(there[b"meta"][4:]))
    seen = _sides(inner)
    data = next((data for name, data in inner if name == b"iloc"), b"")
    return seen.cut() if any(ends > size for ends in _ends(data)) else seen


def _inner(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """With what lies among the properties."""
    for name, inside in children(data):
        if name == b"iprp":
            yield from children(inside)
        else:
            yield name, inside


def _sides(inner: list[tuple[bytes, bytes]]) -> Seen:
    """Of the picture that is meant to be shown; else of the largest in the file."""
    properties = next((data for name, data in inner if name == b"ipco"), b"")
    sizes = [
        (number(data[4:8]), number(data[8:12])) if name == b"ispe" and len(data) >= 12 else None
        for name, data in children(properties)
    ]
    shown = next((number(data[4:8] if data[:1] == b"\1" else data[4:6]) for name, data in inner if name == b"pitm"), -1)
    links = (_linked(data, shown) for name, data in inner if name == b"ipma")
    own = [sizes[place - 1] for places in links for place in places if 0 < place <= len(sizes)]
    known = [sides for sides in (own if any(own) else sizes) if sides]
    return Seen().sized(*max(known)) if known else Seen()


def _linked(data: bytes, shown: int) -> list[int]:
    """Places of the properties of the picture with this number."""
    wide, id_bytes = number(data[1:4]) & 1, 4 if data[:1] >= b"\1" else 2
    place, step = 8, 2 if wide else 1
    while place + id_bytes < len(data):
        picture, count = number(data[place : place + id_bytes]), data[place + id_bytes]
        place += id_bytes + 1
        if picture == shown:
            mask = 0x7FFF if wide else 0x7F
            return [number(data[at : at + step]) & mask for at in range(place, place + count * step, step)]
        place += count * step
    return []


def _ends(data: bytes) -> Iterator[int]:
    """Where in the file the data of each picture end."""
    if len(data) < 8:
        return
    version, widths = data[0], (data[4] >> 4, data[4] & 15, data[5] >> 4, data[5] & 15 if data[0] else 0)
    offset, length, base, index = widths
    id_bytes = 4 if version == 2 else 2
    place, method, extent = 6 + id_bytes, 0, index + offset + length
    while place + id_bytes < len(data):
        place += id_bytes
        if version:
            method, place = number(data[place : place + 2]) & 15, place + 2
        outside, place = number(data[place : place + 2]), place + 2
        start, place = number(data[place : place + base]), place + base
        count, place = number(data[place : place + 2]), place + 2
        for _ in range(count if extent else 0):
            if place >= len(data):
                return
            at, place = place + index, place + extent
            if not method and not outside:
                yield start + number(data[at : at + offset]) + number(data[at + offset : at + offset + length])
