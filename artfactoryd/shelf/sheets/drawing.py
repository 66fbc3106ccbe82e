"""A sheet as a picture: a title, named rows and columns, a caption below each picture."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from artfactoryd.core.names import LASTING, kind_of, lasting
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
    """The measures of one part of a sheet. `cell`: width and height of a picture's box."""

    sheet: Sheet
    layout: Layout
    tile: Tile
    side: int
    cell: tuple[int, int]
    columns: int
    fonts: Fonts

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
    pictures, fonts = sheet.pictures, Fonts()
    shape, columns = _shape(pictures), _columns(sheet)
    widest = max(columns)
    side = next((side for most, side in SIDES.items() if widest <= most), LEAST)
    side = min(side, max(LEAST, *(max(one.width, one.height) or side for one in pictures), LEAST))
    places = sum(many * _row_count(part, many) for part, many in zip(sheet.parts, columns, strict=True))
    while side > 64 and places * side * side * 1.4 > MOST_PIXELS:
        side = side * 9 // 10
    cell = (side, round(side * shape)) if shape <= 1 else (round(side / shape), side)
    parts = zip(sheet.parts, columns, strict=True)
    return _drawn([Drawing(sheet, part, tile, side, cell, many, fonts) for part, many in parts])


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


def _columns(sheet: Sheet) -> list[int]:
    """Of each part. What follows each other is as wide as a table beside which it stands."""
    named = max(len(part.columns) for part in sheet.parts)
    free = max((len(part.places) for part in sheet.parts if not part.is_table), default=0)
    most = named or (free if free <= 4 else max(4, round(math.sqrt(free * 1.5))))
    return [len(part.columns) if part.is_table else max(1, min(most, len(part.places))) for part in sheet.parts]


def _row_count(layout: Layout, columns: int) -> int:
    return len(layout.rows) or math.ceil(len(layout.places) / columns)


def _shape(pictures: Sequence[Picture]) -> float:
    """Height to width of the boxes: that of the pictures where they agree, else square."""
    shapes = {round(one.height / one.width, 2) for one in pictures if one.width and one.height}
    return min(2.0, max(0.5, shapes.pop())) if len(shapes) == 1 else 1.0


# --- drawn ---


@dataclass
class _Block:
    """One part with its words broken into lines. `top`: above the first row, for the names of columns."""

    way: Drawing
    labels: int
    rows: Sequence[Sequence[Place]]
    captions: Sequence[Sequence[Sequence[str]]]
    heads: Sequence[Sequence[str]]
    heights: Sequence[int]

    @property
    def width(self) -> int:
        return self.labels + self.way.columns * (self.way.cell[0] + self.way.gap) - self.way.gap

    @property
    def heading(self) -> int:
        return self.way.line * 2 if self.way.layout.heading else 0

    @property
    def top(self) -> int:
        layout = self.way.layout
        lines = len(max(self.heads, key=len, default=[])) + bool(layout.x_title)
        lines += bool(layout.y_title) and not any(self.heads)
        return self.heading + lines * self.way.line

    @property
    def height(self) -> int:
        return self.top + sum(self.heights)


def _block(way: Drawing) -> _Block:
    rows = _rows(way)
    captions = [_captions(way, row) for row in rows]
    heights = [_row_height(way, told) for told in captions]
    return _Block(way, _labels_width(way), rows, captions, _header_lines(way), heights)


def _drawn(parts: Sequence[Drawing]) -> Image.Image:
    blocks, way = [_block(part) for part in parts], parts[0]
    margin = way.gap * 2
    width = max(2 * margin + max(block.width for block in blocks), 420)
    head = _head(way, width - 2 * margin)
    top = margin + _height_of(head)
    height = top + sum(block.height for block in blocks) + margin + way.line
    picture = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(picture)
    _write_head(way, pen, head, margin)
    for block in blocks:
        _put_block(block, picture, pen, (margin, top))
        top += block.height
    foot = words_of_missing(way.fonts.missing)
    way.fonts.write(pen, (margin, picture.height - margin // 2), foot, max(12, way.size - 3), MUTED)
    return picture


def _put_block(block: _Block, picture: Image.Image, pen: ImageDraw.ImageDraw, corner: tuple[int, int]) -> None:
    way, (left, above), top = block.way, corner, corner[1] + block.top
    if way.layout.heading:
        heading = way.fonts.cut(way.layout.heading, way.size * 5 // 4, picture.width - 2 * left)
        way.fonts.write(pen, (left, above + block.heading - way.line * 2 // 3), heading, way.size * 5 // 4, INK)
    _write_column_names(way, pen, block.heads, (left + block.labels, top))
    if way.layout.y_title and block.labels:
        title = way.fonts.cut(way.layout.y_title, way.size, block.labels - way.gap)
        way.fonts.write(pen, (left, top - way.line // 3), title, way.size, MUTED)
    y = top + way.gap // 2
    for number, (row, told, height) in enumerate(zip(block.rows, block.captions, block.heights, strict=True)):
        _write_row_name(way, pen, number, (left, y), block.labels - way.gap)
        for place, lines in zip(row, told, strict=True):
            column = place.column % way.columns
            _put(way, picture, pen, place, lines, (left + block.labels + column * (way.cell[0] + way.gap), y))
        y += height


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
        if kind_of(place.picture.mime) in LASTING:
            _write_play_mark(way, pen, x + width // 30, y + height - width // 30, place.picture.duration)
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


def _write_play_mark(way: Drawing, pen: ImageDraw.ImageDraw, left: int, bottom: int, seconds: float) -> None:
    """A small triangle, and how long it lasts, on a ground on which both are seen."""
    words, size = lasting(seconds) if seconds else "", way.size
    gap = size // 2
    right = left + size + gap + (way.fonts.length(words, size) + gap if words else 0)
    pen.rectangle((left, bottom - size - gap, right, bottom), fill=INK)
    top, middle = bottom - size - gap // 2, bottom - gap // 2 - size // 2
    pen.polygon([(left + gap, top), (left + gap + size * 2 // 3, middle), (left + gap, bottom - gap // 2)], fill=PAPER)
    way.fonts.write(pen, (left + size + gap, bottom - gap), words, size, PAPER)
