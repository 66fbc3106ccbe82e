"""WAV and AIFF: sound as numbers, in chunks; of what was streamed nobody went back to write how long it became."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from artfactoryd.shelf.look.seen import MOST_PARTS, Seen, little, number

HEAD = 12  # bytes
ENDLESS = 1_000_000_000  # a length from here on that the file has not stands for one that was not known
CODECS = {1: "pcm", 3: "pcm", 6: "alaw", 7: "mulaw", 0x11: "adpcm", 0x55: "mp3"}
EXTENDED = 0xFFFE  # the format stands further behind


class Chunk(NamedTuple):
    """`length` as it tells it."""

    name: bytes
    begins: int
    length: int


def wav(file: BinaryIO, size: int) -> Seen:
    told, rate, seen = _told(file.read(HEAD)), 0, Seen(shows=False)
    is_cut, long = _is_cut(told, size), 0
    for chunk in _chunks(file, size, "little"):
        file.seek(chunk.begins)
        if chunk.name == b"ds64":  # of a file of more than 4 GB
            long = little(file.read(16)[8:16])
        elif chunk.name == b"fmt ":
            head = file.read(26)
            rate, code = little(head[8:12]), little(head[:2])
            codec = CODECS.get(little(head[24:26]) if code == EXTENDED else code)
            seen = seen._replace(codecs=(codec,) if codec else ())
        elif chunk.name == b"data":
            there, length = size - chunk.begins, long or chunk.length
            is_open = length == 0 or (length >= ENDLESS and length > there)
            seen = seen.lasting((there if is_open else min(length, there)) / rate if rate else None)
            return seen.cut_off() if is_cut or not there or (length > there and not is_open) else seen
    return seen.cut_off()


def aiff(file: BinaryIO, size: int) -> Seen:
    """Its rate is written as a number of 80 bits."""
    is_cut, seen, has_sound = number(file.read(HEAD)[4:8]) + 8 > size, Seen(codecs=("pcm",), shows=False), False
    for chunk in _chunks(file, size, "big"):
        if chunk.name == b"COMM":
            file.seek(chunk.begins)
            head = file.read(18)
            exponent, mantissa = (number(head[8:10]) & 0x7FFF) - 16383 - 63, number(head[10:18])
            rate = mantissa * 2.0**exponent if -200 < exponent < 200 else 0.0
            seen = seen.lasting(number(head[2:6]) / rate if rate else None)
        has_sound = has_sound or chunk.name == b"SSND"
    return seen.cut_off() if is_cut or not has_sound else seen


def _told(head: bytes) -> int:
    return little(head[4:8]) + 8


def _is_cut(told: int, size: int) -> bool:
    return HEAD < told < ENDLESS and told > size


def _chunks(file: BinaryIO, size: int, order: str) -> Iterator[Chunk]:
    """As far as there are any in the file."""
    place = HEAD
    for _ in range(MOST_PARTS):
        if place + 8 > size:
            return
        file.seek(place)
        name, data = file.read(4), file.read(4)
        length = little(data) if order == "little" else number(data)
        yield Chunk(name, place + 8, length)
        place += 8 + length + length % 2
