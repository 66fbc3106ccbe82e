"""Length and size of films and sound, and whether they are cut short, from their boxes: nothing is decoded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

LARGEST_INDEX = 64 << 20  # bytes of the box that describes a film
NESTS = frozenset({b"trak"})


class Measured(NamedTuple):
    """`duration` in seconds; None of what is not told. `is_cut`: it ends before it says."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None
    is_cut: bool = False


def measured(path: Path, extension: str) -> Measured:
    """Whatever the file holds; one that makes no sense measures nothing."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if extension in ("mp4", "mov", "m4a"):
            return _film(file, size)
        return _riff(file, size) if extension in ("wav", "avi", "webp") else Measured()


def _film(file: BinaryIO, size: int) -> Measured:
    position, index = 0, b""
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        length = {0: size - position, 1: int.from_bytes(head[8:16], "big")}.get(length, length)
        if length < 8 or position + length > size:
            return Measured(is_cut=True)
        if head[4:8] == b"moov" and length <= LARGEST_INDEX:
            file.seek(position + 8)
            index = file.read(length - 8)
        position += length
    if not index:
        return Measured(is_cut=True)
    return _of_index(index)


def _of_index(index: bytes) -> Measured:
    width = height = duration = None
    for name, data in _boxes(index):
        if name == b"mvhd":
            duration = _duration(data)
        elif name == b"tkhd" and len(data) >= 84:
            size = int.from_bytes(data[-8:-4], "big") >> 16, int.from_bytes(data[-4:], "big") >> 16
            if all(size) and width is None:
                width, height = size
    return Measured(width, height, duration)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        length, name = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        if length < 8:
            return
        inside = data[position + 8 : position + length]
        if name in NESTS:
            yield from _boxes(inside)
        else:
            yield name, inside
        position += length


def _duration(data: bytes) -> float | None:
    if len(data) < 32:
        return None
    long = data[0] == 1
    scale = int.from_bytes(data[20:24] if long else data[12:16], "big")
    units = int.from_bytes(data[24:32] if long else data[16:20], "big")
    unknown = (1 << (64 if long else 32)) - 1
    return round(units / scale, 3) if scale and units != unknown else None


def _riff(file: BinaryIO, size: int) -> Measured:
    head = file.read(12)
    said = int.from_bytes(head[4:8], "little") + 8
    is_cut = 12 < said < 0xFFFFFFFF and said > size  # a stream does not know its length beforehand
    if head[8:12] != b"WAVE":
        return Measured(is_cut=is_cut)
    rate = 0
    while len(chunk := file.read(8)) == 8:
        name, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"fmt ":
            rate = int.from_bytes(file.read(16)[8:12], "little")
            file.seek(length + length % 2 - 16, os.SEEK_CUR)
        elif name == b"data":
            there = min(length, size - file.tell())
            return Measured(duration=round(there / rate, 3) if rate else None, is_cut=is_cut)
        else:
            file.seek(length + length % 2, os.SEEK_CUR)
    return Measured(is_cut=is_cut)
