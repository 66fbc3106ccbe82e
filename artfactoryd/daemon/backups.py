"""Backups that are made by themselves, as often as the settings say, while the daemon runs.

What keeps one from being made (its disk is away, no room) is told, and tried again; the work goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from artfactoryd import news
from artfactoryd.clock import now
from artfactoryd.errors import ArtFactoryError
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import in_words
from artfactoryd.settings import Backup
from artfactoryd.storage.safekeeping import taking
from artfactoryd.storage.safekeeping.destination import Memory
from artfactoryd.storage.safekeeping.reports import Taken

log = logging.getLogger(__name__)

LOOK_EVERY = 30.0  # seconds between looks whether one is due
AGAIN = 600.0  # seconds, at the most, until one that could not be made is tried again
UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds_between(settings: Backup) -> float | None:
    """None: none are made by themselves."""
    if settings.path is None or settings.every is None:
        return None
    return int(settings.every[:-1]) * UNITS[settings.every[-1]]


def next_due(home: Home, settings: Backup) -> datetime | None:
    """When the next one should be made; long ago, where there is none yet. None: no time is set."""
    seconds = seconds_between(settings)
    if seconds is None:
        return None
    known = Memory.of(home).read()
    is_there = known.get("taken_at") and known.get("path") == str(settings.path)
    taken = datetime.fromisoformat(str(known["taken_at"])) if is_there else datetime.fromisoformat("2000-01-01T00:00Z")
    return taken + timedelta(seconds=seconds)


class Backups:
    """`stopped`: whether the program ends; a backup that is being made ends with it, and the next goes on there."""

    def __init__(self, home: Home, settings: LiveSettings, stopped: Callable[[], bool]) -> None:
        self._home, self._settings, self._stopped = home, settings, stopped
        self._trouble, self._not_before = "", now()

    async def run(self) -> None:
        """Without end."""
        while True:
            settings = self._settings.now.backup
            due = next_due(self._home, settings)
            if due is not None and now() >= max(due, self._not_before):
                await self._make(settings)
            await asyncio.sleep(LOOK_EVERY)

    async def _make(self, settings: Backup) -> None:
        try:
            taken = await asyncio.to_thread(self._back_up, settings)
        except (ArtFactoryError, OSError) as error:
            await asyncio.to_thread(self._tell, in_words(error), settings)
        else:
            self._trouble = ""
            news.tell(news.BackupMade(path=str(taken.folder), products=taken.products, copied=taken.copied))

    def _back_up(self, settings: Backup) -> Taken:
        assert settings.path is not None
        return taking.back_up(self._home, settings.path, keep=settings.keep, clock=now, stopped=self._stopped)

    def _tell(self, trouble: str, settings: Backup) -> None:
        """Once, and not at every try; `doctor` tells it as long as it lasts."""
        self._not_before = now() + timedelta(seconds=min(AGAIN, seconds_between(settings) or AGAIN))
        if trouble != self._trouble and not self._stopped():
            self._trouble = trouble
            log.error("no backup could be made: %s", trouble)
            Memory.of(self._home).write(trouble=trouble)
