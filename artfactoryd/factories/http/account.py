"""One key at one provider: its wire, opened at first use, and what is asked and bought over it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from artfactoryd.core.json_types import Value
from artfactoryd.core.lifecycle import NO_KEY
from artfactoryd.credentials import ways_to_give
from artfactoryd.errors import AskAgain, ProviderStopped, Unreachable
from artfactoryd.factories.http.answer import Answer, named
from artfactoryd.factories.http.transport import READ, TOO_LARGE_AGAIN, AnswerTooLarge, Wire, hidden_by_mac, no_answer

if TYPE_CHECKING:
    import ssl


def no_key(who: str, provider: str) -> str:
    """Why nothing is asked of a provider, and what to do."""
    return f"{NO_KEY}{who}. {ways_to_give(provider)} Nothing was sent."


class Account:
    """`who`: the provider, for a person. `headers`: of every request. `bases`: what addresses they may be sent to."""

    def __init__(self, who: str, key: str, headers: Mapping[str, str], bases: Iterable[str], no_key: str) -> None:
        self.who, self.key = who, key
        self._headers, self._bases, self._no_key = headers, list(bases), no_key
        self._wire: Wire | None = None
        self._old_wires: list[Wire] = []  # of keys that were taken before this one: what is under way ends on them
        self.opening = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        return self._wire is not None

    def take_key(self, key: str, headers: Mapping[str, str]) -> bool:
        """Use this one from now on; False where it is the one in use. What is under way ends with the old one."""
        if key == self.key:
            return False
        self.key, self._headers = key, headers
        if self._wire is not None:
            self._old_wires.append(self._wire)
            self._wire = None
        return True

    def want_of_key(self) -> str:
        """Why nothing can be asked for want of a key; empty when there is one."""
        if not self.key:
            return self._no_key
        if not (self.key.isascii() and self.key.isprintable()):
            return f"The key for {self.who} holds characters that no key has. Nothing was sent."
        return ""

    async def ask(self, method: str, address: str, seconds: float = READ) -> Answer:
        """One question, which buys nothing. Raises Unreachable without an answer, AskAgain for too large a one,
        ProviderStopped without a key."""
        wire, answer = await self.wire(), Answer(self.key, True)
        try:
            await wire.ask(method, address, answer, seconds)
        except AnswerTooLarge as error:
            raise AskAgain(f"{self.who} answers, and {error}.", TOO_LARGE_AGAIN) from error
        except no_answer() as error:
            why = named(error, self.key)
            hint = hidden_by_mac(error, urlsplit(address).hostname or "") or "is the network up?"
            raise Unreachable(f"{self.who} does not answer: {why}; {hint}") from error
        return answer

    async def create(
        self, request: Callable[[], tuple[str, Mapping[str, Value]]], seconds: float
    ) -> tuple[Answer, Exception | None]:
        """One create, sent at most once, to the address and with the document that `request` gives. What came back,
        and what went wrong, be it before anything was sent. Raises ProviderStopped without a key."""
        wire, answer = await self.wire(), Answer(self.key)
        try:
            address, document = request()
            await wire.create(address, _json(document), answer, seconds)
        except Exception as error:
            return answer, error
        return answer, None

    async def wire(self) -> Wire:
        """It belongs to one loop: on another one it would lose answers."""
        if words := self.want_of_key():
            raise ProviderStopped(words, of_key=True)
        if self._wire is None or self._wire.loop is not asyncio.get_running_loop():
            async with self.opening:  # the first calls come together, and reading the certificates takes its time
                if self._wire is None or self._wire.loop is not asyncio.get_running_loop():
                    self._wire = await self._opened()
        return self._wire

    async def _opened(self) -> Wire:
        try:
            return Wire(self._bases, self._headers, await asyncio.to_thread(_certificates))
        except Exception as error:  # a broken install, an odd base address
            why = named(error, self.key)
            words = f"The connection to {self.who} cannot be set up ({why}). Nothing was sent."
            raise ProviderStopped(words) from error

    async def close(self) -> None:
        wires = [*self._old_wires, *([self._wire] if self._wire else [])]
        self._old_wires, self._wire = [], None
        for wire in wires:
            if wire.loop is asyncio.get_running_loop():
                await wire.close()


def _json(document: Mapping[str, Value]) -> bytes:
    """As the official clients write it. Raises ValueError for what JSON has no word for."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()
