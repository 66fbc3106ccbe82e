"""Replicate, made safe for money.

A create is the request that the official client would write (a test compares their bytes), sent over our own wire
(http/transport.py), where everything that decides about money is read. What is asked is raw JSON too: the library
cannot parse every status there is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from artfactoryd.clock import iso
from artfactoryd.core.json_types import JsonValue, Value
from artfactoryd.errors import AskAgain, OutputLost, ProviderError, Throttled, Unreachable
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
from artfactoryd.factories.http.answer import Answer, fields, moment, refusal, text
from artfactoryd.factories.http.transport import failed_create, trusted
from artfactoryd.factories.library import require
from artfactoryd.factories.replicate import listing
from artfactoryd.factories.replicate.client import LIBRARY, ReplicateClient, authorization
from artfactoryd.factories.replicate.models import (
    Model,
    model_path,
    read_model,
    read_version,
    schema_of,
    undescribed,
)
from artfactoryd.factories.replicate.predictions import job_trouble, outcome, read_prediction, ticket_in, trouble

BASE_URL = "https://api.replicate.com"
PAGE = "replicate.com/predictions"
MOST_PAGES = 100  # of the list of recent predictions, in one look
require(LIBRARY)  # with a release that may buy twice this module is no factory


def make(settings: ProviderSettings, work: Path) -> ReplicateFactory:
    return ReplicateFactory(settings)


class ReplicateFactory:
    """One client for the life of the event loop; the ticket is the prediction's id."""

    name = "replicate"
    first_ask = 0.15  # until it is known how long a model takes

    def __init__(
        self,
        settings: ProviderSettings,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._absences = listing.Absences(settings.timeout, clock)
        self._key = (settings.api_key or "").strip()
        self._timeout = settings.timeout
        self._base = (settings.addresses.get("base_url") or BASE_URL).rstrip("/")
        self.output_hosts = trusted(self._base, BASE_URL)
        self._client = ReplicateClient(self._key, self._base)

    async def submit(self, call: Call) -> Ticket:
        answer, error = await self._client.create(lambda: _create(self._base, call), self._timeout)
        ticket = ticket_in(answer)
        if ticket is None:
            raise _translate_create(error, answer) from error
        return ticket

    async def reconcile(self, doubts: Sequence[Attempt], known: Sequence[Attempt]) -> Mapping[str, Ticket | Absent]:
        """One look at the list serves all of them."""
        recent = listing.recent_of(doubts, self._now())
        if not recent:
            return {}
        predictions = await self._recent(listing.since(recent))
        search = await asyncio.to_thread(listing.Search, recent, known, predictions, self._timeout)
        absent = self._absences.believed(search.missing(self._now()))
        return {name: Ticket(job) for name, job in search.matches.items()} | {name: Absent() for name in absent}

    async def collect(self, ticket: Ticket) -> Outputs | None:
        answer = await self._ask("GET", _path_of(ticket))
        if not answer.ok:
            raise job_trouble(answer)
        prediction = read_prediction(answer.value())
        if prediction is None:
            raise AskAgain("Replicate answered, but not with a prediction.")
        return outcome(prediction, self._key)

    async def cancel(self, ticket: Ticket) -> None:
        answer = await self._ask("POST", _path_of(ticket) + "/cancel")
        if answer.ok or answer.status in {403, 404, 409, 410, 422}:
            return  # cancelled, no longer anything to cancel, or not for us to
        raise trouble(answer)

    def want_of_key(self) -> str:
        return self._client.want_of_key()

    def take_key(self, key: str) -> bool:
        self._key = key.strip()
        return self._client.take_key(self._key, authorization(self._key))

    async def probe(self) -> None:
        answer = await self._ask("GET", "/v1/account")
        if not (answer.ok or answer.status in {404, 410}):  # somebody answers, and has nothing against the key
            raise trouble(answer)

    async def describe(self, model: str, version: str | None) -> Description:
        """An official model is called by its name; of a community model the version is pinned that was described."""
        path = model_path(model)
        if version is not None:
            document = await self._document(f"{path}/versions/{quote(version, safe='')}", f"{model}:{version}")
            return Description(schema_of(read_version(document), model), version)
        described = read_model(await self._document(path, model))
        schema = schema_of(described.latest, model)
        return Description(schema, None if await self._is_official(described, path) else described.latest.id)

    async def _is_official(self, model: Model, path: str) -> bool:
        """Where the model itself does not say: an official one keeps its list of versions to itself."""
        if model.is_official is not None:
            return model.is_official
        answer = await self._ask("GET", f"{path}/versions")
        if not answer.ok and answer.status != 404:
            raise undescribed(answer, "its versions")
        return answer.status == 404

    async def _document(self, path: str, what: str) -> dict[str, JsonValue]:
        """The JSON object there; `what` it describes, for the words of what is raised otherwise."""
        answer = await self._ask("GET", path)
        value = answer.accepted()
        if not isinstance(value, dict):
            raise undescribed(answer, what)
        return value

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        """To Replicate's files, which live a day; Replicate itself reads them with our key."""
        answer = await self._client.send_file(name, data, mime)
        return _uploaded(answer, name)

    async def _ask(self, method: str, path: str) -> Answer:
        return await self._client.ask(method, self._base + path)

    async def close(self) -> None:
        await self._client.close()

    async def _recent(self, since: datetime) -> listing.Listing:
        """The account's predictions since then, page by page; not whole when there are too many."""
        path: str | None = "/v1/predictions?" + urlencode({"created_after": iso(since)})
        jobs: list[listing.Listed] = []
        for _ in range(MOST_PAGES):
            if path is None:
                break
            page = await self._page(path)
            jobs += page.jobs
            if page.next is None or page.reaches(since):
                return listing.Listing(jobs)
            path = self._here(page.next)
        return listing.Listing(jobs, whole=False)

    async def _page(self, path: str) -> listing.Page:
        answer = await self._ask("GET", path)
        page = listing.read_page(answer.value()) if answer.ok else None
        if page is not None:
            return page
        error = AskAgain("Replicate answered, but not with a list.") if answer.ok else trouble(answer)
        raise AskAgain(str(error)) if isinstance(error, OutputLost) else error

    def _here(self, address: str) -> str | None:
        """The path of an address on our own host; None on any other, where the key must not go."""
        there, base = urlsplit(address), urlsplit(self._base)
        if (there.scheme, there.netloc) != (base.scheme, base.netloc):
            return None
        return f"{there.path}?{there.query}"


def _uploaded(answer: Answer, name: str) -> Uploaded:
    """Raises what an answer without the picture's address means."""
    document = fields(answer.accepted())
    address = fields(document.get("urls")).get("get")
    if isinstance(address, str):
        expires_at = text(document.get("expires_at"))
        return Uploaded(address, expires_at, answer.lives(moment(expires_at)))
    passes = answer.status in (403, 404)  # of an address that is no call's own; what needs no upload may be allowed
    error = None if passes else refusal(answer, "Replicate")
    if error is None or isinstance(error, Throttled):
        after = error.after if error else None
        kind = Unreachable if error is None and (answer.status or 0) >= 500 else AskAgain
        raise kind(f"Replicate did not take {name} ({answer.status}): {answer.reason()}.", after)
    raise error


def _path_of(ticket: Ticket) -> str:
    return f"/v1/predictions/{quote(ticket.text, safe='')}"


def _create(base: str, call: Call) -> tuple[str, dict[str, Value]]:
    """An official model is called by its name, any other by its version. Raises CallRefused for no model's name."""
    document: dict[str, Value] = {"input": dict(call.parameters)}
    if call.version is None:
        return f"{base}{model_path(call.model)}/predictions", document
    return f"{base}/v1/predictions", {**document, "version": call.version}


def _translate_create(error: Exception | None, answer: Answer) -> ProviderError:
    return failed_create(error, answer, "Replicate", PAGE)
