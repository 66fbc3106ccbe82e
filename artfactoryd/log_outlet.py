"""The way to standard error: whoever writes there never waits for whoever reads it.

A pipe that nobody empties, and a terminal stopped with Ctrl-S, keep a writer waiting for ever; a loop that waits sends
nothing and answers nobody. So a thread writes, from a bounded queue: what does not fit is dropped, and how much it was
is told when there is room again. The log files have no part in it.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import sys
import threading
import time
from collections import deque
from typing import Any

LAST_STANDARD = 2  # descriptors 0 to 2 are standard input, output and error
MOST_BYTES = 1024 * 1024  # that wait to be written
INTERRUPTED = 130  # the exit code, as a shell says it
LAST_WAIT = 1.0  # seconds that the end, or a word on standard output, waits for what is still to be written
AGAIN = 0.5  # seconds between looks at a descriptor that takes nothing and does not wait


class Outlet(io.TextIOBase):
    """In place of `sys.stderr`. A text with an escape is a picture of a bar: dropped without a word, the next replaces
    it (what else is printed has no escapes, see `printable`).
    """

    def __init__(self, stream: io.TextIOWrapper, most_bytes: int = MOST_BYTES) -> None:
        self._raw: Any = getattr(stream.buffer, "raw", stream.buffer)
        self._is_terminal = stream.isatty()
        self._most = most_bytes
        self._texts: deque[bytes] = deque()
        self._bytes = self._dropped = 0  # lines dropped since it was last told
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None
        self._is_stuck = False  # it was waited for, in vain

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def write(self, text: str, /) -> int:
        """At once, whatever becomes of it."""
        with self._changed:
            if self._bytes and self._bytes + len(text) > self._most:
                self._dropped += 0 if "\x1b" in text else text.count("\n")
            else:
                self._put_dropped()
                self._put(text)
        return len(text)

    def drain(self, seconds: float = LAST_WAIT) -> None:
        """Until all is written; no longer than this, and only once in vain."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._bytes and not self._is_stuck:
                if (left := end - time.monotonic()) <= 0:
                    self._is_stuck = True
                else:
                    self._changed.wait(left)

    def _put(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        self._texts.append(data)
        self._bytes += len(data)
        if self._writer is None:
            self._writer = threading.Thread(target=self._pour, name="stderr", daemon=True)
            self._writer.start()
        self._changed.notify_all()

    def _put_dropped(self) -> None:
        if self._dropped:
            lines, self._dropped = self._dropped, 0
            what = "1 line is" if lines == 1 else f"{lines} lines are"
            self._put(f"({what} not shown, because nobody read along)\n")

    def _pour(self) -> None:
        while True:
            with self._changed:
                if not self._texts:
                    self._put_dropped()
                while not self._texts:
                    self._changed.wait()
                data = self._texts.popleft()
            self._write_out(data)
            with self._changed:
                self._bytes, self._is_stuck = self._bytes - len(data), False
                self._changed.notify_all()

    def _write_out(self, data: bytes) -> None:
        """Whoever reads it may be gone for good: then it is lost."""
        rest = memoryview(data)
        try:
            while rest:
                written = self._raw.write(rest)
                if written is None:  # it is one that does not wait
                    select.select([], [self._raw], [], AGAIN)
                rest = rest[written or 0 :]
        except (OSError, ValueError):
            return


class Nowhere(io.TextIOBase):
    """In place of a standard error that was closed before we began: what is said there is for nobody."""

    def write(self, text: str, /) -> int:
        return len(text)


_outlet: Outlet | None = None


def hold_standard() -> None:
    """Where standard output or error is closed, nothing that is opened takes its number: what a library says in its
    dying would land in the ledger."""
    while (number := os.open(os.devnull, os.O_RDONLY)) <= LAST_STANDARD:
        pass
    os.close(number)


def install() -> bool:
    """`sys.stderr` is such an outlet from now on, and the end of the process waits a moment for it.

    False where the process is somebody else's, who has put a stream of his own there.
    """
    global _outlet  # as `sys.stderr` itself is
    stream = sys.stderr
    if stream is not sys.__stderr__:
        return _outlet is not None
    if stream is None:
        sys.stderr = Nowhere()
    if isinstance(stream, io.TextIOWrapper):
        sys.stderr = _outlet = Outlet(stream)
        atexit.register(drain)
    return True


def drain(seconds: float = LAST_WAIT) -> None:
    """Before what must come after it, or before an end that asks nobody."""
    if _outlet is not None:
        _outlet.drain(seconds)


def interrupted() -> None:
    """Ctrl-C before the work has begun: one line, and the end. What was begun is taken up as after a kill."""
    if sys.stderr is not None:
        sys.stderr.write("artfactoryd: Interrupted.\n")
        sys.stderr.flush()
    drain()
    os._exit(INTERRUPTED)
