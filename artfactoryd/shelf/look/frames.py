"""MP3 and AAC as they are streamed: frame after frame, each of which says how long it is, and nothing before them that
can be trusted to say how many there are.

Speech comes in pieces that somebody put behind each other, each with tags of its own, so what lies between frames is
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from artfactoryd.shelf.look.seen import MOST_PARTS, PIECE, Seen, number

TAG, OLD_TAG, OLD_TAG_BYTES = b"ID3", b"TAG", 128
TAG_HEAD = 10  # bytes
HEAD = 8  # bytes of a frame that are read
MOST_SEARCHED = 10_000  # beginnings that look like a frame and are none
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by the version's two bits
KILOBITS = {  # by whether it is the first version, and its layer's two bits
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_BEGINS = re.compile(rb"\xff[\xe0-\xff]")


class Frame(NamedTuple):
    """`bytes` of it, and how long it lasts; frames of one sound have one `sort`."""

    bytes: int
    seconds: float
    sort: object


Read = Callable[[bytes], Frame | None]


def mp3(file: BinaryIO, size: int) -> Seen:
    return _walk(file, size, _mp3, "mp3")


def aac(file: BinaryIO, size: int) -> Seen:
    return _walk(file, size, _aac, "aac")


def is_stream(file: BinaryIO, place: int, size: int) -> bool:
    """Whether what begins here as a frame of either is one: samples of any kind may begin so, and go on otherwise."""
    there = ((read, _frame(file, place, read, None)) for read in (_mp3, _aac))
    return any(
        frame is not None
        and (place + frame.bytes >= size or _goes_on(file, place + frame.bytes, size, read, frame.sort))
        for read, frame in there
    )


def behind_tags(file: BinaryIO) -> int:
    """Where the sound begins."""
    place = 0
    for _ in range(MOST_PARTS):
        if not (length := _tag(file, place)):
            return place
        place += length
    return place


def _walk(file: BinaryIO, size: int, read: Read, codec: str) -> Seen:
    seconds, told, frames, sort = 0.0, None, 0, None
    place, seen = behind_tags(file), Seen(codecs=(codec,), shows=False)
    for _ in range(MOST_PARTS):
        at, frame = _next(file, place, size, read, sort)
        if frame is None:
            break
        place = at + frame.bytes
        if place > size:
            return seen.lasting(seconds).cut_off()
        count = _told(file, at, frame) if sort is None and read is _mp3 else None
        if count is None:
            seconds, frames = seconds + frame.seconds, frames + 1
        told, sort = told or count, frame.sort
    seen = seen.lasting(seconds)
    return seen.cut_off() if not frames or (told and frames < told - 1) else seen


def _next(file: BinaryIO, place: int, size: int, read: Read, sort: object) -> tuple[int, Frame | None]:
    """The next frame of this sort, and where it begins: here, behind a tag, or behind what is neither."""
    if frame := _frame(file, place, read, sort):
        return place, frame
    if length := _tag(file, place):
        place += length
        if frame := _frame(file, place, read, sort):
            return place, frame
    searched = 0
    while place < size:
        file.seek(place)
        piece = file.read(PIECE)
        for match in _BEGINS.finditer(piece):
            searched, at = searched + 1, place + match.start()
            frame = _frame(file, at, read, sort)
            if frame and _goes_on(file, at + frame.bytes, size, read, frame.sort):
                return at, frame
            if searched > MOST_SEARCHED:
                return size, None
        place += len(piece) - 1 if len(piece) == PIECE else len(piece) or 1
    return size, None


def _frame(file: BinaryIO, place: int, read: Read, sort: object) -> Frame | None:
    file.seek(place)
    frame = read(file.read(HEAD))
    return frame if frame and sort in (None, frame.sort) else None


def _goes_on(file: BinaryIO, behind: int, size: int, read: Read, sort: object) -> bool:
    """Another frame comes, a tag, or the end."""
    return behind == size or bool(_frame(file, behind, read, sort) or _tag(file, behind))


def _tag(file: BinaryIO, place: int) -> int:
    """Bytes of the tag that begins here; 0 where there is none."""
    file.seek(place)
    head = file.read(TAG_HEAD)
    if head[:3] == OLD_TAG:
        return OLD_TAG_BYTES
    if head[:3] != TAG or len(head) < TAG_HEAD or any(byte & 0x80 for byte in head[6:10]):
        return 0
    length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return TAG_HEAD + length + (TAG_HEAD if head[5] & 0x10 else 0)


# --- frames ---


def _mp3(head: bytes) -> Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate, bits = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 0 or rate == 3 or bits in (0, 15):
        return None
    is_first, hertz, padded = version == 3, RATES[version][rate], head[2] >> 1 & 1
    bytes_a_second = KILOBITS[is_first, layer][bits - 1] * 125
    samples = 384 if layer == 3 else 576 if layer == 1 and not is_first else 1152
    if layer == 3:
        length = (12 * bytes_a_second * 8 // hertz + padded) * 4
    else:
        length = samples * bytes_a_second // hertz + padded
    return Frame(length, samples / hertz, (version, layer, rate)) if length > 4 else None


def _told(file: BinaryIO, place: int, frame: Frame) -> int | None:
    """How many frames follow, by a first one that has no sound; 0 where it does not tell, None of one with sound."""
    file.seek(place)
    data = file.read(min(frame.bytes, 256))
    for mark in (b"Xing", b"Info"):
        at = data.find(mark, 4, 48)
        if at > 0:
            return number(data[at + 8 : at + 12]) if data[at + 7] & 1 else 0
    if data[36:40] == b"VBRI":
        return number(data[50:54])
    return None


def _aac(head: bytes) -> Frame | None:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate, length = head[2] >> 2 & 15, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(AAC_RATES) or length < 8:
        return None
    return Frame(length, 1024 * ((head[6] & 3) + 1) / AAC_RATES[rate], rate)
