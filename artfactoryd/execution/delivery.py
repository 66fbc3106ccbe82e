"""From known outputs to products on the shelf: fetch, look, file. Free to repeat; a redo gives the same files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from artfactoryd.clock import Age
from artfactoryd.core.expansion.stages import keeps
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.money import micro_dollars
from artfactoryd.core.sidecar import sidecar
from artfactoryd.errors import AskAgain, IllegalMove, OutputBad, OutputLost, OutputTooLarge
from artfactoryd.execution.provenance import Provenance
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.rows import item_now, last_attempt
from artfactoryd.factories import Factory
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.planning.accepted import plan_of
from artfactoryd.shelf import placing
from artfactoryd.shelf.fetch import Fetched, Fetcher, too_large, without_query
from artfactoryd.shelf.kinds import UNKNOWN
from artfactoryd.shelf.media import Media, is_one_colour
from artfactoryd.shelf.staging import INLINE, Staging
from artfactoryd.storage import budget
from artfactoryd.storage.events import Settlement
from artfactoryd.storage.line_values import Filed, Output
from artfactoryd.storage.rows import ItemRow, OrderRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

AT_ONCE = 8  # deliveries under way together
LASTS = 3600.0  # seconds after which a provider has certainly erased an output
GONE_LASTS = 180.0  # seconds, at least, that an output is asked for which is said not to be there
NOTED_AFTER = 3  # tries that failed
LOOKS = 3  # downloads of an output that comes empty, cut short or damaged
BOUND_AGAIN = 1.0  # seconds until it is seen whether the settings allow more
AGAIN = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One output that came: what was chosen for it, its bytes in .work, and what they are."""

    chosen: Output
    fetched: Fetched
    media: Media

    @property
    def original_sha256(self) -> str:
        """Of the bytes as the provider sent them."""
        return self.chosen.original_sha256 or self.fetched.sha256

    @property
    def is_to_be_bettered(self) -> bool:
        """Whether a repeat may bring it whole, and looking at that may do no harm."""
        return bool(self.media.fault) and not self.media.unopened

    @property
    def remark(self) -> str:
        flagged = "flagged as unsafe by the provider's content filter" if self.chosen.flagged else ""
        return "; ".join(filter(None, [flagged, self.media.fault]))


@dataclass(frozen=True, slots=True)
class Bill:
    """What all that came of an item costs, in micro-dollars; `estimated`: the provider does not say it."""

    cost: int
    estimated: bool = False


class Delivery:
    def __init__(
        self,
        home: Home,
        books: Books,
        settings: LiveSettings,
        factories: Mapping[str, Factory],
        fetcher: Fetcher,
        recorder: Recorder,
        clock: Callable[[], datetime],
    ) -> None:
        self._recorder = recorder
        self._home, self._index, self._settings = home, books.index, settings
        self._factories, self._fetcher, self._clock = factories, fetcher, clock
        self._staging, self._provenance = Staging(home.work), Provenance(books.index)
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._alone = asyncio.Lock()  # a suspect is looked at while no other suspect is

    async def deliver(self, row: ItemRow, order: OrderRow) -> Settlement:
        """Every output that can be had is on the shelf when this returns, or where later stages find it.

        Raises StorageFull (try again), OutputTooLarge (try again after `larger_bound`), OutputLost or OutputBad (not
        one of them can be had).
        """
        if is_spent(row):
            return _as_they_were(row)
        async with self._at_once:
            shelved = await asyncio.to_thread(_keeps, row, order)
            arrivals, lost = await self._fetch_all(row)
            await self._recorder.note(row, None)  # it came: a cancel from here on leaves it to be filed
            if not arrivals or (lost and is_copy(row)):  # what is copied is copied whole
                raise lost[0] if lost else OutputLost("The provider gave no output.")
            paid = [arrival for arrival in arrivals if not arrival.chosen.byproduct]
            bill = self._bill(row, order, paid)
            products = []
            for arrival in arrivals:
                if shelved:
                    path = await asyncio.to_thread(self._shelve, row, order, arrival, len(paid), bill)
                else:
                    path = await asyncio.to_thread(self._staging.send_on, arrival.chosen.id, arrival.media.extension)
                products.append(self._filed(arrival, path))
        note = " ".join(filter(None, [_shortfall(row, len(paid), lost), *map(_remark, arrivals)]))
        return _settlement(row, products, cost=bill.cost, estimated=bill.estimated, note=note, interim=not shelved)

    async def larger_bound(self, row: ItemRow, bound: int) -> None:
        """Until the settings allow more bytes than that, or a person ended it."""
        while self._settings.now.limits.product_bytes <= bound and self._is_wanted(row):
            await asyncio.sleep(BOUND_AGAIN)

    def _is_wanted(self, row: ItemRow) -> bool:
        return item_now(self._index, row.item_key).state == ItemState.DELIVERING

    def let_go(self, row: ItemRow) -> None:
        """Of what it was made from and is not to be kept, when nothing else is to be made of that."""
        fed = self._index.fed_with(row)
        if fed is not None and self._index.is_spent(fed[0].id):
            self._staging.let_go(self._home.root / fed[0].path)

    def discard(self, row: ItemRow) -> None:
        """The work files of an item that has ended, and what a factory here made for it; a leftover is harmless."""
        for chosen in row.chosen:
            self._staging.discard(chosen.id)
            if not chosen.address.startswith("file:"):
                continue
            made = Path(url2pathname(urlsplit(chosen.address).path)).resolve()
            if made.is_relative_to(self._home.work):
                with contextlib.suppress(OSError):
                    made.unlink()

    async def _fetch_all(self, row: ItemRow) -> tuple[list[Arrival], list[OutputLost | OutputBad]]:
        """What came, and why the rest did not. Raises OutputTooLarge when all others have come."""
        arrivals: list[Arrival] = []
        lost: list[OutputLost | OutputBad] = []
        too_large: OutputTooLarge | None = None
        for chosen in row.chosen:
            try:
                arrivals.append(await self._fetch(row, chosen))
            except OutputTooLarge as error:
                too_large = too_large or error
            except (OutputLost, OutputBad) as error:
                log.error("an output of item %s is lost: %s", row.number, error)
                lost.append(error)
        if too_large is not None:
            raise too_large
        return arrivals, lost

    async def _fetch(self, row: ItemRow, chosen: Output) -> Arrival:
        """Trouble on the way is waited out until the output has certainly expired."""
        age = Age(datetime.fromisoformat(chosen.created_at), self._clock)
        tries = bad = gone = 0
        while True:
            try:
                arrival = await self._fetch_once(row, chosen)
                return await self._fetch_better(row, arrival) if arrival.is_to_be_bettered else arrival
            except OutputTooLarge as error:
                raise OutputTooLarge(f"{error} {_where(chosen)}", error.bound) from error
            except OutputBad as error:
                bad += 1
                if bad >= LOOKS:
                    raise
                trouble: Exception = error
            except OutputLost as error:
                gone += 1
                if not error.passing or (gone >= LOOKS and age.seconds > GONE_LASTS):
                    raise
                trouble = error
            except AskAgain as error:
                if age.seconds > LASTS:
                    raise OutputLost(f"It could not be fetched within an hour. {error}") from error
                trouble = error
            tries += 1
            if tries >= NOTED_AFTER:
                await self._recorder.note(row, f"What was made does not come, and is fetched again: {trouble}")
            await asyncio.sleep(AGAIN[min(tries, len(AGAIN)) - 1])
            if not self._is_wanted(row):
                raise IllegalMove("A person ended it while it was fetched.")

    async def _fetch_better(self, row: ItemRow, arrival: Arrival) -> Arrival:
        """Of what is cut short or damaged: a repeat may bring it whole. What came is kept until a better one came."""
        chosen, again = arrival.chosen, replace(arrival.chosen, id=f"{arrival.chosen.id}-again")
        for pause, _ in zip(AGAIN, range(LOOKS - 1), strict=False):
            await asyncio.sleep(pause)
            try:
                other = await self._fetch_once(row, again)
            except (AskAgain, OutputLost, OutputBad) as error:
                log.warning("an output of item %s stays as it came: %s", row.number, error)
                break
            if not other.media.fault:
                await asyncio.to_thread(self._staging.replace, chosen.id, again.id)
                return await self._fetch_once(row, chosen)
            await asyncio.to_thread(self._staging.discard, again.id)
            if other.fetched.sha256 == arrival.fetched.sha256:
                break
        return arrival

    async def _fetch_once(self, row: ItemRow, chosen: Output) -> Arrival:
        """What came whole once is kept in .work until it is settled: the provider may have erased it by then."""
        limits, product = self._settings.now.limits, chosen.id
        fetched = await asyncio.to_thread(self._staging.arrived, product) or await self._come(row, chosen)
        if chosen.address.startswith(INLINE) and fetched.bytes > limits.product_bytes:
            raise too_large(limits.product_bytes, fetched.bytes)
        known = chosen.mime if chosen.reused_from else None  # by the sidecar of what it is a copy of
        async with self._alone if self._staging.is_suspect(product) else contextlib.nullcontext():
            media = await asyncio.to_thread(self._look, product, known)
        if chosen.flagged and not media.unopened and await asyncio.to_thread(is_one_colour, fetched.path):
            raise OutputLost(f"{row.provider}'s content filter blacked it out; another prompt may pass.")
        return Arrival(chosen, fetched, media)

    async def _come(self, row: ItemRow, chosen: Output) -> Fetched:
        """Copied from the shelf where an equal item made it, else fetched from the provider."""
        if chosen.address.startswith(INLINE):
            raise OutputLost("It came with the provider's answer, and its file in .work is gone.")
        if chosen.sha256 is not None:
            source = self._home.root / chosen.address.partition(":")[2]
            return await asyncio.to_thread(self._staging.copy, source, chosen.id, chosen.sha256)
        part = await self._fetcher.fetch(
            chosen.address, self._staging.half(chosen.id), most_bytes=self._settings.now.limits.product_bytes,
            allowed_hosts=self._factories[row.provider].output_hosts,
        )  # fmt: skip
        return self._staging.take(part, chosen.id)

    def _look(self, product: str, known: str | None) -> Media:
        megapixels = self._settings.now.limits.megapixels
        return self._staging.look(product, megapixels, is_unknown=known == UNKNOWN.mime)

    def _bill(self, row: ItemRow, order: OrderRow, arrivals: Sequence[Arrival]) -> Bill:
        """By what was delivered, or by the time measured; what was set aside where neither can be known."""
        price = None if is_copy(row) else order.model_of(row).price
        if order.rehearsal or price is None or row.upper == 0:
            return Bill(0)
        if price.per == "image":
            return Bill(micro_dollars(price.usd, len(arrivals)))
        attempt = last_attempt(self._index, row)
        cost = budget.by_time(order, row, (attempt.returned or {}).get("seconds"))
        if price.per == "megapixel":
            sizes = [{"width": arrival.media.width, "height": arrival.media.height} for arrival in arrivals]
            costs = [price.upper(1, size) if all(size.values()) else None for size in sizes]
            cost = None if None in costs else sum(filter(None, costs))
        return Bill(attempt.reserved if cost is None else cost, estimated=price.per != "call")

    def _shelve(self, row: ItemRow, order: OrderRow, arrival: Arrival, delivered: int, bill: Bill) -> Path:
        """Sidecar, then product, in the order's folder."""
        assert order.folder is not None  # nothing is sent before it is there
        name = self._provenance.name(row, order, arrival.chosen, arrival.media, arrival.original_sha256)
        cost = 0 if arrival.chosen.byproduct else bill.cost
        facts = self._provenance.facts(row, order, delivered, cost, bill.estimated)
        measured = _measured(arrival)

        def card(chosen: str) -> dict[str, Any]:
            file = {"name": chosen, **measured}
            return sidecar(facts, file, arrival.chosen.to_json(), arrival.media.kind)

        folder = self._home.root / order.folder
        return folder / placing.place(arrival.fetched.path, folder, name, card)

    def _filed(self, arrival: Arrival, path: Path) -> Filed:
        """Of one output, what its row will hold."""
        chosen, fetched, media = arrival.chosen, arrival.fetched, arrival.media
        return Filed(
            chosen.id, chosen.index, chosen.created_at, str(path.relative_to(self._home.root)), fetched.sha256,
            fetched.bytes, media.mime, media.width, media.height, "" if chosen.byproduct else chosen.letter,
        )  # fmt: skip


def _measured(arrival: Arrival) -> dict[str, Any]:
    """What its sidecar says of the file itself."""
    return {
        "index": arrival.chosen.index, "sha256": arrival.fetched.sha256, "original_sha256": arrival.original_sha256,
        "bytes": arrival.fetched.bytes, "mime": arrival.media.mime, "width": arrival.media.width,
        "height": arrival.media.height, "duration": arrival.media.duration,
        **({"remark": arrival.remark} if arrival.remark else {}),
    }  # fmt: skip


def _remark(arrival: Arrival) -> str:
    """What a person is told of it, beside what it is."""
    return f"Product {arrival.chosen.index}: {arrival.remark}" if arrival.remark else ""


def _where(chosen: Output) -> str:
    """For whoever wants to have it all the same."""
    until = datetime.fromisoformat(chosen.created_at) + timedelta(seconds=LASTS)
    if chosen.address.startswith(INLINE):
        return "It lies here: raise that setting, and it is shelved."
    return (
        f"It lies at {without_query(chosen.address)} until about {until.astimezone():%H:%M}: raise that setting, and "
        "it is fetched."
    )


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
        chosen.width, chosen.height, "" if chosen.byproduct else chosen.letter,
    )  # fmt: skip


def _settlement(row: ItemRow, products: Sequence[Filed], **money: Any) -> Settlement:
    assert row.attempt is not None
    return Settlement(order=row.order_id, item=row.number, attempt=row.attempt, products=products, **money)


def _keeps(row: ItemRow, order: OrderRow) -> bool:
    return keeps(plan_of(order).order, row.stage)


def _shortfall(row: ItemRow, delivered: int, lost: list[OutputLost | OutputBad]) -> str:
    if delivered > row.asked:
        return f"{delivered} came where {row.asked} was asked for; all are kept."
    if delivered == row.asked:
        return ""
    reasons = "; ".join(str(error) for error in lost) or "the provider left the rest out, as content filters do"
    return f"{delivered} of {row.asked} came: {reasons}."
