"""Where something is in doubt that its provider can be asked about, and whether an answer may come soon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Doubts:
    """One event for each provider that can tell what became of a create; what exactly is in doubt, the index knows."""

    def __init__(self, providers: Iterable[str]) -> None:
        self._news = {provider: asyncio.Event() for provider in providers}
        self._hopeful: set[str] = set()

    @property
    def providers(self) -> list[str]:
        """Those that can tell."""
        return sorted(self._news)

    def can_be_asked(self, provider: str) -> bool:
        return provider in self._news

    def arise(self, provider: str) -> None:
        """Something there is in doubt, and is asked about soon. Only of a provider that can tell."""
        self._hopeful.add(provider)
        self._news[provider].set()

    def is_new(self, provider: str) -> bool:
        """Whether a doubt arose there since the last `take_up`."""
        return self._news[provider].is_set()

    def take_up(self, provider: str) -> bool:
        """All that is in doubt there by now is about to be asked about. Whether something of it is new."""
        is_new = self.is_new(provider)
        self._news[provider].clear()
        return is_new

    async def wait(self, provider: str, seconds: float | None = None) -> None:
        """Until something new is in doubt there, or so many seconds have passed."""
        try:
            async with asyncio.timeout(seconds):
                await self._news[provider].wait()
        except TimeoutError:
            pass

    def lose_hope(self, provider: str) -> None:
        """No answer is to be expected soon; a doubt that is newer than the last question keeps its hope."""
        if not self.is_new(provider):
            self._hopeful.discard(provider)

    @property
    def hopeful(self) -> bool:
        """Whether an answer may come within minutes, from whomever."""
        return bool(self._hopeful)
