"""This machine as those who send see it: room on the disk, and whether it slept."""

from __future__ import annotations

from collections.abc import Callable

from artfactoryd.execution.gate import Clock

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


NAP = 30.0  # seconds that two clocks may go apart before it was a sleep


class Nap:
    """Whether the machine was asleep: the wall's clock went on and the other one stood still."""

    def __init__(self, wall: Clock, steady: Clock) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    def noticed(self) -> bool:
        """Since the last look."""
        before, self._apart = self._apart, self._wall() - self._steady()
        return self._apart - before > NAP
