"""A picture's file without the words in it: no prompt, no camera, no place. Its pixels, colours and sides stay as they
are, and nothing is encoded anew."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping

from artfactoryd.core.inside.undo import Edit, spliced
from artfactoryd.shelf.decoding.pillow import Image
from artfactoryd.shelf.inside import exif, png, webp
from artfactoryd.shelf.inside.jpeg import FIRST, segment
from artfactoryd.shelf.kinds import kind_in
from artfactoryd.shelf.look import jpeg, riff
from artfactoryd.shelf.look.png import chunks
from artfactoryd.shelf.look.seen import little
from artfactoryd.shelf.media import ORIENTATION, UPRIGHT

_PNG_STAYS = frozenset({  # of those that a decoder may pass over: colours, transparency, sides, frames
    b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"tRNS", b"pHYs", b"hIST", b"sPLT",
    b"acTL", b"fcTL", b"fdAT",
})  # fmt: skip
_WEBP_STAYS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_ICC, _ADOBE, _COMMENT = 0xE2, 0xEE, 0xFE


def bare(data: bytes) -> bytes | None:
    """None of a kind in which it is not known where words lie. `data`: whole. Raises OSError where it is not."""
    strip = _STRIPPERS.get(kind_in(io.BytesIO(data)).extension)
    if strip is None:
        return None
    try:
        return b"".join(spliced(data, strip(data, _turn(data))))
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
    told = Image.Exif()
    told[ORIENTATION] = turned
    return told.tobytes()


def _png(data: bytes, turn: bytes) -> Iterator[Edit]:
    behind = len(data)
    for name, begins, ends in chunks(data):
        if name == b"IDAT" and turn:
            yield Edit(begins - 8, begins - 8, png.chunk(b"eXIf", turn.removeprefix(exif.BEGINNING)))
            turn = b""
        if not (name[:1].isupper() or name in _PNG_STAYS):
            yield Edit(begins - 8, ends + 4, b"")
        behind = ends + 4
    yield Edit(behind, len(data), b"")


def _jpeg(data: bytes, turn: bytes) -> Iterator[Edit]:
    at, mark = 2, 0
    for mark, begins, ends in jpeg.parts(data):
        if mark != FIRST and turn:
            yield Edit(at, at, segment(turn))
            turn = b""
        if _tells(mark, data[begins : begins + 14]):
            yield Edit(at, ends, b"")  # with what pads it
        at = ends
    yield Edit(at, len(data), b"" if mark == jpeg.END else bytes((0xFF, jpeg.END)))


def _tells(mark: int, begins: bytes) -> bool:
    """Whether a segment holds words, and nothing that a decoder needs."""
    if mark == _ICC:
        return not begins.startswith(b"ICC_PROFILE\0")
    return mark == _COMMENT or (FIRST < mark <= 0xEF and mark != _ADOBE)


def _webp(data: bytes, turn: bytes) -> Iterator[Edit]:
    ends = min(len(data), little(data[4:8]) + 8)
    edits, last, has_header = list[Edit](), riff.HEAD, False
    for part in riff.parts(io.BytesIO(data), ends):
        last = min(ends, part.ends + (part.ends - part.begins) % 2)
        if part.name == webp.HEADER:
            has_header = True
            flags = data[part.begins] & ~sum(webp.HAS.values()) | (webp.HAS[webp.EXIF] if turn else 0)
            edits.append(Edit(part.begins, part.begins + 1, bytes((flags,))))
        elif part.name not in _WEBP_STAYS:
            edits.append(Edit(part.begins - 8, last, b""))
    padding = bytes(last % 2 if not edits or edits[-1].ends < last else 0)
    edits.append(Edit(last, len(data), padding + webp.chunk(webp.EXIF, turn) if turn and has_header else padding))
    size = len(data) - 8 + sum(edit.growth for edit in edits)
    return iter([Edit(4, 8, size.to_bytes(4, "little")), *edits])


_STRIPPERS: Mapping[str, Callable[[bytes, bytes], Iterator[Edit]]] = {"png": _png, "jpg": _jpeg, "webp": _webp}
