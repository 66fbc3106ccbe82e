"""The bytes of products: thumbnails out of the cache, and the file itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

from artfactoryd.shelf.kinds import PLAYABLE
from artfactoryd.shelf.media import DECODED
from artfactoryd.shelf.thumbnails import cache, film
from artfactoryd.shelf.thumbnails.cache import NAMES, Cache
from artfactoryd.storage import naming
from artfactoryd.storage.rows import ProductRow
from artfactoryd.web.front import Front
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused
from artfactoryd.web.replies import if_new
from artfactoryd.web.routes import Asked, Query, Route

LASTS = "private, max-age=86400"  # a product's bytes never change
PATIENCE = 15.0  # seconds for a thumbnail to be made
SIZES = {name: size for size, name in NAMES.items()}
IN_FRAME = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox"}
SHOWN = DECODED | PLAYABLE


class Pictures:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._cache = Cache(front.app.home.private / cache.FOLDER)

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET",
            "/api/v1/products/{product_id}/thumbnail",
            self.thumbnail,
            "image/jpeg",
            "A small picture of it, at the most 150, 400 or 800 pixels wide and high.",
            (Asked("size", "Which.", "medium", choices=("small", "medium", "large")),),
            pace=Pace.PICTURES,
        )
        yield Route("GET", "/api/v1/products/{product_id}/file", self.file, "*/*",
                    "Its file, as it lies on the shelf; a part of it with Range.", also=[206],
                    pace=Pace.PICTURES)  # fmt: skip

    async def thumbnail(self, request: web.Request, query: Query) -> web.StreamResponse:
        row, name = await self._row(request), query.text("size")
        tag = f"{row.sha256[:32]}-{name}"
        if any(known.value == tag for known in request.if_none_match or ()):
            return if_new(request, web.Response(), tag, LASTS)
        data = await self._read(row, SIZES[name])
        if data is None:
            raise Refused(404, "No thumbnail", f"{row.path} has none, or not yet.", code="no_thumbnail")
        return if_new(request, web.Response(body=data, content_type="image/jpeg"), tag, LASTS)

    async def _read(self, row: ProductRow, size: int) -> bytes | None:
        """Made where it was taken out of the cache; what was not looked at yet has its turn soon, unless it is one of
        a whole folder that was imported."""
        data = await asyncio.to_thread(self._cache.read, row.sha256, size)
        is_next = row.looked is None and row.order_id
        if data is not None or is_next or not has_thumbnail(row.mime):
            return data
        async with asyncio.timeout(PATIENCE):
            await self._front.app.execution.later.show(row)
        return await asyncio.to_thread(self._cache.read, row.sha256, size)

    async def file(self, request: web.Request, query: Query) -> web.StreamResponse:
        row = await self._row(request)
        path = await asyncio.to_thread(self._path, row)
        headers = {**IN_FRAME, "Content-Type": row.mime, "Cache-Control": LASTS}
        if row.mime not in SHOWN:  # nothing that a browser would run is ever ours
            headers |= {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}
        return web.FileResponse(path, headers=headers)

    def _path(self, row: ProductRow) -> Path:
        """Of a plain file of ours: what lies behind a link is none."""
        home = self._front.app.home
        path = home.root / row.path
        if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(home.projects.resolve()):
            raise Refused(404, "No longer there", f"{row.path} is no longer on the shelf.", code="missing")
        return path

    async def _row(self, request: web.Request) -> ProductRow:
        given = request.match_info["product_id"]
        return await self._front.reads.ask(lambda index: naming.product_named(index, given))


def has_thumbnail(mime: str) -> bool:
    return mime in DECODED or mime in film.DEMUXERS
