"""Everything a running home needs, put together once: books, claims, factories, gates, foreman, steering.

    async with open_house(home, settings) as house: ...

The holder of the home's lock opens it; leaving it closes connections and books. Nothing runs in
it by itself: `daemon` moves in and works.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from artfactoryd import settings as settings_room
from artfactoryd.daemon.control import Steering
from artfactoryd.durable import storage_errors
from artfactoryd.errors import Refusal, WrongUse
from artfactoryd.execution.delivery import Delivery
from artfactoryd.execution.dispatcher import Lines
from artfactoryd.execution.gate import Gate
from artfactoryd.execution.payload import Calls
from artfactoryd.execution.purchase import Purchase
from artfactoryd.execution.reconciliation import Doubts
from artfactoryd.execution.reuse import Reuse
from artfactoryd.execution.state import Workbench
from artfactoryd.execution.worker import Foreman
from artfactoryd.factories import Factory, ProviderSettings, broken, made, makers
from artfactoryd.home import Home
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.proof_hold import Proofs
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.planning.planner import expander
from artfactoryd.settings import Provider, Settings, resolve_key
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.storage import rebuild as reindex
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class House:
    home: Home
    settings: Settings  # replaced when the file changes
    books: Books
    claims: Claims
    intake: Intake
    bench: Workbench
    foreman: Foreman
    lines: Lines
    doubts: Doubts
    proofs: Proofs
    steering: Steering
    factories: dict[str, Factory]
    clock: Callable[[], datetime] = now

    def use(self, settings: Settings) -> None:
        """New settings take effect for what has not begun; addresses and keys at the next start."""
        self.settings = settings
        for name, gate in self.bench.gates.items():
            gate.use(settings.provider(name).concurrency, settings.provider(name).requests_per_minute)
        self.bench.wake()


@asynccontextmanager
async def open_house(
    home: Home, settings: Settings, environ: dict[str, str], clock: Callable[[], datetime] = now
) -> AsyncIterator[House]:
    """`clock` gives aware datetimes."""
    await asyncio.to_thread(reindex.mend, home, expander, clock)
    books = await asyncio.to_thread(Books, home.ledger, home.index_file, expander, clock)
    fetcher = Fetcher(home.work)
    factories = _factories(home, settings, environ)
    try:
        yield _furnish(home, settings, books, factories, fetcher, clock)
    finally:
        for factory in factories.values():
            await factory.close()
        await fetcher.close()
        await asyncio.to_thread(books.close)


def _furnish(
    home: Home, settings: Settings, books: Books, factories: dict[str, Factory], fetcher: Fetcher,
    clock: Callable[[], datetime],
) -> House:  # fmt: skip
    claims = Claims(home.claims, home.rejected, home.held)
    gates = {name: _gate(settings.provider(name)) for name in factories}
    house: House

    def current() -> Settings:
        return house.settings

    intake = Intake(home, claims, books, current, clock, Descriptions(home.told, factories))
    delivery = Delivery(home, books, current, factories, fetcher, clock)
    bench = Workbench(books, factories, gates, clock)
    purchase = Purchase(bench, Calls(home, books, factories, clock), current)
    foreman = Foreman(bench, purchase, delivery, Reuse(bench, home))
    lines = Lines(bench, home, current)
    steering = Steering(books, claims, intake, bench, lines)
    doubts, proofs = Doubts(bench), Proofs(books, claims, bench, home.work)
    house = House(
        home, settings, books, claims, intake, bench, foreman, lines, doubts, proofs, steering, factories, clock
    )
    return house


def _gate(settings: Provider) -> Gate:
    return Gate(settings.concurrency, time.monotonic, settings.requests_per_minute)


def _factories(home: Home, settings: Settings, environ: dict[str, str]) -> dict[str, Factory]:
    """One of each that is installed and enabled."""
    found: dict[str, Factory] = {}
    for each in broken().values():
        log.error("%s %s", each.text, each.way_out)
    for name, make in makers().items():
        if settings.provider(name).enabled:
            work = home.work / "made" / name
            with storage_errors(work):
                work.mkdir(parents=True, exist_ok=True)
            found[name] = made(make, _for_factory(settings, name, environ), work)
    return found


def unsafe_start(settings: Settings) -> str | None:
    """Why nothing is started with the libraries that are installed: what to do, in words. None where they are safe."""
    unsafe = {name: factory for name, factory in broken().items() if factory.unsafe and settings.provider(name).enabled}
    words = [
        f"{factory.text} {factory.way_out} Or go without it (providers.{name}.enabled: false)."
        for name, factory in unsafe.items()
    ]
    return " ".join(words) or None


@asynccontextmanager
async def asking(home: Home, settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[dict[str, Factory]]:
    """Factories for free questions, beside whoever works in this home; nothing is written."""
    found = {
        name: made(make, _for_factory(settings, name, environ), home.work / "made" / name)
        for name, make in makers().items() if settings.provider(name).enabled
    }  # fmt: skip
    try:
        yield found
    finally:
        for factory in found.values():
            await factory.close()


def _for_factory(settings: Settings, name: str, environ: Mapping[str, str]) -> ProviderSettings:
    """A key that cannot be had stops only that provider, when something is first sent there."""
    try:
        key = resolve_key(settings, name, environ)
    except WrongUse as error:
        log.error("%s", error)
        key = None
    return ProviderSettings(name, key, settings.provider(name).addresses)


def read_settings(home: Home, environ: dict[str, str], *, running: bool) -> Settings | None:
    """The settings, or None with their problems in `artfactory.yaml.error.txt` beside them."""
    word = home.settings_file.with_name(home.settings_file.name + ".error.txt")
    try:
        found = settings_room.load(home.settings_file, environ)
    except (Refusal, WrongUse) as error:
        instead = "the last good ones are" if running else "nothing is taken until they are mended"
        text = f"These settings are not used; {instead}.\n\n{error}\n"
        word.write_text(text)
        log.error("bad settings: %s", error)
        return None
    word.unlink(missing_ok=True)
    return found
