"""Taking what lies in the inbox, and going on with what was taken and had to wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path

import uuid_utils

from artfactoryd import failpoints
from artfactoryd.clock import now
from artfactoryd.core.inbox_rules import PICTURE
from artfactoryd.errors import OutputBad, StorageFull
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claim import Claim, note_waiting
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.inbox import Ready, Scan, Stray
from artfactoryd.intake.outcomes import Lack, Outcome, Waiting
from artfactoryd.medium import in_words
from artfactoryd.storage.index import Index

log = logging.getLogger(__name__)


class Consumer:
    """Turns entries of the inbox into claims, and claims into outcomes.

    `only`: takes just these entries; empty: all. `report` is told what became of each claim, as often as it is
    looked at; `pulse` is called between things that take a while.
    """

    def __init__(
        self, claims: Claims, intake: Intake, index: Index, only: Collection[Path], report: Callable[[Outcome], None],
        pulse: Callable[[], None],
    ) -> None:  # fmt: skip
        self._claims, self._intake, self._index = claims, intake, index
        self._only, self._report, self._pulse = only, report, pulse
        self._waiting: dict[str, tuple[Claim, Waiting]] = {}  # by claim id
        self._left: set[Path] = set()  # entries of the inbox that cannot be taken just now
        self._half_taken = False  # a taking failed in the middle

    @property
    def pending(self) -> int:
        """How many things that were taken, or lie in the inbox, wait to be taken again."""
        return len(self._waiting) + len(self._left)

    @property
    def awaits_picture(self) -> bool:
        return any(waiting.lack == Lack.PICTURE for _, waiting in self._waiting.values())

    # --- entries of the inbox ---

    async def take_scan(self, scan: Scan) -> None:
        entries: tuple[Ready | Stray, ...] = (*scan.ready, *scan.strays)
        for entry in entries:
            self._pulse()  # a thousand orders at once may take minutes
            if not self.is_wanted(entry, scan):
                continue
            try:
                await self._take_entry(entry)
                self._left.discard(entry.path)
            except (StorageFull, OSError) as error:
                if entry.path not in self._left:
                    log.error("%s stays in the inbox: %s", entry.path.name, in_words(error))
                self._left.add(entry.path)

    def is_wanted(self, entry: Ready | Stray, scan: Scan) -> bool:
        """A picture that lay here long before its order is no stray while the order is on its way."""
        if isinstance(entry, Stray) and (entry.what == PICTURE.what and scan.waiting):
            return False
        return not self._intake.is_spoken_for(entry.path) and (not self._only or entry.path in self._only)

    def is_behind(self, scan: Scan) -> bool:
        """Something there can be taken, and has not been."""
        return any(self.is_wanted(entry, scan) and entry.path not in self._left for entry in scan.ready)

    async def _take_entry(self, entry: Ready | Stray) -> None:
        project, stray = (entry.project, None) if isinstance(entry, Ready) else (None, (entry.what, entry.advice))
        taken_at = now().isoformat(timespec="milliseconds")
        self._half_taken = True
        claim = await asyncio.to_thread(
            self._claims.take, entry.path, id=str(uuid_utils.uuid7()), project=project, taken_at=taken_at, stray=stray
        )
        self._half_taken = False
        if claim is None:
            return
        failpoints.point("claimed")
        await self._take(claim)

    # --- claims ---

    async def take_up(self) -> None:
        """At a start: every claim that the last run left."""
        for claim in await asyncio.to_thread(self._claims.open):
            await self._take(claim)

    async def take_waiting(self) -> None:
        """What was taken goes on from where a kill or a full disk stopped it."""
        claims = [claim for claim, _ in self._waiting.values()]
        if self._half_taken:  # it may be ours already: only the claims themselves can tell
            claims = await asyncio.to_thread(self._claims.open)
            still_open = {claim.id for claim in claims}
            self._waiting = {id: known for id, known in self._waiting.items() if id in still_open}
            self._half_taken = False
        for claim in claims:
            await self._take(claim)

    async def _take(self, claim: Claim) -> None:
        outcome = await self._outcome_of(claim)
        if isinstance(outcome, Waiting):
            self._log_waiting(claim, outcome)
            self._waiting[claim.id] = (claim, outcome)
        else:
            self._waiting.pop(claim.id, None)
        self._report(outcome)

    async def _outcome_of(self, claim: Claim) -> Outcome:
        try:
            return await self._intake.take(claim)
        except (StorageFull, OutputBad, OSError) as error:  # OutputBad: a picture in the claim itself is damaged
            orders = tuple(row.id for row in self._index.orders_of_claim(claim.id))
            return Waiting(Lack.ROOM, in_words(error), orders)

    def _log_waiting(self, claim: Claim, waiting: Waiting) -> None:
        """Once, and not at every look."""
        _, before = self._waiting.get(claim.id, (claim, None))
        if before is not None and (before.lack, before.text) == (waiting.lack, waiting.text):
            return
        note_waiting(claim, waiting.text)
        if waiting.lack == Lack.PICTURE:
            log.info("%s waits for a picture that it names", claim.name)
        else:
            log.error("%s is taken, and waits: %s", claim.name, waiting.text)
