"""Rating and tags as they are now, in a picture's own XMP: its pixels, and whatever else it tells, stay as they are."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Mapping

from artfactoryd.core.inside.undo import Edit, spliced
from artfactoryd.core.inside.xmp import SEALED as SEALED_ELSEWHERE
from artfactoryd.shelf.inside import SEALED, LeftAlone, TooLong, jpeg, png, webp
from artfactoryd.shelf.inside.merging import CannotMerge, Marks, fresh, merged
from artfactoryd.shelf.kinds import kind_in
from artfactoryd.shelf.look.jpeg import segments
from artfactoryd.shelf.look.png import HEADER_ENDS, chunks
from artfactoryd.shelf.look.riff import parts
from artfactoryd.shelf.look.seen import little

MOST_TEXT = 16 << 20  # bytes of a packet
_PADDING = re.compile(rb"\s+(?=<\?xpacket end)")


def marked(data: bytes, marks: Marks) -> bytes:
    """`data`: whole; the same where it says so already. Raises LeftAlone."""
    write = _WRITERS.get(kind_in(io.BytesIO(data)).extension)
    if write is None:
        raise LeftAlone("Nothing is written into a file of its kind.")
    try:
        return b"".join(spliced(data, write(data, lambda packet: _packet(packet, marks))))
    except CannotMerge as error:
        raise LeftAlone(f"Its own XMP cannot be added to: {error}.") from error
    except TooLong as error:
        raise LeftAlone("It has no room for more.") from error


def _packet(theirs: bytes | None, marks: Marks) -> bytes | None:
    """None where it stays as it is."""
    if theirs is None:
        return fresh(marks) if marks.rating is not None or marks.tags else None
    if SEALED_ELSEWHERE in theirs:
        raise LeftAlone(SEALED)
    packet = merged(theirs, marks)
    return None if packet == theirs else packet


Packet = Callable[[bytes | None], bytes | None]  # from the one that is there, if one is


def _png(data: bytes, packet: Packet) -> list[Edit]:
    there = None
    for name, begins, ends in chunks(data):
        if name == b"caBX":
            raise LeftAlone(SEALED)
        if there is None and name == b"iTXt" and data.startswith(png.XMP + b"\0", begins):
            there = begins, ends
    new = packet(_unpacked(data[slice(*there)]) if there else None)
    if new is None:
        return []
    begins, ends = (there[0] - 8, there[1] + 4) if there else (HEADER_ENDS, HEADER_ENDS)
    return [Edit(begins, ends, png.chunk(b"iTXt", png.itxt(png.XMP, new)))]


def _unpacked(body: bytes) -> bytes:
    fields = body[len(png.XMP) + 3 :].split(b"\0", 2)  # language, key in it, text
    if len(fields) != 3:
        raise LeftAlone("Its own XMP cannot be read.")
    if not body[len(png.XMP) + 1]:
        return fields[2]
    try:
        return zlib.decompressobj().decompress(fields[2], MOST_TEXT)
    except zlib.error as error:
        raise LeftAlone("Its own XMP cannot be read.") from error


def _jpeg(data: bytes, packet: Packet) -> list[Edit]:
    there, free = None, 2
    for mark, begins, ends in segments(data):
        if mark == jpeg.SEAL and data[begins : begins + 2] == b"JP":
            raise LeftAlone(SEALED)
        if mark == jpeg.OURS and data.startswith(jpeg.XMP, begins):
            there = there or (begins, ends)
        if mark == jpeg.FIRST and free == begins - 4:
            free = ends
    new = packet(data[there[0] + len(jpeg.XMP) : there[1]] if there else None)
    if new is None:
        return []
    if len(new) + len(jpeg.XMP) + 2 > jpeg.LONGEST:
        new = _PADDING.sub(b"", new)
    begins, ends = (there[0] - 4, there[1]) if there else (free, free)
    return [Edit(begins, ends, jpeg.segment(jpeg.XMP + new))]


def _webp(data: bytes, packet: Packet) -> list[Edit]:
    ends = little(data[4:8]) + 8
    every = list(parts(io.BytesIO(data), ends))
    if not every or any(part.ends > ends for part in every):
        raise LeftAlone("It is not whole.")
    if any(part.name == b"C2PA" for part in every):
        raise LeftAlone(SEALED)
    there = next((part for part in every if part.name == webp.XMP), None)
    new = packet(data[there.begins : there.ends] if there else None)
    if new is None:
        return []
    if there is None:
        where = Edit(ends, ends, bytes(ends % 2) + webp.chunk(webp.XMP, new))
    else:
        where = Edit(there.begins - 8, min(ends, there.ends + there.ends % 2), webp.chunk(webp.XMP, new))
    edits = [webp.header(data, every[0], webp.XMP), where]
    size = ends - 8 + sum(edit.growth for edit in edits)
    return [Edit(4, 8, size.to_bytes(4, "little")), *edits]


_WRITERS: Mapping[str, Callable[[bytes, Packet], list[Edit]]] = {"png": _png, "jpg": _jpeg, "webp": _webp}
