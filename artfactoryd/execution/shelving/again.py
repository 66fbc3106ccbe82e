"""What turned out to be damaged on the shelf is fetched again while its address lives: a better one lies beside it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from artfactoryd import failpoints
from artfactoryd.clock import Age
from artfactoryd.core.line_values import Filed, Output
from artfactoryd.core.sidecar import sidecar
from artfactoryd.errors import AskAgain, OutputBad, OutputLost, OutputTooLarge, StorageFull
from artfactoryd.execution import delivery
from artfactoryd.execution.provenance import Provenance
from artfactoryd.execution.rows import item_now, order_of
from artfactoryd.execution.shelving.arrival import Arrival
from artfactoryd.execution.shelving.eye import Eye
from artfactoryd.execution.shelving.inscription import Inscription
from artfactoryd.factories import Factory
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.shelf import desktop, media, placing
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.shelf.media import Media
from artfactoryd.shelf.received import Fetched
from artfactoryd.shelf.staging import AGAIN, INLINE, Staging
from artfactoryd.storage.events import Look
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemKey, ItemRow, ProductRow

log = logging.getLogger(__name__)

TRIES = 3  # downloads that bring something, and it is damaged too; or answers that it is gone
GONE, SAME = "It can no longer be fetched.", "Fetched again, it came the same."
ROOM_AGAIN = 60.0  # seconds until a full disk is tried again


class Again:
    def __init__(
        self, home: Home, index: Index, settings: LiveSettings, factories: Mapping[str, Factory], fetcher: Fetcher,
        eye: Eye, clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._home, self._index, self._settings, self._factories = home, index, settings, factories
        self._fetcher, self._eye, self._clock = fetcher, eye, clock
        self._staging, self._provenance = Staging(home.work), Provenance(index)
        self._inscription = Inscription(home, index, self._staging, self._provenance)

    async def better(self, row: ProductRow, fault: str, lingers: Callable[[], None]) -> Look:
        """What became of it, to be recorded; until then a repeat gives the same. `lingers`: it is not there at once,
        and is waited for."""
        item = item_now(self._index, ItemKey(row.order_id, row.number))
        chosen = next((chosen for chosen in item.chosen if chosen.id == row.id), None)
        came = await self._come(item, chosen, row, lingers) if chosen else GONE
        if isinstance(came, str) or chosen is None:
            return _look(row, f"{fault} {came}")
        fetched, seen = came
        failpoints.point("fetched_again")
        beside = replace(chosen, id=_id_beside(row.id))
        filed = await asyncio.to_thread(self._lay_beside, item, beside, row, fetched, seen)
        failpoints.point("laid_beside")
        words = f"{fault} Fetched again it came whole, and lies beside it as {Path(filed.path).name}."
        return _look(row, words, filed)

    def discard(self, row: ProductRow) -> None:
        """What became of it is recorded."""
        self._staging.discard(staged_name(row.id))

    async def _come(
        self, item: ItemRow, chosen: Output, row: ProductRow, lingers: Callable[[], None]
    ) -> tuple[Fetched, Media] | str:
        """A better one, staged; else in words why there is none."""
        age = Age(datetime.fromisoformat(chosen.created_at), self._clock)
        tries, waits, words = 0, 0, GONE
        while tries < TRIES and (age.seconds < delivery.LASTS or self._is_here(row)):
            try:
                fetched = await self._staged(item, chosen)
                seen = await self._judged(fetched.path)
                if not seen.fault:
                    return fetched, seen
                self.discard(row)
                tries, words = tries + 1, SAME
                if fetched.sha256 == row.original:
                    break
            except (OutputTooLarge, OutputBad):
                return GONE
            except OutputLost as error:
                tries, words = tries + 1, GONE
                if not error.passing:
                    break
            except AskAgain as error:
                log.warning("a damaged product of item %s is fetched again later: %s", item.number, error)
                waits, words = waits + 1, GONE
                lingers()
            except StorageFull as error:
                log.error("a damaged product of item %s is fetched again when there is room: %s", item.number, error)
                lingers()
                await asyncio.sleep(ROOM_AGAIN)
            await asyncio.sleep(delivery.AGAIN[min(tries + waits, len(delivery.AGAIN) - 1)])
        return words

    def _is_here(self, row: ProductRow) -> bool:
        """Fetched before a restart."""
        return self._staging.size(staged_name(row.id)) is not None

    async def _staged(self, item: ItemRow, chosen: Output) -> Fetched:
        name = staged_name(chosen.id)
        if here := await asyncio.to_thread(self._staging.arrived, name):
            return here
        if chosen.address.startswith(INLINE) or chosen.sha256 is not None:
            raise OutputLost(GONE)
        factory = self._factories.get(item.provider)
        received = await self._fetcher.receive(
            chosen.address, self._staging.half(name), most_bytes=self._settings.now.limits.product_bytes,
            allowed_hosts=factory.output_hosts if factory else frozenset(),
        )  # fmt: skip
        fetched = self._staging.take(await asyncio.to_thread(received.file), name)
        await asyncio.to_thread(self._staging.flush)  # so that what is laid beside is known after a power cut, too
        return fetched

    async def _judged(self, path: Path) -> Media:
        seen = await asyncio.to_thread(media.examine, path)
        if seen.fault or seen.mime not in media.DECODED:
            return replace(seen, fault=seen.fault or "It is no picture.")
        return replace(seen, fault=(await self._eye.look(path, self._settings.now.limits.megapixels)).fault or "")

    def _lay_beside(self, item: ItemRow, chosen: Output, row: ProductRow, fetched: Fetched, seen: Media) -> Filed:
        """The same name with a number, beside the damaged one, wherever that lies by now."""
        first, order = self._home.root / row.path, order_of(self._index, item)
        folder = self._home.root / order.folder if order.folder else first.parent
        if not first.is_relative_to(folder):
            folder = first.parent
        stem = first.relative_to(folder).with_suffix("")
        facts = self._provenance.facts(item, order, len(self._index.outputs_of(item)), 0, False)
        inscribed = self._inscription.inscribe(staged_name(row.id), item, order, Arrival(chosen, fetched, seen), facts)
        measured = {
            "index": row.place, "sha256": inscribed.file.sha256, "original_sha256": fetched.sha256,
            "bytes": inscribed.file.bytes, **inscribed.told(),
            "mime": seen.mime, "width": seen.width, "height": seen.height, **seen.lasting(),
            "remark": f"In place of {first.name}, which is damaged.", "replaces": row.id,
        }  # fmt: skip

        def card(name: str) -> dict[str, Any]:
            return sidecar(facts, {"name": name, **measured}, chosen.to_json(), seen.kind)

        desktop.name_product(inscribed.file.path, chosen.id)
        name = placing.place(
            inscribed.file.path, folder, lambda version: f"{stem}-{version + 1}.{seen.extension}", card,
            self._settings.now.products.sidecars,
        )  # fmt: skip
        laid = placing.lying(inscribed.file, folder / name, self._home.projects)
        return Filed(
            chosen.id, row.place, chosen.created_at, str(laid.path.relative_to(self._home.root)), laid.sha256,
            laid.bytes, seen.mime, seen.width, seen.height, looked="",
            original_sha256=None if laid.sha256 == fetched.sha256 else fetched.sha256, duration=seen.duration,
            codec=seen.codec,
        )  # fmt: skip


def _look(row: ProductRow, fault: str, *instead: Filed) -> Look:
    return Look(order=row.order_id, item=row.number, product=row.id, fault=fault, instead=instead)


def staged_name(product: str) -> str:
    """Under which what is fetched in place of a product lies in .work."""
    return f"{product}{AGAIN}"


def _id_beside(product: str) -> str:
    """Of what lies beside a product, the same after a kill: of the same millisecond, else by chance that follows."""
    chance = hashlib.sha256(f"beside {product}".encode()).digest()
    made = bytearray(uuid.UUID(product).bytes[:6] + chance[:10])
    made[6], made[8] = 0x70 | made[6] & 0x0F, 0x80 | made[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(made)))
