"""What a person says, on the page or by a program: commands, carried out as those of a terminal are."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from artfactoryd.core import strict_json
from artfactoryd.core.money import dollars
from artfactoryd.daemon import mailbox
from artfactoryd.reporting import orders, waiting
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.web import page
from artfactoryd.web.front import Front
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused, why_it_waits
from artfactoryd.web.replies import as_json, wants_page
from artfactoryd.web.routes import Query, Route

MOST_BYTES = 64 << 10  # of a body here
OF_ORDERS = ("approve", "cancel", "retry", "pause", "resume")
WORDS = {
    "approve": "Let a held order go on, for the reasons and the price shown.",
    "cancel": "Send nothing more of it; what arrives all the same is kept.",
    "retry": "Send again what surely cost nothing; with `in_doubt` also what may be paid twice.",
    "pause": "Send nothing more; what is on the way is still collected.",
    "resume": "Go on.",
}


@dataclass(frozen=True, slots=True)
class Word(JsonObject):
    """What is said. All may be left out. `id`: a UUID; one that came before is only answered. `confirm_usd`: the sum as
    it was shown, which a browser has to say again before money is spent."""

    id: str = ""
    in_doubt: bool = False
    confirm_usd: str = ""


@dataclass(frozen=True, slots=True)
class Tags(JsonObject):
    add: Sequence[str] = ()
    remove: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Marks(JsonObject):
    """What is to be different from now on. `rating`: 0 to 5, or null for none."""

    id: str = ""
    liked: bool = False
    rating: int | None = None
    tags: Tags = Tags()


@dataclass(frozen=True, slots=True)
class Answer(JsonObject):
    """`waits`: something of it is left for a person to say."""

    done: bool
    text: str
    waits: bool = False


class Steering:
    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> Iterator[Route]:
        route = partial(Route, "POST", answer=Answer, body=Word, pace=Pace.WRITE)
        for name in OF_ORDERS:
            yield route(f"/api/v1/orders/{{order_id}}/{name}", partial(self.order, name), words=WORDS[name])
        for name in ("pause", "resume"):
            yield route(f"/api/v1/providers/{{provider}}/{name}", partial(self.provider, name), words=WORDS[name])
            yield route(f"/api/v1/{name}", partial(self.everything, name), words=f"{WORDS[name]} All orders.")
        marks = "Like, rate and tag a product; what is left out stays."
        yield Route("POST", "/api/v1/products/{product_id}/marks", self.marks, Answer, marks, body=Marks,
                    pace=Pace.WRITE)  # fmt: skip

    async def order(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        word = await read_body(request, Word)
        case = await self._case(request.match_info["order_id"])
        self._check_sum(name, case, word, request)
        fields: dict[str, Any] = {"order": case.order.order_id}
        if name == "retry":
            fields["in_doubt"] = is_on(word.get("in_doubt"))
        elif name in ("pause", "resume"):
            fields = {"target": case.order.order_id}
        return await self._carry_out(request, name, word, fields, case.order.order_id)

    def _check_sum(self, name: str, case: Case, word: Mapping[str, Any], request: web.Request) -> None:
        """Money that a browser lets go is asked about once more, with the sum."""
        usd = case.price(name, is_on(word.get("in_doubt")))
        if usd is None or not self._front.forms.is_by_browser(request.headers):
            return
        if word.get("confirm_usd") == shown_sum(usd):
            return
        raise Unconfirmed(name, case, shown_sum(usd), is_on(word.get("in_doubt")))

    async def provider(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        fields = {"target": request.match_info["provider"]}
        return await self._carry_out(request, name, await read_body(request, Word), fields)

    async def everything(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        return await self._carry_out(request, name, await read_body(request, Word), {})

    async def marks(self, request: web.Request, query: Query) -> web.StreamResponse:
        """One command for each kind of mark."""
        word = await read_body(request, Marks)
        product = await self._product(request.match_info["product_id"])
        commands = list(_marking(word))
        if not commands:
            raise Refused(400, "No mark", "Say liked, rating or tags.")
        texts = []
        for number, (name, fields) in enumerate(commands):
            numbered = {**word, "id": word["id"] and str(uuid.uuid5(uuid.UUID(word["id"]), str(number)))}
            texts.append(await self._told(name, numbered, {"products": [product], **fields}))
        if wants_page(request):
            raise web.HTTPSeeOther(f"/pictures/{product}")
        return as_json(Answer(True, texts[-1]["text"]))

    async def _carry_out(
        self, request: web.Request, name: str, word: Mapping[str, Any], fields: Mapping[str, Any], order_id: str = ""
    ) -> web.StreamResponse:
        told = await self._told(name, word, fields, order_id)
        if wants_page(request):
            raise web.HTTPSeeOther("/")
        return as_json(Answer(True, told["text"], bool(told.get("waits"))))

    async def _told(
        self, name: str, word: Mapping[str, Any], fields: Mapping[str, Any], order_id: str = ""
    ) -> dict[str, Any]:
        """Raises Refused for what was not done, with what keeps the order."""
        command = mailbox.command(name, **fields)
        answer = await self._front.act({**command, "id": word["id"] or command["id"]})
        self._front.changed()
        if answer["done"]:
            return answer
        status, more = 400 if answer.get("wrong_use") else 409, {}
        if order_id and status == 409:
            more = await self._front.reads.ask(lambda index: self._blockers(index, order_id))
        raise Refused(status, "Nothing was done", answer["text"], code="not_done", more=more)

    def _blockers(self, index: Index, order_id: str) -> dict[str, object]:
        row, app = index.order(order_id), self._front.app
        return why_it_waits(waiting.outlook(index, row, app.home, app.settings.now).blockers) if row else {}

    async def _case(self, given: str) -> Case:
        def read(index: Index) -> Case:
            row = naming.order_named(index, given)
            return Case(orders.order_document(index, row, (), products=False), row.is_held)

        return await self._front.reads.ask(read)

    async def _product(self, given: str) -> str:
        return await self._front.reads.ask(lambda index: naming.product_named(index, given).id)


@dataclass(frozen=True, slots=True)
class Case:
    order: orders.OrderDocument
    is_held: bool

    def price(self, name: str, in_doubt: bool) -> float | None:
        """What saying so may cost, in dollars; None where it is nothing new."""
        order = self.order
        if name == "approve":
            usd = order.at_most_usd if order.at_most_usd is not None else order.price_usd
            return usd or None
        return order.money.in_doubt_usd or None if name == "retry" and in_doubt else None


class Unconfirmed(Refused):
    """As a page: the same form, with the sum in it."""

    def __init__(self, name: str, case: Case, usd: str, in_doubt: bool) -> None:
        words = "may cost" if name == "approve" else "may be paid a second time:"
        text = f"{case.order.name} {words} up to {usd}. Say so once more."
        super().__init__(409, "Once more", text, code="confirm", more={"confirm_usd": usd})
        self.name, self.case, self.usd, self.in_doubt = name, case, usd, in_doubt

    def page(self, form_token: str) -> str:
        return page.draw_question(self.name, self.case.order, self.usd, self.in_doubt, form_token)


def shown_sum(usd: float) -> str:
    return dollars(round(usd * 1_000_000))


def is_on(value: object) -> bool:
    return value in (True, "true", "1", "on", "yes")


def _marking(word: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "liked" in word:
        yield "like", {"off": not is_on(word["liked"])}
    if "rating" in word:
        rating = word["rating"]
        yield "rate", {"rating": None if rating in (None, "") else _number(rating)}
    tags = word.get("tags") or {}
    if not isinstance(tags, dict) or not all(_is_names(tags.get(key, [])) for key in ("add", "remove")):
        raise Refused(400, "Not such tags", 'Tags are {"add": ["one"], "remove": ["other"]}.')
    changes = [f"+{tag}" for tag in tags.get("add", [])] + [f"-{tag}" for tag in tags.get("remove", [])]
    if changes:
        yield "tag", {"changes": changes}


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _number(value: object) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 3:
        raise Refused(400, "Not such a rating", "A rating is a whole number from 0 to 5, or null.")
    return int(str(value))


async def read_body(request: web.Request, kind: type[JsonObject]) -> dict[str, Any]:
    """A form or a JSON object, of names that `kind` knows; `id` is a UUID or empty."""
    if request.content_type == "application/x-www-form-urlencoded":
        word: Any = {name: value for name, value in (await request.post()).items() if name != "form_token"}
    else:
        word = _object(await request.read())
    known = set(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    if unknown := sorted(word.keys() - known):
        raise Refused(400, "Unknown word", f"{unknown[0][:40]!r} means nothing here; {', '.join(sorted(known))} do.")
    try:
        return {**word, "id": str(uuid.UUID(str(word["id"]))) if word.get("id") else ""}
    except ValueError:
        raise Refused(400, "Not such an id", "id is a UUID of your own.") from None


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise Refused(413, "Too much", f"At the most {MOST_BYTES} bytes are read here.")
    if not data.strip():
        return {}
    try:
        value = strict_json.loads(data)
    except (ValueError, RecursionError):
        raise Refused(400, "Not JSON", "The body is a JSON object, or nothing.") from None
    if not isinstance(value, dict):
        raise Refused(400, "Not an object", "The body is a JSON object, or nothing.")
    return value
