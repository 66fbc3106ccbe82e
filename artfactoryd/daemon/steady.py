"""Where a service of the loop meets what the system refuses: it waits, says why, and begins again. And its end."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from artfactoryd import log_outlet
from artfactoryd.durable import make_folders
from artfactoryd.errors import StorageFull
from artfactoryd.home import Home
from artfactoryd.medium import in_words
from artfactoryd.storage.database import DatabaseError
from artfactoryd.storage.engines.troubles import is_passing

log = logging.getLogger(__name__)

AGAIN = 1.0  # seconds until a service that the system refused begins again
CANCELS, END_AGAIN = 5, 0.5  # of a task that goes on all the same, and seconds between two
SHOWN = 10.0  # seconds for which a refusal is shown


class Steady:
    """`refused`: why something waits just now; empty when nothing was refused lately.

    `ledger`: why everything waits for the ledger. `stop`: nobody begins again after it.
    """

    def __init__(self, home: Home, ledger: Callable[[], str], stop: asyncio.Event) -> None:
        self._home, self._ledger, self._stop = home, ledger, stop
        self._at, self._reason, self._told = 0.0, "", ""

    @property
    def refused(self) -> str:
        return (self._reason if time.monotonic() - self._at < SHOWN else "") or self._ledger()

    async def tell(self) -> bool:
        """Say it where `status` and the page find it. Whether it is another than before."""
        refused = self.refused
        if refused == self._told:
            return False
        self._told = refused
        await asyncio.to_thread(self._home.tell, {"waits": refused or None})
        return True

    def waits(self, reason: str) -> None:
        """Told when it changes."""
        if reason != self.refused:
            log.error("the work waits: %s", reason)
        self._at, self._reason = time.monotonic(), reason

    async def run(
        self, service: Callable[[], Coroutine[Any, Any, None]], pulse: Callable[[str], None] = lambda reason: None
    ) -> None:
        """To the service's own end. `pulse`: called with the reason before each wait."""
        if task := asyncio.current_task():
            task.set_name(str(getattr(service, "func", service)))  # whoever does not end is named
        while True:
            try:
                return await service()
            except (OSError, StorageFull, DatabaseError) as error:
                if isinstance(error, DatabaseError) and not is_passing(error):
                    raise
                self.waits(in_words(error))
            if self._stop.is_set():
                return
            pulse(self.refused)
            await self.tell()
            await asyncio.sleep(AGAIN)
            await asyncio.to_thread(self._mend_folders)

    def _mend_folders(self) -> None:
        """What is the daemon's own and gone is made again; never the home itself, which may have been moved away."""
        home = self._home
        with suppress(OSError, StorageFull):
            for folder in (home.commands, home.claims, home.temp, home.logs) if home.work.is_dir() else ():
                make_folders(folder, 0o700)


async def end(*owners: set[asyncio.Task[None]]) -> None:
    """Until all of these, and what they begin meanwhile, have ended. A stop never waits for ever.

    A library may lose a cancellation. What loses them all ends the process: every state can be taken up again.
    """
    for _ in range(CANCELS):
        tasks = {task for owner in owners for task in owner}
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=END_AGAIN)
    if tasks:
        log.error("stopped at once, because this does not end: %s", ", ".join(map(repr, tasks)))
        log_outlet.drain()
        os._exit(1)
