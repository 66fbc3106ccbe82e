"""PNG: a text chunk `parameters`, and XMP, both directly behind the header: no reader has to pass the pixels."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from artfactoryd.core.inside import xmp
from artfactoryd.core.inside.undo import Edit
from artfactoryd.shelf.inside import SEALED, LeftAlone, Text, addition
from artfactoryd.shelf.look.png import HEADER_ENDS, chunks

XMP, PARAMETERS = b"XML:com.adobe.xmp", b"parameters"
TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# words of tools that tell it all, and expect to find their own
OTHERS = frozenset({PARAMETERS, b"prompt", b"workflow", b"invokeai_metadata", b"invokeai_graph", b"sd-metadata",
                    b"dream", b"Dream"})  # fmt: skip
LONGEST_KEY = 80  # bytes, of a text's


def plan(data: bytes, text: Text) -> Callable[[xmp.Words], list[Edit]]:
    """Raises LeftAlone."""
    theirs, is_told = None, not text.text
    for name, begins, ends in chunks(data):
        key = data[begins : begins + LONGEST_KEY].partition(b"\0")[0] if name in TEXTS else b""
        if name == b"caBX":
            raise LeftAlone(SEALED)
        if key == XMP:
            theirs = theirs or (begins, ends)
        is_told = is_told or key in OTHERS
    written = b"" if is_told else _text_chunk(text.text)
    if theirs is None:
        return lambda words: [Edit(HEADER_ENDS, HEADER_ENDS, written + chunk(b"iTXt", itxt(XMP, xmp.packet(words))))]
    return _adding(data, theirs, [Edit(HEADER_ENDS, HEADER_ENDS, written)] if written else [])


def _adding(data: bytes, theirs: tuple[int, int], before: list[Edit]) -> Callable[[xmp.Words], list[Edit]]:
    begins, ends = theirs
    body = data[begins:ends]
    fields = body.split(b"\0", 5)  # key, (compressed?, how), language, key in it, text
    if body[len(XMP) + 1 : len(XMP) + 3] != b"\0\0" or len(fields) != 6:
        raise LeftAlone("Its own XMP is packed, and cannot be added to.")

    def edits(words: xmp.Words) -> list[Edit]:
        place, more = addition(body, words)
        checksum = zlib.crc32(b"iTXt" + body[:place] + more + body[place:])
        length, at = len(body) + len(more), begins + place
        return [
            *before, Edit(begins - 8, begins - 4, length.to_bytes(4, "big")), Edit(at, at, more),
            Edit(ends, ends + 4, checksum.to_bytes(4, "big")),
        ]  # fmt: skip

    return edits


def _text_chunk(text: str) -> bytes:
    """Plain where it is ASCII, as the oldest readers want it; else in the one kind that says that it is UTF-8."""
    if text.isascii():
        return chunk(b"tEXt", PARAMETERS + b"\0" + text.encode())
    return chunk(b"iTXt", itxt(PARAMETERS, text.encode("utf-8", "replace")))


def itxt(key: bytes, text: bytes) -> bytes:
    return key + b"\0\0\0\0\0" + text


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
