"""From known outputs to products on the shelf: fetched here, looked at and filed by `shelving.filing` in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from artfactoryd.clock import Age
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.line_values import Output
from artfactoryd.errors import AskAgain, IllegalMove, OutputBad, OutputLost, OutputTooLarge
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.rows import item_now
from artfactoryd.execution.shelving.arrival import Arrival
from artfactoryd.execution.shelving.filing import Filing, Lost, Placed, as_they_were, is_spent
from artfactoryd.execution.shelving.scanning import Sieve
from artfactoryd.factories import Factory
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.shelf import staging
from artfactoryd.shelf.fetch import Fetcher, without_query
from artfactoryd.shelf.received import HELD, Received, too_large
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.shelf.staging import INLINE, Staging
from artfactoryd.storage.events import Settlement
from artfactoryd.storage.rows import ItemRow, OrderRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

AT_ONCE = 8  # deliveries under way together
CALM = 0.2  # seconds without a delivery, after which nothing is on its way any more: the next may follow at once
LASTS = 3600.0  # seconds after which a provider has certainly erased an output
GONE_LASTS = 180.0  # seconds, at least, that an output is asked for which is said not to be there
NOTED_AFTER = 3  # tries that failed
LOOKS = 3  # downloads of an output that comes empty, cut short or damaged
BOUND_AGAIN = 1.0  # seconds until it is seen whether the settings allow more
AGAIN = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


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
        placed: Placed,
        scanner: Scanner,
    ) -> None:
        self._scanner, self._sieve = scanner, Sieve(home, scanner)
        self._recorder = recorder
        self._home, self._index, self._settings = home, books.index, settings
        self._factories, self._fetcher, self._clock = factories, fetcher, clock
        self._staging, self._filing = Staging(home.work), Filing(home, books.index, settings, placed)
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._on_the_way = 0  # deliveries that wait for nothing but us
        self._calm_at = 0.0

    async def deliver(self, row: ItemRow, order: OrderRow) -> Settlement:
        """Every output that can be had is on the shelf when this returns, or where later stages find it.

        Raises StorageFull (try again), OutputTooLarge (try again after `larger_bound`), NotScanned (after
        `scanned_again`), OutputLost or OutputBad (not one of them can be had).
        """
        if is_spent(row):
            return as_they_were(row)
        with self._counted(1):
            return await self._deliver(row, order)

    @property
    def at_work(self) -> bool:
        """Whether something is on its way to the shelf and goes on just now, or was a moment ago."""
        return self._on_the_way > 0 or time.monotonic() < self._calm_at

    @contextlib.contextmanager
    def _counted(self, change: int) -> Iterator[None]:
        self._on_the_way += change
        try:
            yield
        finally:
            self._on_the_way -= change
            self._calm_at = time.monotonic() + CALM

    async def _deliver(self, row: ItemRow, order: OrderRow) -> Settlement:
        async with self._at_once:
            received, lost = await self._receive_all(row)
            await self._recorder.note(row, None)  # it came: a cancel from here on leaves it to be filed
            visit = await asyncio.to_thread(self._filing.visit, row, order, received, lost)
            if visit.settlement is not None:
                return visit.settlement
            arrivals = [await self._bettered(row, order, arrival) for arrival in visit.arrivals]
            sifted = await self._sieve.sift(row, order, arrivals, visit.lost)
            return await asyncio.to_thread(
                self._filing.settle, row, order, sifted.arrivals, sifted.lost, sifted.aside
            )  # fmt: skip

    async def larger_bound(self, row: ItemRow, bound: int) -> None:
        """Until the settings allow more bytes than that, or a person ended it."""
        while self._settings.now.limits.product_bytes <= bound and self._is_wanted(row):
            await asyncio.sleep(BOUND_AGAIN)

    async def scanned_again(self, row: ItemRow, away: bool) -> None:
        """Until the scanner may take it, the settings are others, or a person ended it."""
        await self._scanner.until_again(away=away, is_wanted=lambda: self._is_wanted(row))

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

    # --- receiving ---

    async def _receive_all(self, row: ItemRow) -> tuple[dict[str, Received | None], list[Lost]]:
        """What came, by the ids of the outputs, and why the rest did not; None of what needs no fetching.

        Raises OutputTooLarge when all others have come. A few megabytes of an item are in memory then, and nothing
        while something of it is waited for.
        """
        received: dict[str, Received | None] = {}
        lost: list[Lost] = []
        too_large: OutputTooLarge | None = None
        for chosen in row.chosen:
            try:
                received[chosen.id] = await self._receive(row, chosen, received)
            except OutputTooLarge as error:
                too_large = too_large or error
            except (OutputLost, OutputBad) as error:
                log.error("an output of item %s is lost: %s", row.number, error)
                lost.append(error)
        if too_large is not None:
            await self._stage(received)
            raise too_large
        return received, lost

    async def _stage(self, received: dict[str, Received | None]) -> None:
        if any(received.values()):
            await asyncio.to_thread(self._filing.stage, dict(received))
            received.update(dict.fromkeys(received))

    async def _receive(self, row: ItemRow, chosen: Output, before: dict[str, Received | None]) -> Received | None:
        """Trouble on the way is waited out until the output has certainly expired. `before`: what came of the item."""
        age = Age(datetime.fromisoformat(chosen.created_at), self._clock)
        tries = bad = gone = 0
        while True:
            try:
                held = sum(one.held for one in before.values() if one is not None)
                return await self._receive_once(row, chosen, max(0, HELD - held))
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
            await self._stage(before)
            if tries >= NOTED_AFTER:
                await self._recorder.note(row, f"What was made does not come, and is fetched again: {trouble}")
            with self._counted(-1):
                await asyncio.sleep(AGAIN[min(tries, len(AGAIN)) - 1])
            if not self._is_wanted(row):
                raise IllegalMove("A person ended it while it was fetched.")

    async def _receive_once(self, row: ItemRow, chosen: Output, most_held: int = 0) -> Received | None:
        """None: it lies staged, or on the shelf where an equal item made it."""
        most = self._settings.now.limits.product_bytes
        size = self._staging.size(chosen.id)
        if chosen.address.startswith(INLINE):
            if (size or 0) > most:
                raise too_large(most, size)
            return None
        if size is not None or chosen.sha256 is not None:
            return None
        return await self._fetcher.receive(
            chosen.address, self._staging.half(chosen.id), most_bytes=most, most_held=most_held,
            allowed_hosts=self._factories[row.provider].output_hosts,
        )  # fmt: skip

    async def _bettered(self, row: ItemRow, order: OrderRow, arrival: Arrival) -> Arrival:
        """Of what is cut short or damaged: a repeat may bring it whole. What came is kept until a better one came."""
        if not arrival.is_to_be_bettered:
            return arrival
        chosen, again = arrival.chosen, replace(arrival.chosen, id=f"{arrival.chosen.id}{staging.AGAIN}")
        for pause, _ in zip(AGAIN, range(LOOKS - 1), strict=False):
            await asyncio.sleep(pause)
            try:
                received = await self._receive_once(row, again)
                other = await asyncio.to_thread(self._filing.arrive, row, order, again, received)
            except (AskAgain, OutputLost, OutputBad) as error:
                log.warning("an output of item %s stays as it came: %s", row.number, error)
                break
            if not other.media.fault:
                return await asyncio.to_thread(self._filing.exchange, row, order, chosen, again.id)
            await asyncio.to_thread(self._staging.discard, again.id)
            if other.fetched.sha256 == arrival.fetched.sha256:
                break
        return arrival


def _where(chosen: Output) -> str:
    """For whoever wants to have it all the same."""
    until = datetime.fromisoformat(chosen.created_at) + timedelta(seconds=LASTS)
    if chosen.address.startswith(INLINE):
        return "It lies here: raise that setting, and it is shelved."
    return (
        f"It lies at {without_query(chosen.address)} until about {until.astimezone():%H:%M}: raise that setting, and "
        "it is fetched."
    )
