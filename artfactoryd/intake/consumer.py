"""Taking what lies in the inbox, and going on with what was taken and had to wait."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uuid_utils

from artfactoryd import failpoints
from artfactoryd.clock import now
from artfactoryd.durable import write_note
from artfactoryd.errors import OutputBad, StorageFull
from artfactoryd.intake import attachments
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claim import Claim, end_note, is_anothers, note_beside, note_waiting, source_of
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.judging import Ready, Scan, Stray, Version, version_of
from artfactoryd.intake.outcomes import Lack, Outcome, Waiting
from artfactoryd.live_settings import LiveSettings
from artfactoryd.medium import in_words
from artfactoryd.planning import defaults
from artfactoryd.printable import paper
from artfactoryd.reporting.inbox import WAITS
from artfactoryd.storage.index import Index

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A bundle that names what is not in it. `version`: as it was looked at, `since` (monotonic)."""

    version: Version
    since: float

    def wait(self, bundle: Ready) -> bool:
        """Nothing has come, and there is time for it yet."""
        return bundle.version == self.version and time.monotonic() - self.since < attachments.PATIENCE


class Consumer:
    """Turns entries of the inbox into claims, and claims into outcomes.

    `only`: takes just these entries; empty: all. `report` is told what became of each claim, as often as it is
    looked at; `pulse` is called between things that take a while.
    """

    def __init__(
        self, claims: Claims, intake: Intake, index: Index, settings: LiveSettings, only: Collection[Path],
        report: Callable[[Outcome], None], pulse: Callable[[], None],
    ) -> None:  # fmt: skip
        self._claims, self._intake, self._index, self._settings = claims, intake, index, settings
        self._only, self._report, self._pulse = only, report, pulse
        self._waiting: dict[str, tuple[Claim, Waiting]] = {}  # by claim id
        self._left: set[Path] = set()  # entries of the inbox that cannot be taken just now
        self._half_taken = False  # a taking failed in the middle
        self._pieces: dict[Path, _Pieces] = {}  # bundles in the inbox that wait for the rest of them
        self._notes: dict[str, Path] = {}  # words in the inbox about what waits, by claim id

    @property
    def pending(self) -> int:
        """How many things that were taken, or lie in the inbox, wait to be taken again."""
        return len(self._waiting) + len(self._left)

    @property
    def awaits_picture(self) -> bool:
        return bool(self._pieces) or any(waiting.lack == Lack.PICTURE for _, waiting in self._waiting.values())

    # --- entries of the inbox ---

    async def take_scan(self, scan: Scan) -> None:
        if self._pieces:  # an idle daemon does without the thread
            await asyncio.to_thread(self._forget_gone)
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
        """A picture or a table that lay here long before its order is no stray while the order is on its way."""
        if isinstance(entry, Stray) and entry.may_belong and not scan.is_empty:
            return False
        pieces = self._pieces.get(entry.path)
        if isinstance(entry, Ready) and pieces and pieces.wait(entry):
            return False
        return not self._intake.is_spoken_for(entry.path) and (not self._only or entry.path in self._only)

    def is_behind(self, scan: Scan) -> bool:
        """Something there can be taken, and has not been."""
        return any(self.is_wanted(entry, scan) and entry.path not in self._left for entry in scan.ready)

    async def _take_entry(self, entry: Ready | Stray) -> None:
        self._half_taken = True
        claim = await asyncio.to_thread(self._claim, entry)
        if claim is None:
            self._half_taken = False
            return
        failpoints.point("claimed")
        pieces = self._pieces.get(entry.path)
        if isinstance(entry, Ready) and pieces and pieces.version == entry.version:  # the rest has not come
            self._intake.takes_as_whole(claim)
        await self._take(claim)
        self._half_taken = False

    def _forget_gone(self) -> None:
        for path in [path for path in self._pieces if not os.path.lexists(path)]:
            del self._pieces[path]
            end_note(note_beside(path))

    def _claim(self, entry: Ready | Stray) -> Claim | None:
        """None also of what was saved again while others were taken, it or its drop-box's defaults: the next look
        judges it as it is now."""
        id, taken_at = str(uuid_utils.uuid7()), now().isoformat(timespec="milliseconds")
        if isinstance(entry, Stray):
            stray = (entry.what, entry.advice)
            return self._claims.take(entry.path, id=id, project=None, taken_at=taken_at, stray=stray)
        if not entry.is_as_judged:
            return None
        box = entry.path.parent
        given = defaults.of_box(box, entry.project, self._settings.now) if entry.project else {}
        if given != entry.given:
            return None
        return self._claims.take(entry.path, id=id, project=entry.project, taken_at=taken_at, defaults=given)

    # --- claims ---

    async def take_up(self) -> None:
        """At a start: every claim that the last run left."""
        for claim in await asyncio.to_thread(self._claims.open):
            if (source := source_of(claim)) is not None and note_beside(source).exists():
                self._notes[claim.id] = note_beside(source)
            await self._take(claim)

    async def take_waiting(self) -> None:
        """What was taken goes on from where a kill or a full disk stopped it."""
        claims = [claim for claim, _ in self._waiting.values()]
        if self._half_taken or self._claims.owed:  # it may be ours already: only the claims themselves can tell
            claims = await asyncio.to_thread(self._claims.open)
            still_open = {claim.id for claim in claims}
            self._waiting = {id: known for id, known in self._waiting.items() if id in still_open}
            self._half_taken = False
            self._claims.owed.clear()
        for claim in claims:
            await self._take(claim)

    async def _take(self, claim: Claim) -> None:
        source = source_of(claim) if claim.kind == "bundle" else None
        outcome = await self._outcome_of(claim)
        if isinstance(outcome, Waiting):
            self._log_waiting(claim, outcome)
            if source and outcome.lack == Lack.PICTURE and await asyncio.to_thread(self._give_back, claim, source):
                self._waiting.pop(claim.id, None)
                return
            self._waiting[claim.id] = (claim, outcome)
        else:
            self._waiting.pop(claim.id, None)
            self._end_notes(claim)
        if source and self._pieces.pop(source, None):
            end_note(note_beside(source))
        self._report(outcome)

    def _give_back(self, claim: Claim, bundle: Path) -> bool:
        """The rest of it comes to where it lay: there it waits, and is looked at again when something has come."""
        version = version_of(claim.entry)  # before anybody can add to it: what comes from now on is news
        if not self._claims.give_back(claim):
            return False
        self._intake.given_back(claim)
        self._notes.pop(claim.id, None)
        self._pieces[bundle] = _Pieces(version, time.monotonic())
        return True

    async def _outcome_of(self, claim: Claim) -> Outcome:
        try:
            return await self._intake.take(claim)
        except (StorageFull, OutputBad, OSError) as error:  # OutputBad: a picture in the claim itself is damaged
            return Waiting(Lack.ROOM, in_words(error), self._orders_of(claim))

    def _orders_of(self, claim: Claim) -> tuple[str, ...]:
        """As far as the index can be asked just now."""
        with suppress(StorageFull):
            return tuple(row.id for row in self._index.orders_of_claim(claim.id))
        return ()

    def _log_waiting(self, claim: Claim, waiting: Waiting) -> None:
        """Once, and not at every look."""
        _, before = self._waiting.get(claim.id, (claim, None))
        if before is not None and (before.lack, before.text) == (waiting.lack, waiting.text):
            return
        note_waiting(claim, waiting.text)
        if waiting.lack in (Lack.PICTURE, Lack.EDITOR):
            self._note_in_inbox(claim, waiting.text)
            log.info("%s waits for a file that it names", claim.name)
        else:
            log.error("%s is taken, and waits: %s", claim.name, waiting.text)

    def _end_notes(self, claim: Claim) -> None:
        """It waits no more: held, its claim stays."""
        with suppress(OSError):
            (claim.folder / WAITS).unlink(missing_ok=True)
            if note := self._notes.pop(claim.id, None):
                end_note(note)

    def _note_in_inbox(self, claim: Claim, text: str) -> None:
        source = source_of(claim)
        if source is None or is_anothers(note_beside(source)):
            return
        if write_note(note_beside(source), paper(f"{claim.name} waits.\n\n{text}")):
            self._notes[claim.id] = note_beside(source)
