"""This machine as those who send see it: room on the disk, and whether it slept."""

from __future__ import annotations

import logging
from collections.abc import Callable

from artfactoryd.execution.pacing.gate import Clock
from artfactoryd.storage.rows import ItemKey

log = logging.getLogger(__name__)

LOOKS_LAST = 0.25  # seconds; at a hundred items a second the disk need not be asked for each
ROOM_AGAIN = 60.0  # seconds until a full disk is looked at again
NAP = 30.0  # seconds that two clocks may go apart before it was a sleep


class Room:
    """Whether there is room on the disk, asked a few times a second at most; a full one is asked each time."""

    def __init__(self, look: Callable[[], str], clock: Clock) -> None:
        self._look, self._clock = look, clock
        self._words, self._until = "", 0.0

    def missing(self) -> str:
        """Words when there is none; else empty."""
        if self._words or self._clock() >= self._until:
            self._words, self._until = self._look(), self._clock() + LOOKS_LAST
        return self._words


class Disk:
    """Whether anything may be sent as far as the disk goes: there is room, the ledger can be written, and all that
    was bought and came could be filed. `clock`: one that nobody sets. The log has when that begins and when it ends,
    however many items meet it."""

    def __init__(self, room: Room, clock: Clock) -> None:
        self._room, self._clock = room, clock
        self._full_until = clock()  # the ledger itself had no room: not looked at again before
        self._unfiled: dict[ItemKey, str] = {}  # bought, come, and why the disk does not take it
        self._full = ""

    def refused_ledger(self, reason: str) -> None:
        """A line could not be written: for a while nothing is sent, and nothing looked at."""
        if reason != self._full:
            log.error("nothing is sent: %s", reason)
        self._full, self._full_until = reason, self._clock() + ROOM_AGAIN

    def refused_product(self, key: ItemKey, reason: str) -> None:
        """Nothing new is sent until it is filed."""
        if reason not in self._unfiled.values():
            log.error("what was made waits for the disk: %s", reason)
        self._unfiled[key] = reason

    def took_product(self, key: ItemKey) -> None:
        """It is filed, or has ended otherwise."""
        if self._unfiled.pop(key, None) and not self._unfiled:
            log.info("nothing that was made waits for the disk any more")

    @property
    def full(self) -> str:
        """Why nothing is created at all, as of the last look; empty when nothing stands in the way."""
        return self._full

    @property
    def is_resting(self) -> bool:
        """The ledger was refused a moment ago: the disk is not looked at yet."""
        return self._clock() < self._full_until

    @property
    def refuses(self) -> str:
        """Why nothing is looked at at all just now; empty when it is."""
        return self._full if self.is_resting else ""

    def look(self) -> bool:
        """Look whether there is room, and put down in `full` why not. Whether that has changed."""
        before, self._full = self._full, next(iter(self._unfiled.values()), "") or self._room.missing()
        if before and not self._full:
            log.info("the disk takes everything again: what waited for it is sent")
        elif self._full and not (before or self._unfiled):
            log.error("nothing is sent: %s", self._full)
        return before != self._full

    @property
    def again(self) -> float | None:
        """Seconds until the disk is to be looked at again; None while nothing stands in the way."""
        return ROOM_AGAIN if self._full or self.is_resting else None

    def unfiled(self, order_id: str) -> list[str]:
        """Why products of this order cannot be filed, each reason once. May be asked from any thread."""
        return sorted({reason for key, reason in list(self._unfiled.items()) if key.order_id == order_id})


class Nap:
    """Whether the machine was asleep: the wall's clock went on and the other one stood still."""

    def __init__(self, wall: Clock, steady: Clock) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    def noticed(self) -> bool:
        """Since the last look."""
        before, self._apart = self._apart, self._wall() - self._steady()
        return self._apart - before > NAP
