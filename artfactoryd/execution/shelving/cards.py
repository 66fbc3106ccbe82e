"""What is said of products, written into their sidecars, and where it is asked for into XMP files beside them.

The ledger has it first, so that a kill loses nothing: what a sidecar does not carry yet is a column, and written when
the program is at work next. Nobody else rewrites a sidecar that lies on the shelf.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path

from artfactoryd.core.json_types import Json
from artfactoryd.core.noticing.labels import labels
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import in_words, writing_to
from artfactoryd.shelf import desktop, reading, survey, xmp
from artfactoryd.shelf.marked import carry
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage.marks import cards
from artfactoryd.storage.noticing import applied
from artfactoryd.storage.rows import OrderRow, ProductRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

TOGETHER = 100  # written before it is remembered
AGAIN = 60.0  # seconds until a disk that refused them is tried again


class Cards:
    def __init__(self, home: Home, books: Books, settings: LiveSettings) -> None:
        self._home, self._books, self._settings = home, books, settings
        self._came = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._shown: list[tuple[str, int, int]] = []  # paths of files that were labelled, with their ctimes
        self._aside: set[str] = set()  # products whose sidecars are not where they were, or that the disk refused

    def wake(self) -> None:
        """There may be something to write."""
        self._came.set()

    async def write_first(self) -> None:
        """The newest of what was said just now, so that whoever said it finds it there; the rest follows."""
        self._aside.clear()
        await self._write_some()
        self._came.set()

    async def write_all(self) -> None:
        while await self._write_some():
            pass

    async def run(self) -> None:
        """For as long as the program is at work."""
        await asyncio.to_thread(self._add_xmp)
        while True:
            self._came.clear()
            await self.write_all()
            try:
                async with asyncio.timeout(AGAIN if self._aside else None):
                    await self._came.wait()
            except TimeoutError:
                self._aside.clear()

    async def _write_some(self) -> bool:
        """Whether there may be more."""
        async with self._one_at_a_time:
            rows = cards.unwritten(self._books.index, TOGETHER, self._aside)
            if not rows:
                return False
            written = await asyncio.to_thread(self._write, rows)
            shown, self._shown = self._shown, []
            await self._books.note(partial(cards.remember, marks=written))
            await self._books.note(partial(applied.touch, shown=shown))
            return True

    def _write(self, rows: list[ProductRow]) -> list[tuple[str, str | None]]:
        """Products and marks that are written."""
        written = list[tuple[str, str | None]]()
        for row in rows:
            try:
                if self._is_written(row):
                    written.append((row.id, row.mark))
                    continue
            except (OSError, StorageFull) as error:
                log.warning("the sidecar of %s does not say yet how it is marked: %s", row.path, in_words(error))
            except ValueError as error:
                log.warning("the sidecar of %s does not say how it is marked: %s", row.path, error)
            self._aside.add(row.id)
        return written

    def _is_written(self, row: ProductRow) -> bool:
        """False where its sidecar is not on the shelf."""
        product = self._home.root / row.path
        card = sidecar_of(product, self._home.projects)
        if card is None:
            return False
        with writing_to(card.parent):
            told = carry(card, row.id, self._said(row))
        if told is None:
            return False
        self._show(product, row, told)
        return self._is_beside(product, told)

    def _show(self, product: Path, row: ProductRow, told: Json) -> None:
        """On a desktop; only where the file is known to be this product."""
        before = survey.lies(product)
        if not self._settings.now.desktop.labels or before is None or desktop.product_in(product) != row.id:
            return
        wanted = labels(bool(told.get("liked")), told.get("rating"), told.get("tags") or ())
        if desktop.show(product, wanted) and (now := survey.lies(product)):
            self._shown.append((row.path, before.changed, now.changed))

    def _said(self, row: ProductRow) -> Json:
        """What its sidecar is to carry: where it lies, and, of a product that was marked, how."""
        lies_in = {"project": row.project} if row.project else {}
        if row.mark is None:
            return lies_in
        return lies_in | said_of(row, self._books.index.order(row.order_id))

    def _is_beside(self, product: Path, told: Json) -> bool:
        """False where the disk refuses the XMP file that is asked for."""
        try:
            with writing_to(product.parent):
                self._beside(product, told)
        except StorageFull as error:
            log.warning("%s gets no XMP file yet: %s", product, in_words(error))
            return False
        return True

    def _beside(self, product: Path, told: Json) -> None:
        if self._settings.now.products.xmp and product.exists() and not xmp.keep(product, told):
            log.warning("%s is no XMP to which anything can be added: it is left as it is", xmp.beside(product))

    def _add_xmp(self) -> None:
        """Of what was marked before the setting asked for them."""
        if not self._settings.now.products.xmp:
            return
        for row in cards.marked(self._books.index):
            product = self._home.root / row.path
            card = sidecar_of(product, self._home.projects)
            if card is not None and not xmp.beside(product).exists():
                try:
                    with writing_to(product.parent):
                        self._beside(product, reading.read_sidecar(card))
                except (OSError, StorageFull) as error:
                    log.warning("%s gets no XMP file: %s", row.path, in_words(error))
                except ValueError as error:
                    log.warning("%s gets no XMP file: %s", row.path, error)


def said_of(row: ProductRow, order: OrderRow | None) -> Json:
    """By a person, or its order, as its sidecar tells it."""
    own: Json = {"mark": row.mark, "liked": row.liked, "rating": row.rating, "collections": row.collections or []}
    if row.tags is not None or order is not None:
        own["tags"] = row.tags if row.tags is not None or order is None else list(order.tags)
    if row.notes is not None or order is not None:
        own["notes"] = row.notes if row.notes is not None or order is None else order.notes
    return own
