"""Replicate's client library, set up so that a create leaves once; and questions past it, over the same wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from artfactoryd.errors import AskAgain, ProviderStopped, Unreachable
from artfactoryd.factories.http.answer import Answer, named
from artfactoryd.factories.http.transport import READ, TOO_LARGE_AGAIN, UPLOAD, AnswerTooLarge, Wire
from artfactoryd.factories.library import require

if TYPE_CHECKING:
    import ssl

    import httpx
    from replicate.client import Client

LIBRARY = "replicate"
NO_KEY = (
    "There is no key for Replicate. Set REPLICATE_API_TOKEN, or say in artfactory.yaml where it is: "
    "providers.replicate.api_key. Nothing was sent."
)


class ReplicateClient:
    """Built at first use, for the event loop that uses it."""

    def __init__(self, key: str, timeout: float, base: str) -> None:
        """`timeout`: seconds that a create may take. `base`: the one address that the key is sent to."""
        self.key = key
        self._timeout, self._base = timeout, base
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        return self._client is not None

    async def ask(self, method: str, path: str) -> Answer:
        """One question. Raises Unreachable without an answer, ProviderStopped without a key, AskAgain for too large
        a one."""
        import httpx

        client = await self.open()
        try:
            async with asyncio.timeout(READ):
                response = await client._async_client.request(method, path)
        except AnswerTooLarge as error:
            raise AskAgain(f"Replicate answers, and {error}.", TOO_LARGE_AGAIN) from error
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            why = named(error, self.key)
            raise Unreachable(f"Replicate does not answer: {why}; is the network up?") from error
        return self._answer(response)

    async def send_file(self, name: str, data: bytes, mime: str) -> Answer:
        """As `ask`, with a time limit for a slow line."""
        import httpx

        client = await self.open()
        try:
            async with asyncio.timeout(READ + len(data) / UPLOAD):
                form = {"content": (name, data, mime)}
                response = await client._async_client.request("POST", "/v1/files", files=form)
        except AnswerTooLarge as error:
            raise AskAgain(f"Replicate was sent {name}, and {error}.", TOO_LARGE_AGAIN) from error
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise Unreachable(f"{name} could not be sent to Replicate: {named(error, self.key)}.") from error
        return self._answer(response)

    def _answer(self, response: httpx.Response) -> Answer:
        return Answer(self.key, True, response.status_code, response.headers, bytearray(response.content))

    async def open(self) -> Client:
        """The client, built at first use. It belongs to one loop: on another one it would lose answers."""
        if not self.key:
            raise ProviderStopped(NO_KEY, of_key=True)
        if not (self.key.isascii() and self.key.isprintable()):
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
            why = named(error, self.key)
            raise ProviderStopped(f"The client for Replicate cannot be set up ({why}). Nothing was sent.") from error

    def _build(self, context: ssl.SSLContext) -> Client:
        from replicate.client import Client

        wire = Wire([self._base], _buys, self._timeout, context)
        # Key and address are given outright: left out, the library looks for them in the environment.
        client = Client(self.key, base_url=self._base, transport=wire, follow_redirects=False)
        retries = client._async_client._transport
        if not hasattr(retries, "max_attempts"):
            raise RuntimeError("this release of the replicate library hides its retries; 1.0.7 does not")
        retries.max_attempts = 1
        return client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client._async_client.aclose()


def _buys(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith("/predictions")


def _load() -> ssl.SSLContext:
    """The slow part of building the client: importing it, and reading the certificates."""
    require(LIBRARY)  # once more: it may have been exchanged since this process began
    import httpx
    import replicate  # noqa: F401

    return httpx.create_ssl_context()
