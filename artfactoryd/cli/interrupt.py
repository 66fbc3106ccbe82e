"""Ctrl-C: one line and exit code 130 at any moment, whatever is being loaded or opened.

While modules are loaded no exception is safe: the process ends at once. A command gets it as KeyboardInterrupt, so
that it can leave the terminal as it was; the loop has a handler of its own.
"""

from __future__ import annotations

import atexit
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from artfactoryd import log_outlet

Handler = Callable[[int, FrameType | None], object] | int | None
Result = TypeVar("Result")
_watched: list[bool] = []


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
    log_outlet.interrupted()


def watch() -> None:
    """From here to the end of the process; not where it was started to outlive Ctrl-C, nor in somebody else's."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _watched.append(True)
        signal.signal(signal.SIGINT, _end)


@contextmanager
def as_exception() -> Iterator[None]:
    """KeyboardInterrupt meanwhile."""
    with _handled(signal.default_int_handler, _end):
        yield


@contextmanager
def at_once() -> Iterator[None]:
    """Within `as_exception`: the end, again."""
    with _handled(_end, signal.default_int_handler):
        yield


async def to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """What a loop works at. When it has ended, whatever still asks it to stop makes no death of that: a loop that is
    closed gives its signals back to the system, which kills.
    """
    from asyncio import get_running_loop  # imported late: whoever only looks has no loop

    try:
        return await work
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # none gets between a handler and the next
        for number, handler in STOPS.items():
            if get_running_loop().remove_signal_handler(number):
                signal.signal(number, handler)
                atexit.register(signal.signal, number, signal.SIG_IGN)  # the interpreter, too, gives its handlers back
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _once(number: int, frame: FrameType | None) -> None:
    """Should the end itself take for ever, the next one kills."""
    signal.signal(number, signal.SIG_DFL)


STOPS: Mapping[signal.Signals, Handler] = {signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: _once}


@contextmanager
def while_loading(before: Handler) -> Iterator[None]:
    """The end, too, unless it is ignored; afterwards again what was `before`."""
    try:
        signal.signal(signal.SIGINT, _end if before is signal.default_int_handler else before)
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _handled(meanwhile: Handler, afterwards: Handler) -> Iterator[None]:
    try:
        if _watched:
            signal.signal(signal.SIGINT, meanwhile)
        yield
    finally:
        if _watched:
            signal.signal(signal.SIGINT, afterwards)
