"""What fal's history of requests tells about creates whose answer was lost. Nothing here touches the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from artfactoryd.core.json_types import JsonValue, Value
from artfactoryd.core.parameters.secret_values import HIDDEN
from artfactoryd.factories import Attempt, Ticket
from artfactoryd.factories.fal.requests import request_id, sent, ticket
from artfactoryd.factories.http.answer import moment, objects, text

SKEW = timedelta(minutes=2)  # between our clock and fal's


@dataclass(frozen=True, slots=True)
class PastRequest:
    """One of the history. `parameters`: its whole input. `sent_at`: as fal writes it, empty where it does not."""

    id: str
    endpoint: str | None
    parameters: JsonValue
    sent_at: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`cursor`: asks for the next page; None on the last."""

    requests: Sequence[PastRequest]
    cursor: str | int | None


def read_page(value: JsonValue) -> HistoryPage | None:
    """None when this is no page of a history."""
    if not isinstance(value, dict):
        return None
    requests = [_read_request(document) for document in objects(value.get("items"))]
    cursor = value.get("next_cursor") if value.get("has_more") else None
    following = cursor if isinstance(cursor, str | int) and cursor else None
    return HistoryPage([request for request in requests if request.id], following)


def _read_request(document: Mapping[str, JsonValue]) -> PastRequest:
    return PastRequest(
        id=text(document.get("request_id")) or "",
        endpoint=text(document.get("endpoint_id")),
        parameters=document.get("json_input"),
        sent_at=str(document.get("sent_at") or document.get("started_at") or ""),
    )


def matched(doubts: Iterable[Attempt], known: Iterable[Attempt], requests: Iterable[PastRequest]) -> dict[str, Ticket]:
    """By the doubt's id, the request in fal's history that is its own: the whole input is equal, none is given twice.

    Equal doubts take equal requests in their order. A request that is missing proves nothing.
    """
    taken = {request_id(attempt.ticket) for attempt in known if attempt.ticket}
    tickets: dict[str, Ticket] = {}
    oldest_first = sorted(requests, key=lambda request: request.sent_at)
    for doubt in sorted(doubts, key=lambda doubt: doubt.asked_at):
        free = (request for request in oldest_first if request.id not in taken)
        request = next((request for request in free if _is_its_own(doubt, request)), None)
        if request is not None:
            taken.add(request.id)
            tickets[doubt.id] = ticket(doubt.call.model, request.id, {})
    return tickets


def _same(shown: Value, wanted: Value) -> bool:
    """Equal, but for secrets: whatever is shown in place of one may be it."""
    if wanted is HIDDEN:
        return True
    if isinstance(wanted, dict) and isinstance(shown, dict):
        return shown.keys() == wanted.keys() and all(_same(shown[name], part) for name, part in wanted.items())
    if isinstance(wanted, list) and isinstance(shown, list):
        return len(shown) == len(wanted) and all(map(_same, shown, wanted))
    return bool(shown == wanted)


def _is_its_own(doubt: Attempt, request: PastRequest) -> bool:
    if request.endpoint != doubt.call.model or not _same(request.parameters, sent(doubt.call.parameters)):
        return False
    sent_at = moment(request.sent_at)
    return sent_at is not None and sent_at >= doubt.asked_at - SKEW
