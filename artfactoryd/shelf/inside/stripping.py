"""A picture without our words: what is used as an input tells no provider the prompt that it was made with."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping

from artfactoryd.core.inside.undo import MARK, Edit, restored, spliced
from artfactoryd.core.inside.xmp import OURS
from artfactoryd.shelf.inside import exif, jpeg, png, webp
from artfactoryd.shelf.kinds import kind_in
from artfactoryd.shelf.look.jpeg import segments
from artfactoryd.shelf.look.png import chunks
from artfactoryd.shelf.look.riff import parts
from artfactoryd.shelf.look.seen import little

MOST_OURS = 4 << 20  # bytes that words of ours may take
VERSION = "Version: artfactoryd"


def without_ours(data: bytes) -> bytes:
    """The bytes that came, where they can be had; of what was changed since, the same without what is ours by its
    words."""
    if MARK not in data and VERSION.encode() not in data and VERSION.encode("utf-16-be") not in data:
        return data
    came = restored(data)
    if came is not None:
        return came
    stripper = STRIPPERS.get(kind_in(io.BytesIO(data)).extension)
    return b"".join(spliced(data, stripper(data))) if stripper else data


def _of_png(data: bytes) -> Iterator[Edit]:
    for name, begins, ends in chunks(data):
        body = data[begins:ends] if name in png.TEXTS else b""
        if _is_our_xmp(body) or (body.startswith(png.PARAMETERS + b"\0") and VERSION.encode() in body):
            yield Edit(begins - 8, ends + 4, b"")


def _of_jpeg(data: bytes) -> Iterator[Edit]:
    for mark, begins, ends in segments(data):
        if mark == jpeg.OURS and _is_our_xmp(data[begins:ends]):
            yield Edit(begins - 4, ends, b"")
        elif mark == jpeg.OURS and data.startswith(exif.BEGINNING, begins):
            yield from _blank(data, begins, ends)


def _of_webp(data: bytes) -> Iterator[Edit]:
    for part in parts(io.BytesIO(data), little(data[4:8]) + 8):
        if part.name == webp.XMP and _is_our_xmp(data[part.begins : part.ends]):
            yield Edit(part.begins, part.ends, bytes(part.ends - part.begins))  # the lengths around it stay true
        elif part.name == webp.EXIF:
            yield from _blank(data, part.begins, part.ends)


def _is_our_xmp(body: bytes) -> bool:
    return OURS.encode() in body


def _blank(data: bytes, begins: int, ends: int) -> Iterator[Edit]:
    """A text of ours in EXIF, in which nothing may move."""
    version = VERSION.encode("utf-16-be")
    last = data.find(version, begins, ends)
    first = data.rfind(b"UNICODE\0", begins, last) if last >= 0 else -1
    if first >= 0:
        yield Edit(first, last + len(version), b"UNICODE\0" + bytes(last + len(version) - first - 8))


STRIPPERS: Mapping[str, Callable[[bytes], Iterator[Edit]]] = {"png": _of_png, "jpg": _of_jpeg, "webp": _of_webp}
