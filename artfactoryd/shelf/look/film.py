"""MP4, MOV and M4A: how long and how large, whole to where the index says that the last piece of it lies.

The index may lie behind the pictures, or in pieces among them (of what was streamed), and then says no length itself.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from artfactoryd.shelf.look.boxes import Box, children, content, inside, outer
from artfactoryd.shelf.look.seen import Seen, number

PICTURES, SOUND = b"vide", b"soun"  # what a track has
EMPTY = "The film has no frame in it."
CODECS = {  # by how a track's samples are called there
    b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc", b"dvh1": "hevc", b"dvhe": "hevc",
    b"av01": "av1", b"vp08": "vp8", b"vp09": "vp9", b"mp4v": "mpeg4", b"jpeg": "mjpeg", b"mp4a": "aac",
    b"Opus": "opus", b"fLaC": "flac", b".mp3": "mp3", b"sowt": "pcm", b"twos": "pcm", b"lpcm": "pcm", b"ipcm": "pcm",
    b"ac-3": "ac3", b"ec-3": "eac3", b"apch": "prores", b"apcn": "prores", b"apcs": "prores", b"apco": "prores",
    b"ap4h": "prores", b"ap4x": "prores",
}  # fmt: skip
DURATION, SIZE, FLAGS, SHIFT = 0x100, 0x200, 0x400, 0x800  # what a fragment tells of each sample


@dataclass(frozen=True, slots=True)
class Track:
    """`samples`: None where that is not told; `reaches`: where in the file its last piece begins."""

    number: int
    kind: bytes
    units: int  # of time that its samples in the index last
    scale: int  # units a second
    sides: tuple[int, int]
    codec: str
    samples: int | None
    reaches: int


@dataclass
class Fragments:
    """What the pieces tell of each track, by its number: where it has come to, in its own units of time."""

    usual: Mapping[int, int]  # units that one of its samples lasts where nothing else is said
    reached: dict[int, int]  # at first: to the end of what is in the index
    has_pieces: bool = False

    def add(self, content: bytes) -> None:
        for name, piece in children(content):
            if name == b"traf":
                self._add(piece)
                self.has_pieces = True

    def _add(self, piece: bytes) -> None:
        head, start = inside(piece, b"tfhd"), inside(piece, b"tfdt")
        track, usual = _head(head)
        if usual is None:
            usual = self.usual.get(track, 0)
        at = self.reached.get(track, 0)
        if len(start) >= 8:
            at = number(start[4:12] if start[0] == 1 else start[4:8])
        lasts = sum(_lasts(run, usual) for name, run in children(piece) if name == b"trun")
        self.reached[track] = max(self.reached.get(track, 0), at + lasts)


def walk(file: BinaryIO, size: int) -> Seen:
    index, pieces = b"", list[Box]()
    for box in outer(file, size):
        if box.ends > size:
            return told_by(index).cut_off()
        if box.name == b"moov":
            index = content(file, box)
        elif box.name == b"moof":
            pieces.append(box)
    if not index:
        return Seen().cut_off()
    tracks = _tracks(index)
    fragments = Fragments(_usual(index), {track.number: track.units for track in tracks})
    for box in pieces:
        fragments.add(content(file, box))
    seen = _of_tracks(index, tracks, fragments)
    if any(track.reaches >= size for track in tracks):
        return seen.cut_off()
    return seen._replace(fault="" if pieces or any(one.samples != 0 for one in tracks) or not tracks else EMPTY)


def told_by(index: bytes) -> Seen:
    """By the content of `moov` alone."""
    tracks = _tracks(index)
    return _of_tracks(index, tracks, Fragments({}, {track.number: track.units for track in tracks}))


def _of_tracks(index: bytes, tracks: list[Track], fragments: Fragments) -> Seen:
    """As it is shown: a phone's film may lie on its side."""
    scales = {track.number: track.scale for track in tracks if track.scale}
    lengths = [units / scales[track] for track, units in fragments.reached.items() if track in scales]
    seconds = _length(inside(index, b"mvhd")) or 0.0
    if not seconds or fragments.has_pieces:
        seconds = max([seconds, *lengths])
    pictures = [track for track in tracks if track.kind == PICTURES]
    sides = next((track.sides for track in pictures or tracks if all(track.sides)), (0, 0))
    heard = [track for track in tracks if track.kind == SOUND]
    codecs = dict.fromkeys(track.codec for track in [*pictures, *heard] if track.codec)
    shows = bool(pictures) if pictures or heard else None
    return Seen(codecs=tuple(codecs), shows=shows).sized(*sides).lasting(seconds)


# --- the index ---


def _tracks(index: bytes) -> list[Track]:
    return [_track(data) for name, data in children(index) if name == b"trak"]


def _track(data: bytes) -> Track:
    head, media = inside(data, b"tkhd"), inside(data, b"mdia")
    table = inside(media, b"minf", b"stbl")
    kind, entry = inside(media, b"hdlr")[8:12], inside(table, b"stsd")[8:]
    sides = _shown(head)
    if not all(sides) and kind == PICTURES and len(entry) >= 36:
        sides = number(entry[32:34]), number(entry[34:36])
    times = inside(media, b"mdhd")
    return Track(
        number(head[20:24] if head[:1] == b"\1" else head[12:16]), kind, _units(times, table), _scale(times), sides,
        CODECS.get(entry[4:8], ""), _samples(table), _reaches(table),
    )  # fmt: skip


def _shown(head: bytes) -> tuple[int, int]:
    if len(head) < 84:
        return 0, 0
    width, height = number(head[-8:-4]) >> 16, number(head[-4:]) >> 16
    is_turned = not any(head[-44:-40]) and any(head[-40:-36])
    return (height, width) if is_turned else (width, height)


def _scale(times: bytes) -> int:
    """Units a second."""
    return number(times[20:24] if times[:1] == b"\1" else times[12:16])


def _length(times: bytes) -> float | None:
    """Seconds, of the head of a film or of a track."""
    long, scale = times[:1] == b"\1", _scale(times)
    units = times[24:32] if long else times[16:20]
    unknown = (1 << (64 if long else 32)) - 1
    return number(units) / scale if scale and number(units) != unknown else None


def _units(times: bytes, table: bytes) -> int:
    """By its head, or by its samples, where that says less: nothing, or only how long the film was at its beginning."""
    runs = inside(table, b"stts")[8:]
    by_samples: int = sum(count * lasts for count, lasts in struct.iter_unpack(">II", runs[: len(runs) // 8 * 8]))
    return max(by_samples, round((_length(times) or 0.0) * _scale(times)))


def _samples(table: bytes) -> int | None:
    sizes = inside(table, b"stsz") or inside(table, b"stz2")
    return number(sizes[8:12]) if len(sizes) >= 12 else None


def _reaches(table: bytes) -> int:
    for name, width, code in ((b"stco", 4, "I"), (b"co64", 8, "Q")):
        places = inside(table, name)
        if (count := min(number(places[4:8]), (len(places) - 8) // width)) > 0:
            return int(max(struct.unpack_from(f">{count}{code}", places, 8)))
    return 0


# --- fragments ---


def _usual(index: bytes) -> dict[int, int]:
    extends = inside(index, b"mvex")
    usual = (data for name, data in children(extends) if name == b"trex")
    return {number(data[4:8]): number(data[12:16]) for data in usual}


def _head(head: bytes) -> tuple[int, int | None]:
    """The track, and how long its samples last where this says it."""
    flags, place = number(head[1:4]), 8
    for flag, width in ((0x1, 8), (0x2, 4)):
        place += width if flags & flag else 0
    return number(head[4:8]), number(head[place : place + 4]) if flags & 0x8 else None


def _lasts(run: bytes, usual: int) -> int:
    """Units of all its samples together."""
    flags, count = number(run[1:4]), number(run[4:8])
    if not flags & DURATION:
        return count * usual
    step = 4 * sum(bool(flags & one) for one in (DURATION, SIZE, FLAGS, SHIFT))
    begins = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    return sum(number(run[place : place + 4]) for place in range(begins, min(len(run), begins + count * step), step))
