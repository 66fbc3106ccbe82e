"""Orders that are being written: what one would do, and into the Inbox with it; there it is like every other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from aiohttp import BodyPartReader, web

from artfactoryd import entries
from artfactoryd.core.inbox_rules import is_order_name
from artfactoryd.core.names import LONGEST, folded, size
from artfactoryd.intake.submission import ORDER, WRITTEN, Told, order_name, rejections_of, submit_bundle
from artfactoryd.medium import writing_to
from artfactoryd.planning import preview
from artfactoryd.planning.origin import Origin
from artfactoryd.planning.preview import Planned
from artfactoryd.printable import printable, redact
from artfactoryd.reporting import pictures
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.web import page
from artfactoryd.web.front import Front
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused, reading_body
from artfactoryd.web.replies import as_json, wants_page
from artfactoryd.web.routes import Asked, Query, Route

YAML, FILES = "application/yaml", "multipart/form-data"
PATIENCE = 20.0  # seconds for a plan
MOST_ITEMS = 6  # of a plan that are listed
MOST_FILES, MOST_DEPTH, MOST_BYTES = 200, 3, 60 << 20  # of what is dropped together
NAME = Asked("name", "What the order is called; its document may say otherwise.")
REHEARSE = Asked("rehearse", "1: draw it here, for nothing.", "0", choices=("0", "1"))


@dataclass(frozen=True, slots=True)
class PlanDocument(JsonObject):
    """The document of `plan --json`, with the first items only."""

    orders: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Generation(JsonObject):
    """`submission`: by which its orders are asked for at /api/v1/submissions/ID once they are taken."""

    submission: str
    name: str
    inbox: str


@dataclass(frozen=True, slots=True)
class SubmissionDocument(JsonObject):
    """`state`: waiting, accepted (held ones too), or rejected. `orders`: their ids; `text`: why it was rejected."""

    submission: str
    state: str
    orders: Sequence[str]
    text: str = ""


class Drafts:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._thread = ThreadPoolExecutor(1, "artfactoryd-drafts")

    def routes(self) -> Iterator[Route]:
        post = partial(Route, "POST", status=202, pace=Pace.ORDER, needs_body=True)
        asked, words = (NAME, REHEARSE), "What an order would do: its items, price, names, what would hold it."
        yield Route("POST", "/api/v1/plan", self.plan, PlanDocument, words, asked, YAML, pace=Pace.PLAN)
        words = "Put an order, YAML or JSON, into the Inbox."
        yield post("/api/v1/generate", self.generate, Generation, words, asked, YAML)
        words = "Put an order and the pictures that it names into the Inbox."
        yield post("/api/v1/inbox", self.drop, Generation, words, (), FILES, told=False)
        words = "What became of what was put into the Inbox."
        yield Route("GET", "/api/v1/submissions/{submission}", self.submission, SubmissionDocument, words)
        yield Route("GET", "/api/v1/orders/{order_id}/document", self.document, YAML, "The order as it was written.")
        words = "An order for the product, as a start for another."
        yield Route("GET", "/api/v1/products/{product_id}/order", self.again, YAML, words)

    async def plan(self, request: web.Request, query: Query) -> web.StreamResponse:
        planned = await self._planned(await self._text(request), query)
        if wants_page(request):
            return web.Response(text=page.draw_plan(planned.orders, planned.items), content_type="text/html")
        return as_json(PlanDocument([{**head, "items": items} for head, items in planned.together]))

    async def _planned(self, data: bytes, query: Query) -> Shown:
        """One at a time: whoever types asks again and again."""
        name, rehearse = order_name(query.text("name")), query.text("rehearse") == "1"
        app = self._front.app

        def study() -> Shown:
            origin = Origin(f"{name}.yaml", name, rehearse=rehearse)
            planned = preview.plan_text(app.home, app.settings.now, data, origin, most=MOST_ITEMS)
            return Shown.of(planned)

        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().run_in_executor(self._thread, study)

    async def generate(self, request: web.Request, query: Query) -> web.StreamResponse:
        data, name = await self._text(request), order_name(query.text("name"))
        if not data.strip():
            raise Refused(400, "Nothing", "There is no order in this.", code="empty")
        told = Told(name, f"{name}.yaml", query.text("rehearse") == "1")
        return await self._submitted(data, {}, told)

    async def drop(self, request: web.Request, query: Query) -> web.StreamResponse:
        """One order and its pictures, each a part of the form under its own name."""
        files = await self._files(request)
        orders = [name for name in files if is_order_name(name.rpartition("/")[2])]
        if len(orders) != 1:
            raise Refused(400, "Not one order", f"One order file and its pictures; {len(orders)} orders came.")
        order = orders[0]
        name = PurePosixPath(order).stem
        folder = order.rpartition("/")[0]
        if name == WRITTEN and folder:
            name = folder.rpartition("/")[2]
        beside = {_below(other, folder): data for other, data in files.items() if other != order}
        _check_names([ORDER, *beside])
        return await self._submitted(files[order], beside, Told(order_name(name), order.rpartition("/")[2]))

    async def _submitted(self, data: bytes, beside: Mapping[str, bytes], told: Told) -> web.StreamResponse:
        home, settings = self._front.app.home, self._front.app.settings.now
        inbox = settings.inbox.path or home.inbox
        bundle, submission = await asyncio.to_thread(_submit, data, beside, told, inbox, home.temp)
        self._front.changed()
        return as_json(Generation(submission, told.name, bundle.name), 202)

    async def _text(self, request: web.Request) -> bytes:
        data, most = await request.read(), self._front.app.settings.now.limits.order_bytes
        if len(data) > most:
            raise Refused(413, "Too much", f"An order has at most {most} bytes (limits.order_bytes).")
        return data

    async def _files(self, request: web.Request) -> dict[str, bytes]:
        if request.content_type != FILES:
            raise Refused(415, "Not files", "Send the files as multipart/form-data, each under its own name.")
        files, left = dict[str, bytes](), MOST_BYTES
        with reading_body():
            async for part in await request.multipart():
                if isinstance(part, BodyPartReader) and part.filename:
                    if len(files) >= MOST_FILES:
                        raise Refused(413, "Too many", f"At the most {MOST_FILES} files together.")
                    if (name := _safe(part.filename)) in files:
                        raise Refused(400, "Twice", f"{name} came twice.")
                    files[name] = data = await _bytes_of(part, left)
                    left -= len(data)
        return files

    async def submission(self, request: web.Request, query: Query) -> web.StreamResponse:
        given, rejected = request.match_info["submission"], self._front.app.home.rejected
        if not all(sign.isalnum() or sign == "-" for sign in given):
            raise web.HTTPNotFound
        ids = await self._front.reads.ask(lambda index: [row.id for row in index.orders_of_submission(given)])
        if ids:
            return as_json(SubmissionDocument(given, "accepted", ids))
        words = await asyncio.to_thread(_rejection, rejected, given)
        return as_json(SubmissionDocument(given, "rejected" if words else "waiting", [], words))

    async def document(self, request: web.Request, query: Query) -> web.StreamResponse:
        given = request.match_info["order_id"]
        text = await self._front.reads.ask(lambda index: naming.order_named(index, given).document)
        return web.Response(text=text, content_type=YAML)

    async def again(self, request: web.Request, query: Query) -> web.StreamResponse:
        given, home = request.match_info["product_id"], self._front.app.home

        def read(index: Index) -> str:
            path = naming.product_named(index, given).path
            if (card := pictures.card_of(home, path)) is None:
                raise Refused(404, "No sidecar", f"{path} has none, so nothing tells how it was made.", code="missing")
            return pictures.as_order(card)

        return web.Response(text=await self._front.reads.ask(read), content_type=YAML)


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan with its first items, made while whoever studies it has the time."""

    orders: Sequence[Mapping[str, Any]]
    items: Sequence[Sequence[Mapping[str, Any]]]

    @classmethod
    def of(cls, planned: Planned) -> Shown:
        return cls([order.head for order in planned.orders], [list(order.items()) for order in planned.orders])

    @property
    def together(self) -> Iterator[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]:
        return zip(self.orders, self.items, strict=True)


def _submit(data: bytes, beside: Mapping[str, bytes], told: Told, inbox: Path, temp: Path) -> tuple[Path, str]:
    """Raises StorageFull."""
    with writing_to(inbox):
        return submit_bundle(data, beside, told, inbox, temp)


async def _bytes_of(part: BodyPartReader, most: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        data += chunk
        if len(data) > most:
            text = f"At the most {MOST_BYTES >> 20} MB together. Copy the folder into the Inbox instead."
            raise Refused(413, "Too much", text)
    return bytes(data)


def _safe(given: str) -> str:
    """A path below the bundle. Nothing leads out of it, and nothing in it is hidden."""
    parts = given.replace("\\", "/").split("/")
    if len(parts) > MOST_DEPTH or not all(map(_is_name, parts)):
        raise Refused(400, "Not such a name", f"{given[:80]!r} is no name of a file that can be taken.")
    return "/".join(parts)


def _is_name(part: str) -> bool:
    return bool(part) and part[0] != "." and printable(part) == part and size(part) <= LONGEST


def _check_names(names: Sequence[str]) -> None:
    """No two of them are one file on some disk, or a file and the folder of another."""
    known = dict[str, str]()
    for name in sorted(names, key=folded):
        for above in (name, *map(str, PurePosixPath(name).parents)):
            if (other := known.get(folded(above))) is not None:
                raise Refused(400, "Two of one name", f"{name} and {other} cannot lie together.")
        known[folded(name)] = name


def _below(name: str, folder: str) -> str:
    return name.removeprefix(f"{folder}/") if folder else name


def _rejection(rejected: Path, submission: str) -> str:
    for path in rejections_of(rejected, submission):
        return redact(entries.bounded(path, 4000)[:4000].decode("utf-8", "replace"))
    return ""
