"""Creates under way: asked for, and not answered yet. Who wants to kill a buyer just then waits here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Flights:
    def __init__(self) -> None:
        self.begun = 0  # creates ever asked for; each has its number, from 1
        self.accepted: dict[int, bool] = {}  # of those under way: bought already?
        self._changed = asyncio.Event()

    @contextmanager
    def one(self) -> Iterator[int]:
        self.begun += 1
        number = self.begun
        self.accepted[number] = False
        self._changed.set()
        try:
            yield number
        finally:
            del self.accepted[number]

    async def wait(self, after: int, seconds: float) -> dict[str, object]:
        """What is under way, as soon as that is one with a number above `after`; else when the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not any(number > after for number in self.accepted):
                    self._changed.clear()
                    await self._changed.wait()
        flying = {number: bought for number, bought in self.accepted.items() if number > after}
        return {"begun": self.begun, "flying": len(flying), "accepted": sum(flying.values())}
