"""Files of the Library are read once for each version of them: the one way by which models, templates and lookups
come in, so that an order does not pay for reading all of them again, and an edit still counts at the next order.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from artfactoryd.entries import bounded
from artfactoryd.errors import Problem, Refusal

T = TypeVar("T")
COARSE = (
    2.5  # seconds: the coarsest times that a disk keeps (FAT: 2), so of a file changed since then they tell nothing
)
MOST_KEPT = 4096  # files of each kind


class _Wrong(tuple[Problem, ...]):
    """The problems of a file that could not be used."""


@dataclass(frozen=True, slots=True)
class _Version(Generic[T]):
    """What was made of a file as it was. `is_old`: another edit would have got another time."""

    stamp: tuple[int, ...]
    is_old: bool
    sha256: bytes
    outcome: T | _Wrong

    def result(self) -> T:
        if isinstance(self.outcome, _Wrong):
            raise Refusal(self.outcome)
        return self.outcome


class ReadOnce(Generic[T]):
    """What `parse` makes of a file: made again when its name stands for another file, or its bytes have changed.

    What comes out is shared by all who ask: never change it.
    """

    def __init__(self, parse: Callable[[bytes, Path], T], most_bytes: int) -> None:
        """`parse` may raise Refusal. Of a larger file it gets `most_bytes` and one more."""
        self._parse, self._most = parse, most_bytes
        self._versions: dict[Path, _Version[T]] = {}
        self._door = threading.Lock()

    def __call__(self, path: Path) -> T:
        """Raises what `parse` raises, and OSError, which is never remembered."""
        known, stamp, looked = self._versions.get(path), _stamp(path), time.time()
        if known is not None and known.is_old and known.stamp == stamp:
            return known.result()
        data = bounded(path, self._most)  # after the stamp: what is written meanwhile has another one at the next look
        sha256 = hashlib.sha256(data).digest()
        outcome = known.outcome if known is not None and known.sha256 == sha256 else self._made(data, path)
        version = _Version(stamp, looked - max(stamp[-2:]) / 1e9 > COARSE, sha256, outcome)
        self._keep(path, version)
        return version.result()

    def _made(self, data: bytes, path: Path) -> T | _Wrong:
        try:
            return self._parse(data, path)
        except Refusal as refusal:
            return _Wrong(refusal.problems)

    def _keep(self, path: Path, version: _Version[T]) -> None:
        with self._door:
            self._versions.pop(path, None)
            if len(self._versions) >= MOST_KEPT:
                del self._versions[next(iter(self._versions))]
            self._versions[path] = version


def _stamp(path: Path) -> tuple[int, ...]:
    """Another one after any change that the disk's times can tell; the times last."""
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
