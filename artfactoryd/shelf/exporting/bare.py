"""A picture's file without the words in it: no prompt, no camera, no place. Its pixels, colours and sides stay as they
are, and nothing is encoded anew."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping

from PIL import Image

from artfactoryd.shelf.kinds import kind_in

ORIENTATION = 0x0112
UPRIGHT = 1
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({  # of those that a decoder may pass over: colours, transparency, sides, frames
    b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"tRNS", b"pHYs", b"hIST", b"sPLT",
    b"acTL", b"fcTL", b"fdAT",
})  # fmt: skip
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04
_JFIF, _ICC, _ADOBE, _EXIF = 0xE0, 0xE2, 0xEE, 0xE1
_SCAN, _END = 0xDA, 0xD9
_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # behind a scan


def bare(data: bytes) -> bytes | None:
    """None of a kind in which it is not known where words lie. `data`: whole. Raises OSError where it is not."""
    strip = _STRIPPERS.get(kind_in(io.BytesIO(data)).extension)
    if strip is None:
        return None
    try:
        return b"".join(strip(data, _turn(data)))
    except (IndexError, ValueError) as error:
        raise OSError(0, "the picture is not whole") from error


def _turn(data: bytes) -> bytes:
    """EXIF that says nothing but how it is to be turned; empty where it lies upright."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            turned = picture.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:  # a decoder of damaged EXIF fails with errors of every type
        return b""
    if turned not in range(UPRIGHT + 1, 9):
        return b""
    exif = Image.Exif()
    exif[ORIENTATION] = turned
    return exif.tobytes()


def _png(data: bytes, turn: bytes) -> Iterator[bytes]:
    yield _PNG_HEAD
    place = len(_PNG_HEAD)
    while place + 12 <= len(data):
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        ends = place + 12 + length
        if name == b"IDAT" and turn:
            yield _chunk(b"eXIf", turn.removeprefix(b"Exif\0\0"))
            turn = b""
        if name[:1].isupper() or name in _PNG_KEPT:
            yield data[place:ends]
        if name == b"IEND":
            return
        place = ends


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def _jpeg(data: bytes, turn: bytes) -> Iterator[bytes]:
    yield data[:2]
    place, turned = 2, b"\xff\xe1" + (len(turn) + 2).to_bytes(2, "big") + turn if turn else b""
    while place + 4 <= len(data):
        mark = data[place + 1]
        if mark == 0xFF:  # padding
            place += 1
            continue
        if mark == _END:
            break
        ends = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if mark != _JFIF and turned:
            yield turned
            turned = b""
        if mark == _SCAN:
            behind = _MARK.search(data, ends)
            ends = behind.start() if behind else len(data)
        if not _tells(mark, data[place + 4 : place + 18]):
            yield data[place:ends]
        place = ends
    yield b"\xff\xd9"


def _tells(mark: int, begins: bytes) -> bool:
    """Whether a segment holds words, and nothing that a decoder needs."""
    if mark == _ICC:
        return not begins.startswith(b"ICC_PROFILE\0")
    return mark == 0xFE or (0xE0 < mark <= 0xEF and mark != _ADOBE)


def _webp(data: bytes, turn: bytes) -> Iterator[bytes]:
    parts = list(_webp_parts(data))
    if turn and parts and parts[0][0] == b"VP8X":
        parts.append((b"EXIF", turn))
    body = b"".join(_webp_part(name, piece, exif=bool(turn)) for name, piece in parts)
    yield b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def _webp_parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place, ends = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while place + 8 <= ends:
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name in _WEBP_KEPT:
            yield name, data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _webp_part(name: bytes, piece: bytes, *, exif: bool) -> bytes:
    if name == b"VP8X":
        flags = piece[0] & ~(_EXIF_FLAG | _XMP_FLAG) | (_EXIF_FLAG if exif else 0)
        piece = bytes([flags]) + piece[1:]
    return name + len(piece).to_bytes(4, "little") + piece + b"\0" * (len(piece) % 2)


_STRIPPERS: Mapping[str, Callable[[bytes, bytes], Iterator[bytes]]] = {"png": _png, "jpg": _jpeg, "webp": _webp}
