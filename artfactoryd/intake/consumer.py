"""Taking what lies in the inbox, and going on with what was taken and had to wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uuid_utils

from artfactoryd import failpoints, news
from artfactoryd.clock import now
from artfactoryd.core.inbox_rules import PICTURE
from artfactoryd.daemon.app import House
from artfactoryd.errors import OutputBad, StorageFull
from artfactoryd.intake.claims import Claim
from artfactoryd.intake.inbox import Ready, Scan, Stray

log = logging.getLogger(__name__)


@dataclass
class Work:
    """What a run is for. `until_done`: end when nothing can go on by itself (`once`, `submit --wait`)."""

    until_done: bool = False
    only: frozenset[Path] = frozenset()  # take just these entries of the inbox
    orders: frozenset[str] = frozenset()  # with `only`: go on with these orders, too
    watch: Callable[[House, Sequence[str]], None] | None = None  # looks at the orders seen, for a progress bar
    seen: list[str] = field(default_factory=list)  # orders this run took or found unfinished
    rejected: int = 0
    waiting: int = 0  # things taken or in the inbox that wait for room on the disk


class Taking:
    """`begin` is told of orders that may be worked on; `pulse` is called between things that take a while."""

    def __init__(self, house: House, work: Work, begin: Callable[[str], None], pulse: Callable[[], None]) -> None:
        self._house, self._work, self._begin, self._pulse = house, work, begin, pulse
        self.unfinished: list[Claim] = []  # taken, and waiting for a picture or for room on the disk
        self.waiting: set[str] = set()  # of these, those that wait for a picture
        self.left: set[Path] = set()  # entries of the inbox that cannot be taken just now
        self._half_taken = False  # a taking failed in the middle
        self._late: set[str] = set()  # of these, those of which it has been said that they wait for room

    async def take_scan(self, scan: Scan) -> None:
        everything: tuple[Ready | Stray, ...] = (*scan.ready, *scan.strays)
        for found in everything:
            self._pulse()  # a thousand orders at once may take minutes
            if not self.is_wanted(found, scan):
                continue
            try:
                await self._take_entry(found)
                self.left.discard(found.path)
            except (StorageFull, OSError) as error:
                if found.path not in self.left:
                    log.error("%s stays in the inbox: %s", found.path.name, error)
                self.left.add(found.path)

    def is_wanted(self, found: Ready | Stray, scan: Scan) -> bool:
        """A picture that lay here long before its order is no stray while the order is on its way."""
        if isinstance(found, Stray) and (found.what == PICTURE.what and scan.waiting):
            return False
        spoken_for = self._house.intake.is_spoken_for(found.path)
        return not spoken_for and (not self._work.only or found.path in self._work.only)

    def is_behind(self, scan: Scan) -> bool:
        """Something there can be taken, and has not been."""
        return any(self.is_wanted(found, scan) and found.path not in self.left for found in scan.ready)

    async def take_unfinished(self) -> None:
        """What was taken goes on from where a kill or a full disk stopped it."""
        unfinished, self.unfinished = self.unfinished, []
        if self._half_taken:  # it may be ours already: only the claims themselves can tell
            unfinished = await asyncio.to_thread(self._house.claims.open)
            self._half_taken = False
        for claim in unfinished:
            await self._take(claim)

    async def _take_entry(self, found: Ready | Stray) -> None:
        project = found.project if isinstance(found, Ready) else None
        taken_at = now().isoformat(timespec="milliseconds")
        self._half_taken = True
        claim = await asyncio.to_thread(
            self._house.claims.take, found.path, id=str(uuid_utils.uuid7()), project=project, taken_at=taken_at
        )
        self._half_taken = False
        if claim is None:
            return
        failpoints.point("claimed")
        if isinstance(found, Stray):
            self._work.rejected += 1
            text = f"{claim.name} is not an order: it is {found.what}.\n\n{found.advice}\n"
            path = await asyncio.to_thread(self._house.claims.reject, claim, text)
            news.tell(news.OrderRejected(file=claim.name, path=str(path)))
        else:
            await self._take(claim)

    async def _take(self, claim: Claim) -> None:
        try:
            ids = await self._house.intake.take(claim)
        except (StorageFull, OutputBad, OSError) as error:  # OutputBad: a picture in the claim itself is damaged
            if claim.id not in self._late:
                log.error("%s is taken, and waits: %s", claim.name, error)
            self._late.add(claim.id)
            self.unfinished.append(claim)
            ids = []
        if ids is None:
            if claim.id not in self.waiting:
                log.info("%s waits for a picture that it names", claim.name)
            self.waiting.add(claim.id)
            self.unfinished.append(claim)
            return
        self.waiting.discard(claim.id)
        rows = self._house.books.index.orders_of_claim(claim.id)
        self._work.seen += [row.id for row in rows if row.id not in self._work.seen]
        came_to_something = rows or ids or claim in self.unfinished or claim.id in self._house.intake.put_back
        self._work.rejected += 0 if came_to_something else 1
        for order_id in ids:
            self._work.seen += [] if order_id in self._work.seen else [order_id]
            for turns in self._house.bench.turns.values() if self._work.only else ():
                turns.only = {*(turns.only or ()), order_id}
            self._begin(order_id)
