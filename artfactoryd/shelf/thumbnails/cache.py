"""Where thumbnails lie: below .artfactory, by the bytes of the picture, so that no move and no copy makes a new one.

Whatever is missing is made again, so nothing here is flushed. What was not asked for longest goes first when there is
no more room: the time of a file's last change is the time of its last use.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from artfactoryd.durable import make_folders, write_note
from artfactoryd.entries import bounded
from artfactoryd.shelf.thumbnails import SIZES

FOLDER = "thumbnails"  # below .artfactory
NAMES = dict(zip(SIZES, ("large", "medium", "small"), strict=True))
USED_EVERY = 3600.0  # seconds within which a second use is not noted
MOST_BYTES = 4 << 20  # of a thumbnail
LEFT = 0.9  # of the room, after some were removed


class Entry(NamedTuple):
    used: float
    bytes: int
    path: str


@dataclass(frozen=True, slots=True)
class Cache:
    folder: Path

    def path(self, sha256: str, size: int) -> Path:
        return self.folder / NAMES[size] / sha256[:2] / f"{sha256}.jpg"

    def has(self, sha256: str) -> bool:
        return all(self.path(sha256, size).is_file() for size in SIZES)

    def put(self, sha256: str, size: int, data: bytes) -> int:
        """How many bytes were written; none where the disk refuses them: it is made again when it is asked for."""
        path = self.path(sha256, size)
        with suppress(OSError):
            make_folders(path.parent)
        return len(data) if write_note(path, data) else 0

    def read(self, sha256: str, size: int) -> bytes | None:
        """And note that it was used."""
        path = self.path(sha256, size)
        try:
            data = bounded(path, MOST_BYTES)
            if time.time() - path.stat().st_mtime > USED_EVERY:
                os.utime(path)
        except OSError:
            return None
        return data or None  # a power cut may have left it empty

    def evict(self, room: int) -> int:
        """Where they take more than the room: those used longest ago are removed. The bytes that are left."""
        entries = sorted(self._entries())
        taken = sum(entry.bytes for entry in entries)
        if taken <= room:
            return taken
        for entry in entries:
            if taken <= room * LEFT:
                break
            with suppress(OSError):
                os.unlink(entry.path)
            taken -= entry.bytes
        return taken

    def _entries(self) -> Iterator[Entry]:
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    told = os.stat(os.path.join(folder, name))
                    yield Entry(told.st_mtime, told.st_size, os.path.join(folder, name))
