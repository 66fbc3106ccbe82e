"""The one door to fonts: which of those on this machine has a letter. Pillow's own, Latin only, is the last resort.

Words are laid out piece by piece, each by the first font that has its letters; what runs from right to left is put in
its order here, also where the library that joins Arabic letters is not on this machine. A letter that no font has is
shown as an empty box, and counted.
"""

from __future__ import annotations

import functools
import os
import sys
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from PIL import ImageDraw, ImageFont, features

Face = ImageFont.FreeTypeFont
FOLDERS = (
    "/System/Library/Fonts", "/System/Library/Fonts/Supplemental", "/Library/Fonts", "~/Library/Fonts",
) if sys.platform == "darwin" else (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/run/host/fonts",
)  # fmt: skip
# By the start of their names, the most readable first; behind them the scripts that those leave out.
NAMES = (
    "HelveticaNeue", "SFNS.", "Inter-Regular", "Inter.", "NotoSans-Regular", "DejaVuSans.", "LiberationSans-Regular",
    "Arial.", "Helvetica.", "PingFang", "Hiragino Sans GB", "AppleSDGothicNeo", "NotoSansCJK-Regular",
    "NotoSansCJKsc-Regular", "SourceHanSans", "wqy-microhei", "wqy-zenhei", "DroidSansFallback", "GeezaPro",
    "ArialHB", "Arial Unicode", "NotoSansArabic-Regular", "NotoNaskhArabic-Regular", "NotoSansHebrew-Regular",
    "NotoSansDevanagari-Regular", "NotoSansThai-Regular", "Thonburi", "Kohinoor", "NotoSansBengali-Regular",
    "NotoSansTamil-Regular", "NotoSansGeorgian-Regular", "NotoSansArmenian-Regular", "NotoSansEthiopic-Regular",
    "NotoSansSymbols2-Regular", "NotoSansSymbols-Regular", "Apple Symbols", "Symbola", "unifont",
)  # fmt: skip
ENDINGS = (".ttf", ".otf", ".ttc", ".pfb")
NO_GLYPH = "\U0010ffff"  # which no font has: so it looks what a font shows for what it has not
TO_LEFT = ("R", "AL")
NUMBERS = ("EN", "AN")
JOINS = bool(features.check("raqm"))  # the library for it is on this machine


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one font and one direction. `face`: None where no font has it."""

    text: str
    face: Face | None


@dataclass
class Fonts:
    """Those of one drawing. `missing`: letters that no font here has."""

    missing: set[str] = field(default_factory=set)

    def length(self, text: str, size: int) -> int:
        return round(sum(_length(piece, size) for piece in self._pieces(text, size)))

    def write(self, pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: str) -> int:
        """`place`: left end of the base line. Gives the width."""
        x, y = float(place[0]), place[1]
        for piece in self._pieces(text, size):
            if piece.face is not None:
                pen.text((x, y), piece.text, colour, piece.face, anchor="ls", direction=_direction(piece))
            else:
                for number in range(len(piece.text)):
                    left = x + number * size * 0.62
                    pen.rectangle((left + 1, y - size * 0.7, left + size * 0.5, y), outline=colour)
            x += _length(piece, size)
        return round(x - place[0])

    def wrapped(self, text: str, size: int, width: int, most: int) -> list[str]:
        """Lines that fit, at most so many; what does not fit ends with dots."""
        lines, line = list[str](), ""
        for word in _words(" ".join(text.split())):
            if self.length(line + word.rstrip(), size) <= width:
                line += word
                continue
            if line:
                lines.append(line.rstrip())
            line = word
            if len(lines) == most or self.length(line.rstrip(), size) > width:
                break
        else:
            return [*lines, line.rstrip()] if line.strip() else lines
        if len(lines) < most:
            return [*lines, self.cut(line, size, width, dots=True)]
        return [*lines[:-1], self.cut(lines[-1] + " …", size, width)] if lines else []

    def cut(self, text: str, size: int, width: int, *, dots: bool = False) -> str:
        """As much of it as fits."""
        if not dots and self.length(text, size) <= width:
            return text
        while text and self.length(text.rstrip() + "…", size) > width:
            text = text[: max(0, min(len(text) - 1, len(text) * 9 // 10))]
        return text.rstrip() + "…"

    def _pieces(self, text: str, size: int) -> list[Piece]:
        pieces = list[Piece]()
        for run in in_visual_order(text):
            parts = [self._piece(part, path, size) for part, path in _by_font(run)]
            pieces += reversed(parts) if _is_to_left(run) else parts
        return pieces

    def _piece(self, text: str, path: str | None, size: int) -> Piece:
        if path is None:
            self.missing.update(text)
            return Piece(text, None)
        face = _face(path, size)
        return Piece(text[::-1] if _is_to_left(text) and not _joins(face) else text, face)


def _direction(piece: Piece) -> str | None:
    if piece.face is None or not _joins(piece.face):
        return None
    return "rtl" if _is_to_left(piece.text) else "ltr"


def _joins(face: Face) -> bool:
    """Whether letters that stand together are shaped together."""
    return JOINS and face.layout_engine == ImageFont.Layout.RAQM


def _length(piece: Piece, size: int) -> float:
    if piece.face is None:
        return len(piece.text) * size * 0.62
    return piece.face.getlength(piece.text, direction=_direction(piece))


def _words(text: str) -> Iterator[str]:
    """What stays together on a line: a word with the blank behind it, or a letter of a script without blanks."""
    word = ""
    for letter in text:
        if unicodedata.east_asian_width(letter) in "WF":
            if word:
                yield word
                word = ""
            yield letter
            continue
        word += letter
        if letter == " ":
            yield word
            word = ""
    if word:
        yield word


# --- directions ---


def in_visual_order(text: str) -> list[str]:
    """Runs of one direction, from left to right; the letters of each are in the order in which they are read."""
    runs = _runs(text)
    if len(runs) < 2:
        return [run for run, _ in runs]
    strong = [unicodedata.bidirectional(letter) for letter in text]
    if next((kind for kind in strong if kind in ("L", *TO_LEFT)), "L") != "L":
        return [run for run, _ in reversed(runs)]
    ordered, behind = list[str](), list[str]()
    for number, (run, is_to_left) in enumerate(runs):
        is_number = not is_to_left and _is_number(run) and number + 1 < len(runs) and bool(behind)
        if is_to_left or is_number:
            behind.insert(0, run)
        else:
            ordered += [*behind, run]
            behind = []
    return [*ordered, *behind]


def _runs(text: str) -> list[tuple[str, bool]]:
    """(run, whether it is read from right to left). What has no direction belongs to the run before it where both of
    its neighbours agree, else to the text's own direction."""
    kinds = [unicodedata.bidirectional(letter) for letter in text]
    base = next((kind in TO_LEFT for kind in kinds if kind in ("L", *TO_LEFT)), False)
    ways: list[bool | None] = [
        True if kind in TO_LEFT else False if kind == "L" or kind in NUMBERS else None for kind in kinds
    ]
    for number, kind in enumerate(kinds):
        if kind == "NSM" and number:
            ways[number] = ways[number - 1]
    settled = list[bool]()
    for number, way in enumerate(ways):
        if way is None:
            before = settled[-1] if settled else base
            after = next((later for later in ways[number:] if later is not None), base)
            way = before if before == after else base
        settled.append(way)
    return [
        ("".join(letter for letter, _ in run), way)
        for way, run in groupby(zip(text, settled, strict=True), key=lambda pair: pair[1])
    ]


def _is_number(text: str) -> bool:
    return all(unicodedata.bidirectional(letter) in (*NUMBERS, "ES", "CS", "ET", "WS") for letter in text)


def _is_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in TO_LEFT for letter in text)


# --- which font has a letter ---


@functools.cache
def paths() -> tuple[str, ...]:
    """Of those on this machine that are read here, the first to be asked first; "" is Pillow's own."""
    there: dict[str, str] = {}
    for folder in FOLDERS:
        for root, folders, names in os.walk(os.path.expanduser(folder)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(ENDINGS):
                    there.setdefault(name, os.path.join(root, name))
    chosen = (path for start in NAMES for name, path in there.items() if name.startswith(start))
    return (*dict.fromkeys(chosen), "")


@functools.lru_cache(maxsize=256)
def _face(path: str, size: int) -> Face:
    if path:
        return ImageFont.truetype(path, size)
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)  # with FreeType, which every build for our systems has
    return own


def _by_font(run: str) -> Iterator[tuple[str, str | None]]:
    """Marks, blanks and joiners go with the letter before them: apart from it they would not be placed on it."""
    path, text = _path_with(run[0]), ""
    for letter in run:
        own = (path or paths()[0]) if _goes_along(letter) else _path_with(letter)
        if own != path and text:
            yield text, path
            text = ""
        path, text = own, text + letter
    yield text, path


def _goes_along(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter)[0] in "MC"


@functools.lru_cache(maxsize=8192)
def _path_with(letter: str) -> str | None:
    if _goes_along(letter):
        return paths()[0]
    for path in paths():
        try:
            if bytes(_face(path, 20).getmask(letter)) != _nothing(path):
                return path
        except OSError:  # a font that cannot be read
            continue
    return None


@functools.lru_cache(maxsize=64)
def _nothing(path: str) -> bytes:
    return bytes(_face(path, 20).getmask(NO_GLYPH))


def words_of_missing(missing: Collection[str]) -> str:
    """What to do about letters that no font here has."""
    if not missing:
        return ""
    scripts = sorted({_script(letter) for letter in missing})
    named = ", ".join(scripts[:3])
    return f"Empty boxes are letters ({named}) that no font on this machine has; the Noto fonts have them."


def _script(letter: str) -> str:
    if unicodedata.category(letter)[0] == "S":
        return "symbols"
    return unicodedata.name(letter, "?").split()[0].capitalize()
