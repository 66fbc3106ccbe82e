"""JPEG: EXIF and XMP in segments of their own, behind the first ones, before the pixels."""

from __future__ import annotations

from collections.abc import Callable

from artfactoryd.core.inside import xmp
from artfactoryd.core.inside.undo import Edit
from artfactoryd.shelf.inside import SEALED, LeftAlone, Text, TooLong, addition, exif
from artfactoryd.shelf.look.jpeg import segments

FIRST, OURS, SEAL = 0xE0, 0xE1, 0xEB  # application segments: JFIF, EXIF and XMP, C2PA
XMP = b"http://ns.adobe.com/xap/1.0/\0"
LONGEST = 65_533  # bytes in a segment


def plan(data: bytes, text: Text) -> Callable[[xmp.Words], list[Edit]]:
    """Raises LeftAlone."""
    free, camera, theirs = 2, None, None
    for mark, begins, ends in segments(data):
        if mark == FIRST and free == begins - 4:
            free = ends
        if mark == SEAL and data[begins : begins + 2] == b"JP":
            raise LeftAlone(SEALED)
        if mark == OURS and data.startswith(exif.BEGINNING, begins):
            camera = camera or (begins, ends)
        if mark == OURS and data.startswith(XMP, begins):
            theirs = theirs or (begins, ends)
    before, written = _comment(data, text, camera)
    if theirs is not None:
        return _adding(data, theirs, [*before, Edit(free, free, written)] if written else before)
    return lambda words: _sorted([*before, Edit(free, free, written + segment(XMP + xmp.packet(words)))])


def _comment(data: bytes, text: Text, camera: tuple[int, int] | None) -> tuple[list[Edit], bytes]:
    """Edits of the EXIF that is there; else a segment. Nothing where there is no room."""
    if not text.text or len(text.comment) > LONGEST - 64:
        return [], b""
    if camera is None:
        return [], segment(exif.BEGINNING + exif.block(text.comment))
    begins, ends = camera
    start = begins + len(exif.BEGINNING)
    return _grown(data, begins, ends, _at(start, exif.addition(data[start:ends], text.comment))) or [], b""


def _adding(data: bytes, theirs: tuple[int, int], others: list[Edit]) -> Callable[[xmp.Words], list[Edit]]:
    begins, ends = theirs

    def edits(words: xmp.Words) -> list[Edit]:
        place, more = addition(data[begins:ends], words)
        grown = _grown(data, begins, ends, [Edit(begins + place, begins + place, more)])
        if grown is None:
            raise TooLong
        return _sorted([*others, *grown])

    return edits


def _grown(data: bytes, begins: int, ends: int, edits: list[Edit]) -> list[Edit] | None:
    """With the segment's length; None where it would have too much."""
    length = ends - begins + 2 + sum(edit.growth for edit in edits)
    if not edits or length > LONGEST:
        return None
    return [Edit(begins - 2, begins, length.to_bytes(2, "big")), *edits]


def _at(start: int, edits: list[Edit]) -> list[Edit]:
    return [Edit(edit.begins + start, edit.ends + start, edit.data) for edit in edits]


def _sorted(edits: list[Edit]) -> list[Edit]:
    return sorted(edits, key=lambda edit: edit.begins)


def segment(body: bytes) -> bytes:
    if len(body) + 2 > LONGEST:
        raise TooLong
    return bytes((0xFF, OURS)) + (len(body) + 2).to_bytes(2, "big") + body
