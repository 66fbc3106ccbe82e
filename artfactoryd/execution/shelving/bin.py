"""What is said of the bin is done on the shelf: products are moved there and back, and after a while taken away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path

from artfactoryd.clock import iso
from artfactoryd.durable import write_note
from artfactoryd.entries import words_in
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.shelf.arranging import bin
from artfactoryd.storage.events import Emptied
from artfactoryd.storage.marks import binned
from artfactoryd.storage.marks.binned import MovingRow
from artfactoryd.storage.rows import ProductRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

DAYS = "days"  # the file of the days on which the program was at work
MOST_DAYS = 10  # in it
KEPT = timedelta(days=30)  # in the bin
TOGETHER = 100  # moved before it is remembered
AGAIN = 60.0  # seconds until what could not be moved is tried again
UPKEEP_EVERY = 3600.0  # seconds


class Bin:
    def __init__(self, home: Home, books: Books, clock: Callable[[], datetime]) -> None:
        self._home, self._books, self._clock = home, books, clock
        self._came = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._aside: set[str] = set()  # products that cannot be moved just now
        self._stays: set[str] = set()  # those in the bin that are not as they were made
        self.at_rest = False  # all that can be moved is

    async def follow(self, anew: Collection[str] = ()) -> None:
        """What was said until now is done on the shelf, as far as the disk takes it. `anew`: products of which that
        was said just now, tried whatever was refused before."""
        self._aside.difference_update(anew)
        while await self._follow_some():
            pass

    def waiting(self, products: Collection[str]) -> int:
        """How many of these the disk does not take just now."""
        return len(self._aside.intersection(products))

    async def run(self) -> None:
        """For as long as the program is at work."""
        while True:
            self._came.clear()
            await self.follow()
            await self._empty()
            await self.follow()
            self.at_rest = True
            try:
                async with asyncio.timeout(AGAIN if self._aside else UPKEEP_EVERY):
                    await self._came.wait()
            except TimeoutError:
                self._aside.clear()

    async def _follow_some(self) -> bool:
        """Whether there may be more."""
        async with self._one_at_a_time:
            moves = binned.moves(self._books.index, TOGETHER, self._aside)
            if not moves:
                return False
            lie = await asyncio.to_thread(self._move, moves)
            if len(lie) < len(moves):
                self._came.set()  # whoever asked: `run` is to try again soon
            await self._books.note(partial(binned.moved, lie=lie))
            return True

    def _move(self, moves: Sequence[tuple[MovingRow, ProductRow]]) -> list[tuple[MovingRow, str]]:
        """With the paths at which they lie then."""
        lie = []
        for move, row in moves:
            try:
                lie.append((move, self._moved(move, row)))
            except (OSError, StorageFull) as error:
                log.warning("%s is not moved to %s yet: %s", move.source, move.path or "nowhere", in_words(error))
                self._aside.add(row.id)
        return lie

    def _moved(self, move: MovingRow, row: ProductRow) -> str:
        if move.path == move.source:  # taken back before it was moved
            return move.path
        if move.path:
            return bin.move(self._home.root, move.source, move.path, row.id, row.sha256)
        bin.take_away(self._home.root, move.source, row.id, row.sha256)
        return move.path

    async def _empty(self) -> None:
        """What has lain there long enough, and is as it was made. The ledger has it first.

        Long enough on an earlier day already on which this program was at work: a clock that is a month ahead for some
        hours takes nothing away.
        """
        if (day := await asyncio.to_thread(self._earlier_day)) is None:
            return
        rows = binned.due(self._books.index, iso(day - KEPT), self._stays)
        for row in rows:
            if await asyncio.to_thread(bin.is_as_made, self._home.root, row.path, row.id, row.sha256):
                await self._books.record(Emptied(product=row.id, path=row.path))
            else:
                log.info("%s in the bin was changed since, or is gone: it is left as it is", row.path)
                self._stays.add(row.id)

    def _earlier_day(self) -> datetime | None:
        """When it began; None where none is known. Today is remembered for later days."""
        today, file = self._clock().astimezone().date(), self._home.private / DAYS
        days = [day for day in map(_date, _lines(file)) if day is not None]
        if today not in days:
            write_note(file, "".join(f"{day}\n" for day in [*days, today][-MOST_DAYS:]).encode())
        earlier = [day for day in days if day < today]
        return datetime.combine(max(earlier), time()).astimezone() if earlier else None


def _lines(file: Path) -> list[str]:
    try:
        return words_in(file).split()
    except (OSError, ValueError):
        return []


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
