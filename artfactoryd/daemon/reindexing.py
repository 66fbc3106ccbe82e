"""The index made again while the daemon works: beside the old one, checked, and put in its place between writings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from artfactoryd.daemon import mailbox
from artfactoryd.errors import ArtFactoryError, StorageFull
from artfactoryd.medium import in_words
from artfactoryd.planning.accepted import expander
from artfactoryd.storage import rebuild

if TYPE_CHECKING:  # whoever makes it again without a daemon, or asks one to, loads none
    from artfactoryd.daemon.app import App

NAME = "reindex"  # of the command
PATIENCE = 24 * 3600.0  # seconds that whoever asks waits for its answer, while the daemon is there


async def reindex(app: App, command_id: str, stopped: Callable[[], bool]) -> None:
    """Whoever asked is answered; on an error the old index goes on. Done twice it gives the same, so it has no line."""

    def tell(what: str, done: int, of: int) -> None:
        if stopped():
            raise StorageFull("The program ended before the index was made again; the old one is as it was.")

    try:
        report = await asyncio.to_thread(rebuild.build, app.home, expander, tell, at_work=True)
        report.kept = await app.books.exchange_index(app.home)
        from artfactoryd.execution.shelving import anew  # imported late: few need it

        layout = app.settings.now.products.sidecars
        await asyncio.to_thread(anew.complete, report, app.home, app.books.index, layout)
        answer = {"done": True, "report": report.document(), "text": report.text()}
    except (ArtFactoryError, OSError) as error:
        answer = {"done": False, "text": in_words(error)}
    await asyncio.to_thread(mailbox.answer, app.home.commands, command_id, answer, PATIENCE)
