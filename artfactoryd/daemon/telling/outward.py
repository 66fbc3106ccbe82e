"""Whoever is told of what happens outside this program: hooks, and the desktop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import datetime

from artfactoryd import news
from artfactoryd.daemon.telling.hooks import Hooks
from artfactoryd.daemon.telling.notifications import Notifications
from artfactoryd.home import Home
from artfactoryd.live_settings import LiveSettings


class Outward:
    """Hears from when it is made until it is closed."""

    def __init__(
        self, home: Home, settings: LiveSettings, environ: Mapping[str, str], moment: Callable[[], datetime]
    ) -> None:
        self._hooks = Hooks(home, lambda: settings.now, environ, moment)
        self._notifications = Notifications(home, lambda: settings.now, environ, sys.platform)
        self._heard = (self._hooks.told, self._notifications.told)
        news.listeners.extend(self._heard)

    @property
    def owes(self) -> bool:
        """A hook has its turn still to come, or is at work."""
        return self._hooks.owes

    async def rests(self) -> None:
        """Until no hook is at work."""
        while self.owes:
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """It takes a moment: whoever is at work is ended."""
        self._hooks.close()
        self._notifications.close()
        for listener in self._heard:
            if listener in news.listeners:
                news.listeners.remove(listener)
