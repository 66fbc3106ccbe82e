"""Buying one item: the durable wish, one create, the ticket. What a failed create means is decided here, once."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import uuid_utils

from artfactoryd import fault
from artfactoryd.calls import Calls
from artfactoryd.core.lifecycle import Verdict
from artfactoryd.errors import AskAgain, CallRefused, InDoubt, ProviderStopped, Throttled
from artfactoryd.factories import Absent, Attempt, Call, Reconciles, Ticket
from artfactoryd.log import generation
from artfactoryd.workbench import Workbench

log = logging.getLogger(__name__)

Row = dict[str, Any]
UPLOAD_AGAIN = 5.0  # seconds until a picture that could not be uploaded is tried again


class Purchase:
    def __init__(self, bench: Workbench, calls: Calls) -> None:
        self._bench, self._calls = bench, calls

    async def send(self, row: Row) -> Row:
        """A planned item: sent at most once. The row as it is then: running, planned again, failed, or in doubt."""
        order = self._bench.order(row)
        try:
            call = await self._calls.of(row, order)  # uploads; nothing is bought yet
        except (ProviderStopped, AskAgain) as error:
            return await self._not_ready(row, error)
        except CallRefused as error:
            await self._wish(row, Call(order["model"]["id"], order["model"]["version"], row["generation"]))
            return await self._not_sent(row, error)
        key = (row["order_id"], row["number"])
        self._bench.sending.add(key)
        try:
            return await self._send(row, call)
        finally:
            self._bench.sending.discard(key)

    async def _send(self, row: Row, call: Call) -> Row:
        await self._wish(row, call)
        if self._bench.stopping:
            return await self._bench.record(row, "release", reason="the program was stopped before this was sent")
        try:
            fault.point("before_submit")
            ticket = await self._bench.factories[row["provider"]].submit(call)
            fault.point("after_submit")
        except (ProviderStopped, Throttled, CallRefused, InDoubt) as error:
            return await self._not_sent(row, error)
        except Exception as error:
            log.exception("submit failed in an unknown way; in doubt")
            return await self._not_sent(row, InDoubt(f"The sending failed in an unknown way ({error!r})."))
        return await self._bench.record(row, "ticket", ticket=ticket.text)

    async def _wish(self, row: Row, call: Call) -> None:
        """The durable wish; from here on the item may cost money."""
        row["attempt"], row["attempts"] = str(uuid_utils.uuid7()), row["attempts"] + 1
        line = {
            "kind": "wish", "order": row["order_id"], "item": row["number"], "attempt": row["attempt"],
            "nth": row["attempts"], "provider": row["provider"], "model": call.model, "actual": dict(call.parameters),
            "reserved": row["upper"],
        }  # fmt: skip
        await self._bench.books.record(line)
        generation(line)
        fault.point("recorded_wish")
        self._bench.touch(row["order_id"])

    async def _not_ready(self, row: Row, error: ProviderStopped | AskAgain) -> Row:
        """A picture could not be put where the provider reads it; the item was never wished for."""
        if isinstance(error, ProviderStopped):
            await self._bench.stop_provider(row["provider"], str(error))
        else:
            log.warning("an upload waits: %s", error)
            self._bench.gates[row["provider"]].wait(error.after or UPLOAD_AGAIN)
        return row

    async def _not_sent(self, row: Row, error: Exception) -> Row:
        """What a failed sending means; only InDoubt leaves money at stake."""
        gate, reason = self._bench.gates[row["provider"]], str(error)
        if isinstance(error, InDoubt):
            return await self._bench.fail(row, Verdict.IN_DOUBT, reason, cost=None)
        if isinstance(error, CallRefused):
            return await self._bench.fail(row, Verdict.REFUSED, reason, cost=0)
        if isinstance(error, ProviderStopped):
            await self._bench.stop_provider(row["provider"], reason)
        elif isinstance(error, Throttled):
            gate.wait(error.after)
        return await self._bench.record(row, "release", reason=reason)

    # --- what became of a wish without a ticket ---

    async def reconcile(self, row: Row) -> Row:
        """Found at start: ask what became of it; never send it again unasked."""
        factory = self._bench.factories[row["provider"]]
        found: Ticket | Absent | None = None
        if isinstance(factory, Reconciles):
            doubt = self._attempt(row)
            found = (await factory.reconcile([doubt], self._known(row["provider"], doubt))).get(doubt.id)
        if isinstance(found, Ticket):
            return await self._bench.record(row, "ticket", ticket=found.text)
        if isinstance(found, Absent):
            return await self._bench.record(row, "release", reason="nothing was bought before the program ended")
        reason = "The program ended while this was being sent; the provider may have taken it."
        return await self._bench.fail(row, Verdict.IN_DOUBT, reason, cost=None)

    def sent(self, row: Row) -> Call:
        """The call of the item's last attempt, as it left."""
        attempt = self._bench.books.index.attempt(row["attempt"])
        assert attempt is not None
        return Call(attempt["model"], self._bench.order(row)["model"]["version"], attempt["actual"])

    def _attempt(self, row: Row) -> Attempt:
        asked = self._bench.books.index.attempt(row["attempt"])
        assert asked is not None
        return Attempt(row["attempt"], self.sent(row), datetime.fromisoformat(asked["asked_at"]), None)

    def _known(self, provider: str, doubt: Attempt) -> list[Attempt]:
        """Attempts with tickets, none of which is what became of the doubt."""
        sql = "SELECT * FROM generation_log WHERE provider = ? AND ticket IS NOT NULL"
        return [
            Attempt(each["id"], doubt.call, datetime.fromisoformat(each["asked_at"]), Ticket(each["ticket"]))
            for each in self._bench.books.index.rows(sql, (provider,))
        ]
