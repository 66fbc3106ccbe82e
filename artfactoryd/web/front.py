"""What everybody who answers visitors works with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from artfactoryd.daemon.app import App
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.web.access import Forms
from artfactoryd.web.queries import Reads

Act = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
FRESH = 0.25  # seconds for which several readers get one and the same status


@dataclass
class Front:
    """`act` carries out a command as the daemon's mailbox does; `health`: whether the daemon is at work."""

    app: App
    health: Callable[[], Mapping[str, object]]
    act: Act
    reads: Reads
    forms: Forms = field(default_factory=Forms)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _status: tuple[float, StatusDocument | None] = (0.0, None)

    async def status_now(self) -> StatusDocument:
        async with self._asking:
            read_at, document = self._status
            if document is None or time.monotonic() - read_at > FRESH:
                document = await self.reads.status()
                self._status = time.monotonic(), document
            return document

    def changed(self) -> None:
        """Whoever asks next is told how it is now."""
        self._status = (0.0, None)
