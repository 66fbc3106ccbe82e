"""How much at once, and when: one gate and one pace a provider. Money's limits are asked of the index at each wish."""

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
        self.paused = False  # by a person
        self._clock = clock
        self._held = 0
        self._not_before = 0.0
        self._changed = asyncio.Event()

    @property
    def free(self) -> bool:
        return self._held < self.concurrency

    @property
    def closed(self) -> bool:
        """Nothing new until a person lifts it."""
        return self.paused or self.stopped is not None

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


SHORTEST, LONGEST = 0.02, 10.0  # seconds between two questions about one ticket
EARLY = 0.9  # of the time that such calls took lately
RARER = 0.25  # of the time that has passed


class Pace:
    """When to ask about a ticket: shortly before such calls have ended lately, then ever more rarely.

    `first` seconds while nothing is known of a model; 0 for a factory that answers at once.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self._took: dict[str, float] = {}

    def learn(self, model: str, seconds: float | None) -> None:
        """What the provider measured; half of it counts from each call, so that a change shows soon."""
        if seconds is not None:
            self._took[model] = (self._took.get(model, seconds) + seconds) / 2

    def first(self, model: str) -> float:
        took = self._took.get(model)
        return self._first if took is None else min(max(took * EARLY, SHORTEST), LONGEST)

    def pause(self, passed: float) -> float:
        return min(max(passed * RARER, SHORTEST), LONGEST)


LOOKS_LAST = 0.25  # seconds; at a hundred items a second the disk need not be asked for each


class Room:
    """Whether there is room on the disk, asked a few times a second at most; a full one is asked each time."""

    def __init__(self, look: Callable[[], str], clock: Callable[[], float]) -> None:
        self._look, self._clock = look, clock
        self._found, self._until = "", 0.0

    def missing(self) -> str:
        """Words when there is none; else empty."""
        if self._found or self._clock() >= self._until:
            self._found, self._until = self._look(), self._clock() + LOOKS_LAST
        return self._found
