"""One remote output: bounded in bytes and time, held in memory while it is small, else on disk as it comes; in the end
a file, hashed and flushed.

No credentials ever leave from here, and private addresses are refused unless the host is one
the settings name. Not here: whether it is a picture (`media`), where it belongs (`shelf`).
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import re
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from artfactoryd.errors import AskAgain, OutputBad, OutputLost, ProviderError
from artfactoryd.shelf.packed import unpacked
from artfactoryd.shelf.received import HELD, PIECE, Fetched, Received, Sink, too_large

REDIRECTS = 5
MOVED = frozenset({301, 302, 303, 307, 308})
PASSING = frozenset({408, 425, 429})
GONE = frozenset({410, 451})  # for good; every other refusal may pass: addresses reach some hosts late
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
_STANDARD = str.maketrans("-_", "+/")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class _Body:
    mime: str | None
    chunks: AsyncIterator[bytes]


class Fetcher:
    """Fetches for one event loop. `work`: the only folder whose files an address may name."""

    def __init__(self, work: Path, *, stall: float = 30.0, total: float = 900.0) -> None:
        self._work = work
        self._patience = aiohttp.ClientTimeout(total=total, connect=stall, sock_read=stall)
        self._guarded: aiohttp.ClientSession | None = None
        self._trusted: aiohttp.ClientSession | None = None

    async def fetch(
        self, address: str, target: Path, *, most_bytes: int, allowed_hosts: frozenset[str] = frozenset()
    ) -> Fetched:
        """Read `address` into `target`, replacing what a broken try left there.

        Raises OutputLost (it is gone), OutputBad (empty, or not to be fetched), OutputTooLarge,
        AskAgain (a later try may bring it whole) or StorageFull. After any of them nothing is
        left at `target`.
        """
        received = await self.receive(address, target, most_bytes=most_bytes, most_held=0, allowed_hosts=allowed_hosts)
        return await asyncio.to_thread(received.file)

    async def receive(
        self, address: str, target: Path, *, most_bytes: int, most_held: int = HELD,
        allowed_hosts: frozenset[str] = frozenset(),
    ) -> Received:  # fmt: skip
        """The same without its last step. What is larger than `most_held` goes to `target` as it comes."""
        async with self._open(address, most_bytes, allowed_hosts) as body:
            sink = Sink(target, most_bytes, most_held)
            try:
                async for chunk in body.chunks:
                    if sink.take(chunk):
                        await asyncio.to_thread(sink.spill)
                if sink.is_empty:
                    raise OutputBad("The output is empty.")
                return Received(sink, body.mime)
            except BaseException:
                sink.discard()
                raise

    async def close(self) -> None:
        for session in (self._guarded, self._trusted):
            if session is not None:
                await session.close()
        self._guarded = self._trusted = None

    def _open(self, address: str, most_bytes: int, allowed: frozenset[str]) -> AbstractAsyncContextManager[_Body]:
        scheme = address.partition(":")[0].lower()
        if scheme == "data":
            return _from_address(address, most_bytes)
        if scheme == "file":
            return _from_disk(address, self._work)
        return self._from_net(address, most_bytes, allowed)

    @asynccontextmanager
    async def _from_net(self, address: str, most_bytes: int, allowed: frozenset[str]) -> AsyncIterator[_Body]:
        with _translated():
            url = _url(address)
            for _ in range(REDIRECTS + 1):
                session = self._session(url, allowed)
                async with session.get(url, allow_redirects=False) as answer:
                    if answer.status not in MOVED:
                        _check(answer, most_bytes)
                        await self._come(answer)
                        mime = answer.headers.get("Content-Type", "").partition(";")[0].strip() or None
                        yield _Body(mime, _body(answer))
                        return
                    url = _redirected(answer, url)
            raise AskAgain(f"The output host sends us on more than {REDIRECTS} times.")

    async def _come(self, answer: aiohttp.ClientResponse) -> None:
        """What fits into memory is waited for whole: whoever reads it is woken once, and not with each piece."""
        content = answer.content
        if not 0 < (answer.content_length or 0) <= HELD or "Content-Encoding" in answer.headers:
            return
        if content.exception() is None:  # asked for before: who waits then hears of no earlier one
            async with asyncio.timeout(self._patience.total):
                await content.wait_eof()

    def _session(self, url: URL, allowed: frozenset[str]) -> aiohttp.ClientSession:
        """Two sessions, so that no connection opened to a trusted private host serves another address."""
        host = (url.host or "").lower()
        if host in allowed and url.scheme in ("http", "https"):
            self._trusted = self._trusted or self._build(None)
            return self._trusted
        if url.scheme != "https":
            raise OutputBad(f"An output is only fetched by https, not from {_shown(url)}.")
        _check_literal(host)
        self._guarded = self._guarded or self._build(_Guard())
        return self._guarded

    def _build(self, resolver: AbstractResolver | None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=resolver),  # how many at once is up to the worker
            timeout=self._patience,
            headers={"Accept-Encoding": "identity", "User-Agent": "artfactoryd"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # no proxy passwords, no ~/.netrc
            auto_decompress=False,  # aiohttp takes what is packed and cut short for the whole
            read_bufsize=HELD // 2,  # reading is paused at twice of that: never while what fits is waited for
        )


# Addresses.


class _Forbidden(OSError):
    """A name that stands for an address of this machine or its network."""


class _Guard(AbstractResolver):
    """Names to addresses, where one that may not be connected to spoils the name.

    aiohttp connects to just what this returns, so a name cannot change its meaning in between.
    """

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self._inner.resolve(host, port, family)
        for result in results:
            if not public(result["host"]):
                raise _Forbidden(f"{host} is {result['host']}")
        return results

    async def close(self) -> None:
        await self._inner.close()


def public(address: str) -> bool:
    """Whether an IP address, also one wrapped in an IPv6 form, is out in the world."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside:
            return public(str(inside))
    return ip.is_global and not ip.is_multicast


def _check_literal(host: str) -> None:
    try:
        forbidden = not public(host)
    except ValueError:
        # A name, judged when it is resolved; but "127.1" would be taken for an address without that.
        forbidden = not host.replace(".", "") or host.replace(".", "").isdecimal()
    if forbidden:
        raise OutputBad(f"An output is not fetched from {host or 'nowhere'}: that is inside this network.")


def _url(address: str, base: URL | None = None) -> URL:
    """Signed addresses must arrive letter for letter, so what is already encoded stays as it is."""
    clean = address.isascii() and address.isprintable() and " " not in address
    try:
        url = URL(address, encoded=clean)
        url = base.join(url) if base is not None else url
        return url.with_user(None) if url.host else url
    except ValueError as error:
        raise OutputBad(f"This is no address to fetch from: {address[:200]!r}.") from error


def _shown(url: URL) -> str:
    """Without the query: that part of an address opens doors, and error texts get about."""
    return str(url.with_query(None).with_fragment(None))[:200]


def without_query(address: str) -> str:
    """As a person may be shown it: an output that lies in its own address is not repeated."""
    return address.partition("?")[0][:200] if address.startswith(("http:", "https:")) else address.partition(":")[0]


def _body(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    came = _as_it_came(answer.content)
    return came if encoding in ("identity", "") else unpacked(came, encoding)


async def _as_it_came(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """In the pieces in which it came: any other would be copies."""
    async for piece, _ in content.iter_chunks():
        yield piece


def _redirected(answer: aiohttp.ClientResponse, url: URL) -> URL:
    location = answer.headers.get("Location")
    if not location:
        raise AskAgain(f"{_shown(url)} has moved, and does not say where.")
    return _url(location, url)


# Answers.


def _check(answer: aiohttp.ClientResponse, most_bytes: int) -> None:
    status, source = answer.status, _shown(answer.url)
    if status in PASSING or status >= 500:
        wait = answer.headers.get("Retry-After", "")
        raise AskAgain(f"{source} answers {status}.", float(wait) if wait.isdecimal() else None)
    if status >= 400:
        raise OutputLost(f"{source} answers {status}: the output is no longer there.", passing=status not in GONE)
    if status != 200:
        raise AskAgain(f"{source} answers {status}, not with a file.")
    if (answer.content_length or 0) > most_bytes:
        raise too_large(most_bytes, answer.content_length)


@contextmanager
def _translated() -> Iterator[None]:
    """The one place where aiohttp's errors end. A body shorter than announced is one of them."""
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise OutputBad(f"This is no address to fetch from: {str(error)[:200]}.") from error
    except UnicodeError as error:  # a name of a host that no resolver takes
        raise OutputBad(f"This is no address to fetch from: {str(error)[:200]}.") from error
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise _network(error) from error


def _network(error: Exception) -> ProviderError:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _Forbidden):
        return OutputBad(f"An output is not fetched from inside this network: {error.os_error}.")
    words = type(error).__name__ + (f": {str(error)[:200]}" if str(error) else "")
    return AskAgain(f"The output did not come whole ({words}).")


@asynccontextmanager
async def _from_address(address: str, most_bytes: int) -> AsyncIterator[_Body]:
    """A data: URI holds the output itself."""
    head, comma, text = address[5:].partition(",")
    mime, *particulars = head.split(";")
    if not comma:
        raise OutputBad("The output is a data: address without data.")
    if len(text) // 4 * 3 > most_bytes + 3 and "base64" in particulars:
        raise too_large(most_bytes, len(text) // 4 * 3)
    yield _Body(mime or None, _decoded(text, "base64" in particulars))


async def _decoded(text: str, packed: bool) -> AsyncIterator[bytes]:
    """Piece by piece. One that is no base64 after all comes as the text that it is: it was paid for."""
    clean = await asyncio.to_thread(_base64_in, text) if packed else None
    if clean is None:
        yield await asyncio.to_thread(unquote_to_bytes, text)
        return
    for start in range(0, len(clean), PIECE):  # a multiple of four
        yield await asyncio.to_thread(base64.b64decode, clean[start : start + PIECE])


def _base64_in(text: str) -> str | None:
    """As it is decoded, whoever wrote it: with line breaks, without padding, in the alphabet of addresses."""
    plain = unquote(text) if "%" in text else text
    clean = "".join(plain.split()).translate(_STANDARD).rstrip("=")
    if len(clean) % 4 == 1 or not _BASE64.fullmatch(clean):
        return None
    return clean + "=" * (-len(clean) % 4)


@asynccontextmanager
async def _from_disk(address: str, work: Path) -> AsyncIterator[_Body]:
    """A file that a factory on this machine made, below the work folder and nowhere else."""
    path = Path(unquote(urlsplit(address).path).replace("\0", "")).resolve()
    if not path.is_relative_to(work.resolve()):
        raise OutputBad(f"An output is not taken from {path}: it is outside the work folder.")
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise OutputLost(f"{path.name} is no longer in the work folder.") from error
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OutputBad(f"{path.name} is not a file.")
        yield _Body(None, _pieces(number))
    finally:
        os.close(number)


async def _pieces(number: int) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(os.read, number, PIECE):
        yield chunk
