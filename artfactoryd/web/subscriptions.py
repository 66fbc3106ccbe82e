"""Who follows which order, and what they are told: the newest document when it differs, never a queue of old ones.

The work does not know of them. It sets one event when something moved; a follower that reads slowly, or not at
all, costs it nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from artfactoryd.medium import in_words

log = logging.getLogger(__name__)

PACE = 0.3  # seconds between two looks at the least
ANYWAY = 1.0  # seconds: approvals, full disks and the like set no event
SHARE = 10  # an order that takes long to read is looked at less often: one part in so many


@dataclass(frozen=True, slots=True)
class News:
    text: str  # the order document
    ended: bool


@dataclass(eq=False, slots=True)
class Follower:
    order_id: str
    news: News
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False

    def tell(self, news: News) -> None:
        if news != self.news:
            self.news = news
            self.changed.set()

    def leave(self) -> None:
        self.left = True
        self.changed.set()


class Followers:
    """`read`: an order's news as they stand. `moved`: set by whoever moves an item, cleared here."""

    def __init__(self, read: Callable[[str], Awaitable[News]], moved: asyncio.Event) -> None:
        self._read, self._moved = read, moved
        self._all: set[Follower] = set()
        self._someone = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def following(self, order_id: str, news: News) -> Iterator[Follower]:
        """A follower whose first news are `news`."""
        follower = Follower(order_id, news)
        follower.changed.set()
        self._all.add(follower)
        self._someone.set()
        try:
            yield follower
        finally:
            self._all.discard(follower)
            follower.leave()
            if not self._all:
                self._someone.clear()

    async def tell(self) -> None:
        """For as long as the daemon is at work; sleeps while nobody follows."""
        while True:
            await self._someone.wait()
            self._moved.clear()
            began = time.monotonic()
            for order_id in {follower.order_id for follower in self._all}:
                await self._look(order_id)
            await asyncio.sleep(max(PACE, SHARE * (time.monotonic() - began)))
            with suppress(TimeoutError):
                async with asyncio.timeout(ANYWAY):
                    await self._moved.wait()

    async def _look(self, order_id: str) -> None:
        try:
            news = await self._read(order_id)
        except Exception as error:  # the index may be busy or away for a moment; followers wait
            log.warning("followers of order %s wait: %s", order_id, in_words(error))
            return
        for follower in self._all:
            if follower.order_id == order_id:
                follower.tell(news)
