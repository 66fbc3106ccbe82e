"""A sheet as a picture: a title, named rows and columns, a caption below each picture."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from artfactoryd.core.sheets.facts import Picture
from artfactoryd.core.sheets.layout import Layout, Place
from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.shelf.sheets.fonts import Fonts, words_of_missing
from artfactoryd.shelf.thumbnails import scaling

Tile = Callable[[Picture, int, int, Fonts], Image.Image | None]  # of at most this width and height

PAPER, MAT, LINE, INK, MUTED = "#f7f7f5", "#ececea", "#c9cace", "#1c1e24", "#5f6470"
SIDES = {1: 800, 2: 640, 3: 520, 4: 430, 5: 370, 6: 340, 8: 280, 10: 240, 12: 216}  # of a tile, by columns; else LEAST
LEAST = 184
MOST_PIXELS = 50_000_000
TITLE_LINES, CAPTION_LINES, HEADER_LINES = 3, 3, 3
QUALITY = 88


@dataclass
class Drawing:
    """Its measures. `cell`: width and height of a picture's box."""

    sheet: Sheet
    tile: Tile
    side: int
    cell: tuple[int, int]
    columns: int
    fonts: Fonts = field(default_factory=Fonts)

    @property
    def layout(self) -> Layout:
        return self.sheet.layout

    @property
    def size(self) -> int:
        """Of captions, in pixels."""
        return max(15, min(24, self.side // 20))

    @property
    def gap(self) -> int:
        return max(10, self.side // 24)

    @property
    def line(self) -> int:
        return self.size * 3 // 2


def draw(sheet: Sheet, tile: Tile) -> Image.Image:
    columns = len(sheet.layout.columns) if sheet.layout.is_table else _columns(len(sheet.layout.places))
    pictures = [place.picture for place in sheet.layout.places if place.picture]
    shape = _shape(pictures)
    side = next((side for most, side in SIDES.items() if columns <= most), LEAST)
    side = min(side, max(LEAST, *(max(one.width, one.height) or side for one in pictures), LEAST))
    rows = len(sheet.layout.rows) or math.ceil(len(sheet.layout.places) / max(1, columns))
    while side > 64 and columns * rows * side * side * 1.4 > MOST_PIXELS:
        side = side * 9 // 10
    width, height = (side, round(side * shape)) if shape <= 1 else (round(side / shape), side)
    return _drawn(Drawing(sheet, tile, side, (width, height), columns))


def jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY)
    return data.getvalue()


def pdf(pictures: Sequence[Image.Image], title: str) -> bytes:
    data = io.BytesIO()
    pictures[0].save(
        data, "PDF", save_all=True, append_images=pictures[1:], resolution=200, title=title, creator="artfactoryd"
    )
    return data.getvalue()


def _columns(count: int) -> int:
    """Of pictures that follow each other."""
    return count if count <= 4 else max(4, round(math.sqrt(count * 1.5)))


def _shape(pictures: Sequence[Picture]) -> float:
    """Height to width of the boxes: that of the pictures where they agree, else square."""
    shapes = {round(one.height / one.width, 2) for one in pictures if one.width and one.height}
    return min(2.0, max(0.5, shapes.pop())) if len(shapes) == 1 else 1.0


# --- drawn ---


def _drawn(way: Drawing) -> Image.Image:
    margin = way.gap * 2
    labels = _labels_width(way)
    width = max(2 * margin + labels + way.columns * (way.cell[0] + way.gap) - way.gap, 420)
    head = _head(way, width - 2 * margin)
    rows = _rows(way)
    captions = [_captions(way, row) for row in rows]
    heads = _header_lines(way)
    top = margin + _height_of(head) + (len(max(heads, key=len, default=[])) + bool(way.layout.x_title)) * way.line
    top += way.line if way.layout.y_title and not any(heads) else 0
    heights = [_row_height(way, told) for told in captions]
    picture = Image.new("RGB", (width, top + sum(heights) + margin + way.line), PAPER)
    pen = ImageDraw.Draw(picture)
    _write_head(way, pen, head, margin)
    _write_column_names(way, pen, heads, (margin + labels, top))
    if way.layout.y_title and labels:
        title = way.fonts.cut(way.layout.y_title, way.size, labels - way.gap)
        way.fonts.write(pen, (margin, top - way.line // 3), title, way.size, MUTED)
    y = top + way.gap // 2
    for number, (row, told, height) in enumerate(zip(rows, captions, heights, strict=True)):
        _write_row_name(way, pen, number, (margin, y), labels - way.gap)
        for place, lines in zip(row, told, strict=True):
            column = place.column % way.columns
            _put(way, picture, pen, place, lines, (margin + labels + column * (way.cell[0] + way.gap), y))
        y += height
    foot = words_of_missing(way.fonts.missing)
    way.fonts.write(pen, (margin, picture.height - margin // 2), foot, max(12, way.size - 3), MUTED)
    return picture


def _rows(way: Drawing) -> list[list[Place]]:
    rows: dict[int, list[Place]] = {}
    for place in way.layout.places:
        row = place.row if way.layout.is_table else place.column // way.columns
        rows.setdefault(row, []).append(place)
    return [rows[number] for number in sorted(rows)]


def _captions(way: Drawing, row: Sequence[Place]) -> list[list[str]]:
    told = []
    for place in row:
        remarks = " · ".join(place.picture.remarks) if place.picture else ""
        words = " · ".join(filter(None, [place.caption, remarks]))
        told.append(way.fonts.wrapped(words, way.size, way.cell[0], CAPTION_LINES))
    return told


def _row_height(way: Drawing, captions: Sequence[Sequence[str]]) -> int:
    lines = max((len(lines) for lines in captions), default=0)
    return way.cell[1] + lines * way.line + way.gap + (way.gap // 2 if lines else 0)


Line = tuple[str, int, str]  # words, size, colour


def _head(way: Drawing, width: int) -> list[Line]:
    large = way.size * 8 // 5
    page = f"  {way.sheet.page}/{way.sheet.pages}" if way.sheet.pages > 1 else ""
    head: list[Line] = [(way.fonts.cut(way.sheet.title + page, large, width), large, INK)]
    for number, words in enumerate(way.sheet.lines):
        size, most = (way.size, TITLE_LINES) if number == 0 else (max(14, way.size - 2), 2)
        head += [(line, size, INK if number == 0 else MUTED) for line in way.fonts.wrapped(words, size, width, most)]
    return head


def _height_of(head: Sequence[Line]) -> int:
    return sum(size * 3 // 2 for _, size, _ in head) + head[0][1] // 2


def _write_head(way: Drawing, pen: ImageDraw.ImageDraw, head: Sequence[Line], margin: int) -> None:
    y = margin
    for words, size, colour in head:
        y += size * 3 // 2
        way.fonts.write(pen, (margin, y - size // 2), words, size, colour)


def _labels_width(way: Drawing) -> int:
    if not any(header.lines for header in way.layout.rows):
        return 0
    words = [line for header in way.layout.rows for line in header.lines]
    widest = max(way.fonts.length(line[:60], way.size) for line in [*words, way.layout.y_title])
    return min(widest, max(120, way.side * 3 // 4)) + way.gap * 3 // 2


def _header_lines(way: Drawing) -> list[list[str]]:
    """Of each column. Each thing it names is cut where it is long, the last of them told in several lines."""
    told = []
    for header in way.layout.columns:
        *first, last = header.lines or ("",)
        lines = [way.fonts.cut(line, way.size, way.cell[0]) for line in first]
        told.append([*lines, *way.fonts.wrapped(last, way.size, way.cell[0], HEADER_LINES)])
    return told


def _write_column_names(
    way: Drawing, pen: ImageDraw.ImageDraw, heads: Sequence[Sequence[str]], place: tuple[int, int]
) -> None:
    left, bottom = place
    tallest = max(map(len, heads), default=0)
    if way.layout.x_title:
        way.fonts.write(pen, (left, bottom - tallest * way.line - way.line // 3), way.layout.x_title, way.size, MUTED)
    for number, lines in enumerate(heads):
        x = left + number * (way.cell[0] + way.gap)
        for above, line in enumerate(reversed(lines)):
            way.fonts.write(pen, (x, bottom - above * way.line - way.line // 3), line, way.size, INK)


def _write_row_name(way: Drawing, pen: ImageDraw.ImageDraw, number: int, place: tuple[int, int], width: int) -> None:
    if number >= len(way.layout.rows) or width <= 0:
        return
    x, y = place[0], place[1] + way.size
    room = max(1, way.cell[1] // way.line - 1)
    header = way.layout.rows[number]
    for line in header.lines:
        for part in way.fonts.wrapped(line, way.size, width, max(1, room // len(header.lines))):
            way.fonts.write(pen, (x, y), part, way.size, INK)
            y += way.line


def _put(
    way: Drawing, picture: Image.Image, pen: ImageDraw.ImageDraw, place: Place, lines: Sequence[str],
    corner: tuple[int, int],
) -> None:  # fmt: skip
    x, y = corner
    width, height = way.cell
    if place.picture is None:
        return
    tile = None if place.picture.blank else way.tile(place.picture, width, height, way.fonts)
    if tile is None:
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=PAPER, outline=LINE)
        _write_blank(way, pen, place.picture.blank, corner)
    else:
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=MAT)
        small = scaling.inside(tile, width, height)
        picture.paste(small, (x + (width - small.width) // 2, y + (height - small.height) // 2))
        if place.picture.mime.startswith("video/"):
            _write_film_mark(pen, x + width // 20, y + height - height // 20, max(14, width // 12))
    for number, line in enumerate(lines):
        way.fonts.write(pen, (x, y + height + (number + 1) * way.line - way.line // 4), line, way.size, MUTED)


def _write_blank(way: Drawing, pen: ImageDraw.ImageDraw, words: str, corner: tuple[int, int]) -> None:
    width, height = way.cell
    lines = way.fonts.wrapped(words, way.size, width - 2 * way.gap, max(1, height // way.line - 1))
    y = corner[1] + (height - len(lines) * way.line) // 2
    for line in lines:
        y += way.line
        left = corner[0] + (width - way.fonts.length(line, way.size)) // 2
        way.fonts.write(pen, (left, y - way.line // 3), line, way.size, MUTED)


def _write_film_mark(pen: ImageDraw.ImageDraw, left: int, bottom: int, side: int) -> None:
    pen.polygon(
        [(left, bottom - side), (left + side, bottom - side // 2), (left, bottom)], fill="white", outline="#00000080"
    )
