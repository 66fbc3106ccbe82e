"""The later look: every picture on the shelf is decoded once, when nothing more urgent is to be done.

Its thumbnails are made of that one decoding; those of a film are made of one of its frames.

What is not looked at yet follows from the index, so a restart goes on where it was; what is new comes first. While
deliveries are on their way it waits, but not for ever: an address may die meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from functools import partial
from pathlib import Path

from artfactoryd import entries
from artfactoryd.core.sheets.sheet import Sheet
from artfactoryd.errors import StorageFull
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.shelving.again import Again
from artfactoryd.execution.shelving.eye import MOST, Eye, Thumbnails
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.shelf.media import DECODED
from artfactoryd.shelf.thumbnails import cache, film
from artfactoryd.shelf.thumbnails.cache import Cache
from artfactoryd.storage import looks
from artfactoryd.storage.engines.troubles import is_passing
from artfactoryd.storage.rows import ProductRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

TOGETHER = 16  # looked at before it is seen whether something newer came
WORTH_ANOTHER = 4  # of them for each further process: to start one takes as long as some pictures
PAUSE = 0.1  # seconds until it is seen again whether deliveries are on their way
PATIENCE = 30.0  # seconds for which they are let pass
STARVED_AGAIN = 600.0  # seconds until what got too little of the processor is looked at again
QUIET = 5.0  # seconds without anything to look at, after which the process that looks is ended
FULL_AGAIN = 5.0  # seconds until what is well is remembered on a full disk
OWES_EVERY = 0.2  # seconds for which an answer about what is owed holds


class LaterLook:
    def __init__(
        self, home: Home, books: Books, settings: LiveSettings, recorder: Recorder, again: Again, eye: Eye,
        busy: Callable[[], bool],
    ) -> None:  # fmt: skip
        """`busy`: whether deliveries are on their way."""
        self._root, self._books, self._settings = home.root, books, settings
        self._recorder, self._again, self._eye, self._busy = recorder, again, eye, busy
        self._cache, self._taken = (
            Cache(home.private / cache.FOLDER),
            -1,
        )  # bytes of all thumbnails; below 0: not known yet
        self._came = asyncio.Event()
        self._came.set()
        self.tell: Callable[[Iterable[ProductRow]], None] = lambda rows: None  # which were looked at
        self._since = 0.0  # when there was nothing left to look at
        self._in_hand: set[str] = set()  # damaged ones
        self._lingering: set[str] = set()  # those among them that are waited for
        self._fetching: set[asyncio.Task[None]] = set()
        self._is_looking = self._is_telling = False
        self._is_blind = False  # nothing can be looked at just now
        self._done, self._seconds = 0, 0.0
        self._owed: tuple[float, bool] = (0.0, True)

    @property
    def at_work(self) -> bool:
        """Something is looked at, or was placed and will be."""
        return self._came.is_set() or self._is_looking

    def wake(self) -> None:
        """Something was placed."""
        self._came.set()
        self._owed = (0.0, True)

    def owes(self, orders: Collection[str] | None) -> bool:
        """Whether products are still to be looked at, those aside that are waited for: of these orders; None: any,
        whatever earlier runs left among them."""
        now, (since, owed) = asyncio.get_running_loop().time(), self._owed
        if now - since > OWES_EVERY:
            is_at_work = self._is_telling or bool(self._in_hand - self._lingering)
            owed = is_at_work or looks.are_owed(self._books.index, orders, self._lingering)
            owed = owed and not self._is_blind
            self._owed = (now, owed)
            if owed and not is_at_work:  # whoever brought it may not have said so
                self._came.set()
        return owed

    async def draw(self, sheet: Sheet, target: Path) -> float:
        """By a process that decodes, at the same low priority; the seconds of the processor that it took. Raises
        OSError."""
        bound = self._settings.now.limits.megapixels
        glance = await self._eye.draw(sheet, self._root, self._cache.folder, bound, target)
        self._taken += glance.bytes
        if glance.fault is None:
            raise OSError(f"{target} {'takes too long just now' if glance.is_starved else 'cannot be written'}")
        if glance.fault:
            log.error("%s could not be drawn", target)
        log.info("drew %s in %.1f s of a processor's time", target.name, glance.seconds)
        await self._make_room()
        return glance.seconds

    async def show(self, row: ProductRow) -> None:
        """The thumbnails of what was looked at before, made again for whoever wants to see it now. Raises OSError."""
        if (wanted := self._wanted(row)) is None:
            return
        glance = await self._eye.look(self._root / row.path, self._settings.now.limits.megapixels, wanted)
        self._done, self._taken = self._done + 1, self._taken + glance.bytes
        self._came.set()  # so that the process that did it is ended after a while
        await self._make_room()

    async def rest(self) -> None:
        """Nothing is to be drawn any more: the processes that did it end, unless they are needed."""
        if not self.at_work:
            await self._eye.close()

    async def close(self) -> None:
        """Also of what was drawn, or shown to somebody, while all else stopped."""
        await self._eye.close()

    async def run(self) -> None:
        """For as long as the program is at work."""
        try:
            while True:
                rows = looks.unlooked(self._books.index, TOGETHER, self._in_hand)
                self._is_looking = bool(rows)
                if rows:
                    await self._look_at_all(rows)
                else:
                    await self._rest()
        finally:
            for task in self._fetching:
                task.cancel()
            await asyncio.gather(*self._fetching, return_exceptions=True)
            await self._tell()

    async def _rest(self) -> None:
        self._came.clear()
        if self._done:
            try:
                async with asyncio.timeout(QUIET):
                    await self._came.wait()
            except TimeoutError:
                await self._tell()
        await self._came.wait()
        self._since = asyncio.get_running_loop().time()

    async def _tell(self) -> None:
        """And have the process end that looks."""
        if self._done:
            log.info("looked at %s pictures in %.1f s of a processor's time", self._done, self._seconds)
        self._done, self._seconds = 0, 0.0
        await self._eye.close()

    async def _look_at_all(self, rows: list[ProductRow]) -> None:
        well, left = list[str](), iter(rows)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(MOST, 1 + len(rows) // WORTH_ANOTHER)):
                    group.create_task(self._look_at_each(left, well))
        except BaseExceptionGroup as error:
            raise error.exceptions[0] from None
        self._is_telling = True
        try:
            await self._books.note(partial(looks.remember, products=well))
            self.tell(rows)
        except StorageFull:
            await asyncio.sleep(FULL_AGAIN)
        finally:
            self._is_telling = False
        self._owed = (0.0, True)
        await self._make_room()

    async def _look_at_each(self, left: Iterator[ProductRow], well: list[str]) -> None:
        """Those that nobody else has taken yet."""
        for row in left:
            await self._let_pass()
            fault = await self._look_at(row)
            if fault is None:
                self._leave(row)
            elif fault:
                log.warning("%s: %s", row.path, fault)
                if row.order_id:
                    self._take_in_hand(row, fault)
                else:
                    await self._books.note(partial(looks.note_damaged, product=row.id, fault=fault))
            else:
                well.append(row.id)

    async def _make_room(self) -> None:
        room = self._settings.now.thumbnails.cache_bytes
        if self._taken < 0 or self._taken > room:
            self._taken = await asyncio.to_thread(self._cache.evict, room)

    async def _let_pass(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._busy() and clock() - self._since < PATIENCE:
            await asyncio.sleep(PAUSE)

    async def _look_at(self, row: ProductRow) -> str | None:
        """What is wrong; nothing of what is no picture, or is not any more what came; None where that is not known."""
        path, wanted = self._root / row.path, self._wanted(row)
        if row.mime not in DECODED and (row.mime not in film.DEMUXERS or wanted is None):
            return ""
        try:
            glance = await self._eye.look(path, self._settings.now.limits.megapixels, wanted)
            self._is_blind = False
        except OSError:  # no process can be started just now: nobody waits for that
            self._is_blind = True
            raise
        self._done, self._seconds = self._done + 1, self._seconds + glance.seconds
        self._taken += glance.bytes
        if glance.is_starved:
            return None
        if not glance.fault or not await asyncio.to_thread(_is_as_it_came, row, path):
            return ""
        return glance.fault

    def _wanted(self, row: ProductRow) -> Thumbnails | None:
        if not self._settings.now.thumbnails.cache_bytes:
            return None
        return Thumbnails(self._cache.folder, row.sha256, row.mime)

    def _take_in_hand(self, row: ProductRow, fault: str) -> None:
        self._in_hand.add(row.id)
        self._spawn(self._better(row, fault))

    def _leave(self, row: ProductRow) -> None:
        log.warning("%s took too long just now, with so much else to do: it is looked at again later", row.path)
        self._in_hand.add(row.id)
        self._lingering.add(row.id)
        self._spawn(self._take_up(row))

    async def _take_up(self, row: ProductRow) -> None:
        await asyncio.sleep(STARVED_AGAIN)
        self._let_go(row)

    def _let_go(self, row: ProductRow) -> None:
        self._in_hand.discard(row.id)
        self._lingering.discard(row.id)
        self.wake()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _better(self, row: ProductRow, fault: str) -> None:
        """Until it is recorded what became of it. What a defect stops is left alone until a restart."""
        try:
            look = await self._again.better(row, fault, lambda: self._lingering.add(row.id))
            await self._recorder.look(look)
            self._again.discard(row)
        except Exception as error:
            self._lingering.add(row.id)
            if not (isinstance(error, OSError | StorageFull) or is_passing(error)):
                log.exception("what is damaged of item %s is not fetched again: a defect of this program", row.number)
                return
            log.error("what is damaged of item %s waits: %s", row.number, error)
            await asyncio.sleep(FULL_AGAIN)
        self._let_go(row)


def _is_as_it_came(row: ProductRow, path: Path) -> bool:
    try:
        return entries.sha256(path) == row.sha256
    except OSError:
        return False
