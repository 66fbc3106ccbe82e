"""From known outputs to products on the shelf: fetch, look, file. Free to repeat; a redo gives the same files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from artfactoryd import __version__
from artfactoryd.core import file_names
from artfactoryd.core.expansion.stages import keeps
from artfactoryd.core.file_refs import PRODUCT, STAGE
from artfactoryd.core.money import MICRO, micro_dollars
from artfactoryd.core.sidecar import sidecar
from artfactoryd.core.slug import prompt_of, slug
from artfactoryd.errors import AskAgain, OutputBad, OutputLost, OutputPoison
from artfactoryd.factories import Factory
from artfactoryd.home import Home
from artfactoryd.planning import inputs
from artfactoryd.planning.accepted import plan_of
from artfactoryd.settings import LiveSettings
from artfactoryd.shelf import placing
from artfactoryd.shelf.fetch import Fetched, Fetcher
from artfactoryd.shelf.media import Media
from artfactoryd.shelf.staging import Kept
from artfactoryd.storage import budget
from artfactoryd.storage.events import Filed, Output, Settlement
from artfactoryd.storage.rows import AttemptRow, ItemRow, OrderRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

AT_ONCE = 8  # deliveries under way together
LASTS = 3600.0  # seconds after which a provider has certainly erased an output
LOOKS = 3  # downloads of an output that comes cut short or unreadable
AGAIN = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Fetch:
    """One output that came: what was chosen for it, its bytes in .work, and what they are."""

    chosen: Output
    fetched: Fetched
    media: Media


class Delivery:
    def __init__(
        self,
        home: Home,
        books: Books,
        settings: LiveSettings,
        factories: Mapping[str, Factory],
        fetcher: Fetcher,
        clock: Callable[[], datetime],
    ) -> None:
        self._home, self._books, self._settings = home, books, settings
        self._factories, self._fetcher, self._clock = factories, fetcher, clock
        self._kept = Kept(home.work, home.rejected)
        self._places, self._alone = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

    async def deliver(self, row: ItemRow, order: OrderRow) -> Settlement:
        """Every output that can be had is on the shelf when this returns, or where later stages find it.

        Raises StorageFull (try again), OutputLost or OutputBad (not one of them can be had).
        """
        if is_spent(row):
            return _as_they_were(row)
        async with self._places:
            shelved = await asyncio.to_thread(_keeps, row, order)
            came, lost = await self._fetch_all(row)
            if not came or (lost and is_copy(row)):  # what is copied is copied whole
                raise lost[0] if lost else OutputLost("The provider gave no output.")
            cost, estimated = self._cost(row, order, came)
            products = []
            for each in came:
                if shelved:
                    path = await asyncio.to_thread(self._shelve, row, order, each, len(came), cost, estimated)
                else:
                    path = await asyncio.to_thread(self._kept.send_on, each.chosen.id, each.media.extension)
                products.append(self._settled(each, path))
        note = _shortfall(row, len(came), lost)
        return _settlement(row, products, cost=cost, estimated=estimated, note=note, interim=not shelved)

    def let_go(self, row: ItemRow) -> None:
        """Of what it was made from and is not to be kept, when nothing else is to be made of that."""
        fed = self._books.index.fed_with(row)
        if fed is not None and self._books.index.is_spent(fed[0].id):
            self._kept.let_go(self._home.root / fed[0].path)

    def discard(self, row: ItemRow) -> None:
        """The work files of an item that has ended, and what a factory here made for it; a leftover is harmless."""
        for chosen in row.chosen:
            self._kept.discard(chosen.id)
            made = Path(url2pathname(urlsplit(chosen.address).path)).resolve()
            if chosen.address.startswith("file:") and made.is_relative_to(self._home.work):
                with contextlib.suppress(OSError):
                    made.unlink()

    async def _fetch_all(self, row: ItemRow) -> tuple[list[Fetch], list[OutputLost | OutputBad]]:
        came: list[Fetch] = []
        lost: list[OutputLost | OutputBad] = []
        for chosen in row.chosen:
            try:
                came.append(await self._fetch(row, chosen))
            except (OutputLost, OutputBad) as error:
                log.error("an output of item %s is lost: %s", row.number, error)
                lost.append(error)
        return came, lost

    async def _fetch(self, row: ItemRow, chosen: Output) -> Fetch:
        """Trouble on the way is waited out until the output has certainly expired."""
        tries = bad = 0
        while True:
            try:
                return await self._fetch_once(row, chosen)
            except OutputBad as error:
                bad += 1
                if bad >= LOOKS or isinstance(error, OutputPoison):
                    raise
            except AskAgain as error:
                if self._expired(chosen):
                    raise OutputLost(f"It could not be fetched within an hour. {error}") from error
            await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
            tries += 1

    async def _fetch_once(self, row: ItemRow, chosen: Output) -> Fetch:
        """What came whole once is kept in .work until it is settled: the provider may have erased it by then."""
        limits, product = self._settings.now.limits, chosen.id
        fetched = await asyncio.to_thread(self._kept.found, product) or await self._come(row, chosen)
        name = f"{self._order_name(row)}-{chosen.index:04d}-{fetched.sha256[:8]}"
        async with self._alone if self._kept.is_suspect(product) else contextlib.nullcontext():
            found = await asyncio.to_thread(self._kept.look, product, limits.megapixels, name)
        return Fetch(chosen, fetched, found)

    async def _come(self, row: ItemRow, chosen: Output) -> Fetched:
        """Copied from the shelf where an equal item made it, else fetched from the provider."""
        if chosen.sha256 is not None:
            source = self._home.root / chosen.address.partition(":")[2]
            return await asyncio.to_thread(self._kept.copy, source, chosen.id, chosen.sha256)
        part = await self._fetcher.fetch(
            chosen.address, self._kept.half(chosen.id), most_bytes=self._settings.now.limits.product_bytes,
            allowed_hosts=self._factories[row.provider].output_hosts,
        )  # fmt: skip
        return self._kept.take(part, chosen.id)

    def _order_name(self, row: ItemRow) -> str:
        order = self._books.index.order(row.order_id)
        return slug(order.name if order else "")

    def _expired(self, chosen: Output) -> bool:
        made = datetime.fromisoformat(chosen.created_at)
        return (self._clock() - made).total_seconds() > LASTS

    def _cost(self, row: ItemRow, order: OrderRow, came: Sequence[Fetch]) -> tuple[int, bool]:
        """By what was delivered, or by the time measured; what was set aside where neither can be known."""
        price = None if is_copy(row) else order.model_of(row).price
        if order.rehearsal or price is None or row.upper == 0:
            return 0, False
        if price.per == "image":
            return micro_dollars(price.usd, len(came)), False
        attempt = self._attempt(row)
        bill = budget.by_time(order, row, (attempt.returned or {}).get("seconds"))
        if price.per == "megapixel":
            sizes = [{"width": each.media.width, "height": each.media.height} for each in came]
            bills = [price.upper(1, size) for size in sizes]
            bill = None if None in bills else sum(filter(None, bills))
        return attempt.reserved if bill is None else bill, price.per != "call"

    def _attempt(self, row: ItemRow) -> AttemptRow:
        attempt = self._books.index.attempt(row.attempt) if row.attempt else None
        assert attempt is not None
        return attempt

    def _shelve(self, row: ItemRow, order: OrderRow, came: Fetch, delivered: int, cost: int, estimated: bool) -> Path:
        """Sidecar, then product, in the order's folder."""
        assert order.folder is not None  # nothing is sent before it is there
        folder, measured = self._home.root / order.folder, _measured(came)
        name = _name(row, order, came, measured["original_sha256"], self._about(row, order))
        facts = self._facts(row, order, delivered, cost, estimated)
        placed = placing.place(
            came.fetched.path,
            folder,
            name,
            lambda chosen: sidecar(facts, {"name": chosen, **measured}, came.chosen.to_json()),
        )
        return Path(folder, placed)

    def _settled(self, came: Fetch, path: Path) -> Filed:
        """Of one output, what its row will hold."""
        chosen, fetched, media = came.chosen, came.fetched, came.media
        return Filed(
            chosen.id, chosen.index, chosen.created_at, str(path.relative_to(self._home.root)), fetched.sha256,
            fetched.bytes, media.mime, media.width, media.height,
        )  # fmt: skip

    def _facts(self, row: ItemRow, order: OrderRow, delivered: int, cost: int, estimated: bool) -> dict[str, Any]:
        """What the sidecar says of the item, its order and its attempt."""
        attempt = self._attempt(row)
        returned = attempt.returned or {}
        return {
            "project": order.project, "order_id": order.id, "order_name": order.name,
            "document_sha256": order.document_sha256, "git": order.git, "number": row.number,
            "copy": row.copy, "seed": row.seed,
            "tokens": [{"parameter": p, "token": t, "value": v} for p, t, v in row.tokens],
            "provider": row.provider, "model": self._model(row, attempt, order), "ticket": row.ticket,
            "base": plan_of(order).base(row.model),
            "generation": row.generation, "actual": attempt.actual,
            "returned": returned.get("parameters", {}), "asked": row.asked, "delivered": delivered,
            "cost_usd": round(float(cost / MICRO / delivered), 6), "cost_estimated": estimated,
            "timings": {
                "asked_at": attempt.asked_at, "answered_at": attempt.answered_at,
                "ended_at": attempt.ended_at, "seconds": returned.get("seconds"),
            },
            "inputs": [*_inputs(row, order), *self._fed(row, order)], "stage": row.stage,
            "parents": self._parents(row, order),
            "tags": order.tags, "notes": order.notes, "rehearsal": bool(order.rehearsal),
            "origin": {"file": order.file, "submission": order.submission}, "software_version": __version__,
        }  # fmt: skip

    def _parents(self, row: ItemRow, order: OrderRow) -> list[str]:
        """Ids of the products that it is made from, each once; what was not kept hands on its own."""
        found, fed = _used(row, order), self._books.index.fed_with(row)
        if fed is not None:
            output, before = fed
            found = [*([output.id] if output.shelved else self._parents(before, order)), *found]
        return list(dict.fromkeys(found))

    def _about(self, row: ItemRow, order: OrderRow) -> str:
        """What its name says: its own words, else those of what it was made from."""
        words = prompt_of(row.generation, order.model_of(row))
        fed = None if words else self._books.index.fed_with(row)
        return self._about(fed[1], order) if fed else words

    def _fed(self, row: ItemRow, order: OrderRow) -> list[dict[str, Any]]:
        fed = self._books.index.fed_with(row)
        if fed is None:
            return []
        output, before = fed
        found = inputs.of_product(row, order.model_of(row), output)
        not_kept = None if output.shelved else f"{STAGE}{before.stage}"
        return [
            {"parameter": name, "sha256": each["sha256"], "file": each["name"], "source": not_kept or each["value"]}
            for name, each in found.items()
        ]

    def _model(self, row: ItemRow, attempt: AttemptRow, order: OrderRow) -> dict[str, Any]:
        """The model that really made it: for a rehearsal the sketch, not the one ordered."""
        model = order.snapshots[row.model]
        if order.rehearsal:
            return {"id": attempt.model, "version": None, "family": model["family"], "modality": model["modality"]}
        return {key: model[key] for key in ("id", "version", "family", "modality")}


def _measured(came: Fetch) -> dict[str, Any]:
    """What its sidecar says of the file itself."""
    return {
        "index": came.chosen.index, "sha256": came.fetched.sha256,
        "original_sha256": came.chosen.original_sha256 or came.fetched.sha256, "bytes": came.fetched.bytes,
        "mime": came.media.mime, "width": came.media.width, "height": came.media.height, "duration": None,
    }  # fmt: skip


def is_copy(row: ItemRow) -> bool:
    """Whether its outputs lie on the shelf already, made for an equal item."""
    return any(chosen.reused_from is not None for chosen in row.chosen)


def is_spent(row: ItemRow) -> bool:
    """Whether its outputs need not be made: all that is made of them was made before."""
    return any(chosen.path is not None for chosen in row.chosen)


def _as_they_were(row: ItemRow) -> Settlement:
    return _settlement(row, [_as_it_was(chosen) for chosen in row.chosen], cost=0, estimated=False, interim=True)


def _as_it_was(chosen: Output) -> Filed:
    assert (
        chosen.path is not None and chosen.sha256 is not None and chosen.bytes is not None and chosen.mime is not None
    )
    return Filed(
        chosen.id, chosen.index, chosen.created_at, chosen.path, chosen.sha256, chosen.bytes, chosen.mime,
        chosen.width, chosen.height,
    )  # fmt: skip


def _settlement(row: ItemRow, products: Sequence[Filed], **money: Any) -> Settlement:
    assert row.attempt is not None
    return Settlement(order=row.order_id, item=row.number, attempt=row.attempt, products=products, **money)


def _keeps(row: ItemRow, order: OrderRow) -> bool:
    return keeps(plan_of(order).order, row.stage)


def _name(row: ItemRow, order: OrderRow, came: Fetch, sha256: str, words: str) -> placing.Name:
    """By the order's pattern; one name for each version where the pattern tells versions apart.

    `sha256`: of the provider's bytes. `words`: what it shows, or what it was made from.
    """
    plan = plan_of(order)
    pattern, index = file_names.pattern_of(plan.order, row.stage), came.chosen.index
    values = file_names.of_order(
        order.name, order.project, order.id, datetime.fromisoformat(order.accepted_at).astimezone()
    )
    model = order.model_of(row)
    values |= file_names.of_item(model, row.generation, row.tokens, plan.lookups)
    values |= file_names.of_bytes(index, row.copy + index - row.first_index, row.seed, sha256, came.media.extension)
    values |= {"width": came.media.width, "height": came.media.height, "product_id": came.chosen.id}
    values |= {"slug": slug(words), "stage": row.stage}
    if not file_names.has_version(pattern):
        return file_names.name(pattern, values)
    return lambda version: file_names.name(pattern, {**values, "version": version})


def _shortfall(row: ItemRow, delivered: int, lost: list[OutputLost | OutputBad]) -> str:
    if delivered >= row.asked:
        return ""
    reasons = "; ".join(str(error) for error in lost) or "the provider left the rest out, as content filters do"
    return f"{delivered} of {row.asked} came: {reasons}."


def _inputs(row: ItemRow, order: OrderRow) -> list[dict[str, Any]]:
    """The pictures this item was made from, as the order's inputs/ holds them."""
    found = inputs.of_item(row.generation, order.inputs, order.model_of(row))
    return [
        {"parameter": name, "sha256": each["sha256"], "file": f"inputs/{each['name']}",
         "source": each.get("source") or each["value"]}
        for name, each in found.items()
    ]  # fmt: skip


def _used(row: ItemRow, order: OrderRow) -> list[str]:
    """Ids of the products that it names as its pictures, each once."""
    sources = (each["source"] for each in _inputs(row, order))
    return list(dict.fromkeys(each.removeprefix(PRODUCT) for each in sources if each.startswith(PRODUCT)))
