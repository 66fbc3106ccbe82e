"""Everything a running home needs, put together once: settings, books, claims, factories, execution, control.

    async with open_app(home, settings, environ) as app: ...

The holder of the home's lock opens it; leaving it closes connections and books. Nothing runs in it by itself:
`loop` sets it to work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from artfactoryd import news
from artfactoryd.clock import now
from artfactoryd.daemon.arranging.folders import CollectionFolders
from artfactoryd.daemon.control import Control
from artfactoryd.daemon.story import Story
from artfactoryd.daemon.telling.outward import Outward
from artfactoryd.execution.assembly import Execution, Service, assemble
from artfactoryd.factories import Factory
from artfactoryd.factories.registry import make_factories
from artfactoryd.home import Home
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.key_notices import KeyNotices
from artfactoryd.intake.proof_hold import ProofHold
from artfactoryd.live_settings import LiveSettings
from artfactoryd.planning.accepted import expander
from artfactoryd.planning.model_discovery import Descriptions
from artfactoryd.planning.models import load_catalog
from artfactoryd.settings import Settings
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.shelf.scanning.scanner import Scanner
from artfactoryd.storage import rebuild
from artfactoryd.storage.engines import places
from artfactoryd.storage.writer import Books
from artfactoryd.storage.writing import mending


@dataclass(frozen=True)
class App:
    home: Home
    settings: LiveSettings
    books: Books
    claims: Claims
    intake: Intake
    key_notices: KeyNotices
    execution: Execution
    proofs: ProofHold
    control: Control
    folders: CollectionFolders
    factories: dict[str, Factory]
    outward: Outward
    clock: Callable[[], datetime] = now

    @property
    def services(self) -> Sequence[Service]:
        """What goes on beside the items, for as long as the program is at work."""
        return *self.execution.services, self.folders.run

    @property
    def is_arranged(self) -> bool:
        """What was said, or done in the folders of collections, before this start is followed; hooks have run."""
        return self.execution.is_arranged and self.folders.at_rest and not self.outward.owes

    def use(self, settings: Settings) -> None:
        """New settings take effect for what has not begun; addresses and keys at the next start."""
        self.settings.use(settings)
        self.execution.use(self.settings.now)

    async def warm_up(self, loaded: Callable[[], object]) -> None:
        """The first order finds the Library read; then all is `loaded`."""
        await asyncio.to_thread(load_catalog, self.home.models, self.home.told)
        loaded()

    def reread_settings(self) -> None:
        """A bad file leaves the last good settings, and a word beside it."""
        if self.settings.reread():
            self.execution.use(self.settings.now)
            news.tell(news.SettingsRead())


@asynccontextmanager
async def open_app(
    home: Home, settings: Settings, environ: dict[str, str], clock: Callable[[], datetime] = now, *,
    tell: rebuild.Tell = lambda what, done, of: None,
) -> AsyncIterator[App]:  # fmt: skip
    """`clock` gives aware datetimes; `tell` is told how far it is with a lost index.

    What cannot be opened to the end is closed again.
    """
    live = LiveSettings(home, settings, environ)
    await asyncio.to_thread(mending.mend, home, expander, clock, tell, places.into(settings.index))
    async with AsyncExitStack() as closing:
        outward = Outward(home, live, environ, clock)
        closing.push_async_callback(asyncio.to_thread, outward.close)
        books = await asyncio.to_thread(Books, home.ledger, home.index_file, expander, clock, Story().hear)
        closing.push_async_callback(asyncio.to_thread, books.close)
        fetcher = Fetcher(home.work)
        closing.push_async_callback(fetcher.close)
        factories = make_factories(home, settings, environ)
        for factory in factories.values():
            closing.push_async_callback(factory.close)
        app = _furnish(home, live, books, factories, fetcher, outward, clock)
        closing.push_async_callback(app.execution.later.close)
        yield app


def _furnish(
    home: Home, settings: LiveSettings, books: Books, factories: dict[str, Factory], fetcher: Fetcher,
    outward: Outward, clock: Callable[[], datetime],
) -> App:  # fmt: skip
    """The services, in the order of the flow: each takes those above it that it uses, and none below."""
    claims = Claims(home.claims, home.rejected, home.held)
    key_notices = KeyNotices(home, books.index, factories)
    scanner = Scanner(home, settings, asyncio.get_running_loop())
    descriptions = Descriptions(home.told, factories, files=home.models)
    intake = Intake(home, claims, books, settings, clock, descriptions, key_notices, scanner)
    execution = assemble(home, books, factories, settings, fetcher, clock, scanner)
    control = Control(home, books, claims, intake, execution, clock)
    return App(
        home=home, settings=settings, books=books, claims=claims, intake=intake, key_notices=key_notices,
        execution=execution,
        proofs=ProofHold(books, claims, home.work, execution.receipts.touch),
        control=control, folders=CollectionFolders(home, books, settings, execution, control), factories=factories,
        outward=outward, clock=clock,
    )  # fmt: skip
