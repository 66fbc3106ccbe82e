"""fal, made safe for money.

A create is the request that the official client would write, sent over our own wire (http/transport.py), where
everything that decides about money is read. What is asked (collect, cancel, the history) is raw JSON over the same
wire: the library asks too often and trips over statuses it does not know.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

from artfactoryd.core.json_types import Value
from artfactoryd.errors import AskAgain, CallRefused, ProviderError, ProviderStopped, Unreachable
from artfactoryd.factories import (
    Absent,
    Attempt,
    Call,
    Description,
    Outputs,
    ProviderSettings,
    Ticket,
    Uploaded,
)
from artfactoryd.factories.fal.billing import read_page as read_bills
from artfactoryd.factories.fal.client import ADDRESSES, LIBRARY, FalClient, Hosts, authorization
from artfactoryd.factories.fal.history import SKEW, PastRequest, matched, read_page
from artfactoryd.factories.fal.models import KEPT_BACK, described, priced
from artfactoryd.factories.fal.requests import checked, ended, request_id, sent, ticket_in, trouble, urls_of
from artfactoryd.factories.fal.results import outcome, read_result
from artfactoryd.factories.http.answer import Answer, fields, moment, refusal, text
from artfactoryd.factories.http.transport import READ, UPLOAD, failed_create, trusted
from artfactoryd.factories.library import require

PAGE = "fal.ai/dashboard"
UPLOAD_LIVES = timedelta(days=7)  # fal would keep it as the account says, for ever by default
LARGEST_UPLOAD = 100 * 1024 * 1024  # bytes; more would go in pieces
TOKEN_SPARE = 60.0  # seconds
AUXILIARY = 8.0  # seconds for a question beside the queue
NOBODYS = "fal-ai/flux/requests/00000000-0000-0000-0000-000000000000"
PAGES, PAGE_SIZE = 20, 100  # of the history, and of bills
REQUESTS_AT_ONCE = 50  # whose bills are asked for
require(LIBRARY)  # with a release that may buy twice this module is no factory


def make(settings: ProviderSettings, work: Path) -> FalFactory:
    return FalFactory(settings)


class FalFactory:
    """One client for the life of the event loop; the ticket is JSON: request id, endpoint, fal's addresses for it."""

    name = "fal"
    first_ask = 0.15  # until it is known how long a model takes

    def __init__(self, settings: ProviderSettings, steady: Callable[[], float] = time.monotonic) -> None:
        self._key = (settings.api_key or "").strip()
        self._timeout = settings.timeout
        self._at = Hosts.configured(settings.addresses)
        bases = zip(self._at.all.values(), ADDRESSES.values(), strict=True)
        self.output_hosts = frozenset().union(*(trusted(base, usual) for base, usual in bases))
        self._client = FalClient(self._key, self._at)
        self._tokens = asyncio.Lock()
        self._token, self._steady = ("", 0.0), steady  # of the CDN, and until when it is good, by that clock

    async def submit(self, call: Call) -> Ticket:
        answer, error = await self._client.create(lambda: _create(self._at.queue_url, call), self._timeout)
        ticket = ticket_in(answer, call.model)
        if ticket is None:
            raise _translate_create(error, answer) from error
        return ticket

    async def collect(self, ticket: Ticket) -> Outputs | None:
        urls = urls_of(ticket, self._at.queue_url)
        request = ended(await self._client.ask("GET", urls.status_url))
        if request is None:
            return None
        result = await self._client.ask("GET", urls.response_url)  # at once: fal forgets it within minutes
        return outcome(request, read_result(result))

    async def cancel(self, ticket: Ticket) -> None:
        answer = await self._client.ask("PUT", urls_of(ticket, self._at.queue_url).cancel_url)
        if answer.ok or answer.status in {400, 403, 404, 409, 410, 422}:
            return  # asked for, no longer anything to cancel, or not for us to
        raise trouble(answer)

    def want_of_key(self) -> str:
        return self._client.want_of_key()

    def take_key(self, key: str) -> bool:
        self._key = key.strip()
        is_another = self._client.take_key(self._key, authorization(self._key))
        if is_another:
            self._token = ("", 0.0)
        return is_another

    async def probe(self) -> None:
        """Whether fal is there, its queue alone says, which creates and collects; of the key the platform says more.

        Both are asked for nothing: for a request that nobody made, and for what a model costs.
        """
        answer = await self._client.ask("GET", f"{self._at.queue_url}/{NOBODYS}/status")
        if not _has_nothing_against_us(answer):
            raise trouble(answer)
        asked = {"endpoint_id": "fal-ai/flux/schnell"}
        try:
            answer = await self._platform("/models/pricing", asked, AUXILIARY)
        except Unreachable as error:
            raise AskAgain(f"The queue of fal answers, its platform does not: {error}") from error
        if answer.status == 401:
            raise trouble(answer)
        if not _has_nothing_against_us(answer):
            raise AskAgain(f"The queue of fal answers, its platform does not ({answer.status}): {answer.reason()}.")

    async def describe(self, model: str, version: str | None) -> Description:
        """fal's models have no versions; what they cost is a second question."""
        if version is not None:
            raise CallRefused(f"fal's models have no versions: leave :{version} out.")
        try:
            asked = {"endpoint_id": checked(model), "expand": "openapi-3.0"}
        except ValueError as error:
            raise CallRefused(f"{error}.") from error
        answer = await self._platform("/models", asked)
        document, is_deprecated = described(answer, model)
        asked = {"endpoint_id": model}
        price = priced(await self._platform("/models/pricing", asked), model)
        return Description(document, price=price, kept_back=KEPT_BACK, is_deprecated=is_deprecated)

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        """To fal's CDN for a week; whoever knows the address can read it there."""
        if len(data) > LARGEST_UPLOAD:
            raise CallRefused(f"{name} is larger than the {LARGEST_UPLOAD >> 20} MB that fal takes. Nothing was sent.")
        headers = {
            "Authorization": await self._upload_token(), "Content-Type": mime, "X-Fal-File-Name": _plain(name),
            "X-Fal-Object-Lifecycle": f'{{"expiration_duration_seconds": {int(UPLOAD_LIVES.total_seconds())}}}',
        }  # fmt: skip
        address = f"{self._at.cdn_url}/files/upload"
        answer = await self._client.upload(address, READ + len(data) / UPLOAD, content=data, headers=headers)
        url = text(fields(answer.accepted()).get("access_url"))
        if url is None:
            self._token = ("", 0.0)  # it may be the token that was not liked, and that is not the key
            raise _not_taken(answer, name, with_our_key=False)
        expires_at = (datetime.now(UTC) + UPLOAD_LIVES).isoformat(timespec="seconds")
        return Uploaded(url, expires_at, UPLOAD_LIVES.total_seconds())

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Ticket | Absent]:
        """fal's history of requests can give a ticket. That something is missing there proves nothing."""
        tickets: dict[str, Ticket] = {}
        failed: ProviderError | None = None
        for endpoint in sorted({doubt.call.model for doubt in doubts}):
            of_it = [doubt for doubt in doubts if doubt.call.model == endpoint]
            try:
                requests = await self._history(endpoint, min(doubt.asked_at for doubt in of_it) - SKEW)
            except ProviderError as error:
                failed = error
                continue
            tickets |= matched(of_it, known, requests)
        if failed is not None and not tickets:
            raise failed
        return tickets

    async def bills(self, tickets: Sequence[Ticket], since: datetime) -> Mapping[str, Decimal]:
        """By fal's billing events, some requests at a time."""
        by_request = {name: ticket.text for ticket in tickets if (name := request_id(ticket))}
        billed: dict[str, Decimal] = {}
        for names in _in_parts([*by_request]):
            asked: dict[str, str | int] = {
                "request_id": ",".join(names), "start": (since - SKEW).isoformat(), "limit": PAGE_SIZE
            }  # fmt: skip
            for _ in range(PAGES):
                answer = await self._platform("/models/billing-events", asked)
                page = read_bills(answer.accepted())
                if page is None:
                    raise _no_bills(answer)
                billed |= {name: billed.get(name, Decimal()) + amount for name, amount in page.billed.items()}
                if page.cursor is None:
                    break
                asked = {**asked, "cursor": page.cursor}
        return {by_request[name]: amount for name, amount in billed.items() if name in by_request}

    async def _platform(self, path: str, asked: Mapping[str, str | int], seconds: float = READ) -> Answer:
        return await self._client.ask("GET", f"{self._at.platform_url}{path}?{urlencode(asked)}", seconds)

    async def close(self) -> None:
        await self._client.close()

    async def _upload_token(self) -> str:
        async with self._tokens:
            token, until = self._token
            if not token or until < self._steady() + TOKEN_SPARE:
                address = f"{self._at.rest_url}/storage/auth/token?storage_type=fal-cdn-v3"
                answer = await self._client.upload(address, READ, json={})
                granted = fields(answer.accepted())
                kind, value = text(granted.get("token_type")), text(granted.get("token"))
                if kind is None or value is None:
                    raise _not_taken(answer, "a picture", with_our_key=True)
                token = f"{kind} {value}"
                lives = answer.lives(moment(granted.get("expires_at"))) or 0.0
                self._token = (token, self._steady() + lives)
            return token

    async def _history(self, endpoint: str, start: datetime) -> list[PastRequest]:
        """The requests of one model since then, as far as PAGES pages show them."""
        asked: dict[str, str | int] = {
            "endpoint_id": endpoint, "start": start.isoformat(), "limit": PAGE_SIZE, "expand": "payloads"
        }  # fmt: skip
        requests: list[PastRequest] = []
        for _ in range(PAGES):
            answer = await self._platform("/models/requests/by-endpoint", asked)
            page = read_page(answer.accepted())
            if page is None:
                raise _no_history(answer)
            requests += page.requests
            if page.cursor is None:
                break
            asked = {**asked, "cursor": page.cursor}
        return requests


def _create(queue: str, call: Call) -> tuple[str, dict[str, Value]]:
    """Raises ValueError for what is no name of a model."""
    return f"{queue}/{checked(call.model)}", sent(call.parameters)


def _translate_create(error: Exception | None, answer: Answer) -> ProviderError:
    return failed_create(error, answer, "fal", PAGE)


def _not_taken(answer: Answer, name: str, with_our_key: bool) -> ProviderError:
    error = refusal(answer, "fal")
    passes = answer.status in (403, 404)  # of an address that is no call's own; what needs no upload may be allowed
    is_final = isinstance(error, CallRefused) or (with_our_key and isinstance(error, ProviderStopped))
    if error is not None and is_final and not passes:
        return error
    kind = Unreachable if error is None and (answer.status or 0) >= 500 else AskAgain
    return kind(f"fal did not take {name} ({answer.status}): {answer.reason()}.", answer.wait())


def _has_nothing_against_us(answer: Answer) -> bool:
    """Somebody answers, and takes the key."""
    return answer.ok or answer.status in {404, 410}


def _no_history(answer: Answer) -> ProviderError:
    """Of the platform, whose pace and outages are none of the queue's: it is asked again, and slows nothing else."""
    error = trouble(answer)
    if isinstance(error, ProviderStopped):
        return error
    return AskAgain(f"fal does not show its history of requests ({answer.status}): {answer.reason()}.", answer.wait())


def _no_bills(answer: Answer) -> ProviderError:
    if answer.status == 403:
        return CallRefused(
            f"fal does not show its bills to this key (403): {answer.reason()}. A key with the scope ADMIN may ask."
        )
    error = trouble(answer)
    if isinstance(error, ProviderStopped):
        return error
    return AskAgain(f"fal does not show its bills ({answer.status}): {answer.reason()}.", answer.wait())


def _in_parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as fal takes at a time."""
    yield from (names[first : first + REQUESTS_AT_ONCE] for first in range(0, len(names), REQUESTS_AT_ONCE))


def _plain(name: str) -> str:
    """A header takes no more than ASCII; the name is for a person at fal's alone."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in name)
