"""What is written in a picture's file beside its pixels, whoever wrote it; no pixel is decoded."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from artfactoryd.core.foreign.reading import Words
from artfactoryd.entries import bounded
from artfactoryd.shelf.inside.merging import marks_in
from artfactoryd.shelf.look.png import chunks_in

MOST_TEXT = 16 << 20  # bytes of one text
EXIF_IFD, USER_COMMENT, DATE_TAKEN, DATE = 0x8769, 0x9286, 0x9003, 0x0132
TOLD = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf"})
PNG = b"\x89PNG\r\n\x1a\n"
LONGEST_TAG = 200  # letters
XMP = "XML:com.adobe.xmp"
COMMENT_ENDING = ".txt"
_DATE = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Written:
    """`taken`: when it says that it was made, in local time; empty where it does not."""

    words: Words
    taken: str = ""
    rating: int | None = None
    tags: tuple[str, ...] = ()


def written_in(path: Path) -> Written:
    """Raises OSError for what cannot be read; what is in there and cannot be understood is passed over."""
    texts, exif, packet = _png(path) or ({}, *_of_others(path))
    comment, taken, others = _exif(exif)
    cards = (path.with_name(f"{path.name}.xmp"), path.with_suffix(".xmp"))
    packets = filter(None, [texts.pop(XMP, ""), packet, *map(_beside, cards)])
    marks = [marks_in(told.encode("utf-8", "replace")) for told in packets]
    rating = next((rating for rating, _ in marks if rating is not None), None)
    tags = dict.fromkeys(tag[:LONGEST_TAG] for _, told in marks for tag in told)
    words = Words(texts, comment, others, _beside(path.with_suffix(COMMENT_ENDING)))
    return Written(words, taken, rating, tuple(tags))


def _beside(path: Path) -> str:
    with suppress(OSError):
        return bounded(path, MOST_TEXT).decode("utf-8", "replace").removeprefix("\ufeff")
    return ""


def _png(path: Path) -> tuple[dict[str, str], bytes, str] | None:
    """Its texts and its EXIF; None of what is none. Only these are read: Pillow would decode its pixels for them."""
    texts, exif = dict[str, str](), b""
    with path.open("rb") as file:
        if file.read(len(PNG)) != PNG:
            return None
        for name, body in _told(file):
            with suppress(ValueError, IndexError, zlib.error):
                if name == b"eXIf":
                    exif = body
                else:
                    key, text = _text(name, body)
                    texts[key] = text
    return texts, exif, ""


def _told(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Chunks that tell something."""
    for name, begins, ends in chunks_in(file):
        if name in TOLD and ends - begins <= MOST_TEXT:
            file.seek(begins)
            yield name, file.read(ends - begins)


def _text(name: bytes, body: bytes) -> tuple[str, str]:
    key, _, rest = body.partition(b"\0")
    if name == b"tEXt":
        return key.decode("latin-1"), _decoded(rest)
    if name == b"zTXt":
        return key.decode("latin-1"), _decoded(_inflated(rest[1:]))
    packed, rest = rest[0], rest[2:]
    text = rest.split(b"\0", 2)[2]
    return key.decode("latin-1"), (_inflated(text) if packed else text).decode("utf-8", "replace")


def _decoded(text: bytes) -> str:
    """Latin-1 by its format; some write UTF-8 all the same."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _inflated(data: bytes) -> bytes:
    """No more of it than a text has."""
    return zlib.decompressobj().decompress(data, MOST_TEXT)


def _of_others(path: Path) -> tuple[bytes, str]:
    """EXIF and XMP; nothing where there is none, or it cannot be opened."""
    from artfactoryd.shelf.decoding.pillow import Image

    with suppress(Exception), Image.open(path) as opened:  # a decoder of damaged bytes fails with errors of every type
        exif, packet = opened.info.get("exif") or b"", opened.info.get("xmp") or b""
        return exif, _decoded(packet) if isinstance(packet, bytes) else str(packet)
    return b"", ""


def _exif(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    """UserComment, when it was taken, and other texts; nothing where it is damaged."""
    from artfactoryd.shelf.decoding.pillow import Image

    with suppress(Exception):  # a decoder of damaged EXIF fails with errors of every type
        exif = Image.Exif()
        exif.load(data)
        inner = exif.get_ifd(EXIF_IFD)
        others = tuple(value.strip("\0 ") for value in exif.values() if isinstance(value, str))
        dates = (_DATE.match(str(tag)) for tag in (inner.get(DATE_TAKEN), exif.get(DATE)))
        date = next(filter(None, dates), None)
        return _comment(inner.get(USER_COMMENT)), f"{date[1]}-{date[2]}-{date[3]}T{date[4]}" if date else "", others
    return "", "", ()


def _comment(value: object) -> str:
    """The order of bytes is not written down; the prompts of most are mostly Latin letters."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return ""
    kind, text = value[:8], value[8:]
    if kind.startswith(b"UNICODE"):
        big = text[0::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", "replace").strip("\0\ufeff")
    return (text if kind.startswith((b"ASCII", b"\0\0\0\0")) else value).decode("utf-8", "replace").strip("\0")
