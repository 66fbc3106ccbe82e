"""A progress bar on a terminal; nothing when the output goes elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from artfactoryd.cli.terminal import written_over
from artfactoryd.core.lifecycle import ENDED
from artfactoryd.printable import one_line
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow

if TYPE_CHECKING:
    from rich.progress import TaskID


WIDTH = 30  # characters of a bar


class Progress:
    """One bar an order, items ended of items planned. Used as a context; `look` is called when something moved.

    It begins with the first order: until then an end at once leaves the terminal as it was.
    """

    def __init__(self, quiet: bool) -> None:
        self._bars: dict[str, TaskID] = {}
        self._rich = None
        if not quiet and sys.stderr.isatty():
            self._rich = _bar()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """The bars stay as they are; what is said from here on begins on a line of its own."""
        if self._rich:
            self._rich.stop()

    def look(self, index: Index, seen: Iterable[str]) -> None:
        if self._rich:
            self.show(index, [row for row in map(index.order, seen) if row is not None])

    def show(self, index: Index, orders: Iterable[OrderRow]) -> None:
        if self._rich is None:
            return
        for order in orders:
            self._rich.start()
            counts = index.counts(order.id)
            if order.id not in self._bars:
                self._bars[order.id] = self._rich.add_task(_plain(order.name), total=order.total_items, state="")
            ended = sum(counts.get(state, 0) for state in ENDED)
            self._rich.update(self._bars[order.id], completed=ended, state=str(index.state(order, counts)))


class Mending:
    """How far it is with an index that is made again, or with what `title` says, in one line that is written over; a
    kill leaves the terminal as it was."""

    def __init__(self, quiet: bool, title: str = "The index is made again") -> None:
        self._shown, self._last, self._title = not quiet and sys.stderr.isatty(), "", title

    def __enter__(self) -> Mending:
        return self

    def __exit__(self, *_: object) -> None:
        self.tell("", 0, 0)

    def tell(self, what: str, done: int, of: int) -> None:
        """`what` is empty when it is over."""
        share = done / of if of else 1.0
        bar = f"{'█' * round(share * WIDTH):░<{WIDTH}}"
        line = f"{self._title}: {what:<6} {bar} {share:4.0%}" if what else ""
        if self._shown and line != self._last:
            written_over(line)
            self._last = line


class Count:
    """How many of so many are done, in one bar. Used as a context."""

    def __init__(self, what: str, of: int, quiet: bool) -> None:
        self._rich = _bar() if of and not quiet and sys.stderr.isatty() else None
        self._what, self._of = what, of

    def __enter__(self) -> Count:
        if self._rich:
            self._rich.start()
            self._bar = self._rich.add_task(_plain(self._what), total=self._of, state="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._rich:
            self._rich.stop()

    def tell(self, done: int) -> None:
        if self._rich:
            self._rich.update(self._bar, completed=done)


def _plain(name: str) -> str:
    """Neither an escape nor a mark-up of the library's."""
    from rich.markup import escape

    return escape(one_line(name))


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Rich

    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    return Rich(*columns, console=Console(stderr=True))
