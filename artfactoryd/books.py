"""The books: ledger first, then the index, then the act. One thread owns the pen.

Moves waiting at the same time are written together: their lines in one append and one flush, their
changes in one transaction. Each is guarded on its own, so one illegal move fails alone.

    check and change (uncommitted)  ->  append the lines, flush  ->  commit with the ledger's place

Killed before the append: nothing happened. Killed after it: the next start applies the lines beyond
the place the index has recorded, by the same code.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import peewee as pw

from artfactoryd import fault, ledger, moves
from artfactoryd.core.plan import PlannedItem
from artfactoryd.errors import ArtFactoryError, StorageSick
from artfactoryd.index import Index
from artfactoryd.ledger import Ledger, Position

log = logging.getLogger(__name__)

Line = Mapping[str, Any]
Expander = Callable[[Mapping[str, Any]], tuple[str, Iterator[PlannedItem]]]  # order row -> provider, items to come
MOST_TOGETHER = 256
COMMIT_AGAIN = 1.0  # seconds between tries to commit what the ledger already holds


@dataclass
class _Move:
    """Lines with one fate, or (without lines) a change that follows from what is already written."""

    lines: tuple[Line, ...]
    change: Callable[[Index], Any] | None = None
    done: Future[Any] = field(default_factory=Future)


class Books:
    """Open at most once in a home, by the holder of its lock. `clock` gives aware datetimes."""

    def __init__(self, ledger_folder: Path, index_file: Path, expander: Expander, clock: Callable[[], datetime]) -> None:
        self._folder = ledger_folder
        self._file = index_file
        self._expander = expander
        self._clock = clock
        self._moves: queue.SimpleQueue[_Move | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._write, name="books", daemon=True)
        self._thread.start()
        self._ready.result()
        self.index = Index.look(index_file)  # for reading, by whichever thread asks

    # --- the only ways to write ---

    async def record(self, *lines: Line) -> None:
        """Durable in the ledger and visible in the index when this returns; all lines or none.

        Raises IllegalMove, StorageFull (nothing was written) or StorageSick (stop the program).
        """
        at = self._now()
        await self._put(_Move(tuple({"kind": line["kind"], "at": at, **line} for line in lines)))

    async def expand(self, order: Mapping[str, Any]) -> None:
        """The item rows of an accepted order, in chunks that let other moves pass."""
        provider, items = self._expander(order)
        while chunk := _take(items, moves.CHUNK):
            await self._put(_Move((), lambda index, chunk=chunk: moves.add_items(index, order["id"], provider, chunk)))

    async def set_folder(self, order_id: str, folder: str) -> None:
        """Where an order's folder is: it follows from the shelf, so it needs no line."""
        await self._put(_Move((), lambda index: moves.set_folder(index, order_id, folder)))

    async def _put(self, move: _Move) -> Any:
        if self._closing.is_set():
            raise StorageSick("The books are closed.")
        self._moves.put(move)
        # A cancelled caller must not cancel the write: what was asked for will be in the ledger.
        return await asyncio.shield(asyncio.wrap_future(move.done))

    def close(self) -> None:
        """Everything asked for before is written first."""
        self._closing.set()
        self._moves.put(None)
        self._thread.join()
        self.index.close()

    @property
    def alive(self) -> bool:
        """Whether what is asked for will be written."""
        return self._thread.is_alive()

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # --- the thread ---

    def _write(self) -> None:
        try:
            index, book = self._open()
        except BaseException as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        for together in self._batches():
            self._write_together(index, book, together)
        book.close()
        index.close()

    def _open(self) -> tuple[Index, Ledger]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        index, book = Index.open(self._file), Ledger(self._folder)
        catch_up(index, self._folder, self._expander)
        return index, book

    def _batches(self) -> Iterator[list[_Move]]:
        while (first := self._moves.get()) is not None:
            together = [first]
            while len(together) < MOST_TOGETHER and not self._moves.empty():
                following = self._moves.get()
                if following is None:
                    yield together
                    return
                together.append(following)
            yield together

    def _write_together(self, index: Index, book: Ledger, together: list[_Move]) -> None:
        try:
            with index.db.atomic("IMMEDIATE"):
                legal = [move for move in together if self._try(index, move)]
                lines = [line for move in legal for line in move.lines]
                place = book.append(lines, self._month()) if lines else None
                fault.point("ledger_written")
                if place:
                    _remember(index, place)
        except (ArtFactoryError, pw.DatabaseError) as error:
            self._make_good(index, together, error)
        for move in together:
            if not move.done.done():
                move.done.set_result(None)

    def _try(self, index: Index, move: _Move) -> bool:
        """Apply one move inside the open transaction; an illegal one is undone alone."""
        try:
            with index.db.savepoint():
                for line in move.lines:
                    moves.apply(index, line)
                if move.change:
                    move.change(index)
            return True
        except Exception as error:
            move.done.set_exception(error)
            return False

    def _make_good(self, index: Index, together: list[_Move], error: Exception) -> None:
        """Nothing was committed. If the ledger has the lines all the same, the index must follow it."""
        waiting = [move for move in together if not move.done.done()]
        if isinstance(error, pw.DatabaseError):
            log.error("the index could not be written (%s); trying until it can", error)
            if self._follow_ledger(index):
                return
            error = StorageSick(f"The index could not be written ({error}).")
        for move in waiting:
            move.done.set_exception(error)

    def _follow_ledger(self, index: Index) -> bool:
        while not self._closing.is_set():
            try:
                catch_up(index, self._folder, self._expander)
                return True
            except pw.DatabaseError:
                time.sleep(COMMIT_AGAIN)
        return False

    def _month(self) -> str:
        return self._clock().astimezone().strftime("%Y-%m")


def catch_up(index: Index, folder: Path, expander: Expander) -> int:
    """Apply the ledger's lines beyond the place the index has recorded. The number of lines applied."""
    done = 0
    with index.db.atomic("IMMEDIATE"):
        place = Position.parse(index.meta("ledger"))
        for line, place in ledger.read(folder, place):
            _apply_again(index, line, expander)
            done += 1
        _remember(index, place)
    return done


def _apply_again(index: Index, line: Line, expander: Expander) -> None:
    try:
        moves.apply(index, line)
    except moves.UnknownItem as error:
        order = index.order(error.order_id)
        if order is None:
            raise
        provider, items = expander(order)
        while chunk := _take(items, moves.CHUNK):
            moves.add_items(index, order["id"], provider, chunk)
        moves.apply(index, line)


def _remember(index: Index, place: Position) -> None:
    sql = "INSERT INTO meta (key, value) VALUES ('ledger', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    index.db.execute_sql(sql, (str(place),))


def _take(items: Iterator[PlannedItem], most: int) -> list[PlannedItem]:
    return [item for _, item in zip(range(most), items, strict=False)]
