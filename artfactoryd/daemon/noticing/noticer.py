"""Notices what a person does on the shelf: at a start and from time to time in one pass over all of it, in between by
events of folders and by their times. Off the loop, in slices.

An event is a hint, looking is the truth. What cannot be looked at just now is not gone; while the disk of the shelf is
not there, nothing is looked at.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from posixpath import dirname
from typing import Any

from artfactoryd.clock import now
from artfactoryd.core.noticing.changes import Absence, AsMade, Change, Edited, Gone, Missing, Moved, changes, is_gone
from artfactoryd.core.noticing.labels import Relabelled
from artfactoryd.daemon import mailbox
from artfactoryd.daemon.app import App
from artfactoryd.daemon.noticing.evidence import Evidence
from artfactoryd.daemon.noticing.folder_events import folder_events
from artfactoryd.daemon.noticing.following import Following
from artfactoryd.daemon.noticing.looking import Differing, Looking
from artfactoryd.daemon.noticing.nameless import Nameless
from artfactoryd.errors import StorageFull
from artfactoryd.medium import in_words
from artfactoryd.shelf import presence, survey
from artfactoryd.storage.noticing import applied, known

log = logging.getLogger(__name__)

MANY = 1000  # files that were seen for the first time, remembered together
SLICE = 0.03  # seconds of work at a time
EVERY = 3600.0  # seconds between two passes over everything
LOWEST = 20.0  # how many times as long as it worked a pass rests
GONE_AFTER = 30.0  # seconds between the two passes after which what is missing is gone
SOON = 30.0  # how many times as long as it worked, at least, a pass rests while something is missing
FOLDERS_EVERY = 5.0  # seconds, at least, between two looks at the times of all folders
TOLD_EVERY = 30.0  # the same where events are told of all of them: an idle machine is woken as rarely as can be
SPARING = 10_000.0  # how many times as long as it took, where events are told; else 100
AGAIN = 1.0  # seconds until what is still being written is looked at again
AWAY_EVERY = 2.0  # seconds between looks for a disk that is not there
PATIENCE = 2.0  # seconds for which a run that ends by itself waits for the first look
LONGEST_REST = 3.0  # seconds between two looks at what was hinted at, however long one takes
BUSY = 20.0  # how many times as long as the last look took, at least, until the next


CarryOut = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Noticer:
    def __init__(self, app: App, carry_out: CarryOut, *, once: bool) -> None:
        """`carry_out`: what a person said. `once`: only one pass, for a run that ends by itself."""
        self._carry_out = carry_out
        self._app, self._home, self._once = app, app.home, once
        self._following = Following(app)
        self._folders: dict[str, int] = {}
        self._nameless, self._told = Nameless(), ""
        self._absences: dict[str, Absence] = {}
        self._awaited = set[str]()  # absent, while something was still being written
        self._fresh, self._pending = set[str](), set[str]()  # to be looked at again; hinted at, and not looked at yet
        self._since, self._began = now().timestamp(), time.monotonic()
        self._whole_at, self._folders_at, self._not_before = 0.0, 0.0, 0.0
        self._took = 0.0  # seconds of work for the last look at everything
        self.has_looked = False  # at everything, once
        self.away = ""  # why the shelf is not there

    @property
    def owes(self) -> bool:
        """The first look is still to come, and will not take long."""
        return not self.has_looked and not self.away and time.monotonic() - self._began < PATIENCE

    async def run(self) -> None:
        """For as long as the program is at work."""
        self._events = folder_events(self._home.root)
        try:
            while True:
                try:
                    await self._look()
                except (OSError, StorageFull) as error:
                    log.warning("the shelf cannot be looked at just now: %s", in_words(error))
                    self._not_before = time.monotonic() + AWAY_EVERY
                if self._once and self.has_looked:
                    return
                await self._wait()
        finally:
            self._events.close()

    async def _wait(self) -> None:
        """Until there are hints, or something is due."""
        moment = time.monotonic()
        if self.away:
            await asyncio.sleep(AWAY_EVERY)
            return
        due = min(self._whole_at, self._folders_at, moment + AGAIN if self._fresh else self._whole_at)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, max(due, self._not_before) - moment)):
                await self._events.came.wait()
        if (rest := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(rest)

    async def _look(self) -> None:
        if await asyncio.to_thread(self._is_away):
            return
        began, hints = time.monotonic(), self._events.take()
        if hints is None:  # some were lost
            self._whole_at = 0.0
        if began >= self._whole_at:
            await self._look_at_all(sparing=self.has_looked and hints is not None)
            self._pending.clear()
            return
        self._pending |= (hints or set()) | self._fresh
        is_due, folders = began >= self._folders_at, set(self._pending)
        if is_due or folders:
            await self._look_at(partial(_choose, folders=folders, also_changed=is_due))
            self._pending -= folders
        took = time.monotonic() - began
        if is_due:
            self._folders_at = began + self._pause(took)
        self._not_before = time.monotonic() + min(BUSY * took, LONGEST_REST)

    def _pause(self, took: float) -> float:
        """Seconds from a look at the times of all folders, which took so long, to the next."""
        return max(TOLD_EVERY, took * SPARING) if self._events.is_whole else max(FOLDERS_EVERY, took * 100)

    def _is_away(self) -> bool:
        is_there = self._home.projects.is_dir()
        away = presence.away(self._home) or ("" if is_there else f"there is no {self._home.projects}")
        if away != self.away:
            log.error("the shelf is not looked at: %s", away) if away else log.info("the shelf is there again")
            self._whole_at = 0.0  # anything may have been done to it meanwhile
            self.away = away
        if not away:
            presence.remember(self._home)
        return bool(away)

    # --- one look ---

    async def _look_at_all(self, *, sparing: bool) -> None:
        began = time.monotonic()
        worked = await self._look_at(lambda looking: looking.at_all(), rest=LOWEST if sparing else 0.0)
        if self.away:
            return
        is_one_missing = await self._heed_missing()
        self.has_looked = True
        took = time.monotonic() - began
        self._took = worked
        pause = max(GONE_AFTER, SOON * worked) if is_one_missing else EVERY
        self._whole_at = time.monotonic() + pause
        self._folders_at = max(self._folders_at, time.monotonic() + self._pause(0.0))
        log.debug("looked at the whole shelf in %.2f s, of which %.2f s of work", took, worked)

    async def _look_at(self, choose: Callable[[Looking], None], rest: float = 0.0) -> float:
        """How long it worked, in seconds. `rest`: how many times as long as a slice it rests behind each."""
        settle = self._app.settings.now.inbox.settle_seconds
        looking = Looking(
            self._home, self._app.books.index, self._folders, self._events.add, self._app.execution.placed,
            self._nameless, settle=settle, since=self._since,
        )  # fmt: skip
        await asyncio.to_thread(choose, looking)
        worked = await self._in_slices(looking.go_on, rest, partial(self._note_seen, looking, MANY))
        found = looking.found
        await self._tell_nameless()
        self._await_fresh(found)
        self._fresh = found.fresh
        await self._note_seen(looking, 0)
        if not found.is_empty:
            await self._following.follow_orders(found.papers)
            evidence = await asyncio.to_thread(Evidence, self._home, self._app.books.index, found)
            worked += await self._in_slices(evidence.go_on, rest)
            decided = await asyncio.to_thread(lambda: changes(*evidence.facts()))
            if await asyncio.to_thread(self._is_away):  # by now: what was absent need not be
                return worked
            waiting = await self._following.follow(decided)
            await self._mark(decided, evidence.said if self._app.settings.now.desktop.labels else {})
            self._fresh = found.fresh | waiting
            if any(isinstance(change, Missing) for change in decided):
                self._whole_at = min(self._whole_at, time.monotonic() + max(GONE_AFTER, SOON * self._took))
        return worked

    async def _tell_nameless(self) -> None:
        if (words := self._nameless.words) != self._told:
            log.warning("%s", words) if words else log.info("all that lies on the shelf has names that can be read")
            self._told = words
            await asyncio.to_thread(self._home.tell, {"nameless": words or None})

    async def _mark(self, decided: Sequence[Change | Missing], said: Mapping[str, Relabelled]) -> None:
        """What a person said on their desktop is a mark like any other."""
        for change in decided:
            if not isinstance(change, AsMade | Edited | Moved) or (labels := said.get(change.file.path)) is None:
                continue
            for command in commands(change.product.id, labels):
                answer = await self._carry_out(command)
                if not answer["done"]:
                    log.warning("%s was labelled, and is not marked: %s", change.product.path, answer["text"])

    def _await_fresh(self, found: Differing) -> None:
        """What is absent may be what is just being laid elsewhere: it is looked for once more, when that is done."""
        waits = [product for product in found.absent if product.id not in self._awaited] if found.fresh else []
        self._awaited = {product.id for product in waits}
        if waits:
            found.absent = [product for product in found.absent if product.id not in self._awaited]
            found.fresh |= {dirname(product.path) for product in waits}

    async def _in_slices(
        self, work: Callable[[float], bool], rest: float, between: Callable[[], Awaitable[None]] | None = None
    ) -> float:
        worked, is_more = 0.0, True
        while is_more:
            began = time.monotonic()
            is_more = await asyncio.to_thread(work, SLICE)
            took = time.monotonic() - began
            worked += took
            if between:
                await between()
            await asyncio.sleep(took * rest)
        return worked

    async def _note_seen(self, looking: Looking, most: int) -> None:
        """Of files that were seen for the first time, when they are more than that."""
        found = looking.found
        while len(found.as_made) > most:
            files, found.as_made = found.as_made[:MANY], found.as_made[MANY:]
            await self._app.books.note(partial(applied.look, files=[(file, "") for file in files]))
        if found.unlisted and not most:
            await self._app.books.note(partial(applied.forget, paths=found.unlisted))

    # --- what is missing ---

    async def _heed_missing(self) -> bool:
        """Whether more must be looked at before it is known to be gone."""
        gone, waits = await asyncio.to_thread(self._judge_missing)
        await self._following.bury(gone)
        return waits

    def _judge_missing(self) -> tuple[list[Gone], bool]:
        moment, volume = time.monotonic(), survey.identity(self._home.projects)
        before, self._absences = self._absences, {}
        gone, waits = list[Gone](), False
        elsewhere = self._nameless.products
        for product in known.missing(self._app.books.index):
            if product.id in elsewhere:  # under a name that cannot be kept
                continue
            parent = survey.identity(self._home.root / dirname(product.path))
            absence = Absence(moment, parent, volume[0] if volume else None)
            first = before.get(product.id)
            if survey.lies(self._home.root / product.path):  # where nobody looks
                continue
            if is_gone(first, absence, GONE_AFTER):
                gone.append(Gone(product))
                continue
            is_same = first is not None and (first.parent, first.volume) == (absence.parent, absence.volume)
            self._absences[product.id] = first if is_same and first is not None else absence
            waits = waits or parent is not None
        return gone, waits


def _choose(looking: Looking, folders: set[str], also_changed: bool) -> None:
    if also_changed:
        looking.at_changed()
    looking.at(folders)


def commands(product: str, said: Relabelled) -> Iterator[dict[str, Any]]:
    """By which it is said."""
    if said.liked is not None:
        yield mailbox.command("like", products=[product], off=not said.liked)
    if said.rating is not None:
        yield mailbox.command("rate", products=[product], rating=None if said.rating < 0 else said.rating)
    if said.tags:
        yield mailbox.command("tag", products=[product], changes=list(said.tags))
