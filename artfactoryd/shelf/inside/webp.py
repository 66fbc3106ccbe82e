"""WebP: EXIF and XMP behind the pixels, and a header that says that they are there."""

from __future__ import annotations

import io
from collections.abc import Callable

from artfactoryd.core.inside import xmp
from artfactoryd.core.inside.undo import Edit
from artfactoryd.shelf.inside import SEALED, LeftAlone, Text, addition, exif
from artfactoryd.shelf.look.riff import HEAD, Part, has_alpha, parts, sides
from artfactoryd.shelf.look.seen import little

EXIF, XMP, HEADER = b"EXIF", b"XMP ", b"VP8X"
FLAGS = HEAD + 8  # where they are, of a file that has such a header
HAS = {EXIF: 0x08, XMP: 0x04}
ALPHA = 0x10


def plan(data: bytes, text: Text) -> Callable[[xmp.Words], list[Edit]]:
    """Raises LeftAlone."""
    ends = little(data[4:8]) + 8
    every = list(parts(io.BytesIO(data), ends))
    by_name = {part.name: part for part in reversed(every)}
    if ends - every[-1].ends not in (0, (every[-1].ends - every[-1].begins) % 2):
        raise LeftAlone("Something lies behind its last part.")
    theirs = by_name.get(XMP)
    own = data[theirs.begins : theirs.ends] if theirs else b""
    if b"C2PA" in by_name:
        raise LeftAlone(SEALED)
    camera, has = _camera(data, by_name.get(EXIF), text)
    head = header(data, every[0], XMP, *has)

    def edits(words: xmp.Words) -> list[Edit]:
        if theirs is None:
            inside, behind = [], chunk(XMP, xmp.packet(words))
        else:
            place, more = addition(own, words)
            inside, behind = _grown(data, theirs, [Edit(theirs.begins + place, theirs.begins + place, more)]), b""
        written = chunk(EXIF, exif.block(text.comment)) if EXIF in has and not camera else b""
        if tail := written + behind:
            inside = [*inside, Edit(ends, ends, bytes(ends % 2) + tail)]
        all_of_it = [head, *sorted([*camera, *inside], key=lambda edit: edit.begins)]
        size = ends - 8 + sum(edit.growth for edit in all_of_it)
        return [Edit(4, 8, size.to_bytes(4, "little")), *all_of_it]

    return edits


def _camera(data: bytes, known: Part | None, text: Text) -> tuple[list[Edit], tuple[bytes, ...]]:
    """Edits of the EXIF that is there; and what the header has to tell."""
    if not text.text:
        return [], ()
    if known is None:
        return [], (EXIF,)
    start = known.begins + len(exif.BEGINNING) * data.startswith(exif.BEGINNING, known.begins)
    added = exif.addition(data[start : known.ends], text.comment)
    edits = [Edit(edit.begins + start, edit.ends + start, edit.data) for edit in added]
    return (_grown(data, known, edits), (EXIF,)) if edits else ([], ())


def _grown(data: bytes, part: Part, edits: list[Edit]) -> list[Edit]:
    """With the part's length, and the byte that makes it even."""
    length = part.ends - part.begins + sum(edit.growth for edit in edits)
    padding = Edit(part.ends, min(len(data), part.ends + (part.ends - part.begins) % 2), bytes(length % 2))
    return [Edit(part.begins - 4, part.begins, length.to_bytes(4, "little")), *edits, padding]


def header(data: bytes, first: Part, *names: bytes) -> Edit:
    flags = sum(HAS[name] for name in names)
    if first.name == HEADER:
        return Edit(FLAGS, FLAGS + 1, bytes((data[FLAGS] | flags,)))
    size = sides(first.name, first.head)
    if size is None:
        raise LeftAlone("Its size is not known.")
    flags |= ALPHA if has_alpha(first.name, first.head) else 0
    body = bytes((flags, 0, 0, 0)) + b"".join((side - 1).to_bytes(3, "little") for side in size)
    return Edit(HEAD, HEAD, chunk(HEADER, body))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
