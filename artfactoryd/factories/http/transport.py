"""The wire to a provider: what really leaves with our key, and what really comes back.

One create leaves once, on a connection of its own, never without a time limit, never with the key to another
host, and its answer is recorded as it came. So an answer that carries an id is a ticket, whatever is wrong with the
rest of it, and only the closed list in `failed_create` is "surely not bought".
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from artfactoryd import __version__
from artfactoryd.errors import CallRefused, InDoubt, ProviderError, Unreachable
from artfactoryd.factories.http.answer import Answer, named, refusal

if TYPE_CHECKING:
    import ssl

    import aiohttp

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CONNECT = 5.0  # seconds for name and connection; a create that fails here surely did not leave
UPLOAD = 20_000.0  # bytes in a second, of the slowest line that a picture is sent over
READ = 30.0  # seconds for one answer to a question
MOST_CREATED = 16 << 20  # bytes of the answer to a create; an id stands in its first line
MOST_ANSWERED = 128 << 20  # of any other: a result may hold pictures
TOO_LARGE_AGAIN = 60.0  # seconds until it is asked again what was answered at too great a length
NO_ROUTE_ON_MAC = 65  # EHOSTUNREACH there, and no number of a network error elsewhere
MAC_LEAVE = (
    "macOS does not let this program see other machines of the local network: switch it on in System Settings > "
    "Privacy & Security > Local Network (for the terminal, or for Python where the service runs it), then start again"
)
AGENT = f"artfactoryd/{__version__}"
QUESTION = {"Accept-Encoding": "gzip, deflate"}
# Bytes that are not packed show the id even when they are cut short.
CREATE = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
ANY_PACKING = zlib.MAX_WBITS | 32


class SecondCreate(Exception):
    """A create was about to leave again. It was stopped here."""


class Elsewhere(Exception):
    """A request with our key was about to go to another host. It was stopped here."""


class AnswerTooLarge(Exception):
    """Nobody reads an answer of that size whole."""

    def __init__(self, most: int) -> None:
        super().__init__(f"its answer is larger than {most:,} bytes, and was not read whole")


class Wire:
    """Of one provider and key. It belongs to the event loop in which it was made.

    `bases`: the addresses that may be asked; `headers`: of every request, the key among them.
    """

    def __init__(self, bases: Iterable[str], headers: Mapping[str, str], context: ssl.SSLContext) -> None:
        import aiohttp

        def session(force_close: bool) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(limit=0, ssl=context, force_close=force_close)
            return aiohttp.ClientSession(
                connector=connector, headers={"User-Agent": AGENT, **headers}, auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )  # fmt: skip

        self.loop = asyncio.get_running_loop()
        self._homes = {_home(base) for base in bases}
        self.questions = session(force_close=False)
        # A connection kept alive may be dead, and a create written to a dead one is in doubt.
        self._creates = session(force_close=True)

    async def ask(
        self, method: str, address: str, answer: Answer, seconds: float, body: bytes | None = None, kind: str = ""
    ) -> None:
        """A question, which buys nothing; what comes is written into `answer`. Raises what went wrong.

        `body`: what is told with it, of that media type.
        """
        self.check(address)
        headers = {**QUESTION, "Content-Type": kind} if kind else QUESTION
        async with (
            asyncio.timeout(seconds),
            self.questions.request(
                method, address, data=body, headers=headers, allow_redirects=False, timeout=_limits(seconds)
            ) as response,
        ):
            answer.status, answer.headers = response.status, response.headers
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length[:20]) > MOST_ANSWERED:
                raise AnswerTooLarge(MOST_ANSWERED)
            await _read(response, answer.body, MOST_ANSWERED)

    async def create(self, address: str, body: bytes, answer: Answer, seconds: float) -> None:
        """Buys, at most once for one `answer`; what comes is written into it as it comes. Raises what went wrong."""
        from yarl import URL

        self.check(address)
        url = URL(address)  # what is no address is told before it counts as sent
        if answer.sent:
            raise SecondCreate("a create was about to be sent a second time")
        answer.sent = True
        async with (
            asyncio.timeout(seconds),
            self._creates.post(
                url, data=body, headers=CREATE, allow_redirects=False, timeout=_limits(seconds)
            ) as response,
        ):
            answer.status, answer.headers = response.status, response.headers
            await _read(response, answer.body, MOST_CREATED)

    def check(self, address: str) -> None:
        """Raises Elsewhere where the key must not go, ValueError for what is no address."""
        if _home(address) not in self._homes:
            known = ", ".join(sorted(str(host) for _, host, _ in self._homes))
            raise Elsewhere(f"not {urlsplit(address).hostname}: the key is for {known} alone")

    async def close(self) -> None:
        await self.questions.close()
        await self._creates.close()


async def _read(response: aiohttp.ClientResponse, body: bytearray, most: int) -> None:
    """Into `body`, unpacked, as far as it goes. Raises AnswerTooLarge when there is more."""
    packed = response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
    unpacking = zlib.decompressobj(ANY_PACKING) if packed else None
    async for part in response.content.iter_any():
        left = most - len(body)
        plain = unpacking.decompress(part, left + 1) if unpacking else part
        body += plain[:left]
        if len(plain) > left:
            raise AnswerTooLarge(most)


def _home(address: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, as far as they make a difference."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@lru_cache
def _limits(seconds: float) -> aiohttp.ClientTimeout:
    """Of the connection alone: the whole is bounded around it."""
    import aiohttp

    # A third, so that a slow connection and its TLS end as "not sent" before the whole is "in doubt".
    return aiohttp.ClientTimeout(connect=CONNECT, sock_connect=min(CONNECT, seconds / 3))


def no_answer() -> tuple[type[Exception], ...]:
    """What `Wire.ask` raises where nothing came that is an answer."""
    import aiohttp

    return (aiohttp.ClientError, zlib.error, TimeoutError, OSError)


def hidden_by_mac(error: BaseException | None, host: str) -> str:
    """What to do where macOS hides a machine of the local network from this program; empty where it does not."""
    return MAC_LEAVE if host not in LOOPBACK and _errno(error) == NO_ROUTE_ON_MAC else ""


def _errno(error: BaseException | None) -> int | None:
    """Of the operating system, however deep a library has wrapped it."""
    while error is not None:
        number = getattr(error, "errno", None)
        if isinstance(number, int):
            return number
        error = getattr(error, "os_error", None) or error.__cause__
    return None


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
    if isinstance(error, surely_unsent()):
        return Unreachable(f"{who} cannot be reached: {why}. Nothing was sent; is the network up?")
    return InDoubt(
        f"A create was sent to {who} and its answer was lost: {why}. It may have been bought; look at {page}."
    )


def surely_unsent() -> tuple[type[Exception], ...]:
    """No connection came about: no name, no host, no TLS, or not in time."""
    import aiohttp

    return (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
