"""What a person says of products: liked, rated, tagged, noted, collected, and taken back. A like that sends something
on is asked about once more, with the sum."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from artfactoryd.daemon import marking
from artfactoryd.daemon.marking import HIGHEST, LONGEST_NOTE, LONGEST_TAG
from artfactoryd.errors import WrongUse
from artfactoryd.printable import ACTS
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import releasing, undoing
from artfactoryd.web.api.schemas import AS, NAMES, OWN_ID, TEXT
from artfactoryd.web.api.steering import Answer, Word, confirm, is_on, read_body, tell
from artfactoryd.web.front import Front
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused
from artfactoryd.web.replies import as_json, wants_page
from artfactoryd.web.routes import Query, Route

TAGS = {AS: {"items": {"type": "string", "pattern": rf"^[^{ACTS}\n]+$", "minLength": 1, "maxLength": LONGEST_TAG}}}
SENDS_ON = "What waits for a like goes on, for up to"


@dataclass(frozen=True, slots=True)
class Tags(JsonObject):
    add: Sequence[str] = field(default=(), metadata=TAGS)
    remove: Sequence[str] = field(default=(), metadata=TAGS)


@dataclass(frozen=True, slots=True)
class Collections(JsonObject):
    add: Sequence[str] = field(default=(), metadata=NAMES)
    remove: Sequence[str] = field(default=(), metadata=NAMES)


@dataclass(frozen=True, slots=True)
class Marks(JsonObject):
    """What is to be different from now on. `rating`: 0 to 5, or null for none; `id` and `confirm_usd`: as of Word."""

    id: str = field(default="", metadata=OWN_ID)
    liked: bool = False
    rating: int | None = field(default=None, metadata={AS: {"minimum": 0, "maximum": HIGHEST}})
    notes: str = field(default="", metadata={AS: {**TEXT, "maxLength": LONGEST_NOTE}})
    tags: Tags = field(default_factory=Tags)
    collections: Collections = field(default_factory=Collections)
    confirm_usd: str = ""
    ONE_OF: ClassVar = ("liked", "rating", "notes", "tags", "collections")


@dataclass(frozen=True, slots=True)
class Binned(JsonObject):
    """`restore`: out of the bin; `id`: as of Word."""

    id: str = field(default="", metadata=OWN_ID)
    restore: bool = False


class Marking:
    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> Iterator[Route]:
        words = "Like, rate, tag, note and collect a product; what is left out stays."
        yield Route(
            "POST",
            "/api/v1/products/{product_id}/marks",
            self.marks,
            Answer,
            words,
            (),
            Marks,
            pace=Pace.WRITE,
            needs_body=True,
        )
        words = "Put a product into the bin of the shelf, for 30 days, or take it out of it."
        yield Route("POST", "/api/v1/products/{product_id}/bin", self.bin, Answer, words, (), Binned, pace=Pace.WRITE)
        words = "Take back what was said last of products."
        yield Route("POST", "/api/v1/undo", self.undo, Answer, words, (), Word, pace=Pace.WRITE)

    async def marks(self, request: web.Request, query: Query) -> web.StreamResponse:
        """One command for each kind of mark."""
        word, given = await read_body(request, Marks), request.match_info["product_id"]
        product = await self._front.reads.ask(lambda index: naming.product_named(index, given).id)
        if word.keys().isdisjoint(Marks.ONE_OF):
            raise Refused(400, "No mark", "Say liked, rating, notes, tags or collections.")
        commands = list(_commands(word))
        for name, fields in commands:
            _check(name, fields)
        if is_on(word.get("liked")):
            await self._check_sum(request, word, [product], {"liked": "true"})
        texts = ["Nothing changes."]
        for number, (name, fields) in enumerate(commands):
            numbered = {**word, "id": word["id"] and str(uuid.uuid5(uuid.UUID(word["id"]), str(number)))}
            told = await tell(self._front, name, numbered, {"products": [product], **fields})
            texts.append(told["text"])
        if wants_page(request):
            raise web.HTTPSeeOther(f"/pictures/{product}")
        return as_json(Answer(True, texts[-1]))

    async def bin(self, request: web.Request, query: Query) -> web.StreamResponse:
        word, given = await read_body(request, Binned), request.match_info["product_id"]
        product = await self._front.reads.ask(lambda index: naming.product_named(index, given).id)
        told = await tell(self._front, "bin", word, {"products": [product], "restore": is_on(word.get("restore"))})
        if wants_page(request):
            raise web.HTTPSeeOther(f"/pictures/{product}")
        return as_json(Answer(True, told["text"]))

    async def undo(self, request: web.Request, query: Query) -> web.StreamResponse:
        word = await read_body(request, Word)
        last = await self._front.reads.ask(undoing.last)
        liked = [product for product, said in last.before.items() if said.liked] if last else []
        await self._check_sum(request, word, liked, {})
        told = await tell(self._front, "undo", word, {})
        return as_json(Answer(True, told["text"]))

    async def _check_sum(
        self, request: web.Request, word: Mapping[str, Any], products: Sequence[str], extra: Mapping[str, str]
    ) -> None:
        released = await self._front.reads.ask(lambda index: _released(index, products))
        if released.most:
            confirm(self._front, request, word, released.most / 1_000_000, SENDS_ON, extra)


def _check(name: str, fields: Mapping[str, Any]) -> None:
    try:
        marking.check({"name": name, **fields})
    except WrongUse as error:
        raise Refused(400, "Nothing was done", str(error), code="not_done") from None


def _released(index: Index, products: Sequence[str]) -> releasing.Released:
    """What liking these sends on; of those that are liked already, nothing more."""
    rows = [row for product in products if (row := index.product(product)) is not None]
    return releasing.released(index, [row.id for row in rows if row.found or not row.liked])


def _commands(word: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "liked" in word:
        yield "like", {"off": not is_on(word["liked"])}
    if "rating" in word:
        rating = word["rating"]
        yield "rate", {"rating": None if rating in (None, "") else _number(rating)}
    if "notes" in word:
        yield "note", {"notes": str(word["notes"] or "")}
    on, off = _changes(word, "tags")
    if changes := [f"+{tag}" for tag in on] + [f"-{tag}" for tag in off]:
        yield "tag", {"changes": changes}
    into, out = _changes(word, "collections")
    yield from (
        ("collect", {"collection": name, "off": is_off})
        for names, is_off in ((into, False), (out, True))
        for name in names
    )


def _changes(word: Mapping[str, Any], key: str) -> tuple[Sequence[str], Sequence[str]]:
    """What is added, and what is removed."""
    given = word.get(key) or {}
    if not isinstance(given, dict) or not all(_are_names(given.get(name, [])) for name in ("add", "remove")):
        raise Refused(400, f"Not such {key}", f'{key.capitalize()} are {{"add": ["one"], "remove": ["other"]}}.')
    return given.get("add", []), given.get("remove", [])


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _number(value: object) -> int:
    if isinstance(value, float) and value.is_integer():  # as JSON has it, 3.0 is 3
        value = int(value)
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 3:
        raise Refused(400, "Not such a rating", "A rating is a whole number from 0 to 5, or null.")
    return int(str(value))
