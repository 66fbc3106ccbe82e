"""GLB, a 3D scene in one file: the length it tells, and its parts."""

from __future__ import annotations

from typing import BinaryIO

from artfactoryd.shelf.look.seen import MOST_PARTS, Seen, little

HEAD, PART_HEAD = 12, 8  # bytes
SCENE = b"JSON"
NO_SCENE = "The 3D file has no scene in it."


def walk(file: BinaryIO, size: int) -> Seen:
    """Version 2; of the first one nothing is known here."""
    head = file.read(HEAD)
    if len(head) < HEAD:
        return Seen().cut_off()
    if little(head[4:8]) != 2:
        return Seen()
    ends, place = little(head[8:12]), HEAD
    if ends > size:
        return Seen().cut_off()
    for count in range(MOST_PARTS):
        if place + PART_HEAD > ends:
            break
        file.seek(place)
        part = file.read(PART_HEAD)
        if count == 0 and part[4:8] != SCENE:
            break
        place += PART_HEAD + little(part[:4])
        if place > ends:
            return Seen().cut_off()
    return Seen() if place > HEAD else Seen(fault=NO_SCENE)
