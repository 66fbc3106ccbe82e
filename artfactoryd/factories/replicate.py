"""Replicate, through its official client, made safe for money.

The client library writes the create; everything that decides about money is read off the wire
beneath it, before the library has an opinion. `_Wire` is that place: one create leaves once, on
a connection of its own, never without a time limit, never with the key to another host, and its
answer is kept as it came. So an answer that carries an id is a ticket, whatever the library makes
of the rest of it, and only the closed list in `_translate_create` is "surely not bought".

Reading (collect, cancel) is raw JSON too: the library cannot parse every status there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    InDoubt,
    ProviderError,
    ProviderStopped,
    Throttled,
    Unreachable,
)
from artfactoryd.factories import Call, Outputs, ProviderSettings, Ticket, Uploaded
from artfactoryd.factories.prediction import Answer, named, outcome, refusal, ticket_in, trouble

if TYPE_CHECKING:
    import ssl

    import httpx
    from replicate.client import Client

BASE_URL = "https://api.replicate.com"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CONNECT = 5.0  # seconds for name and connection; a create that fails here surely did not leave
UPLOAD = 20_000.0  # bytes in a second, of the slowest line that a picture is sent over
READ = 30.0  # seconds for one answer to a question
NO_KEY = (
    "There is no key for Replicate. Set REPLICATE_API_TOKEN, or say in artfactory.yaml where it is: "
    "providers.replicate.api_key. Nothing was sent."
)


def make(settings: ProviderSettings, work: Path) -> ReplicateFactory:
    return ReplicateFactory(settings)


_answer: ContextVar[Answer] = ContextVar("answer")


class _SecondCreate(Exception):
    """The library tried to send a create again. It was stopped here."""


class _Elsewhere(Exception):
    """A request with our key was about to go to another host. It was stopped here."""


class _Wire:
    """The transport under the client library: what really leaves, and what really comes back."""

    def __init__(self, base: httpx.URL, timeout: float, context: ssl.SSLContext) -> None:
        import aiohttp
        from httpx_aiohttp import AiohttpTransport

        def session(force_close: bool) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(limit=0, ssl=context, force_close=force_close)
            return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

        self._base = base
        self._timeout = timeout
        # The library's own transport scans its whole pool at each request: 25 times the work at 32 in flight.
        self._reads = AiohttpTransport(verify=context, client=session(force_close=False))
        # A connection kept alive may be dead, and a create written to a dead one is in doubt.
        self._creates = AiohttpTransport(verify=context, client=session(force_close=True))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        here = (request.url.scheme, request.url.host, request.url.port)
        if here != (self._base.scheme, self._base.host, self._base.port):
            raise _Elsewhere(f"not {request.url.host}: the key is for {self._base.host} alone")
        if request.method == "POST" and request.url.path.endswith("/predictions"):
            return await self._create(request, _answer.get())
        request.extensions = {**request.extensions, "timeout": _limits(READ)}
        return await self._reads.handle_async_request(request)

    async def _create(self, request: httpx.Request, answer: Answer) -> httpx.Response:
        import httpx

        if answer.sent:
            raise _SecondCreate("a create was about to be sent a second time")
        # The library asks for no time limit at all; unpacked bytes show the id even when cut short.
        request.extensions = {**request.extensions, "timeout": _limits(self._timeout)}
        request.headers["Accept-Encoding"] = "identity"
        answer.sent = True
        with _honest_errors():
            response = await self._creates.handle_async_request(request)
            answer.status, answer.headers = response.status_code, response.headers
            try:
                async for part in response.aiter_bytes():
                    answer.body += part
            finally:
                await response.aclose()
        kind = {"Content-Type": response.headers.get("Content-Type", "application/json")}
        return httpx.Response(response.status_code, headers=kind, content=bytes(answer.body))

    async def aclose(self) -> None:
        await self._reads.aclose()
        await self._creates.aclose()


@contextmanager
def _honest_errors() -> Iterator[None]:
    """The transport calls a create whose answer was lost a connect timeout. What happened is in the cause."""
    import aiohttp
    import httpx

    try:
        yield
    except httpx.TransportError as error:
        unsent = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
        if isinstance(error.__cause__, unsent):
            raise httpx.ConnectError(str(error)) from error.__cause__
        raise httpx.ReadError(str(error) or type(error.__cause__).__name__) from error.__cause__


def _limits(seconds: float) -> dict[str, float]:
    # A third, so that a slow connection and its TLS end as "not sent" before the whole is "in doubt".
    return {"connect": min(CONNECT, seconds / 3), "read": seconds, "write": seconds, "pool": CONNECT}


class ReplicateFactory:
    """One client for the life of the event loop; the ticket is the prediction's id."""

    name = "replicate"
    first_ask = 1.0  # the fastest models take about that long

    def __init__(self, settings: ProviderSettings) -> None:
        self._key = (settings.api_key or "").strip()
        self._timeout = settings.timeout
        self._base = settings.addresses.get("base_url") or BASE_URL
        self.output_hosts = _hosts(self._base)
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()

    async def submit(self, call: Call) -> Ticket:
        client = await self._open()
        answer, error = Answer(self._key), None
        before = _answer.set(answer)
        try:
            async with asyncio.timeout(self._timeout):
                await _create(client, call)
        except Exception as caught:
            error = caught
        finally:
            _answer.reset(before)
        ticket = ticket_in(answer)
        if ticket is None:
            raise _translate_create(error, answer) from error
        return ticket

    async def collect(self, ticket: Ticket) -> Outputs | None:
        answer = await self._ask("GET", _of(ticket))
        if not answer.ok:
            raise trouble(answer)
        prediction = answer.value()
        if not isinstance(prediction, dict):
            raise AskAgain("Replicate answered, but not with a prediction.")
        return outcome(prediction, self._key)

    async def cancel(self, ticket: Ticket) -> None:
        answer = await self._ask("POST", _of(ticket) + "/cancel")
        if answer.ok or answer.status in {404, 409, 410, 422}:
            return  # cancelled, or no longer anything to cancel
        raise trouble(answer)

    async def probe(self) -> None:
        answer = await self._ask("GET", "/v1/account")
        if not (answer.ok or answer.status in {404, 410}):  # somebody answers, and has nothing against the key
            raise trouble(answer)

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        """To Replicate's files, which live a day; Replicate itself reads them with our key."""
        import httpx

        client = await self._open()
        try:
            async with asyncio.timeout(READ + len(data) / UPLOAD):
                form = {"content": (name, data, mime)}
                response = await client._async_client.request("POST", "/v1/files", files=form)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise Unreachable(f"{name} could not be sent to Replicate: {named(error, self._key)}.") from error
        answer = Answer(self._key, True, response.status_code, response.headers, bytearray(response.content))
        return _uploaded(answer, name)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client._async_client.aclose()

    async def _ask(self, method: str, path: str) -> Answer:
        import httpx

        client = await self._open()
        try:
            async with asyncio.timeout(READ):
                response = await client._async_client.request(method, path)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            why = named(error, self._key)
            raise Unreachable(f"Replicate does not answer: {why}; is the network up?") from error
        return Answer(self._key, True, response.status_code, response.headers, bytearray(response.content))

    async def _open(self) -> Client:
        """The client, built at first use. It belongs to one loop: on another one it would lose answers."""
        if not self._key:
            raise ProviderStopped(NO_KEY, of_key=True)
        if not (self._key.isascii() and self._key.isprintable()):
            words = "The key for Replicate holds characters that no key has. Nothing was sent."
            raise ProviderStopped(words, of_key=True)
        async with self._opening:  # the first calls come together, and loading takes a tenth of a second each
            loop = asyncio.get_running_loop()
            if self._client is None or self._loop is not loop:
                self._client, self._loop = await self._built(), loop
        return self._client

    async def _built(self) -> Client:
        try:
            return self._build(await asyncio.to_thread(_load))
        except Exception as error:  # a broken install, an odd base address, a setting of the library's own
            why = named(error, self._key)
            raise ProviderStopped(f"The client for Replicate cannot be set up ({why}). Nothing was sent.") from error

    def _build(self, context: ssl.SSLContext) -> Client:
        import httpx
        from replicate.client import Client

        wire = _Wire(httpx.URL(self._base), self._timeout, context)
        # Key and address are given outright: left out, the library looks for them in the environment.
        client = Client(self._key, base_url=self._base, transport=wire, follow_redirects=False)
        retries = client._async_client._transport
        if not hasattr(retries, "max_attempts"):
            raise RuntimeError("this release of the replicate library hides its retries; 1.0.7 does not")
        retries.max_attempts = 1
        return client


def _of(ticket: Ticket) -> str:
    return f"/v1/predictions/{quote(ticket.text, safe='')}"


def _uploaded(answer: Answer, name: str) -> Uploaded:
    value = answer.value()
    urls = value.get("urls") if isinstance(value, dict) else None
    address = urls.get("get") if isinstance(urls, dict) else None
    if answer.ok and isinstance(address, str) and isinstance(value, dict):
        expires = value.get("expires_at")
        return Uploaded(address, expires if isinstance(expires, str) else None)
    error = refusal(answer)
    if error is None or isinstance(error, Throttled):
        after = error.after if error else None
        kind = Unreachable if error is None and (answer.status or 0) >= 500 else AskAgain
        raise kind(f"Replicate did not take {name} ({answer.status}): {answer.reason()}.", after)
    raise error


def _load() -> ssl.SSLContext:
    """The slow part of building the client: importing it, and reading the certificates."""
    import httpx
    import replicate  # noqa: F401

    return httpx.create_ssl_context()


def _hosts(base: str) -> frozenset[str]:
    host = urlsplit(base).hostname
    if host is None or base.rstrip("/") == BASE_URL:
        return frozenset()
    return LOOPBACK if host in LOOPBACK else frozenset({host})


async def _create(client: Client, call: Call) -> None:
    given = dict(call.parameters)
    if call.version is None:
        await client.models.predictions.async_create(model=call.model, input=given)
    else:
        await client.predictions.async_create(version=call.version, input=given)


# What became of a create.


def _translate_create(error: Exception | None, answer: Answer) -> ProviderError:
    """The one place that says what a create without a ticket means. What is not listed is in doubt."""
    if answer.status is not None:
        return refusal(answer) or InDoubt(
            f"Replicate answered {answer.status} to a create without saying which prediction it made, if any "
            f"({answer.reason()}). It may have been bought; look at replicate.com/predictions."
        )
    why = named(error, answer.key)
    if not answer.sent:
        return CallRefused(f"This could not be written as a request to Replicate: {why}. Nothing was sent.")
    if isinstance(error, _surely_unsent()):
        return Unreachable(f"Replicate cannot be reached: {why}. Nothing was sent; is the network up?")
    return InDoubt(
        f"A create was sent to Replicate and its answer was lost: {why}. It may have been bought; "
        "look at replicate.com/predictions."
    )


def _surely_unsent() -> tuple[type[Exception], ...]:
    import httpx

    return (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
    )
