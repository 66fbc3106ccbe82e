"""What a person does with the folder Held/: moving an entry away without dropping it again means cancel."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from artfactoryd.intake import notices
from artfactoryd.intake.claims import Claims
from artfactoryd.storage.index import Index

log = logging.getLogger(__name__)

GONE_FOR = 30.0  # seconds an entry must be gone from Held/ before that means: cancel


class HeldFolder:
    """`cancel`: of an order, by its id, as when a person asks for it."""

    def __init__(self, claims: Claims, index: Index, cancel: Callable[[str], Awaitable[None]]) -> None:
        self._claims, self._index, self._cancel = claims, index, cancel
        self._gone: dict[str, float] = {}  # order id -> since when (monotonic) its entry is gone

    async def look(self, inbox_is_empty: bool) -> None:
        """An entry gone from Held/ and not in the inbox at a full scan 30 s later is a cancel."""
        if not self._index.held_orders():
            return
        await asyncio.to_thread(self._restore)
        for row in self._index.held_orders():
            if not self._claims.held_gone(row.entry):
                self._gone.pop(row.id, None)
                continue
            since = self._gone.setdefault(row.id, time.monotonic())
            if time.monotonic() - since > GONE_FOR and inbox_is_empty:
                del self._gone[row.id]
                await self._cancel(row.id)
                log.info("order %s left Held/, and was cancelled by that", row.name)

    def _restore(self) -> None:
        """A vanished Held/ is made again from the claims and cancels nothing."""
        claims, rows = self._claims, self._index.held_orders()
        vanished = {row.claim: row for row in rows if claims.held_vanished(row.entry)}
        for claim in claims.open() if vanished else ():
            row = vanished.get(claim.id)
            if row is not None:
                text = notices.held_again_text(claim.name, row)
                claims.restore_held(claim, row.entry, text)
