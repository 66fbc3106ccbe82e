"""How much at once, and when: one gate a provider. Money's limits are asked of the index at each wish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Gate:
    """The slots of one provider, and the moment before which nothing new is created.

    A slot is held from before the wish until the provider has ended the call. Items taken up again
    after a start hold slots too, even more than there are: they were bought already.
    """

    def __init__(self, concurrency: int, clock: Callable[[], float]) -> None:
        self.concurrency = concurrency
        self.stopped: str | None = None  # why a person is needed
        self._clock = clock
        self._held = 0
        self._not_before = 0.0
        self._changed = asyncio.Event()

    @property
    def free(self) -> bool:
        return self._held < self.concurrency

    @property
    def waits(self) -> float:
        """Seconds until the provider may be asked to create again; 0 when it may be now."""
        return max(0.0, self._not_before - self._clock())

    def hold(self) -> None:
        self._held += 1

    def let_go(self) -> None:
        self._held -= 1
        self.wake()

    def wait(self, seconds: float) -> None:
        """The whole provider slows down; a longer wait already asked for stays."""
        self._not_before = max(self._not_before, self._clock() + seconds)
        self.wake()

    def stop(self, reason: str) -> None:
        self.stopped = reason
        self.wake()

    def lift(self) -> None:
        self.stopped = None
        self._not_before = 0.0
        self.wake()

    def wake(self) -> None:
        """Something changed that the line behind this gate should look at."""
        self._changed.set()

    async def change(self, most: float | None = None) -> None:
        """Until something changes, or `most` seconds have passed.

        At once when a wait has ended since the caller looked: nothing else would tell of it.
        """
        if self._not_before and not self.waits:
            self._not_before = 0.0
            return
        try:
            async with asyncio.timeout(most):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()
