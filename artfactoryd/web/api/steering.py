"""What a person says of orders and providers, on the page or by a program: commands, carried out as by a terminal."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_type_hints

from aiohttp import web

from artfactoryd.core.money import dollars
from artfactoryd.daemon import mailbox
from artfactoryd.daemon.app import App
from artfactoryd.reporting import waiting
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage import budget, naming
from artfactoryd.storage.index import Index
from artfactoryd.web import page
from artfactoryd.web.api import schemas
from artfactoryd.web.api.schemas import OWN_ID
from artfactoryd.web.front import Front
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused, reading_body, why_it_waits
from artfactoryd.web.replies import as_json, wants_page
from artfactoryd.web.routes import Query, Route

MOST_BYTES = 64 << 10  # of a body here
FORM = "application/x-www-form-urlencoded"
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

    id: str = field(default="", metadata=OWN_ID)
    in_doubt: bool = False
    confirm_usd: str = ""


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

    async def order(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        word = await read_body(request, Word)
        case = await self._case(request.match_info["order_id"])
        self._check_sum(name, case, word, request)
        fields: dict[str, Any] = {"order": case.order_id}
        if name == "retry":
            fields["in_doubt"] = is_on(word.get("in_doubt"))
        elif name in ("pause", "resume"):
            fields = {"target": case.order_id}
        return await self._carry_out(request, name, word, fields, case.order_id)

    def _check_sum(self, name: str, case: Case, word: Mapping[str, Any], request: web.Request) -> None:
        """Money that a browser lets go is asked about once more, with the sum."""
        in_doubt = is_on(word.get("in_doubt"))
        if usd := case.price(name, in_doubt):
            words = "may cost, some of it a second time," if in_doubt else "may cost"
            extra = {"in_doubt": "true"} if in_doubt else {}
            confirm(self._front, request, word, usd, f"{case.name} {words} up to", extra)

    async def provider(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        given, at_work = request.match_info["provider"], self._front.app.execution.gates
        if given not in at_work and not await self._front.reads.ask(lambda index: _is_shut(index, given)):
            text = f"There is no provider {given[:40]!r} at work; there are {', '.join(sorted(at_work))}."
            raise Refused(404, "No such provider", text, code="no_such_provider")
        fields = {"target": given}
        return await self._carry_out(request, name, await read_body(request, Word), fields)

    async def everything(self, name: str, request: web.Request, query: Query) -> web.StreamResponse:
        return await self._carry_out(request, name, await read_body(request, Word), {})

    async def _carry_out(
        self, request: web.Request, name: str, word: Mapping[str, Any], fields: Mapping[str, Any], order_id: str = ""
    ) -> web.StreamResponse:
        told = await tell(self._front, name, word, fields, order_id)
        if wants_page(request):
            raise web.HTTPSeeOther("/")
        return as_json(Answer(True, told["text"], bool(told.get("waits"))))

    async def _case(self, given: str) -> Case:
        def read(index: Index) -> Case:
            row = naming.order_named(index, given)
            held = [one for one in index.orders_of_claim(row.claim) if one.is_held]
            prices = [budget.at_most(index, one) or one.price or 0 for one in held or [row]]
            sums = sum(prices), index.doubtful(row.id), budget.sent_again(index, row)
            return Case(row.id, row.name, *(micro / 1_000_000 for micro in sums))

        return await self._front.reads.ask(read)


@dataclass(frozen=True, slots=True)
class Case:
    """An order that something is said of. `usd`: what all that is approved with it may cost (a file may hold several);
    `doubt_usd`: of it, what may have been paid already. `again_usd`: what has ended and may be sent again."""

    order_id: str
    name: str
    usd: float
    doubt_usd: float
    again_usd: float

    def price(self, name: str, in_doubt: bool) -> float:
        """What saying so may cost, in dollars; 0 where it is nothing new."""
        if name == "approve":
            return self.usd
        if name == "retry":
            return self.again_usd + (self.doubt_usd if in_doubt else 0)
        return 0


class Unconfirmed(Refused):
    """As a page: the same form, with the sum in it."""

    def __init__(self, words: str, usd: str, address: str, extra: Mapping[str, str]) -> None:
        more = {"confirm_usd": usd}
        super().__init__(409, "Once more", f"{words} {usd}. Say so once more.", code="confirm", more=more)
        self._address, self._fields = address, {**extra, **more}

    def page(self, form_token: str) -> str:
        return page.draw_question(self.text, self._address, self._fields, form_token)


def confirm(
    front: Front, request: web.Request, word: Mapping[str, Any], usd: float, words: str, extra: Mapping[str, str]
) -> None:
    """Raises Unconfirmed where a browser lets so much go and has not said the sum. `extra`: what it says besides."""
    shown = dollars(round(usd * 1_000_000))
    if front.forms.is_by_browser(request.headers) and word.get("confirm_usd") != shown:
        raise Unconfirmed(words, shown, request.path, extra)


async def tell(
    front: Front, name: str, word: Mapping[str, Any], fields: Mapping[str, Any], order_id: str = ""
) -> dict[str, Any]:
    """Carried out. Raises Refused for what was not done, with what keeps the order."""
    command = mailbox.command(name, **fields)
    answer = await front.act({**command, "id": word["id"] or command["id"]})
    front.changed()
    if answer["done"]:
        return answer
    if answer.get("wrong_use"):
        raise Refused(400, "Nothing was done", answer["text"], code="not_done")
    more = await front.reads.ask(lambda index: _blockers(index, front.app, order_id)) if order_id else {}
    raise Refused(409, "Nothing was done", answer["text"], code="not_done", more=more)


def _is_shut(index: Index, provider: str) -> bool:
    """It was stopped or paused while it was at work, and is not now."""
    return provider in {*index.stops(), *index.pauses()} - {""}


def _blockers(index: Index, app: App, order_id: str) -> dict[str, object]:
    row = index.order(order_id)
    return why_it_waits(waiting.outlook(index, row, app.home, app.settings.now).blockers) if row else {}


def is_on(value: object) -> bool:
    return value in (True, "true", "1", "on", "yes")


async def read_body(request: web.Request, kind: type[JsonObject]) -> dict[str, Any]:
    """A form or a JSON object, of names and types that `kind` has; `id` is a UUID or empty."""
    if request.content_type == FORM:
        with reading_body():
            word: Any = {name: value for name, value in (await request.post()).items() if name != "form_token"}
    else:
        word = _object(await request.read())
    known = get_type_hints(kind).keys()
    if unknown := sorted(word.keys() - known):
        raise Refused(400, "Unknown word", f"{unknown[0][:40]!r} means nothing here; {', '.join(sorted(known))} do.")
    if request.content_type != FORM and (words := schemas.complaint(word, kind)):
        raise Refused(400, "Not such a value", words)
    own = str(word.get("id") or "")
    if own and not re.fullmatch(schemas.UUID, own):
        raise Refused(400, "Not such an id", "id is a UUID of your own.")
    return {**word, "id": own and str(uuid.UUID(own))}


def _no_number(name: str) -> None:
    """As Python alone writes them."""
    raise ValueError(name)


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise Refused(413, "Too much", f"At the most {MOST_BYTES} bytes are read here.")
    if not data.strip():
        return {}
    try:
        value = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "Not JSON", "The body is a JSON object, or nothing.") from None
    if not isinstance(value, dict):
        raise Refused(400, "Not an object", "The body is a JSON object, or nothing.")
    return value
