"""What fal's answers mean: for money, and for a person. Nothing here touches the network.

fal has no word for "failed": a request ends as COMPLETED, and what became of it is said by an `error` there, by
the status of its result, or by both. A result is the model's own answer passed through, errors included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from artfactoryd.errors import (
    AskAgain,
    OutputLost,
    ProviderError,
    ProviderStopped,
    RunFailed,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Attempt, Output, Outputs, Ticket
from artfactoryd.factories.http.answer import DEEPEST, Answer, shortened, words

NAMESPACES = frozenset({"workflows", "comfy"})  # they shift where an app's name ends
URLS = ("status_url", "response_url", "cancel_url")
LONGEST_URL = 500
SKEW = timedelta(minutes=2)  # between our clock and fal's
# What fal calls the ways a run ends that are its own fault: never charged.
FREE = frozenset({
    "request_timeout", "startup_timeout", "generation_timeout", "internal_error", "internal_server_error",
    "downstream_service_error", "downstream_service_unavailable",
})  # fmt: skip
CANCELLED = frozenset({"client_cancelled", "client_disconnected"})
CLIENT_LEFT = 499  # nginx's: whoever asked went away
_ENDPOINT = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)+", re.ASCII)
_ID = re.compile(rb'"request_id"\s*:\s*"([A-Za-z0-9_-]+)"')
_NOT_YET = re.compile(r"in progress|not (yet )?complete|in queue", re.IGNORECASE)


# --- tickets ---


def ticket_in(answer: Answer, endpoint: str) -> Ticket | None:
    """Whatever else is wrong with an answer, an id in it is a ticket."""
    if not answer.ok:
        return None
    value = answer.value()
    told = value if isinstance(value, dict) else {}
    cut = _ID.search(answer.body) if value is None else None
    for name in (told.get("request_id"), cut and cut[1].decode(), answer.headers.get("x-fal-request-id")):
        if isinstance(name, str) and name and name.isprintable():
            return ticket(endpoint, name, told)
    return None


def ticket(endpoint: str, request_id: str, told: Mapping[str, Any]) -> Ticket:
    urls = {name: told[name] for name in URLS if _is_url(told.get(name))}
    return Ticket(json.dumps({"request_id": request_id, "endpoint": endpoint, **urls}))


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_URL


@dataclass(frozen=True, slots=True)
class Place:
    """Where one request is asked about."""

    status_url: str
    response_url: str
    cancel_url: str


def place_of(ticket: Ticket, queue: str) -> Place:
    """As fal said, where that is on the queue's own address (it sees our key), else as fal builds them."""
    try:
        told = json.loads(ticket.text)
        base = f"{queue}/{app_of(told['endpoint'])}/requests/{quote(told['request_id'], safe='')}"
    except (ValueError, KeyError, TypeError) as error:
        raise OutputLost("This is no ticket of fal's.") from error
    built = {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}
    said = {name: url for name in URLS if str(url := told.get(name)).startswith(f"{queue}/")}
    return Place(**{**built, **said})


def app_of(endpoint: str) -> str:
    """Owner and app: requests are sent to the whole id, and asked about by these alone. Raises ValueError."""
    parts = checked(endpoint).split("/")
    return "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])


def checked(endpoint: str) -> str:
    """Only letters, digits, `._-` and slashes go into an address. Raises ValueError."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"{endpoint!r} is not the name of a model at fal (owner/app)")
    return endpoint


# --- asking ---


def trouble(answer: Answer) -> ProviderError:
    reason = answer.reason()
    if answer.status in (404, 410):
        return OutputLost(f"fal no longer knows this request ({answer.status}): {reason}.")
    if answer.status in (401, 402, 403):
        of_key = answer.status == 401
        return ProviderStopped(f"fal does not answer with this key ({answer.status}): {reason}.", of_key=of_key)
    if answer.status == 429:
        return Throttled(f"fal asks to wait (429): {reason}.", answer.wait())
    kind = Unreachable if answer.status is None or answer.status >= 500 else AskAgain
    return kind(f"fal does not say just now ({answer.status}): {reason}.", answer.wait())


def finished(answer: Answer) -> Mapping[str, Any] | None:
    """The status document of a request that has ended; None while it waits or runs."""
    if not answer.ok:
        raise trouble(answer)
    value = answer.value()
    status = value.get("status") if isinstance(value, dict) else None
    if status in ("IN_QUEUE", "IN_PROGRESS"):
        return None
    if status == "COMPLETED":
        ended: Mapping[str, Any] = value
        return ended
    raise AskAgain(f"fal says {shortened(words(status), answer.key)!r}, a status this program does not know.")


def outcome(done: Mapping[str, Any], result: Answer) -> Outputs | None:
    """What a request that has ended gave, by its status document and its result; None: the result is not there yet."""
    failed = bool(done.get("error") or done.get("error_type"))
    value = result.value()
    if result.status == 200 and isinstance(value, dict):
        outputs = list(_files(value))
        if outputs or not failed:
            return _outputs(value, outputs, done)
    if failed or _is_the_runs_own(result, value):
        raise _failure(done, result, value)
    if result.status == 202 or (result.status == 400 and _NOT_YET.search(result.reason())):
        return None
    if result.status in (400, 405, 409, 413, 415, 422):
        raise _failure(done, result, value)
    if result.status is not None and result.status >= 500 and isinstance(value, dict):
        # It may be the model's answer as well as fal's: no outage is made of it, others are answered.
        raise AskAgain(f"fal does not hand out what came of it ({result.status}): {result.reason()}.", result.wait())
    raise trouble(result)


def _is_the_runs_own(result: Answer, value: Any) -> bool:
    """The model's or the runner's own error, not one of the way to it: that would be asked again."""
    if result.status == CLIENT_LEFT:
        return True
    if result.ok or not isinstance(value, dict) or result.status in (401, 402, 403, 404, 408, 410, 429):
        return False
    kind = _kind({}, result, value)
    return isinstance(value.get("detail"), list) or kind.startswith("runner_") or kind.endswith("_timeout")


def _failure(done: Mapping[str, Any], result: Answer, value: Any) -> RunFailed:
    """fal never charges for its own faults (5xx), which may pass; for a bad or unwanted input it may charge."""
    kind = _kind(done, result, value)
    if kind in CANCELLED or result.status == CLIENT_LEFT:
        return RunFailed("It was cancelled at fal.", charged=True, cancelled=True)
    said = shortened(words(done.get("error")), result.key)
    reason = result.reason() if isinstance(value, dict) and not result.ok else said or kind or "no reason given"
    own_fault = result.status is not None and result.status >= 500 and isinstance(value, dict)
    free = kind in FREE or kind.startswith("runner_") or own_fault
    return RunFailed(f"fal could not make it: {reason}.", charged=not free, passing=free)


def _kind(done: Mapping[str, Any], result: Answer, value: Any) -> str:
    body = value if isinstance(value, dict) else {}
    detail = body.get("detail")
    first = detail[0] if isinstance(detail, list) and detail and isinstance(detail[0], dict) else {}
    for kind in (
        done.get("error_type"), body.get("error_type"), result.headers.get("X-Fal-Error-Type"), first.get("type")
    ):  # fmt: skip
        if isinstance(kind, str) and kind:
            return kind
    return ""


# --- results ---


def _outputs(result: Mapping[str, Any], files: Sequence[Output], done: Mapping[str, Any]) -> Outputs:
    if not files:
        raise RunFailed("fal says it is done, without any output.", charged=True)
    flags = result.get("has_nsfw_concepts")
    flagged = flags if isinstance(flags, list) else [flags is True] * len(files)
    kept = tuple(each for place, each in enumerate(files) if not (place < len(flagged) and flagged[place] is True))
    if not kept:
        words = "fal's content filter blacked out every picture; another prompt may pass."
        raise RunFailed(words, charged=True)
    left_out = len(files) - len(kept)
    note = f"{left_out} of {len(files)} left out: fal's content filter blacked them out." if left_out else ""
    return Outputs(kept, _used(result), _run_time(done), note)


def _files(result: Mapping[str, Any]) -> Iterator[Output]:
    """In the order given: the list of images, or whatever else in the answer has an address."""
    yield from _addressed(result.get("images", result))


def _addressed(value: Any, depth: int = DEEPEST) -> Iterator[Output]:
    if isinstance(value, dict) and _is_address(value.get("url")):
        kind = value.get("content_type")
        yield Output(value["url"], kind if isinstance(kind, str) else None)
    elif isinstance(value, list | dict) and depth:
        for part in value.values() if isinstance(value, dict) else value:
            yield from _addressed(part, depth - 1)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https:", "http:", "data:"))


def _used(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the model says it used: its plain values, such as seed and prompt."""
    return {name: value for name, value in result.items() if isinstance(value, str | int | float)}


def _run_time(done: Mapping[str, Any]) -> float | None:
    metrics = done.get("metrics")
    seconds = metrics.get("inference_time") if isinstance(metrics, dict) else None
    return float(seconds) if isinstance(seconds, int | float) and seconds >= 0 else None


# --- creates whose answer was lost ---


def sent(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What leaves: never in sync mode, whose answers come inline, are not in the history and expire in minutes."""
    return {name: False if name == "sync_mode" else value for name, value in parameters.items()}


def matched(
    doubts: Sequence[Attempt], known: Iterable[Attempt], requests: Sequence[Mapping[str, Any]]
) -> dict[str, Ticket]:
    """By the doubt's id, the request in fal's history that is its own: the whole input is equal, none is given twice.

    Equal doubts take equal requests in their order. A request that is missing proves nothing.
    """
    taken = {request_id(each.ticket) for each in known if each.ticket}
    found: dict[str, Ticket] = {}
    oldest_first = sorted(requests, key=lambda each: str(each.get("sent_at") or each.get("started_at") or ""))
    for doubt in sorted(doubts, key=lambda each: each.asked_at):
        for request in oldest_first:
            name = request.get("request_id")
            if isinstance(name, str) and name and name not in taken and _is_its_own(doubt, request):
                taken.add(name)
                found[doubt.id] = ticket(doubt.call.model, name, {})
                break
    return found


def request_id(ticket: Ticket) -> str | None:
    try:
        name = json.loads(ticket.text)["request_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def _is_its_own(doubt: Attempt, request: Mapping[str, Any]) -> bool:
    if request.get("endpoint_id") != doubt.call.model or request.get("json_input") != sent(doubt.call.parameters):
        return False
    sent_at = moment(request.get("sent_at") or request.get("started_at"))
    return sent_at is not None and sent_at >= doubt.asked_at - SKEW


def moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
