"""fal's client library, set up so that a create leaves once; and questions past it, over the same wire.

Left to itself the library sends a create up to ten times, finds keys of its own, and writes its own hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from artfactoryd.core.json_types import JsonValue
from artfactoryd.errors import AskAgain, ProviderStopped, Unreachable
from artfactoryd.factories.http.answer import Answer, named
from artfactoryd.factories.http.transport import READ, TOO_LARGE_AGAIN, AnswerTooLarge, Wire
from artfactoryd.factories.library import require

if TYPE_CHECKING:
    import ssl

    import fal_client
    import httpx

LIBRARY = "fal-client"
NO_KEY = (
    "There is no key for fal. Set FAL_KEY, or say in artfactory.yaml where it is: providers.fal.api_key. "
    "Nothing was sent."
)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The addresses of fal's services, by the names of their settings; none ends in a slash."""

    queue_url: str = "https://queue.fal.run"
    rest_url: str = "https://rest.fal.ai"
    cdn_url: str = "https://v3.fal.media"
    platform_url: str = "https://api.fal.ai/v1"

    @classmethod
    def configured(cls, addresses: Mapping[str, str]) -> Hosts:
        """As the settings say, and as usual where they say nothing."""
        return cls(**{name: (addresses.get(name) or usual).rstrip("/") for name, usual in ADDRESSES.items()})

    @property
    def all(self) -> dict[str, str]:
        return asdict(self)


ADDRESSES = Hosts().all


class Parts(TypedDict, total=False):
    """What a question may be sent with, by httpx's names."""

    params: Mapping[str, str | int]
    headers: Mapping[str, str]
    content: bytes
    json: JsonValue


class FalClient:
    """Built at first use, for the event loop that uses it."""

    def __init__(self, key: str, timeout: float, hosts: Hosts) -> None:
        """`timeout`: seconds that the library may take for a create."""
        self.key = key
        self._timeout, self._hosts = timeout, hosts
        self._client: fal_client.AsyncClient | None = None
        self._http: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        return self._client is not None

    async def ask(self, method: str, address: str, seconds: float = READ, **parts: Unpack[Parts]) -> Answer:
        """One question. Raises Unreachable without an answer, ProviderStopped without a key, AskAgain for too large
        a one."""
        import httpx

        _, http = await self.open()
        try:
            async with asyncio.timeout(seconds):
                response = await http.request(method, address, **parts)
        except AnswerTooLarge as error:
            raise AskAgain(f"fal answers, and {error}.", TOO_LARGE_AGAIN) from error
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise Unreachable(f"fal does not answer: {named(error, self.key)}; is the network up?") from error
        return Answer(self.key, True, response.status_code, response.headers, bytearray(response.content))

    async def open(self) -> tuple[fal_client.AsyncClient, httpx.AsyncClient]:
        """The client, built at first use. It belongs to one loop: on another one it would lose answers."""
        if not self.key:
            raise ProviderStopped(NO_KEY, of_key=True)
        if not (self.key.isascii() and self.key.isprintable()):
            words = "The key for fal holds characters that no key has. Nothing was sent."
            raise ProviderStopped(words, of_key=True)
        async with self._opening:
            loop = asyncio.get_running_loop()
            if self._client is None or self._http is None or self._loop is not loop:
                self._client, self._http = await self._built()
                self._loop = loop
            return self._client, self._http

    async def _built(self) -> tuple[fal_client.AsyncClient, httpx.AsyncClient]:
        try:
            return await self._build(await asyncio.to_thread(_load))
        except Exception as error:  # a broken install, an odd address, a setting of the library's own
            why = named(error, self.key)
            raise ProviderStopped(f"The client for fal cannot be set up ({why}). Nothing was sent.") from error

    async def _build(self, context: ssl.SSLContext) -> tuple[fal_client.AsyncClient, httpx.AsyncClient]:
        import httpx
        from fal_client import client as library

        if not isinstance(getattr(library, "MAX_ATTEMPTS", None), int):
            raise RuntimeError("this release of fal-client hides its retries; 1.0.3 does not")
        library.MAX_ATTEMPTS = 1
        # The key is given outright: left out, the library looks for one in the environment and on the disk.
        client = library.AsyncClient(key=self.key, default_timeout=self._timeout)
        http = httpx.AsyncClient(
            transport=Wire(self._hosts.all.values(), self._buys, self._timeout, context),  # type: ignore[arg-type]
            headers={"Authorization": f"Key {self.key}"}, follow_redirects=False,
            event_hooks={"request": [self._to_our_queue]},
        )  # fmt: skip
        vars(client)["_client"] = _Ready(http)
        if await client._client is not http:
            raise RuntimeError("this release of fal-client brings a wire of its own; 1.0.3 takes ours")
        return client, http

    def _buys(self, request: httpx.Request) -> bool:
        import httpx

        uploads = (f"{self._hosts.rest_url}/storage/auth/token", f"{self._hosts.cdn_url}/files/upload")
        return request.method == "POST" and request.url.copy_with(query=None) not in map(httpx.URL, uploads)

    async def _to_our_queue(self, request: httpx.Request) -> None:
        """The library writes https and its own idea of the queue's host into every create."""
        import httpx
        from fal_client.client import QUEUE_URL_FORMAT

        written = str(request.url)
        if written.startswith(QUEUE_URL_FORMAT):
            request.url = httpx.URL(f"{self._hosts.queue_url}/{written.removeprefix(QUEUE_URL_FORMAT)}")
            request.headers["Host"] = request.url.netloc.decode("ascii")

    async def close(self) -> None:
        http, self._http, self._client = self._http, None, None
        if http is not None and self._loop is asyncio.get_running_loop():
            await http.aclose()


class _Ready:
    """What the library awaits to get its httpx client, and gets ours."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    def __await__(self) -> Generator[object, None, httpx.AsyncClient]:
        async def ready() -> httpx.AsyncClient:
            return self._http

        return ready().__await__()


def _load() -> ssl.SSLContext:
    """The slow part of building the client: importing it, and reading the certificates."""
    require(LIBRARY)  # once more: it may have been exchanged since this process began
    import fal_client  # noqa: F401
    import httpx

    return httpx.create_ssl_context()
