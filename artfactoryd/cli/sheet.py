"""`sheet`: one contact sheet of an order, or of what a query finds: a page for the browser, a JPEG or a PDF."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import click

from artfactoryd import durable
from artfactoryd.cli.context import as_json, count_of, made_home, say, settings_to_go_by
from artfactoryd.core.names import numbered
from artfactoryd.core.query import read_query
from artfactoryd.core.sheets.facts import Picture
from artfactoryd.core.sheets.layout import Axes
from artfactoryd.core.sheets.sheet import MOST, Sheet
from artfactoryd.core.sheets.stages import lay_out_stages, paged
from artfactoryd.core.slug import slug
from artfactoryd.errors import WrongUse
from artfactoryd.execution.shelving.eye import Eye, Thumbnails
from artfactoryd.home import Home
from artfactoryd.reporting import sheets
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.shelf.media import DECODED
from artfactoryd.shelf.sheets import drawing, marks, page
from artfactoryd.shelf.sheets.cards import card
from artfactoryd.shelf.sheets.fonts import Fonts
from artfactoryd.shelf.sheets.tiles import Tiles
from artfactoryd.shelf.thumbnails import cache, film, scaling
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search

KINDS = (".html", ".jpg", ".pdf")
EXPORTS = "Exports"
LONGEST_NAME = 60
WIDE, HIGH = 400, 300  # of a card, in pixels


@click.command()
@click.argument("query", nargs=-1, metavar="[ORDER|QUERY]")
@click.option("--to", "target", type=click.Path(path_type=Path), help="The file: .html, .jpg or .pdf. Never over one.")
@click.option("--x", metavar="NAME", help="What the columns name: a parameter, a lookup, model, copy, seed or stage.")
@click.option("--y", metavar="NAME", help="What the rows name.")
@click.option("--most", default="500", metavar="N|all", help="How many pictures, the newest (default 500).")
@click.option("--open", "opens", is_flag=True, help="Show it.")
@as_json
@click.pass_context
def sheet(
    ctx: click.Context, query: tuple[str, ...], target: Path | None, x: str | None, y: str | None, most: str,
    opens: bool, as_json: bool,
) -> None:  # fmt: skip
    """One contact sheet of an order, or of what a query finds: a page for the browser, a JPEG or a PDF.

    Without --to it is a page in the folder Exports. Models that are compared become columns.
    """
    home = made_home(ctx)
    document = make_sheet(home, " ".join(query), target, Axes(x, y), count_of(most, "--most"))
    say(document, "\n".join(document.files), as_json)
    if opens:
        subprocess.run(["open" if sys.platform == "darwin" else "xdg-open", document.files[0]], check=False)


@dataclass(frozen=True, slots=True)
class SheetDocument(JsonObject):
    """`files`: more than one where a JPEG has several pages. `missing`: places without a picture."""

    files: Sequence[str]
    pictures: int
    missing: int


def make_sheet(
    home: Home, query: str, target: Path | None, axes: Axes, most: int | None, title: str = ""
) -> SheetDocument:
    """Raises QueryWrong, and WrongUse for what cannot be made."""
    if target is not None and target.suffix.lower() not in KINDS:
        raise WrongUse(f"{target.name} ends with none of {', '.join(KINDS)}.")
    whole = _sheet_of(home, query, axes, most)
    whole = replace(whole, title=title or whole.title)
    pictures = whole.pictures
    if not pictures:
        raise WrongUse("Nothing fits." if query else "Nothing was made yet.")
    path = _free(target, home, query or "newest")
    with tempfile.TemporaryDirectory() as spare:
        written = _write(home, whole, path, pictures, Path(spare))
    return SheetDocument([str(one) for one in written], len(pictures), sum(bool(one.blank) for one in pictures))


def _sheet_of(home: Home, query: str, axes: Axes, most: int | None) -> Sheet:
    """Of the order that is called so, else of what the query finds."""
    with Index.looking(home.index_file) as index:
        if index is None:
            raise WrongUse("Nothing was made yet.")
        if query and (orders := naming.orders_named(index, query)):
            row = naming.one_of(index, query, orders, latest=None)
            return sheets.of_whole_order(index, home.root, row, axes, most)
        read_query(query)
        rows = list(islice(search.find(index, query), most))
        return sheets.of_products(home.root, rows, query or "The newest", axes)


def _free(target: Path | None, home: Home, name: str) -> Path:
    if target is not None:
        if target.exists():
            raise WrongUse(f"{target} is there already. Name another file.")
        if not target.absolute().parent.is_dir():
            raise WrongUse(f"{target.absolute().parent} is no folder.")
        return target.absolute()
    folder = home.root / EXPORTS
    durable.make_folders(folder)
    names = (folder / chosen for chosen in numbered(slug(name, LONGEST_NAME, "sheet"), KINDS[0]))
    return next(path for path in names if not path.exists())


def _write(home: Home, whole: Sheet, path: Path, pictures: Sequence[Picture], spare: Path) -> list[Path]:
    settings = settings_to_go_by(home)
    room = settings.thumbnails.cache_bytes
    folder = home.private / cache.FOLDER if room else spare
    asyncio.run(_make_thumbnails(home, pictures, settings.limits.megapixels, folder))
    tiles = Tiles(home.root, cache.Cache(folder), megapixels=0.0)  # nothing is decoded in here
    written = list(_written(home, whole, path, tiles))
    if room:
        cache.Cache(folder).evict(room)
    return written


async def _make_thumbnails(home: Home, pictures: Sequence[Picture], megapixels: float, folder: Path) -> None:
    """By processes of their own, on all cores."""
    known, eye = cache.Cache(folder), Eye()
    wanted = {
        one.sha256: one for one in pictures if not one.blank and (one.mime in DECODED or one.mime in film.DEMUXERS)
    }
    try:
        await asyncio.gather(*(
            eye.look(home.root / one.path, megapixels, Thumbnails(folder, one.sha256, one.mime))
            for one in wanted.values() if not known.has(one.sha256)
        ))  # fmt: skip
    finally:
        await eye.close()


def _written(home: Home, whole: Sheet, path: Path, tiles: Tiles) -> Iterator[Path]:
    ending = path.suffix.lower()
    if ending == ".html":
        yield _put(path, page.page(whole, lambda picture, side: _jpeg(home, tiles, picture, side), home.root, path))
        return
    drawn = [drawing.draw(one, tiles.of) for one in _pages(whole)]
    if ending == ".pdf":
        yield _put(path, drawing.pdf(drawn, whole.title))
        return
    for number, picture in enumerate(drawn, 1):
        data = marks.marked(drawing.jpeg(picture), marks.Mark("", number, whole.digest))
        yield _put(path if number == 1 else path.with_stem(f"{path.stem}-{number}"), data)


def _pages(whole: Sheet) -> list[Sheet]:
    """Each laid out by itself: what does not vary on it is said once."""
    pictures = whole.pictures
    if len(pictures) <= MOST:
        return [whole]
    parts = paged(pictures, MOST)
    laid_out = [lay_out_stages(part, Axes()) for part in parts]
    return [
        replace(whole, layout=first, more=more, page=number, pages=len(parts))
        for number, (first, *more) in enumerate(laid_out, 1)
    ]


def _jpeg(home: Home, tiles: Tiles, picture: Picture, side: int) -> bytes:
    data = tiles.jpeg(picture, side)
    return data or scaling.jpeg(card(picture, home.root / picture.path, WIDE, HIGH, Fonts()))


def _put(path: Path, data: bytes) -> Path:
    if not durable.write_new(path, io.BytesIO(data)):
        raise WrongUse(f"{path} is there already. Name another file.")
    return path
