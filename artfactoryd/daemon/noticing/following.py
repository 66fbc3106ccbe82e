"""What a person did on the shelf, followed: sidecars go along, the index takes it over, foreign pictures become
products.

Each step is free to do again: killed between two, the next look finds the rest.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from posixpath import dirname
from typing import TypeVar

from artfactoryd import news
from artfactoryd.clock import iso
from artfactoryd.core.foreign.reading import AUTO
from artfactoryd.core.inbox_rules import DOCUMENT
from artfactoryd.core.noticing.changes import (
    Adopted,
    Back,
    Change,
    Edited,
    File,
    Foreign,
    Gone,
    Missing,
    Moved,
)  # fmt: skip
from artfactoryd.daemon import importing
from artfactoryd.daemon.app import App
from artfactoryd.daemon.noticing.told import ShelfChanged, news_of
from artfactoryd.durable import move_new
from artfactoryd.errors import StorageFull
from artfactoryd.execution.shelving import anew
from artfactoryd.intake.importing.looking import Candidate
from artfactoryd.intake.importing.taking_in import TakingIn
from artfactoryd.medium import in_words
from artfactoryd.shelf import moving, reading, survey, xmp
from artfactoryd.shelf.order_folders import order_in
from artfactoryd.shelf.sidecars import places, sidecar_of
from artfactoryd.storage.events import Event, ProductGone
from artfactoryd.storage.noticing import applied, known

log = logging.getLogger(__name__)

T = TypeVar("T")
TOGETHER = 500  # changes that the index takes over in one step: others wait meanwhile


@dataclass(frozen=True, slots=True)
class _Along:
    """`bare`: ids of products that have no sidecar any more."""

    bare: Sequence[str]


class Following:
    def __init__(self, app: App) -> None:
        self._app, self._home, self._books = app, app.home, app.books

    async def follow(self, changes: Sequence[Change | Missing]) -> set[str]:
        """The folders that are to be looked at again: something in them waits. Raises StorageFull, and OSError for what
        the disk refuses just now."""
        foreign = [change for change in changes if isinstance(change, Foreign | Adopted)]
        rest = [change for change in changes if not isinstance(change, Foreign | Adopted)]
        for together in _together(rest):
            await self._follow(together)
        waiting = set[str]()
        for together in _together(foreign):
            waiting |= await self._take_in(together)
        if told := news_of(change for change in changes if _path(change) not in waiting):
            news.tell(told)
        return {dirname(path) for path in waiting}

    async def _follow(self, changes: Sequence[Change | Missing]) -> None:
        moved = [change for change in changes if isinstance(change, Moved)]
        there = [change for change in changes if isinstance(change, Moved | Back)]
        along = await asyncio.to_thread(self._take_along, there)
        lifted: list[Event] = [
            ProductGone(product=change.product.id, path=change.file.path, lifted=True)
            for change in changes if isinstance(change, Moved | Back | Edited) and change.product.gone
        ]  # fmt: skip
        if lifted:
            await self._books.record(*lifted)
        await self._books.note(partial(applied.apply, changes=changes, at=iso(self._app.clock())))
        if moved:
            await asyncio.to_thread(self._write_anew, along.bare)
            self._app.execution.cards.wake()

    def _take_along(self, there: Iterable[Moved | Back]) -> _Along:
        bare = []
        for change in there:
            try:
                if not self._has_card(change) and isinstance(change, Moved):
                    bare.append(change.product.id)
            except (OSError, StorageFull) as error:
                log.warning("the sidecar of %s stays where it was: %s", change.file.path, in_words(error))
        return _Along(bare)

    def _has_card(self, change: Moved | Back) -> bool:
        """Its sidecar goes along, where one is left behind; what another program keeps beside it, too."""
        product, old, id = self._home.root / change.file.path, self._home.root / change.product.path, change.product.id
        if (card := sidecar_of(product, self._home.projects)) and reading.owner_of(card) == id:
            return True
        left = moving.left_of(places(old), id)
        if left is None:
            moving.make_room(product, self._home.projects, id)
            return False
        if not moving.take_along(left, product, self._home.projects):
            log.warning("the sidecar of %s stays where it was: something else has its name", change.file.path)
            return True
        before, now = xmp.beside(old), xmp.beside(product)
        if before.is_file() and not os.path.lexists(old) and not os.path.lexists(now):
            move_new(before, now)
        return True

    def _write_anew(self, bare: Sequence[str]) -> None:
        layout = self._app.settings.now.products.sidecars
        for path in anew.write(self._home, self._books.index, bare, layout):
            log.info("the sidecar of %s is written anew", path)

    # --- foreign pictures ---

    async def _take_in(self, foreign: Sequence[Change]) -> set[str]:
        """The paths of those that cannot be scanned, and must be."""
        cards, waiting = await asyncio.to_thread(self._lay_cards, [change.file.path for change in foreign])
        if cards:
            await importing.take_in(self._books, self._home, self._app.execution.later, {"cards": cards})
        done = [change for change in foreign if change.file.path not in waiting]
        taken = await asyncio.to_thread(self._as_they_lie, done)
        await self._books.note(partial(applied.look, files=taken))
        return waiting

    def _lay_cards(self, paths: Sequence[str]) -> tuple[list[str], set[str]]:
        """As `import` does it in place: a sidecar for each, which says where it is from; its bytes are not changed."""
        cards, waiting = list[str](), set[str]()
        layout = self._app.settings.now.products.sidecars
        by_project: dict[str, list[Path]] = {}
        for path in paths:
            product = self._home.root / path
            by_project.setdefault(product.relative_to(self._home.projects).parts[0], []).append(product)
        for project, products in by_project.items():
            work = TakingIn(self._home, self._books.index, AUTO, project, layout, (), self._app.execution.scanner)
            work.run([Candidate(product, product.name) for product in products], cards.extend, lambda done: None)
            waiting |= {str(Path(path).relative_to(self._home.root)) for path in work.outcome.waiting}
            for path, why in work.outcome.failed:
                if path not in work.outcome.waiting:  # of these the scanner says it once
                    log.warning("%s lies on the shelf and is no product: %s", path, why)
        return cards, waiting

    def _as_they_lie(self, foreign: Sequence[Change]) -> list[tuple[File, str]]:
        """What became no product is not looked at again until it changes."""
        lying = list[tuple[File, str]]()
        for change in foreign:
            lies = survey.lies(self._home.root / change.file.path)
            if lies is not None:
                is_product = self._books.index.find_product(change.file.path) is not None
                what = "" if is_product else known.OTHER
                lying.append((File(change.file.path, lies.bytes, lies.changed), what))
        return lying

    # --- what is gone, and where orders lie ---

    async def bury(self, gone: Sequence[Gone]) -> None:
        for together in _together(gone):
            await self._books.record(*(ProductGone(product=one.product.id, path=one.product.path) for one in together))
        if gone:
            news.tell(ShelfChanged(gone=len(gone)))

    async def follow_orders(self, papers: Sequence[str]) -> None:
        """`papers`: folders in which an order's papers lie. An order goes on there whose own folder has none."""
        for order, folder in await asyncio.to_thread(self._moved_orders, papers):
            await self._books.set_folder(order, folder)
            self._app.execution.wake(order)
            log.info("the folder of order %s is %s now", order, folder)

    def _moved_orders(self, papers: Sequence[str]) -> list[tuple[str, str]]:
        there = known.order_folders(self._books.index)
        moved = dict[str, str]()
        for folder in papers:
            if folder in there:
                continue
            order = order_in(self._home.root / folder)
            row = self._books.index.order(order) if order else None
            if row is not None and row.folder and self._is_elsewhere(row.id, row.folder, folder):
                moved.setdefault(row.id, folder)
        return [*moved.items()]

    def _is_elsewhere(self, order: str, known: str, folder: str) -> bool:
        """Its own folder has none of its papers any more, or only a receipt that came late, and the other has all."""
        before, now = self._home.root / known, self._home.root / folder
        is_late = (now / DOCUMENT).is_file() and not (before / DOCUMENT).is_file()
        return is_late or order_in(before) != order


def _path(change: Change | Missing) -> str:
    return "" if isinstance(change, Missing) else change.file.path


def _together(changes: Sequence[T]) -> Iterator[Sequence[T]]:
    return (changes[at : at + TOGETHER] for at in range(0, len(changes), TOGETHER))
