"""Ogg: page after page; the last one of a stream says how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from artfactoryd.shelf.look.seen import MOST_PARTS, Seen, little, number

MARK, HEAD = b"OggS", 27  # bytes before the lengths
FIRST = 2  # flag of a page
NOTHING_ENDS = (1 << 64) - 1  # in a page that only goes on
OPUS_RATE = 48_000


@dataclass
class _Stream:
    """`rate`: of samples or frames a second; `shift`: in how many bits the frames after a whole one are counted."""

    codec: str = ""
    rate: float = 0.0
    skipped: int = 0
    shift: int = 0
    sides: tuple[int, int] = (0, 0)
    reached: int = 0

    @property
    def seconds(self) -> float:
        units = (self.reached >> self.shift) + (self.reached & ((1 << self.shift) - 1))
        return max(0, units - self.skipped) / self.rate if self.rate else 0.0


def walk(file: BinaryIO, size: int) -> Seen:
    """Streams beside each other last as long as the longest; what follows behind each other is added up."""
    place, before, streams = 0, 0.0, dict[int, _Stream]()
    seen = Seen()
    for _ in range(MOST_PARTS):
        file.seek(place)
        head = file.read(HEAD)
        if not head.startswith(MARK):
            break
        lengths = file.read(head[26]) if len(head) == HEAD else b""
        begins, place = place, place + HEAD + len(lengths) + sum(lengths)
        if len(head) < HEAD or len(lengths) < head[26] or place > size:
            return _seen(before, streams).cut_off()
        serial, granule = little(head[14:18]), little(head[6:14])
        if head[5] & FIRST:
            if streams and any(stream.reached for stream in streams.values()):
                before, streams = before + _longest(streams), {}
            file.seek(begins + HEAD + len(lengths))
            streams[serial] = _stream(file.read(64))
        elif serial in streams and granule != NOTHING_ENDS:
            streams[serial].reached = granule
    seen = _seen(before, streams)
    return seen if seen.duration else seen.cut_off()


def _longest(streams: dict[int, _Stream]) -> float:
    return max((stream.seconds for stream in streams.values()), default=0.0)


def _seen(before: float, streams: dict[int, _Stream]) -> Seen:
    pictures = [stream for stream in streams.values() if stream.codec == "theora"]
    others = [stream for stream in streams.values() if stream not in pictures]
    codecs = dict.fromkeys(stream.codec for stream in [*pictures, *others] if stream.codec)
    seen = Seen(codecs=tuple(codecs), shows=bool(pictures) if codecs else None).lasting(before + _longest(streams))
    return seen.sized(*pictures[0].sides) if pictures else seen


def _stream(head: bytes) -> _Stream:
    """By the beginning of its first packet."""
    if head.startswith(b"OpusHead"):
        return _Stream("opus", OPUS_RATE, skipped=little(head[10:12]))
    if head.startswith(b"\x01vorbis"):
        return _Stream("vorbis", little(head[12:16]))
    if head.startswith(b"\x7fFLAC"):
        return _Stream("flac", number(head[27:30]) >> 4)
    if head.startswith(b"Speex   "):
        return _Stream("speex", little(head[36:40]))
    if head.startswith(b"\x80theora") and (per := number(head[26:30])):
        shift = number(head[40:42]) >> 5 & 31
        return _Stream("theora", number(head[22:26]) / per, 0, shift, (number(head[14:17]), number(head[17:20])))
    return _Stream()
