"""Rows as they were read last, for the process that writes: nothing else changes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable
from typing import TypeVar, cast

MOST = 4096  # rows remembered

R = TypeVar("R")


class Recent:
    """Asked from any thread; `forget` is called by the writer after a commit, and before anybody is told of it."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, object] = {}
        self._epoch = 0  # the number of commits: what one came in between of may be out of date
        self._lock = threading.Lock()

    def forget(self, keys: Collection[Hashable] | None) -> None:
        """What a commit changed; None: perhaps all."""
        with self._lock:
            self._epoch += 1
            if keys is None or len(self._rows) > MOST:
                self._rows.clear()
            else:
                for key in keys:
                    self._rows.pop(key, None)

    def row(self, key: Hashable, read: Callable[[], R]) -> R:
        """What was read of it, or is read now. Remembered only where no commit came while it was read."""
        with self._lock:
            epoch = self._epoch
            if key in self._rows:
                return cast(R, self._rows[key])
        row = read()
        with self._lock:
            if epoch == self._epoch:
                self._rows[key] = row
        return row
