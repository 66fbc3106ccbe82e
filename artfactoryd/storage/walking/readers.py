"""Sidecars read by several processes at once, in the order in which the walk comes to them.

The walk is listed here, batch by batch. Other processes take batches as they come, and whoever wants the results reads
one itself in place of waiting. What a process that fell had taken is read here, so that nothing depends on another one.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import artfactoryd
from artfactoryd.storage.walking import reader
from artfactoryd.storage.walking.reader import Read

log = logging.getLogger(__name__)

FEW = 1000  # products that are read before another process is worth its start
BATCH = 200
AHEAD = 200  # batches that others may be ahead of what was asked for: what was read of them is kept meanwhile
OTHERS = min(3, (os.cpu_count() or 1) - 1)  # processes beside this one
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "TZ")  # of the environment: no credential
PROGRAM = (sys.executable, "-P", "-m", "artfactoryd.storage.walking.reader")


class _Batch(NamedTuple):
    number: int
    cards: reader.Batch


class Readers:
    """A walk that goes on by itself from the beginning. Closed, it ends where it is."""

    def __init__(self, root: Path, pairs: Iterator[tuple[str, str]]) -> None:
        self._root, self._start = str(root), len(str(root)) + 1
        self._pairs = pairs
        self._listing = threading.Lock()
        self._listed, self._wanted = 0, 0  # batches
        self._returned: deque[_Batch] = deque()  # by those that fell
        self._news = threading.Condition()
        self._results: dict[int, list[Read] | Exception] = {}
        self._is_closed = False
        self._others: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for _ in range(-(-FEW // BATCH)):
            if not self._read_one():
                return self
        self._others = [threading.Thread(target=self._by_another, daemon=True) for _ in range(OTHERS)]
        for thread in self._others:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._news:
            self._is_closed = True
            self._news.notify_all()
        for thread in self._others:
            thread.join()

    def __iter__(self) -> Iterator[Read]:
        """Once. Raises OSError for what cannot be read just now, or listed."""
        while True:
            with self._news:
                result = self._results.pop(self._wanted, None)
                self._news.notify_all()
            if result is None:
                if not self._read_one() and not self._is_awaited():
                    return
                continue
            if isinstance(result, Exception):
                raise result
            self._wanted += 1
            yield from result

    def _is_awaited(self) -> bool:
        """Once there is something new of the batch that is wanted; False where there is none any more."""
        with self._news:
            self._news.wait_for(lambda: self._wanted in self._results or self._returned or self._wanted >= self._listed)
            return self._wanted < self._listed

    def _read_one(self) -> bool:
        """False where all are listed."""
        batch = self._next()
        if batch is None:
            return False
        try:
            self._put(batch, reader.read_all(self._root, batch.cards))
        except Exception as error:  # for whoever asks
            self._put(batch, error)
        return True

    def _next(self) -> _Batch | None:
        with self._listing:
            with suppress(IndexError):
                return self._returned.popleft()
            try:
                pairs = list(islice(self._pairs, BATCH))
            except Exception as error:  # for whoever asks: a walk that fell is not over
                self._pairs, batch = iter(()), _Batch(self._listed, [])
                self._listed += 1
                self._put(batch, error)
                return batch
            if not pairs:
                return None
            self._listed += 1
            start = self._start
            return _Batch(self._listed - 1, [(product[start:], card[start:]) for product, card in pairs])

    def _put(self, batch: _Batch, result: list[Read] | Exception) -> None:
        """The first result counts: a walk that cannot be listed has none."""
        with self._news:
            self._results.setdefault(batch.number, result)
            self._news.notify_all()

    # --- another process, and the thread that has it at work ---

    def _by_another(self) -> None:
        try:
            with subprocess.Popen(
                [*PROGRAM, self._root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=_environment(), start_new_session=True,
            ) as process:  # fmt: skip
                try:
                    while self._is_behind() and (batch := self._next()):
                        self._ask(process, batch)
                finally:
                    process.kill()
        except (OSError, EOFError, ValueError):
            log.warning("a process that reads sidecars could not be started, or ended; they are read here")

    def _is_behind(self) -> bool:
        """Once what was read is not too far ahead; False when it is over."""
        with self._news:
            self._news.wait_for(lambda: self._is_closed or self._listed - self._wanted < AHEAD)
            return not self._is_closed

    def _ask(self, process: subprocess.Popen[bytes], batch: _Batch) -> None:
        assert process.stdin is not None and process.stdout is not None
        answer = None
        try:
            reader.send(process.stdin, batch.cards)
            answer = reader.received(process.stdout)
            if answer is None:
                raise EOFError("without an answer")
        finally:
            if answer is None:
                with self._news:
                    self._returned.append(batch)
                    self._news.notify_all()
        self._put(batch, [Read(*one) for one in answer] if isinstance(answer, list) else _trouble(*answer))


def _trouble(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(artfactoryd.__file__).parents[1])}
