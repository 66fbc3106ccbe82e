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
from collections.abc import Collection, Iterator, Sequence
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
NUMBER_LEVEL = 2
MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
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
        return Piece(text[::-1].translate(MIRRORED) if _is_to_left(text) and not _joins(face) else text, face)


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
    levels = _levels(text)
    groups = groupby(zip(text, levels, strict=True), key=lambda pair: pair[1])
    runs = [(level, "".join(letter for letter, _ in pairs)) for level, pairs in groups]
    for least in (NUMBER_LEVEL, 1):
        runs = _turned(runs, least)
    return [run[::-1] if level % 2 and not _is_to_left(run) else run for level, run in runs]


def _turned(runs: list[tuple[int, str]], least: int) -> list[tuple[int, str]]:
    """With those that follow each other at this level or further in the other way round."""
    turned = list[tuple[int, str]]()
    for is_inside, part in groupby(runs, key=lambda run: run[0] >= least):
        together = list(part)
        turned += reversed(together) if is_inside else together
    return turned


def _levels(text: str) -> list[int]:
    """Of each letter, as the Unicode bidirectional algorithm has it for text without marks of direction: odd is read
    from right to left, and a number inside of that is one level further in."""
    kinds = [unicodedata.bidirectional(letter) for letter in text]
    base = "R" if next((kind for kind in kinds if kind in ("L", *TO_LEFT)), "L") in TO_LEFT else "L"
    kinds = _settled(_numbers(kinds, base), base)
    if base == "R":
        return [1 if kind == "R" else NUMBER_LEVEL for kind in kinds]
    return [{"L": 0, "R": 1}.get(kind, NUMBER_LEVEL) for kind in kinds]


def _numbers(kinds: Sequence[str], base: str) -> list[str]:
    """With marks as what they stand on, and signs of a number as part of it; a number in Latin words is Latin."""
    told, strong = list[str](), ""
    for kind in kinds:
        kind = (told[-1] if told else "ON") if kind == "NSM" else kind
        strong = kind if kind in ("L", *TO_LEFT) else strong
        told.append("AN" if kind == "EN" and strong == "AL" else kind)
    told = ["R" if kind == "AL" else kind for kind in told]
    for at in range(1, len(told) - 1):
        before, kind, after = told[at - 1 : at + 2]
        if before == after and (kind, before) in (("ES", "EN"), ("CS", "EN"), ("CS", "AN")):
            told[at] = before
    whole = list[str]()
    for kind, part in groupby(enumerate(told), key=lambda pair: pair[1]):
        places = [at for at, _ in part]
        beside = told[max(0, places[0] - 1) : places[-1] + 2]
        whole += ["EN" if kind == "ET" and "EN" in beside else kind] * len(places)
    strong = base
    for at, kind in enumerate(whole):
        strong = kind if kind in "LR" else strong
        whole[at] = "L" if kind == "EN" and strong == "L" else kind
    return whole


def _settled(kinds: Sequence[str], base: str) -> list[str]:
    """What has no direction has that of both its neighbours, else the text's own; a number counts as right."""
    settled, before = list[str](), base
    for is_neutral, part in groupby(enumerate(kinds), key=lambda pair: pair[1] not in ("L", "R", *NUMBERS)):
        places = [at for at, _ in part]
        if not is_neutral:
            settled += [kinds[at] for at in places]
            before = "L" if kinds[places[-1]] == "L" else "R"
            continue
        behind = kinds[places[-1] + 1] if places[-1] + 1 < len(kinds) else base
        settled += [before if before == ("L" if behind == "L" else "R") else base] * len(places)
    return settled


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
