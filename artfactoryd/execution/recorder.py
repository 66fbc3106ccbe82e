"""The pen: what happens to an item is written down, in the ledger first, and whoever hangs on it is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from artfactoryd import credentials, failpoints
from artfactoryd.core.lifecycle import Verdict
from artfactoryd.core.parameters import file_leaves, secret_values
from artfactoryd.errors import StorageFull, WrongUse
from artfactoryd.execution.capped_orders import CappedOrders
from artfactoryd.execution.doubts import Doubts
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.execution.rows import item_now, order_of
from artfactoryd.factories import Ticket
from artfactoryd.printable import redact
from artfactoryd.storage.events import Failure, Look, OfAttempt, Release, Reuse, TicketTaken, Tombstone, Wish
from artfactoryd.storage.rows import ItemKey, ItemRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

WRITE_AGAIN = 1.0  # seconds until a line about money is tried again on a full disk


class Recorder:
    def __init__(self, books: Books, doubts: Doubts, capped: CappedOrders, receipts: ReceiptsDue) -> None:
        self._books, self._doubts, self._capped, self._receipts = books, doubts, capped, receipts

    async def hide_secrets(self, row: ItemRow) -> None:
        """What an earlier run sent with it may stand in what the provider says of it. One that cannot be had any more
        is known by its looks at most."""
        references = secret_values.references(order_of(self._books.index, row).model_of(row), row.generation)
        if references:
            await asyncio.to_thread(_resolve, references)

    async def wish(self, wish: Wish) -> None:
        """Durable before anything is sent. Raises StorageFull, OverCap, IllegalMove, IndexGone: then nothing may be."""
        self._books.check_index()  # one look at a name
        await self._books.record(wish)
        failpoints.point("recorded_wish")
        self._receipts.touch(wish.order)

    async def record(self, event: OfAttempt | Tombstone) -> None:
        """Written down, however long the disk takes to have room for it."""
        await self._write(event)
        failpoints.point(f"recorded_{event.kind}")
        self._receipts.touch(event.order)
        if self._capped.any and self._gave_money_back(event):
            self._capped.money_came_back(event.order)

    async def advance(self, event: OfAttempt | Tombstone) -> ItemRow:
        """The same; the item as it is then."""
        await self.record(event)
        return item_now(self._books.index, ItemKey(event.order, event.item))

    def _gave_money_back(self, event: OfAttempt | Tombstone) -> bool:
        """Its attempt cost less than was set aside. What begins one, or only names its ticket, gives nothing back."""
        if isinstance(event, Wish | Reuse | TicketTaken) or not event.attempt:
            return False
        attempt = self._books.index.attempt(event.attempt)
        return attempt is not None and attempt.cost is not None and attempt.cost < attempt.reserved

    async def look(self, look: Look) -> None:
        """That a product is damaged, however long the disk takes to have room for it."""
        await self._write(look)
        failpoints.point("recorded_look")
        self._receipts.touch(look.order)

    async def _write(self, event: OfAttempt | Tombstone | Look) -> None:
        told = ""
        while True:
            try:
                await self._books.record(event)
                break
            except StorageFull as error:
                if str(error) != told:
                    log.error("a %s waits to be written: %s", event.kind, error)
                told = str(error)
                await asyncio.sleep(WRITE_AGAIN)
        if told:
            log.info("the %s that waited is written", event.kind)

    async def note(self, row: ItemRow, words: str | None) -> None:
        """Why it does not go on just now (None: it does): for receipt and status, until its next move."""
        words = words and redact(words)
        if item_now(self._books.index, row.item_key).reason != words:
            with contextlib.suppress(StorageFull):  # said again with the next reason
                await self._books.note_item(row.item_key, words)
            self._receipts.touch(row.order_id)

    async def fail(self, row: ItemRow, verdict: Verdict, reason: str, cost: int | None, answer: str = "") -> ItemRow:
        """Its last attempt ended otherwise than well. `cost`: in micro-dollars; None of what is in doubt."""
        assert row.attempt is not None
        ask = verdict == Verdict.IN_DOUBT and self._doubts.can_be_asked(row.provider)
        failure = Failure(
            order=row.order_id, item=row.number, attempt=row.attempt, verdict=str(verdict), reason=redact(reason),
            cost=cost, ask=ask, answer=redact(answer),
        )  # fmt: skip
        failed = await self.advance(failure)
        if ask:
            self._doubts.arise(row.provider)
        return failed

    async def release(self, row: ItemRow, reason: str, attempt: str | None = None) -> ItemRow:
        """It was surely not sent. `attempt`: an earlier one than its last."""
        released = attempt or row.attempt
        assert released is not None
        return await self.advance(Release(order=row.order_id, item=row.number, attempt=released, reason=redact(reason)))

    async def take_ticket(self, row: ItemRow, ticket: Ticket, attempt: str | None = None) -> ItemRow:
        """It was bought. `attempt`: of which the provider was asked; perhaps an earlier one than its last."""
        bought = attempt or row.attempt
        assert bought is not None
        asked = attempt is not None
        return await self.advance(
            TicketTaken(order=row.order_id, item=row.number, attempt=bought, ticket=ticket.text, asked=asked)
        )


def _resolve(references: Sequence[tuple[file_leaves.Place, str]]) -> None:
    for place, location in references:
        with contextlib.suppress(WrongUse):
            credentials.resolve_secret(location, secret_values.name_of(place))  # which hides it
