"""Requests at fal: the ticket of one, where it is asked about, and whether it has ended. Nothing here is sent.

Not here: what came of a request that has ended (results), and what the history of requests tells (history).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from artfactoryd.core.json_types import JsonValue, Parameters, Value
from artfactoryd.core.measures import seconds_of_run
from artfactoryd.errors import AskAgain, OutputLost, ProviderError, ProviderStopped, Throttled, Unreachable
from artfactoryd.factories import Ticket
from artfactoryd.factories.http.answer import Answer, fields, shortened, text, words

NAMESPACES = frozenset({"workflows", "comfy"})  # they shift where an app's name ends
URLS = ("status_url", "response_url", "cancel_url")
LONGEST_URL = 500
_ENDPOINT = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)+", re.ASCII)
_ID = re.compile(rb'"request_id"\s*:\s*"([A-Za-z0-9_-]+)"')


def sent(parameters: Parameters) -> dict[str, Value]:
    """What leaves: never in sync mode, whose answers come inline, are not in the history and expire in minutes."""
    return {name: False if name == "sync_mode" else value for name, value in parameters.items()}


def checked(endpoint: str) -> str:
    """Only letters, digits, `._-` and slashes go into an address. Raises ValueError."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"{endpoint!r} is not the name of a model at fal (owner/app)")
    return endpoint


def app_of(endpoint: str) -> str:
    """Owner and app: requests are sent to the whole id, and asked about by these alone. Raises ValueError."""
    parts = checked(endpoint).split("/")
    return "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])


# --- tickets ---


def ticket_in(answer: Answer, endpoint: str) -> Ticket | None:
    """Whatever else is wrong with an answer, an id in it is a ticket."""
    if not answer.ok:
        return None
    value = answer.value()
    document = fields(value)
    cut = _ID.search(answer.body) if value is None else None
    for name in (document.get("request_id"), cut and cut[1].decode(), answer.headers.get("x-fal-request-id")):
        if isinstance(name, str) and name and name.isprintable():
            return ticket(endpoint, name, document)
    return None


def ticket(endpoint: str, request_id: str, document: Mapping[str, JsonValue]) -> Ticket:
    """`document`: fal's answer to the create, from which the addresses are taken that it names."""
    urls = {name: document[name] for name in URLS if _is_url(document.get(name))}
    return Ticket(json.dumps({"request_id": request_id, "endpoint": endpoint, **urls}))


def _is_url(value: JsonValue) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_URL


def request_id(ticket: Ticket) -> str | None:
    """None where this is no ticket of fal's."""
    return text(_read(ticket).get("request_id"))


def _read(ticket: Ticket) -> dict[str, JsonValue]:
    """The document that a ticket is; empty where it is none."""
    try:
        return fields(json.loads(ticket.text))
    except ValueError:
        return {}


# --- asking ---


@dataclass(frozen=True, slots=True)
class RequestUrls:
    """Where one request is asked about."""

    status_url: str
    response_url: str
    cancel_url: str


def urls_of(ticket: Ticket, queue: str) -> RequestUrls:
    """As fal named them, where that is on the queue's own address (it sees our key), else as fal builds them.

    Raises OutputLost for what is no ticket of fal's.
    """
    document = _read(ticket)
    endpoint, name = text(document.get("endpoint")), text(document.get("request_id"))
    try:
        base = f"{queue}/{app_of(endpoint or '')}/requests/{quote(name or '', safe='')}"
    except ValueError as error:
        raise OutputLost("This is no ticket of fal's.") from error
    if name is None:
        raise OutputLost("This is no ticket of fal's.")

    def chosen(key: str, built: str) -> str:
        url = text(document.get(key))
        return url if url and url.startswith(f"{queue}/") else built

    return RequestUrls(
        chosen("status_url", f"{base}/status"), chosen("response_url", base), chosen("cancel_url", f"{base}/cancel")
    )


def job_trouble(answer: Answer) -> ProviderError:
    """Of a question about one request: that this one is refused (403) says nothing of the others."""
    if answer.status == 403:
        sentence = f"fal does not let this request be asked about (403): {answer.reason()}."
        return OutputLost(sentence, refused=True)
    return trouble(answer)


def trouble(answer: Answer) -> ProviderError:
    """Of a question: what is no answer to it."""
    reason = answer.reason()
    if answer.status in (404, 410):
        sentence = f"fal no longer knows this request ({answer.status}): {reason}."
        return OutputLost(sentence, passing=answer.status == 404)
    if answer.status in (401, 402, 403):
        of_key = answer.status == 401
        return ProviderStopped(f"fal does not answer with this key ({answer.status}): {reason}.", of_key=of_key)
    if answer.status == 429:
        return Throttled(f"fal asks to wait (429): {reason}.", answer.wait())
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    return kind(f"fal does not say just now ({answer.status}): {reason}.", answer.wait())


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that has ended, by its status document.

    `error`: in words. `kind`: fal's own word for the way it failed, empty where there is none. `seconds`: of the run.
    """

    has_failed: bool = False
    error: str = ""
    kind: str = ""
    seconds: float | None = None


def ended(answer: Answer) -> Ended | None:
    """None while it waits or runs. Raises what is no answer, and AskAgain for a status that is not known here."""
    if not answer.ok:
        raise job_trouble(answer)
    document = fields(answer.value())
    status = document.get("status")
    if status in ("IN_QUEUE", "IN_PROGRESS"):
        return None
    if status == "COMPLETED":
        return read_ended(document)
    raise AskAgain(f"fal says {shortened(words(status), answer.key)!r}, a status this program does not know.")


def read_ended(document: Mapping[str, JsonValue]) -> Ended:
    error, kind = document.get("error"), document.get("error_type")
    return Ended(
        has_failed=bool(error or kind),
        error=words(error),
        kind=text(kind) or "",
        seconds=seconds_of_run(fields(document.get("metrics")).get("inference_time")),
    )
