"""Films, and pictures in the same container (AVIF, HEIF): boxes in boxes, and where their data lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from artfactoryd.shelf.look.seen import CUT_FILM, MOST_PARTS, Seen, number

LARGEST_INDEX = 64 << 20  # bytes of the box that describes a film or a picture
NESTS = frozenset({b"trak", b"iprp"})
ENDS_WITH_FILE, LONG = 0, 1  # lengths that stand for another


def film(file: BinaryIO, size: int) -> Seen:
    boxes = _outer(file, size)
    if boxes is None or b"moov" not in boxes:
        return Seen(fault=CUT_FILM)
    return _of_film(boxes[b"moov"])


def picture(file: BinaryIO, size: int) -> Seen:
    boxes = _outer(file, size)
    if boxes is None:
        return Seen().cut()
    if b"meta" not in boxes:
        return _of_film(boxes[b"moov"]) if b"moov" in boxes else Seen().cut()
    inner = list(_boxes(boxes[b"meta"][4:]))
    seen = _sides(inner)
    data = next((data for name, data in inner if name == b"iloc"), b"")
    return seen.cut() if any(ends > size for ends in _ends(data)) else seen


def _outer(file: BinaryIO, size: int) -> dict[bytes, bytes] | None:
    """Those that describe what is in the file, by name; None where one is longer than the file."""
    place, boxes = 0, dict[bytes, bytes]()
    for _ in range(MOST_PARTS):
        if place + 8 > size:
            break
        file.seek(place)
        head = file.read(16)
        name, length, begins = head[4:8], number(head[:4]), 8
        if length == ENDS_WITH_FILE:
            length = size - place
        elif length == LONG:
            length, begins = number(head[8:16]), 16
        if length < begins or place + length > size:
            return None
        if name in (b"moov", b"meta") and length <= LARGEST_INDEX:
            file.seek(place + begins)
            boxes[name] = file.read(length - begins)
        place += length
    return boxes


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Inside others; those that only hold others are opened, once."""
    for name, inside in _one_by_one(data):
        if name in NESTS:
            yield from _one_by_one(inside)
        else:
            yield name, inside


def _one_by_one(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        length, name = number(data[place : place + 4]), data[place + 4 : place + 8]
        if length < 8:
            return
        yield name, data[place + 8 : place + length]
        place += length


# --- films ---


def _of_film(index: bytes) -> Seen:
    seen, duration = Seen(), None
    for name, data in _boxes(index):
        if name == b"mvhd":
            duration = _duration(data)
        elif name == b"tkhd" and len(data) >= 84 and seen.width is None:
            width, height = number(data[-8:-4]) >> 16, number(data[-4:]) >> 16
            if width and height:
                seen = seen.sized(width, height)
    return seen._replace(duration=duration)


def _duration(data: bytes) -> float | None:
    if len(data) < 32:
        return None
    long = data[0] == 1
    scale = number(data[20:24] if long else data[12:16])
    units = number(data[24:32] if long else data[16:20])
    unknown = (1 << (64 if long else 32)) - 1
    return round(units / scale, 3) if scale and units != unknown else None


# --- pictures ---


def _sides(boxes: list[tuple[bytes, bytes]]) -> Seen:
    """Of the picture that is meant to be shown; else of the largest in the file."""
    properties = next((data for name, data in boxes if name == b"ipco"), b"")
    sizes = [
        (number(data[4:8]), number(data[8:12])) if name == b"ispe" and len(data) >= 12 else None
        for name, data in _one_by_one(properties)
    ]
    shown = next((number(data[4:8] if data[:1] == b"\1" else data[4:6]) for name, data in boxes if name == b"pitm"), -1)
    links = (_linked(data, shown) for name, data in boxes if name == b"ipma")
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
