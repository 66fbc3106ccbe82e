"""The folders of collections follow what is in them: clones are put there, and taken away again.

What is in a collection is a mark, in the ledger first; what is still to be done follows from it and from the clones
that are remembered, so a kill at any line loses nothing and a second time changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from functools import partial

from artfactoryd.entries import sha256
from artfactoryd.errors import StorageFull, WrongUse
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import in_words
from artfactoryd.shelf.arranging import clones
from artfactoryd.storage.marks import collected
from artfactoryd.storage.marks.collected import CloneRow, Member
from artfactoryd.storage.rows import ProductRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

TOGETHER = 100  # put there before it is remembered
AGAIN = 60.0  # seconds until what could not be cloned is tried again


class Clones:
    def __init__(self, home: Home, books: Books, settings: LiveSettings) -> None:
        self._home, self._books, self._settings = home, books, settings
        self._root = home.root / clones.FOLDER
        self._came = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._aside: set[tuple[str, str]] = set()  # products, and their collections, that cannot be cloned just now
        self._kept: set[str] = set()  # paths of clones that were changed since, and stay
        self.at_rest = False  # all that can be put there or taken away is

    def check_room(self, products: Sequence[ProductRow], collection: str) -> None:
        """Raise WrongUse where the disk has no room for clones of them."""
        there = [row for row in products if (self._home.root / row.path).is_file()]
        if not there:
            return
        smallest = min(there, key=lambda row: row.bytes)
        if not clones.takes_room(self._home.root / smallest.path, self._root / collection):
            return
        wanted, least = sum(row.bytes for row in there), self._settings.now.limits.free_disk_bytes
        free = shutil.disk_usage(self._root if self._root.exists() else self._home.root).free
        if free < wanted + least:
            raise WrongUse(
                f"The clones for {collection} take {_megabytes(wanted)}, and {self._root} has {_megabytes(free)} free, "
                f"of which {_megabytes(least)} stay free (limits.free_disk_bytes). Make room, or collect fewer."
            )

    def standing_still(self) -> asyncio.Lock:
        """While it is held, nothing is put there or taken away."""
        return self._one_at_a_time

    async def take_over(self, lying: Sequence[CloneRow]) -> None:
        """A person put them there."""
        self._kept -= {row.path for row in lying}
        await self._books.note(partial(collected.remember, put=tuple(lying)))

    async def follow_first(self) -> None:
        """Some of what was said just now, so that whoever said it finds it there; the rest follows."""
        self._aside.clear()
        self.at_rest = not await self._follow_some()
        self._came.set()

    async def follow_all(self) -> None:
        while await self._follow_some():
            pass

    async def run(self) -> None:
        """For as long as the program is at work."""
        while True:
            self._came.clear()
            await self.follow_all()
            self.at_rest = not self._came.is_set()
            try:
                async with asyncio.timeout(AGAIN if self._aside else None):
                    await self._came.wait()
            except TimeoutError:
                self._aside.clear()

    async def _follow_some(self) -> bool:
        """Whether there may be more."""
        async with self._one_at_a_time:
            left, coming = await asyncio.to_thread(self._due)
            if not (left or coming):
                return False
            taken = await asyncio.to_thread(self._take_away, left)
            put = await asyncio.to_thread(self._put, coming)
            await self._books.note(partial(collected.remember, put=put, taken=taken))
            return True

    def _due(self) -> tuple[list[CloneRow], list[Member]]:
        """Some of what is to be taken away, and to be put there."""
        index, likes = self._books.index, (self._root / clones.LIKED).is_dir()
        left = collected.left(index, TOGETHER, self._kept, likes=likes)
        return left, collected.uncloned(index, TOGETHER, self._aside, likes=likes)

    def _take_away(self, left: Sequence[CloneRow]) -> list[str]:
        """Paths of those that lie there no more."""
        taken = []
        for clone in left:
            try:
                stays = clone.collection == clones.LIKED
                if clones.take_away(self._home.root / clone.path, clone.sha256, stays=stays):
                    taken.append(clone.path)
                    continue
                log.info("%s was changed since it was put there, and stays", clone.path)
            except (OSError, StorageFull) as error:
                log.warning("%s is not taken out of its collection yet: %s", clone.path, in_words(error))
            self._kept.add(clone.path)
        return taken

    def _put(self, coming: Sequence[Member]) -> list[CloneRow]:
        put = []
        for product, collection in coming:
            try:
                put.append(self._clone(product, collection))
            except (OSError, StorageFull) as error:
                log.warning("%s is not in the folder of %s yet: %s", product.path, collection, in_words(error))
                self._aside.add((product.id, collection))
        return put

    def _clone(self, row: ProductRow, collection: str) -> CloneRow:
        """Raises StorageFull where too little room is left."""
        if (free := shutil.disk_usage(self._home.root).free) < self._settings.now.limits.free_disk_bytes:
            raise StorageFull(f"Only {_megabytes(free)} are free on the disk of {self._root}.")
        path = clones.put(self._home.root / row.path, self._root / collection, row.id)
        status = path.stat()
        inside = path.relative_to(self._home.root).as_posix()
        return CloneRow(inside, row.id, collection, sha256(path), status.st_size, status.st_mtime_ns)


def _megabytes(number: int) -> str:
    return f"{number / 1_000_000:,.1f} MB"
