"""What is asked of the writer: events with one fate, or a change that follows from what is written; and the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from artfactoryd.storage import projection
from artfactoryd.storage.events import Event
from artfactoryd.storage.index import Index

NOTHING: frozenset[Hashable] = frozenset()


@dataclass
class Move:
    """Events with one fate, or (without any) a change that follows from what is already written.

    `touches`: the rows that it changes, by the keys under which they are remembered; None: perhaps any.
    """

    events: tuple[Event, ...] = ()
    data: bytes = b""  # their lines, as the ledger takes them
    change: Callable[[Index], None] | None = None
    instead: Callable[[Index], None] | None = None  # done alone, outside every transaction: another index is put there
    touches: frozenset[Hashable] | None = None
    waiter: asyncio.Future[None] | None = None  # of whoever asked for it; only its own loop may touch it
    settled: bool = False
    error: Exception | None = None

    def apply(self, index: Index) -> None:
        if self.change:
            self.change(index)
            return
        reaches = [projection.apply(index, event) for event in self.events]
        known = [keys for keys in reaches if keys is not None]
        self.touches = NOTHING.union(*known) if len(known) == len(reaches) else None

    def settle(self, error: Exception | None = None) -> None:
        """What became of it; told to whoever waits when all that were written together are settled."""
        self.settled, self.error = True, error


def touched(moves: Iterable[Move]) -> frozenset[Hashable] | None:
    """The rows that were changed together; None: perhaps any, as after a trouble."""
    keys = NOTHING
    for move in moves:
        if move.touches is None or move.error is not None:
            return None
        keys |= move.touches
    return keys


def wake(moves: Sequence[Move]) -> None:
    """Those who wait, all of one loop at once: each call into a loop wakes it."""
    loops: dict[asyncio.AbstractEventLoop, list[Move]] = {}
    for move in moves:
        if move.waiter is not None:
            loops.setdefault(move.waiter.get_loop(), []).append(move)
    for loop, of_loop in loops.items():
        with contextlib.suppress(RuntimeError):  # it is closed, and nobody waits any more
            loop.call_soon_threadsafe(_answer, of_loop)


def _answer(moves: Sequence[Move]) -> None:
    for move in moves:
        if move.waiter is None or move.waiter.done():  # whoever asked was cancelled
            continue
        if move.error is None:
            move.waiter.set_result(None)
        else:
            move.waiter.set_exception(move.error)
