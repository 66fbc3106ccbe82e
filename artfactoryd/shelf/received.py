"""An output that came: in memory while it is small, else on disk as it comes; in the end a file, hashed and flushed."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from artfactoryd.durable import Arrival
from artfactoryd.errors import OutputTooLarge
from artfactoryd.medium import storage_errors

PIECE = 1 << 20  # bytes of what does not stay in memory, written at once
HELD = 4 << 20  # bytes of one output that may stay in memory until it is filed


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file on disk, flushed. `mime_declared` is what the sender said, believed by nobody."""

    path: Path
    sha256: str
    bytes: int
    mime_declared: str | None


class Received:
    """All of an output, on disk as far as it does not stay in memory. `file` or `discard` ends it."""

    def __init__(self, sink: Sink, mime: str | None) -> None:
        self._sink, self._mime = sink, mime

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self._sink.held

    def content(self) -> bytes | None:
        """All of it, where it is in memory: read there, it need not be read again from the disk."""
        return self._sink.content()

    def file(self) -> Fetched:
        """What a thread does: written, hashed, flushed. Raises StorageFull; then nothing is left."""
        return self._sink.finish(self._mime)

    def discard(self) -> None:
        self._sink.discard()


class Sink:
    """What came in memory, and the temporary file, which is written from worker threads.

    A cancelled fetch closes it while a write may still be on its way; without the lock that
    write could land in whatever file got the same number next.
    """

    def __init__(self, target: Path, most_bytes: int, most_held: int) -> None:
        self._target, self._most, self._most_held = target, most_bytes, most_held
        self._hash = hashlib.sha256()
        self._bytes = self.held = 0
        self._pieces: list[bytes] = []
        self._lock = threading.Lock()
        self._arrival: Arrival | None = None
        self._ended = False

    @property
    def is_empty(self) -> bool:
        return not self._bytes

    def take(self, chunk: bytes) -> bool:
        """Whether it is time to spill."""
        self._bytes += len(chunk)
        if self._bytes > self._most:
            raise too_large(self._most)
        self._pieces.append(chunk)
        self.held += len(chunk)
        return self.held > max(self._most_held, PIECE)

    def content(self) -> bytes | None:
        if self._arrival is not None:
            return None
        self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    def spill(self) -> None:
        """To the file. From then on nothing larger than a piece stays in memory."""
        data = b"".join(self._pieces)
        self._pieces, self.held, self._most_held = [], 0, 0
        self._hash.update(data)
        with self._lock, storage_errors(self._target):
            if not self._ended:
                self._arrival = self._arrival or Arrival(self._target)
                self._arrival.write(data)

    def finish(self, mime: str | None) -> Fetched:
        try:
            self.spill()
            with self._lock, storage_errors(self._target):
                if self._arrival:
                    self._arrival.finish()
        except BaseException:
            self.discard()
            raise
        return Fetched(self._target, self._hash.hexdigest(), self._bytes, mime)

    def discard(self) -> None:
        with self._lock:
            self._ended = True
            if self._arrival:
                self._arrival.discard()


def too_large(most_bytes: int, size: int | None = None) -> OutputTooLarge:
    """`size`: in bytes, where it is known."""
    larger = f"has {size} bytes, more than" if size else "is larger than"
    return OutputTooLarge(f"The output {larger} the {most_bytes} that limits.product_bytes allows.", most_bytes)
