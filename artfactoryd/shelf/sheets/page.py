"""A sheet as one page for a browser, with everything in it: pictures, what is known of each, light and dark, zoom."""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

from artfactoryd.core.names import LASTING, kind_of, kinds_of, lasting, made_words
from artfactoryd.core.sheets.facts import Picture
from artfactoryd.core.sheets.layout import Header, Layout, Place
from artfactoryd.core.sheets.sheet import Sheet

Jpeg = Callable[[Picture, int], bytes]  # of about this many pixels on the longest side
SIDES = {60: 800, 1200: 400}  # of the pictures in it, by how many there are; else SMALL
SMALL = 150
TILES = {3: 420, 12: 300, 60: 230}  # as they are shown at first, in pixels; else LEAST
LEAST = 170


def page(sheet: Sheet, jpeg: Jpeg, home: Path, target: Path) -> bytes:
    """`target`: where it will lie. From there it leads to the files themselves, and without them it is whole too."""
    pictures = sheet.pictures
    side = next((side for most, side in SIDES.items() if len(pictures) <= most), SMALL)
    columns = max(len(part.columns) for part in sheet.parts)
    beside = columns or len(pictures)
    tile = next((tile for most, tile in TILES.items() if beside <= most), LEAST)
    body = "".join(piece for part, first in _numbered(sheet.parts) for piece in _body(part, first, jpeg, side))
    told = [_told(picture, home, target.parent) for picture in pictures]
    lines = "".join(
        f'<p dir="auto"{" class=first" if number == 0 else ""}>{html.escape(line)}</p>'
        for number, line in enumerate(sheet.lines)
    )
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    text = template.safe_substitute(
        count=made_words(kinds_of(picture.mime or "image/" for picture in pictures)),
        title=html.escape(sheet.title), lines=lines, tile=tile, columns=columns or 1,
        shape=_shape(pictures), pictures=body,
        told=json.dumps(told, ensure_ascii=False).replace("<", "\\u003c"),
    )  # fmt: skip
    return text.encode("utf-8", "replace")


def _numbered(parts: Sequence[Layout]) -> Iterator[tuple[Layout, int]]:
    """Each with the number of its first picture."""
    first = 0
    for part in parts:
        yield part, first
        first += sum(place.picture is not None for place in part.places)


def _body(layout: Layout, first: int, jpeg: Jpeg, side: int) -> Iterator[str]:
    numbers = _numbers(layout, first)
    if layout.heading:
        yield f'<h2 dir="auto">{html.escape(layout.heading)}</h2>'
    if not layout.is_table:
        yield '<div class="flow">'
        yield from (_figure(place, numbers, jpeg, side) for place in layout.places)
        yield "</div>"
        return
    yield '<div class="scroll"><table><thead>'
    if layout.x_title:
        yield f'<tr class="name"><th></th><th colspan="{len(layout.columns)}">{html.escape(layout.x_title)}</th></tr>'
    yield f'<tr><th scope="col"><span class="name">{html.escape(layout.y_title)}</span></th>'
    yield from (_header("col", header) for header in layout.columns)
    yield "</tr></thead><tbody>"
    cells = {(place.row, place.column): place for place in layout.places}
    for row, header in enumerate(layout.rows):
        yield f"<tr>{_header('row', header)}"
        for column in range(len(layout.columns)):
            place = cells.get((row, column))
            yield f"<td>{_figure(place, numbers, jpeg, side) if place else ''}</td>"
        yield "</tr>"
    yield "</tbody></table></div>"


def _numbers(layout: Layout, first: int) -> Mapping[tuple[int, int], int]:
    """The number of each picture, by its place."""
    there = [(place.row, place.column) for place in layout.places if place.picture]
    return {place: number for number, place in enumerate(there, first)}


def _header(scope: str, header: Header) -> str:
    lines = "".join(f'<span dir="auto">{html.escape(line)}</span>' for line in header.lines)
    return f'<th scope="{scope}">{lines}</th>'


def _figure(place: Place, numbers: Mapping[tuple[int, int], int], jpeg: Jpeg, side: int) -> str:
    picture = place.picture
    if picture is None:
        return ""
    words = " · ".join(filter(None, [place.caption, *picture.remarks]))
    caption = f'<figcaption dir="auto" title="{html.escape(words)}">{html.escape(words)}</figcaption>' if words else ""
    number = numbers[place.row, place.column]
    if picture.blank:
        return f'<figure data-n="{number}"><div class="blank">{html.escape(picture.blank)}</div>{caption}</figure>'
    source = base64.b64encode(jpeg(picture, side)).decode()
    lasts = f"▶ {lasting(picture.duration)}" if picture.duration else "▶"
    film = f' class=film data-lasts="{lasts}"' if kind_of(picture.mime) in LASTING else ""
    alt = html.escape(picture.prompt[:200] or picture.name)
    lazy = ' loading="lazy" decoding="async"' if side < max(SIDES.values()) else ""
    image = f'<img src="data:image/jpeg;base64,{source}" alt="{alt}"{lazy}>'
    return f'<figure data-n="{number}"><button type="button"{film}>{image}</button>{caption}</figure>'


def _shape(pictures: list[Picture]) -> str:
    shapes = {(one.width, one.height) for one in pictures if one.width and one.height}
    width, height = shapes.pop() if len(shapes) == 1 else (1, 1)
    return f"{width} / {height}" if 0.4 < width / height < 2.5 else "1 / 1"


def _told(picture: Picture, home: Path, folder: Path) -> dict[str, object]:
    size = f"{picture.width} x {picture.height}" if picture.width else ""
    size = ", ".join(filter(None, [size, lasting(picture.duration) if picture.duration else ""]))
    fact = picture.facts.get("model")
    facts = {
        "model": fact.value if fact else "", "seed": picture.seed, "size": size, "file": picture.path,
        **{name: value for name, value in picture.parameters.items() if name not in ("prompt", "seed")},
        "again": f"artfactoryd remake {picture.product}" if picture.product else "",
    }  # fmt: skip
    file = quote(os.path.relpath(home / picture.path, folder), errors="surrogateescape") if picture.path else ""
    return {
        "prompt": picture.prompt, "name": picture.name, "mime": picture.mime, "file": file,
        "facts": {name: value for name, value in facts.items() if value},
    }  # fmt: skip
