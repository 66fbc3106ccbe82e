"""What stands for a file that cannot be shown: its kind in large letters, its name, and of a text its beginning."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from artfactoryd.core.names import KINDS, kind_of, lasting
from artfactoryd.core.sheets.facts import Picture
from artfactoryd.entries import bounded
from artfactoryd.shelf.sheets.fonts import Fonts

MOST_BYTES = 2000  # of a text
GROUND, INK, MUTED = "#e3e5ea", "#2b2f38", "#6b7280"
TEXT = ("text/", "application/json", "application/x-yaml", "image/svg")


def card(picture: Picture, file: Path, width: int, height: int, fonts: Fonts) -> Image.Image:
    made = Image.new("RGB", (width, height), GROUND)
    pen, size = ImageDraw.Draw(made), max(13, width // 18)
    margin = size
    if picture.mime.startswith(TEXT) and (text := _beginning(file)):
        _lines(pen, text, (margin, margin), width - 2 * margin, height - 3 * size - margin, size, fonts)
    else:
        ending = file.suffix.removeprefix(".").upper() or "?"
        large = min(width // 4, height // 3)
        left = (width - fonts.length(ending, large)) // 2
        fonts.write(pen, (left, height // 2 + large // 3), ending, large, INK)
        words = KINDS.get(kind_of(picture.mime), "cannot be shown here")
        words = f"{words}, {lasting(picture.duration)}" if picture.duration else words
        fonts.write(pen, (margin, margin + size), words, size, MUTED)
    name = fonts.cut(picture.name, size, width - 2 * margin)
    fonts.write(pen, (margin, height - margin), name, size, INK)
    return made


def _lines(
    pen: ImageDraw.ImageDraw, text: str, place: tuple[int, int], width: int, height: int, size: int, fonts: Fonts
) -> None:
    x, y = place
    for line in fonts.wrapped(text, size, width, max(1, height // (size * 3 // 2))):
        y += size * 3 // 2
        fonts.write(pen, (x, y), line, size, MUTED)


def _beginning(file: Path) -> str:
    try:
        return bounded(file, MOST_BYTES)[:MOST_BYTES].decode("utf-8", "ignore")
    except OSError:
        return ""
