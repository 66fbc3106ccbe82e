"""EXIF: a text of ours as UserComment. A block that is there stays where it is; a list of entries that gets one more is
written anew behind it, so that nothing else in the block moves."""

from __future__ import annotations

import struct
from typing import NamedTuple

from artfactoryd.core.inside.undo import Edit

BEGINNING = b"Exif\0\0"
IFD, COMMENT = 0x8769, 0x9286  # a list of entries in another; the text
LONG, UNDEFINED = 4, 7
ENTRY = 12  # bytes
MOST_ENTRIES = 1000
OTHERS = (b"workflow:", b"prompt:", b"sui_image_params", b"invokeai_metadata")  # words of tools that tell it all


class _List(NamedTuple):
    """One of entries, each with its place. `beyond`: what stands behind it, where the next one is."""

    entries: tuple[tuple[int, int, bytes], ...]
    beyond: bytes

    def place_of(self, tag: int) -> int | None:
        return next((place for own, place, _ in self.entries if own == tag), None)


def block(comment: bytes) -> bytes:
    """A new one, with nothing else."""
    head = struct.pack(">2sHI", b"MM", 42, 8)
    outer = struct.pack(">HHHIII", 1, IFD, LONG, 1, 26, 0)
    return head + outer + struct.pack(">HHHIII", 1, COMMENT, UNDEFINED, len(comment), 44, 0) + comment


def addition(tiff: bytes, comment: bytes) -> list[Edit]:
    """In a block that is there; nothing where it has such a text, or cannot be read."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or any(words in tiff for words in OTHERS):
        return []
    try:
        first = struct.unpack_from(f"{order}I", tiff, 4)[0]
        outer = _read(tiff, order, first)
        at = outer.place_of(IFD)
        inner = _read(tiff, order, struct.unpack_from(f"{order}I", tiff, at + 8)[0]) if at is not None else None
    except (struct.error, ValueError):
        return []
    if inner is not None and inner.place_of(COMMENT) is not None:
        return []
    begins = len(tiff) + len(tiff) % 2
    inner = inner or _List((), bytes(4))
    behind = begins + 2 + ENTRY * (len(inner.entries) + 1) + 4
    entry = struct.pack(f"{order}HHII", COMMENT, UNDEFINED, len(comment), behind)
    added = bytes(len(tiff) % 2) + _written(order, inner, COMMENT, entry) + comment
    if at is not None:
        return [Edit(at + 8, at + 12, struct.pack(f"{order}I", begins)), Edit(len(tiff), len(tiff), added)]
    added += bytes(len(added + tiff) % 2)
    pointer = struct.pack(f"{order}HHII", IFD, LONG, 1, begins)
    head = Edit(4, 8, struct.pack(f"{order}I", len(tiff) + len(added)))
    return [head, Edit(len(tiff), len(tiff), added + _written(order, outer, IFD, pointer))]


def _read(tiff: bytes, order: str, at: int) -> _List:
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    ends = at + 2 + count * ENTRY
    if count > MOST_ENTRIES or ends + 4 > len(tiff):
        raise ValueError("no list of entries")
    places = range(at + 2, ends, ENTRY)
    entries = tuple(
        (struct.unpack_from(f"{order}H", tiff, place)[0], place, tiff[place : place + ENTRY]) for place in places
    )
    return _List(entries, tiff[ends : ends + 4])


def _written(order: str, known: _List, tag: int, entry: bytes) -> bytes:
    """With one entry more, by their numbers."""
    entries = sorted([*((own, data) for own, _, data in known.entries), (tag, entry)], key=lambda one: one[0])
    return struct.pack(f"{order}H", len(entries)) + b"".join(data for _, data in entries) + known.beyond
