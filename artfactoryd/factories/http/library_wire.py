"""The wire under an official client, which is used where it brings something: uploads. It never buys there."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from artfactoryd.errors import ProviderStopped
from artfactoryd.factories.http import transport
from artfactoryd.factories.http.account import Account
from artfactoryd.factories.http.answer import named
from artfactoryd.factories.http.transport import CONNECT, READ, AnswerTooLarge, SecondCreate, Wire

if TYPE_CHECKING:
    import httpx

Client = TypeVar("Client")
OF_THE_WIRE = ("Content-Encoding", "Content-Length", "Transfer-Encoding")  # headers that end where a body was read
LIMITS = {"connect": CONNECT, "read": READ, "write": READ, "pool": CONNECT}  # a library may ask for none at all


class LibraryWire:
    """An httpx transport. `may_send`: whether a request that is no GET is one of those that buy nothing."""

    def __init__(self, wire: Wire, may_send: Callable[[httpx.Request], bool]) -> None:
        from httpx_aiohttp import AiohttpTransport

        self._wire, self._may_send = wire, may_send
        self._inner = AiohttpTransport(client=wire.questions)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AnswerTooLarge, where it is announced before anything is read."""
        import httpx

        self._wire.check(str(request.url))
        if request.method != "GET" and not self._may_send(request):
            raise SecondCreate("a client library was about to send what may buy")
        request.extensions = {**request.extensions, "timeout": LIMITS}
        try:
            return await self._bounded(request)
        except transport.no_answer() as error:  # also one that is no HTTP; the inner transport lets it through
            raise httpx.RemoteProtocolError(" ".join(str(error).split())) from error

    async def _bounded(self, request: httpx.Request) -> httpx.Response:
        import httpx

        response = await self._inner.handle_async_request(request)
        body = bytearray()
        try:
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and int(length[:20]) > transport.MOST_ANSWERED:
                raise AnswerTooLarge(transport.MOST_ANSWERED)
            async for part in response.aiter_bytes():
                body += part
                if len(body) > transport.MOST_ANSWERED:
                    raise AnswerTooLarge(transport.MOST_ANSWERED)
        finally:
            await response.aclose()
        headers = response.headers.copy()
        for name in OF_THE_WIRE:
            headers.pop(name, None)
        return httpx.Response(response.status_code, headers=headers, content=bytes(body))

    async def aclose(self) -> None:
        """The wire is closed by whoever made it."""


class UploadingAccount(Account, ABC, Generic[Client]):
    """An account whose uploads go through the provider's official client, loaded at the first of them."""

    _built: tuple[Wire, Client] | None = None

    @abstractmethod
    def _load(self) -> None:
        """The slow part, in a thread: importing it, if its release may be used."""

    @abstractmethod
    async def _build(self, wire: Wire) -> Client: ...

    async def library(self) -> Client:
        """Raises ProviderStopped without a key, or where the library cannot be set up."""
        wire = await self.wire()
        async with self.opening:
            if self._built is None or self._built[0] is not wire:
                try:
                    await asyncio.to_thread(self._load)
                    self._built = (wire, await self._build(wire))
                except Exception as error:  # a broken install, an odd address, a setting of the library's own
                    why = named(error, self.key)
                    words = f"The client for {self.who} cannot be set up ({why}). Nothing was sent."
                    raise ProviderStopped(words) from error
            return self._built[1]
