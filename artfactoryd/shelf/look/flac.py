"""FLAC: how many samples its header tells of, and whether the last frame is there, whole, and has the last of them."""

from __future__ import annotations

import re
from typing import BinaryIO, NamedTuple

from artfactoryd.shelf.look.frames import OLD_TAG, OLD_TAG_BYTES, behind_tags
from artfactoryd.shelf.look.seen import Seen, number

MARK, HEADER = b"fLaC", 34  # bytes of the first block
LAST_BLOCK = 0x80
LARGEST_FRAME = 1 << 16  # bytes at the end in which the last one is looked for, where the header tells none
MOST_END = 4 << 20
MOST_BLOCKS, MOST_SEARCHED = 1000, 10_000
BLOCKS = {
    1: 192,
    **{code: 576 << (code - 2) for code in range(2, 6)},
    **{code: 256 << (code - 8) for code in range(8, 16)},
}
_BEGINS = re.compile(rb"\xff[\xf8\xf9]")
EIGHT_BITS, SIXTEEN_BITS = 6, 7  # codes: the size of the block stands behind the frame's number


class _Header(NamedTuple):
    largest_block: int
    largest_frame: int
    rate: int
    samples: int  # 0: it does not say it


def walk(file: BinaryIO, size: int) -> Seen:
    begins = behind_tags(file)
    file.seek(begins)
    start = file.read(8 + HEADER)
    seen = Seen(codecs=("flac",), shows=False)
    if start[:4] != MARK or len(start) < 8 + HEADER:
        return seen.cut_off()
    header = _header(start[8:])
    sound = _sound(file, begins + 4, size)
    if sound is None or not header.rate:
        return seen.cut_off()
    samples, is_whole = _end(file, sound, size, header)
    seen = seen.lasting((header.samples or samples) / header.rate)
    return seen if is_whole and samples >= header.samples else seen.cut_off()


def _header(data: bytes) -> _Header:
    bits = number(data[10:18])
    return _Header(number(data[2:4]), number(data[7:10]), bits >> 44, bits & ((1 << 36) - 1))


def _sound(file: BinaryIO, place: int, size: int) -> int | None:
    """Behind the blocks that are no sound."""
    for _ in range(MOST_BLOCKS):
        file.seek(place)
        head = file.read(4)
        place += 4 + number(head[1:4])
        if len(head) < 4 or place > size:
            return None
        if head[0] & LAST_BLOCK:
            return place
    return None


def _end(file: BinaryIO, begins: int, size: int, header: _Header) -> tuple[int, bool]:
    """How many samples there are up to the end of the last frame, and whether that is whole."""
    reach = min(max(2 * header.largest_frame, LARGEST_FRAME), MOST_END)
    file.seek(max(begins, size - reach))
    data = file.read(reach)
    if data[-OLD_TAG_BYTES:][:3] == OLD_TAG:
        data = data[:-OLD_TAG_BYTES]
    places = [match.start() for match in _BEGINS.finditer(data)]
    for place in reversed(places[-MOST_SEARCHED:]):
        if samples := _frame(data, place, header):
            return samples, _checksum(data[place:].rstrip(b"\0")) == 0 or _checksum(data[place:]) == 0
    return 0, False


def _frame(data: bytes, place: int, header: _Header) -> int | None:
    """The samples up to its end; None where no frame begins here."""
    numbered, width = _utf8(data[place + 4 : place + 11])
    behind = place + 4 + width
    code = data[place + 2] >> 4 if place + 2 < len(data) else 0
    more = {EIGHT_BITS: 1, SIXTEEN_BITS: 2}.get(code, 0)
    block = number(data[behind : behind + more]) + 1 if more else BLOCKS.get(code, 0)
    behind += more + {12: 1, 13: 2, 14: 2}.get(data[place + 2] & 15 if place + 2 < len(data) else 0, 0)
    if numbered is None or not block or behind >= len(data) or _header_checksum(data[place:behind]) != data[behind]:
        return None
    is_counted_in_samples = data[place + 1] & 1
    return (numbered if is_counted_in_samples else numbered * header.largest_block) + block


def _utf8(data: bytes) -> tuple[int | None, int]:
    """A number written as UTF-8 writes letters, up to 36 bits, and the bytes it takes."""
    if not data or data[0] & 0xC0 == 0x80 or data[0] == 0xFF:
        return None, 1
    if data[0] < 0x80:
        return data[0], 1
    width = 8 - (data[0] ^ 0xFF).bit_length()
    value = data[0] & ((1 << (7 - width)) - 1) if width < 7 else 0
    for byte in data[1:width]:
        value = value << 6 | byte & 0x3F
    return (value, width) if len(data) >= width else (None, 1)


def _table(polynomial: int, bits: int) -> list[int]:
    top, most = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for value in range(256):
        value <<= bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & most
        table.append(value)
    return table


_EIGHT, _SIXTEEN = _table(0x07, 8), _table(0x8005, 16)


def _header_checksum(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _EIGHT[value ^ byte]
    return value


def _checksum(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _SIXTEEN[value >> 8 ^ byte]
    return value
