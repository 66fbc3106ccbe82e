"""After the items of its proof an order waits for a person: a copy of its document is laid into Held/ with the price
of the rest.

Killed anywhere, the next look does it again: the entry in Held/ is the one that the claim has, and without the
`hold` line the claim is cleared at the next start like that of any order that is accepted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from artfactoryd import failpoints
from artfactoryd.core.lifecycle import ENDED
from artfactoryd.core.line_values import HoldReason
from artfactoryd.durable import make_folders, write_file
from artfactoryd.errors import IllegalMove, StorageFull
from artfactoryd.intake import notices
from artfactoryd.intake.claim import Claim
from artfactoryd.intake.claims import Claims
from artfactoryd.medium import storage_errors
from artfactoryd.reporting import proofs
from artfactoryd.storage import budget
from artfactoryd.storage.events import Hold
from artfactoryd.storage.rows import OrderRow
from artfactoryd.storage.writer import Books
from artfactoryd.storage.writing.holds import PROOF

log = logging.getLogger(__name__)


class ProofHold:
    """`work`: the home's; `touch` is told of an order, by its id, whose receipt has something new to say."""

    def __init__(self, books: Books, claims: Claims, work: Path, touch: Callable[[str], None]) -> None:
        self._books, self._claims, self._folder, self._touch = books, claims, work / "proofs", touch
        self.late: set[str] = set()  # claims that could not be laid into Held yet

    @property
    def done(self) -> list[list[OrderRow]]:
        """Orders whose proof has ended and that are not held yet, those of one file together: all of it, or none."""
        claims = {row.claim for row in self._books.index.proofs()}
        ended = []
        for claim in sorted(claims):
            rows = [row for row in self._books.index.orders_of_claim(claim) if is_open(row)]
            if all(self._has_ended(row) for row in rows):
                ended.append(rows)
        return ended

    def _has_ended(self, row: OrderRow) -> bool:
        states = self._books.index.states_of(row.id, row.proof_items)
        return len(states) == len(row.proof_items) and ENDED.issuperset(states)

    async def look(self) -> None:
        for rows in self.done:
            try:
                await self._hold(rows)
                self.late.discard(rows[0].claim)
            except StorageFull as error:
                if rows[0].claim not in self.late:
                    log.error("the proof of %s is done, and cannot be laid into Held: %s", rows[0].name, error)
                self.late.add(rows[0].claim)

    async def _hold(self, rows: Sequence[OrderRow]) -> None:
        texts = {row.id: self._words(row) for row in rows}
        name = notices.proof_name(rows)
        text = notices.proof_text(name, [(row.name, texts[row.id]) for row in rows], rows[0])
        claim = await asyncio.to_thread(self._claim, rows, name)
        if claim is None:
            return
        entry = await asyncio.to_thread(self._claims.hold, claim, text)
        failpoints.point("proof_laid_down")
        fingerprint = await asyncio.to_thread(self._claims.fingerprint, claim)
        lines = [
            Hold(
                order=row.id, entry=entry, fingerprint=fingerprint,
                reasons=[HoldReason(PROOF, texts[row.id], waivable=True)],
            )
            for row in rows
        ]  # fmt: skip
        try:
            await self._books.record(*lines)
        except IllegalMove:  # cancelled in this very moment
            await asyncio.to_thread(self._claims.drop_held, entry)
            await asyncio.to_thread(self._claims.clear, claim)
            return
        for row in rows:
            self._touch(row.id)

    def _claim(self, rows: Sequence[OrderRow], name: str) -> Claim | None:
        """The claim of these orders, which was cleared when they were accepted, with their documents in it."""
        for claim in self._claims.open():
            if claim.id == rows[0].claim:
                return claim
        file = self._folder / name
        with storage_errors(self._folder):
            make_folders(self._folder)
            write_file(file, notices.proof_document(rows))
        return self._claims.take(file, id=rows[0].claim, project=None, taken_at=rows[0].accepted_at)

    def _words(self, row: OrderRow) -> str:
        index = self._books.index
        counts = index.counts(row.id)
        return proofs.proof_done(row, counts, budget.whole_price(index, row))


def is_open(row: OrderRow) -> bool:
    """It has a proof that no one has been asked about yet."""
    return row.proof is not None and row.held is None and not row.cancelled
