"""Single rows as they were read since the last commit, for the process that commits: nothing else changes them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

R = TypeVar("R")
MOST = 4096  # rows remembered between two commits


class Recent:
    """Asked from any thread; `forget` is called by the writer after a commit, and before anybody is told of it."""

    def __init__(self) -> None:
        self._epoch = 0
        self._known: tuple[int, dict[Hashable, object]] = (0, {})

    def forget(self) -> None:
        self._epoch += 1

    def row(self, key: Hashable, read: Callable[[], R]) -> R:
        """What was read of it, or is read now. Remembered only where no commit came while it was read."""
        epoch = self._epoch
        if self._known[0] != epoch or len(self._known[1]) > MOST:
            self._known = (epoch, {})
        _, rows = known = self._known
        if key not in rows:
            row = read()
            if known[0] == self._epoch:
                rows[key] = row
            return row
        return cast(R, rows[key])
