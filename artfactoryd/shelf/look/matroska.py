"""WebM and Matroska: elements in elements, of which the last may not say how long they are.

What is recorded as it comes has neither a length in time nor the lengths of its parts; then the times of its frames
tell how long it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from artfactoryd.shelf.look.seen import MOST_PARTS, Seen, number

HEADER, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
SCALE, DURATION = 0x2AD7B1, 0x4489
ENTRY, TRACK_TYPE, CODEC, VIDEO, FRAME_LASTS = 0xAE, 0x83, 0x86, 0xE0, 0x23E383
WIDTH, HEIGHT = 0xB0, 0xBA
TRACK_NUMBER, TIME = 0xD7, 0xE7
OPENED, BLOCKS = frozenset({SEGMENT, 0xA0}), frozenset({0xA3, 0xA1})
PICTURES, SOUND = 1, 2
NANOSECONDS = 1_000_000_000
NOTHING = Seen()
USUAL_SCALE = 1_000_000  # nanoseconds
LARGEST = 4 << 20  # bytes of an element that is read


class Element(NamedTuple):
    """`ends`: None where it does not say it."""

    name: int
    begins: int
    ends: int | None


@dataclass
class _Film:
    """What is known so far. Times are in units of `scale` nanoseconds; those of frames are of one track."""

    seen: Seen = NOTHING
    scale: int = USUAL_SCALE
    told: float = 0.0
    track: int | None = None
    frame: int = 0  # nanoseconds that a frame lasts; 0: not told
    cluster: int = 0
    last: int | None = None  # of the two last frames
    before: int | None = None
    is_cut: bool = False

    @property
    def measured(self) -> Seen:
        """By what it tells of its length, else by its last frame, which lasts as long as the one before."""
        seen = self.seen.cut_off() if self.is_cut else self.seen
        if self.told > 0:
            return seen.lasting(self.told * self.scale / NANOSECONDS)
        if self.last is None:
            return seen
        frame = self.frame or (0 if self.before is None else (self.last - self.before) * self.scale)
        return seen.lasting((self.last * self.scale + frame) / NANOSECONDS)

    def meet(self, time: int) -> None:
        """They may come in another order than they are shown."""
        if self.last is None or time > self.last:
            self.last, self.before = time, self.last
        elif time < self.last and (self.before is None or time > self.before):
            self.before = time


def walk(file: BinaryIO, size: int) -> Seen:
    film, place, has_frames = _Film(), 0, False
    for _ in range(MOST_PARTS):
        element = _element(file, place)
        if element is None:
            break
        if element.ends is not None and element.ends > size:
            film.is_cut = True
            if element.name != SEGMENT:
                break
        has_frames = has_frames or element.name == CLUSTER
        _take(file, film, element)
        if element.name in OPENED or (element.name == CLUSTER and not (film.told and element.ends)):
            place = element.begins
        elif element.ends is None:
            break
        else:
            place = element.ends
    film.is_cut = film.is_cut or not has_frames
    return film.measured


def _take(file: BinaryIO, film: _Film, element: Element) -> None:
    if element.name == INFO:
        _info(film, _content(file, element))
    elif element.name == TRACKS:
        _tracks(film, _content(file, element))
    elif element.name == TIME:
        film.cluster = number(_content(file, element))
    elif element.name in BLOCKS:
        file.seek(element.begins)
        _block(film, file.read(12))


def _info(film: _Film, content: bytes) -> None:
    for name, data in _children(content):
        if name == SCALE:
            film.scale = number(data) or USUAL_SCALE
        elif name == DURATION and len(data) in (4, 8):
            told = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
            film.told = told if 0 < told < 1e12 else 0.0


def _tracks(film: _Film, content: bytes) -> None:
    tracks = [dict(_children(data)) for name, data in _children(content) if name == ENTRY]
    kinds = [number(track.get(TRACK_TYPE, b"")) for track in tracks]
    pictures = [track for track, kind in zip(tracks, kinds, strict=True) if kind == PICTURES]
    heard = [track for track, kind in zip(tracks, kinds, strict=True) if kind == SOUND]
    codecs = dict.fromkeys(filter(None, (_codec(track.get(CODEC, b"")) for track in [*pictures, *heard])))
    film.seen = Seen(codecs=tuple(codecs), shows=bool(pictures) if pictures or heard else None)
    for track in pictures[:1]:
        video = dict(_children(track.get(VIDEO, b"")))
        film.seen = film.seen.sized(number(video.get(WIDTH, b"")), number(video.get(HEIGHT, b"")))
    main = (pictures or heard or [{}])[0]
    film.track, film.frame = number(main.get(TRACK_NUMBER, b"")), number(main.get(FRAME_LASTS, b""))


def _codec(name: bytes) -> str:
    """`V_VP9` is vp9, `V_MPEG4/ISO/AVC` is h264."""
    text = name.decode("ascii", "ignore").rstrip("\0")
    known = {"V_MPEG4/ISO/AVC": "h264", "V_MPEGH/ISO/HEVC": "hevc", "A_MPEG/L3": "mp3"}
    short = text.partition("_")[2].partition("/")[0].lower()
    return known.get(text, short if short.isalnum() else "")


def _block(film: _Film, head: bytes) -> None:
    """Its time is told from that of its cluster on."""
    track, length = _number(head, 0)
    if length and track == film.track and len(head) >= length + 2:
        film.meet(film.cluster + int.from_bytes(head[length : length + 2], "big", signed=True))


# --- elements ---


def _element(file: BinaryIO, place: int) -> Element | None:
    """None where the file ends, or what follows is none."""
    file.seek(place)
    head = file.read(12)
    if not head or not head[0]:
        return None
    width = 9 - head[0].bit_length()
    length, more = _number(head, width)
    if width > 4 or not more:
        return None
    begins = place + width + more
    return Element(number(head[:width]), begins, None if length is None else begins + length)


def _number(data: bytes, place: int) -> tuple[int | None, int]:
    """A length, and how many bytes it takes; None: it is not known; 0 bytes where there is none."""
    if place >= len(data) or not data[place]:
        return 0, 0
    width = 9 - data[place].bit_length()
    if place + width > len(data):
        return 0, 0
    value = number(data[place : place + width]) & ((1 << (7 * width)) - 1)
    return (None if value == (1 << (7 * width)) - 1 else value), width


def _content(file: BinaryIO, element: Element) -> bytes:
    if element.ends is None or element.ends - element.begins > LARGEST:
        return b""
    file.seek(element.begins)
    return file.read(element.ends - element.begins)


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(data) and data[place]:
        width = 9 - data[place].bit_length()
        length, more = _number(data, place + width)
        if not more or length is None:
            return
        begins = place + width + more
        yield number(data[place : place + width]), data[begins : begins + length]
        place = begins + length
