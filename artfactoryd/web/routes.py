"""An address as a value: who answers it, what may be asked, and what comes. The API's description is made of these."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from aiohttp import web

from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.web.pace import Pace
from artfactoryd.web.refusals import Refused

ORDER = "order_id"


@dataclass(frozen=True, slots=True)
class Asked:
    """A word after the `?`. A number where it has `most`; one of `choices`, or of the form `pattern`, where there is
    one."""

    name: str
    words: str
    default: str | int = ""
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    pattern: str = ""

    def read(self, text: str | None) -> str | int:
        if text is None:
            return self.default
        if self.choices and text not in self.choices:
            raise Refused(400, "Not one of these", f"{self.name} is one of {', '.join(self.choices)}.")
        if text and self.pattern and not re.fullmatch(self.pattern, text):
            raise Refused(400, "Not such a word", f"{self.name} is not {text[:40]!r}: {self.words}")
        return self._number(text) if self.most else text

    def _number(self, text: str) -> int:
        if not (
            text.isascii()
            and text.isdigit()
            and len(text) <= len(str(self.most))
            and self.least <= int(text) <= self.most
        ):
            raise Refused(400, "Not such a number", f"{self.name} is a number from {self.least} to {self.most}.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked after the `?`, read."""

    values: Mapping[str, str | int]

    def text(self, name: str) -> str:
        return str(self.values[name])

    def number(self, name: str) -> int:
        return int(self.values[name])


Handle = Callable[[web.Request, Query], Awaitable[web.StreamResponse]]
Body = type[JsonObject] | str  # a JSON document, or a media type


@dataclass(frozen=True, slots=True)
class Leaving:
    """An address that goes away: deprecated `since`, gone after `until`; `instead`: the address to use."""

    since: date
    until: date
    instead: str

    @property
    def headers(self) -> Mapping[str, str]:
        """As RFC 9745 and RFC 8594 have them."""
        since, until = (datetime.combine(day, time(), UTC) for day in (self.since, self.until))
        link = f'<{self.instead}>; rel="successor-version"'
        return {
            "Deprecation": f"@{int(since.timestamp())}",
            "Sunset": format_datetime(until, usegmt=True),
            "Link": link,
        }


@dataclass(frozen=True, slots=True)
class Route:
    """`answer`: a document, or a media type. `told`: whether it belongs to the API; what a browser shows does not.
    `leaving`: of an address that goes away. `also`: other statuses with the same kind of answer."""

    method: str
    path: str
    handle: Handle
    answer: Body
    words: str
    asked: Sequence[Asked] = ()
    body: Body | None = None
    status: int = 200
    pace: Pace = Pace.READ
    told: bool = True
    leaving: Leaving | None = None
    needs_body: bool = False
    also: Sequence[int] = ()

    def read(self, request: web.Request) -> Query:
        """What means nothing here is refused, not ignored."""
        known = {asked.name: asked for asked in self.asked}
        for name in request.query:
            if name not in (*known, "token"):
                words = " and ".join(known) + (" do." if len(known) > 1 else " does.") if known else "nothing does."
                raise Refused(400, "Unknown word", f"?{name[:40]}= means nothing here; {words}")
        return Query({name: asked.read(request.query.get(name)) for name, asked in known.items()})
