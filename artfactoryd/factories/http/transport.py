"""The wire under a client library: what really leaves, and what really comes back.

One create leaves once, on a connection of its own, never without a time limit, never with the key to another
host, and its answer is recorded as it came. So an answer that carries an id is a ticket, whatever the library makes
of the rest of it, and only the closed list in `failed_create` is "surely not bought".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from artfactoryd.errors import CallRefused, InDoubt, ProviderError, Unreachable
from artfactoryd.factories.http.answer import Answer, named, refusal

if TYPE_CHECKING:
    import ssl

    import httpx

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CONNECT = 5.0  # seconds for name and connection; a create that fails here surely did not leave
UPLOAD = 20_000.0  # bytes in a second, of the slowest line that a picture is sent over
READ = 30.0  # seconds for one answer to a question
MOST_CREATED = 16 << 20  # bytes of the answer to a create; an id stands in its first line
MOST_ANSWERED = 128 << 20  # of any other: a result may hold pictures
TOO_LARGE_AGAIN = 60.0  # seconds until it is asked again what was answered at too great a length
OF_THE_WIRE = ("Content-Encoding", "Content-Length", "Transfer-Encoding")  # headers that end where a body was read

_answer: ContextVar[Answer] = ContextVar("answer")


class SecondCreate(Exception):
    """The library tried to send a create again. It was stopped here."""


class Elsewhere(Exception):
    """A request with our key was about to go to another host. It was stopped here."""


class AnswerTooLarge(Exception):
    """Nobody reads an answer of that size whole."""

    def __init__(self, most: int) -> None:
        super().__init__(f"its answer is larger than {most:,} bytes, and was not read whole")


@contextmanager
def recorded(answer: Answer) -> Iterator[None]:
    """Whatever answers the one create sent inside is written into `answer`, also when the library then raises."""
    before = _answer.set(answer)
    try:
        yield
    finally:
        _answer.reset(before)


class Wire:
    """An httpx transport. `bases`: the addresses that may be asked; `is_create`: whether a request buys."""

    def __init__(
        self, bases: Iterable[str], is_create: Callable[[httpx.Request], bool], timeout: float, context: ssl.SSLContext
    ) -> None:
        import aiohttp
        import httpx
        from httpx_aiohttp import AiohttpTransport

        def session(force_close: bool) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(limit=0, ssl=context, force_close=force_close)
            return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

        self._homes = {_home(httpx.URL(base)) for base in bases}
        self._is_create = is_create
        self._timeout = timeout
        # httpx's own transport scans its whole pool at each request: 25 times the work at 32 in flight.
        self._reads = AiohttpTransport(verify=context, client=session(force_close=False))
        # A connection kept alive may be dead, and a create written to a dead one is in doubt.
        self._creates = AiohttpTransport(verify=context, client=session(force_close=True))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if _home(request.url) not in self._homes:
            known = ", ".join(sorted(str(host) for _, host, _ in self._homes))
            raise Elsewhere(f"not {request.url.host}: the key is for {known} alone")
        if self._is_create(request):
            return await self._create(request, _answer.get())
        request.extensions = {**request.extensions, "timeout": _limits(READ)}
        with _no_http():
            return await self._question(request)

    async def _question(self, request: httpx.Request) -> httpx.Response:
        """Raises AnswerTooLarge, where it is announced before anything is read."""
        import httpx

        response = await self._reads.handle_async_request(request)
        body = bytearray()
        try:
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length[:20]) > MOST_ANSWERED:
                raise AnswerTooLarge(MOST_ANSWERED)
            await _read(response, body, MOST_ANSWERED)
        finally:
            await response.aclose()
        headers = response.headers.copy()
        for name in OF_THE_WIRE:
            headers.pop(name, None)
        return httpx.Response(response.status_code, headers=headers, content=bytes(body))

    async def _create(self, request: httpx.Request, answer: Answer) -> httpx.Response:
        import httpx

        if answer.sent:
            raise SecondCreate("a create was about to be sent a second time")
        # A library may ask for no time limit at all; unpacked bytes show the id even when cut short.
        request.extensions = {**request.extensions, "timeout": _limits(self._timeout)}
        request.headers["Accept-Encoding"] = "identity"
        answer.sent = True
        with _honest_errors():
            response = await self._creates.handle_async_request(request)
            answer.status, answer.headers = response.status_code, response.headers
            try:
                await _read(response, answer.body, MOST_CREATED)
            finally:
                await response.aclose()
        kind = {"Content-Type": response.headers.get("Content-Type", "application/json")}
        return httpx.Response(response.status_code, headers=kind, content=bytes(answer.body))

    async def aclose(self) -> None:
        await self._reads.aclose()
        await self._creates.aclose()


async def _read(response: httpx.Response, body: bytearray, most: int) -> None:
    """Into `body`, unpacked, as far as it goes. Raises AnswerTooLarge when there is more."""
    async for part in response.aiter_bytes():
        left = most - len(body)
        body += part[:left]
        if len(part) > left:
            raise AnswerTooLarge(most)


def _home(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


@contextmanager
def _no_http() -> Iterator[None]:
    """What answers a question otherwise than the protocol says is no answer; the transport lets that error through."""
    import aiohttp
    import httpx

    try:
        yield
    except aiohttp.ClientError as error:
        raise httpx.RemoteProtocolError(" ".join(str(error).split())) from error


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


def trusted(base: str, usual: str) -> frozenset[str]:
    """The host of a configured address, whose outputs may be fetched though it be private."""
    host = urlsplit(base).hostname
    if host is None or base.rstrip("/") == usual:
        return frozenset()
    return LOOPBACK if host in LOOPBACK else frozenset({host})


# What became of a create.


def failed_create(error: Exception | None, answer: Answer, who: str, page: str) -> ProviderError:
    """The one place that says what a create without a ticket means. What is not listed is in doubt.

    `page`: where a person sees what was bought.
    """
    if answer.status is not None and (refused := refusal(answer, who)):
        return refused
    if isinstance(error, AnswerTooLarge):
        return InDoubt(f"{who} took a create, and {error}. It may have been bought; look at {page}.")
    if answer.status is not None:
        return InDoubt(
            f"{who} answered {answer.status} to a create without saying what it made, if anything "
            f"({answer.reason()}). It may have been bought; look at {page}."
        )
    why = named(error, answer.key)
    if not answer.sent:
        return CallRefused(f"This could not be written as a request to {who}: {why}. Nothing was sent.")
    if isinstance(error, _surely_unsent()):
        return Unreachable(f"{who} cannot be reached: {why}. Nothing was sent; is the network up?")
    return InDoubt(
        f"A create was sent to {who} and its answer was lost: {why}. It may have been bought; look at {page}."
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
