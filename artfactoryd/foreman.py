"""The spine: makes items. `make` is the life of one item, entered at the state its row is in.

    planned -> wish -> submit -> ticket -> collect -> result -> deliver -> settlement

Recovery is this same path: a start enters it at `delivering`, `running` or `submitting`. Each provider
has a line that lets one item after the other through its gate, orders of one priority taking turns.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import uuid_utils

from artfactoryd import fault, reports
from artfactoryd.books import Books
from artfactoryd.calls import Calls
from artfactoryd.core.lifecycle import ItemState, Verdict
from artfactoryd.delivery import Delivery
from artfactoryd.errors import (
    AskAgain,
    CallRefused,
    IllegalMove,
    InDoubt,
    OutputBad,
    OutputLost,
    OverCap,
    ProviderStopped,
    RunFailed,
    StorageFull,
    StorageSick,
    Throttled,
)
from artfactoryd.factories import Absent, Call, Factory, Outputs, Reconciles, Ticket
from artfactoryd.home import Home
from artfactoryd.limits import Gate, Pace, Room
from artfactoryd.log import fields as log_fields
from artfactoryd.log import generation
from artfactoryd.settings import Settings
from artfactoryd.turns import Turns

log = logging.getLogger(__name__)

Row = dict[str, Any]
UPLOAD_AGAIN = 5.0  # seconds until a picture that could not be uploaded is tried again
ROOM_AGAIN = 60.0  # seconds until a full disk is looked at again
WRITE_AGAIN = 1.0  # seconds until a line about money is tried again on a full disk
ASK_AGAIN = 0.5  # seconds, at least, after a question that failed
STOPPED_AGAIN = 10.0  # seconds between questions while the provider refuses our key


class Foreman:
    def __init__(
        self,
        home: Home,
        books: Books,
        settings: Callable[[], Settings],
        factories: Mapping[str, Factory],
        gates: Mapping[str, Gate],
        delivery: Delivery,
        clock: Callable[[], datetime],
    ) -> None:
        self._books, self._settings, self._clock = books, settings, clock
        self._factories, self.gates, self._delivery = factories, gates, delivery
        self.paces = {name: Pace(factory.first_ask) for name, factory in factories.items()}
        self._calls = Calls(home, books, factories, clock)
        self.turns = {name: Turns(books.index, name) for name in factories}
        self.sending: set[tuple[str, int]] = set()  # creates on the way: a stop gives them a moment
        self.making: set[tuple[str, int]] = set()
        self.waiting: set[tuple[str, int]] = set()  # of these, what waits for a person or for room on the disk
        self.blocked: dict[str, str] = {}  # order id -> why nothing more of it is sent
        self.stuck: dict[tuple[str, int], str] = {}  # our own defects; left alone until a restart
        self.stopping = False
        self.full = ""  # why nothing is created at all
        self._room = Room(lambda: reports.no_room(home, settings()), time.monotonic)
        self._full_until = clock()  # the ledger itself had no room: not asked again before
        self.touched: set[str] = set()  # orders whose receipt is behind
        self.moved = asyncio.Event()  # something happened that a watcher may want to look at
        self.stops: set[tuple[str, int]] = set()  # running items that a person cancelled

    # --- the life of one item ---

    async def make(self, row: Row) -> None:
        """From the state of `row` to its end. Only a sick disk gets out of here as an error."""
        with log_fields(order=row["order_id"], item=row["number"]):
            await self._make(row)

    async def _make(self, row: Row) -> None:
        key = (row["order_id"], row["number"])
        self.making.add(key)
        try:
            row = await self._buy(row)
            if row["state"] == ItemState.DELIVERING:
                await self._deliver(row)
        except OverCap as error:
            self.blocked[row["order_id"]] = str(error)
            self.turns[row["provider"]].leave(row["order_id"])
        except IllegalMove as error:
            log.info("item %s of order %s waits: %s", row["number"], row["order_id"], error)
        except StorageFull as error:
            log.error("nothing is sent: %s", error)
            self.full, self._full_until = str(error), self._clock() + timedelta(seconds=ROOM_AGAIN)
        except StorageSick:
            raise
        except Exception as error:
            log.exception("item %s of order %s: a defect of this program", row["number"], row["order_id"])
            self.stuck[key] = f"a defect of this program ({error}); the log has the details"
        finally:
            self._put_back(row)

    def _put_back(self, row: Row) -> None:
        key = (row["order_id"], row["number"])
        self.making.discard(key)
        self.waiting.discard(key)
        self.stops.discard(key)
        self._touch(row["order_id"])
        if key not in self.stuck:
            self.turns[row["provider"]].back(key)
        self.gates[row["provider"]].wake()

    async def _buy(self, row: Row) -> Row:
        """Through the gate's slot: from planned to delivering, or to an end."""
        gate = self.gates[row["provider"]]
        try:
            if row["state"] == ItemState.PLANNED:
                row = await self._send(row)
            elif row["state"] == ItemState.SUBMITTING:
                row = await self._reconcile(row)
            if row["state"] == ItemState.RUNNING:
                row = await self._collect(row)
            return row
        finally:
            gate.let_go()

    async def _send(self, row: Row) -> Row:
        key, order = (row["order_id"], row["number"]), self._order(row)
        try:
            call = await self._calls.of(row, order)  # uploads; nothing is bought yet
        except (ProviderStopped, AskAgain) as error:
            return await self._not_ready(row, error)
        except CallRefused as error:
            await self._wish(row, Call(order["model"]["id"], order["model"]["version"], row["generation"]))
            return await self._not_sent(row, error)
        self.sending.add(key)
        try:
            await self._wish(row, call)
            if self.stopping:
                return await self._record(row, "release", reason="the program was stopped before this was sent")
            try:
                fault.point("before_submit")
                ticket = await self._factories[row["provider"]].submit(call)
                fault.point("after_submit")
            except (ProviderStopped, Throttled, CallRefused, InDoubt) as error:
                return await self._not_sent(row, error)
            except Exception as error:
                log.exception("submit failed in an unknown way; in doubt")
                return await self._not_sent(row, InDoubt(f"The sending failed in an unknown way ({error!r})."))
            return await self._record(row, "ticket", ticket=ticket.text)
        finally:
            self.sending.discard(key)

    async def _wish(self, row: Row, call: Call) -> None:
        """The durable wish; from here on the item may cost money."""
        row["attempt"], row["attempts"] = str(uuid_utils.uuid7()), row["attempts"] + 1
        line = {
            "kind": "wish", "order": row["order_id"], "item": row["number"], "attempt": row["attempt"],
            "nth": row["attempts"], "provider": row["provider"], "model": call.model, "actual": dict(call.parameters),
            "reserved": row["upper"],
        }  # fmt: skip
        await self._books.record(line)
        generation(line)
        fault.point("recorded_wish")
        self._touch(row["order_id"])

    async def _not_ready(self, row: Row, error: ProviderStopped | AskAgain) -> Row:
        """A picture could not be put where the provider reads it; the item was never wished for."""
        if isinstance(error, ProviderStopped):
            await self._stop_provider(row["provider"], str(error))
        else:
            log.warning("an upload waits: %s", error)
            self.gates[row["provider"]].wait(error.after or UPLOAD_AGAIN)
        return row

    async def _not_sent(self, row: Row, error: Exception) -> Row:
        """What a failed sending means; only InDoubt leaves money at stake."""
        gate, reason = self.gates[row["provider"]], str(error)
        if isinstance(error, InDoubt):
            return await self._fail(row, Verdict.IN_DOUBT, reason, cost=None)
        if isinstance(error, CallRefused):
            return await self._fail(row, Verdict.REFUSED, reason, cost=0)
        if isinstance(error, ProviderStopped):
            await self._stop_provider(row["provider"], reason)
        elif isinstance(error, Throttled):
            gate.wait(error.after)
        return await self._record(row, "release", reason=reason)

    async def _reconcile(self, row: Row) -> Row:
        """A wish without a ticket, found at start: ask what became of it; never send it again unasked."""
        factory = self._factories[row["provider"]]
        found: Ticket | Absent | None = None
        if isinstance(factory, Reconciles):
            found = await factory.reconcile(self._sent(row))
        if isinstance(found, Ticket):
            return await self._record(row, "ticket", ticket=found.text)
        if isinstance(found, Absent):
            return await self._record(row, "release", reason="nothing was bought before the program ended")
        reason = "The program ended while this was being sent; the provider may have taken it."
        return await self._fail(row, Verdict.IN_DOUBT, reason, cost=None)

    def _sent(self, row: Row) -> Call:
        """The call of the item's last attempt, as it left."""
        attempt = self._books.index.attempt(row["attempt"])
        assert attempt is not None
        return Call(attempt["model"], self._order(row)["model"]["version"], attempt["actual"])

    async def _collect(self, row: Row) -> Row:
        """Ask until the provider has ended it. Asking is free; a run that takes long is no failure."""
        factory, ticket = self._factories[row["provider"]], Ticket(row["ticket"])
        key = (row["order_id"], row["number"])
        clock, pace, model = asyncio.get_running_loop().time, self.paces[row["provider"]], self._sent(row).model
        began = clock()
        await asyncio.sleep(pace.first(model))
        while True:
            pause = pace.pause(clock() - began)
            self.waiting.discard(key)
            try:
                await self._pass_on_stop(row, factory, ticket)
                outputs = await factory.collect(ticket)
                if outputs is not None:
                    pace.learn(model, outputs.seconds)
                    return await self._keep_result(row, outputs)
            except AskAgain as error:
                pause = max(pause, ASK_AGAIN, error.after or 0.0)
            except ProviderStopped as error:
                await self._stop_provider(row["provider"], str(error))
                self.waiting.add(key)
                pause = STOPPED_AGAIN
            except RunFailed as error:
                return await self._run_failed(row, error)
            except OutputLost as error:
                return await self._fail(row, Verdict.LOST, str(error), cost=row["upper"])
            await asyncio.sleep(pause)

    async def _pass_on_stop(self, row: Row, factory: Factory, ticket: Ticket) -> None:
        """A person cancelled: tell the provider once. Whatever comes anyway is kept."""
        key = (row["order_id"], row["number"])
        if key in self.stops or row["stop"]:
            await factory.cancel(ticket)
            self.stops.discard(key)
            row["stop"] = 0

    async def _run_failed(self, row: Row, error: RunFailed) -> Row:
        verdict = Verdict.CANCELLED if error.cancelled else Verdict.ENDED
        return await self._fail(row, verdict, str(error), cost=row["upper"] if error.charged else 0)

    async def _keep_result(self, row: Row, outputs: Outputs) -> Row:
        """Ids and times of the products are chosen here, once: a redo files the same."""
        now = self._clock().isoformat(timespec="milliseconds")
        chosen = [
            {"id": str(uuid_utils.uuid7()), "index": row["first_index"] + place, "address": output.address,
             "mime": output.mime, "created_at": now}
            for place, output in enumerate(outputs.outputs)
        ]  # fmt: skip
        returned = {"parameters": dict(outputs.returned), "seconds": outputs.seconds, "note": outputs.note}
        row["outputs"] = chosen
        return await self._record(row, "result", outputs=chosen, returned=returned)

    async def _deliver(self, row: Row) -> None:
        """Fetch and file; a full disk is looked at again each minute, for as long as it takes."""
        key = (row["order_id"], row["number"])
        while True:
            try:
                settlement = await self._delivery.deliver(row, self._order(row))
                await self._record(row, "settlement", **settlement)
                self._delivery.discard(row)
                return
            except StorageFull as error:
                log.error("a product waits for room: %s", error)
                self.blocked[row["order_id"]] = str(error)
                self.waiting.add(key)
                self._touch(row["order_id"])
                await asyncio.sleep(ROOM_AGAIN)
                self.waiting.discard(key)
                self.blocked.pop(row["order_id"], None)
            except (OutputLost, OutputBad) as error:
                await self._fail(row, Verdict.LOST, str(error), cost=row["upper"])
                return

    # --- the line of one provider ---

    async def line(self, provider: str, start: Callable[[Row], None], stop: asyncio.Event) -> None:
        """Lets one item after the other through the gate. `start` makes a task of it."""
        gate, turns = self.gates[provider], self.turns[provider]
        while not stop.is_set():
            row = None if gate.closed or gate.waits or not gate.free else self._next(turns)
            if row is None:
                await gate.change(gate.waits or (ROOM_AGAIN if self.full else None))
                continue
            gate.hold()
            start(row)

    def _next(self, turns: Turns) -> Row | None:
        if self._clock() < self._full_until:
            return None
        full = self._room.missing()
        if full != self.full:
            self.full = full
            self.touched |= turns.orders()  # their receipts say why they wait
        return None if self.full else turns.next()

    def wake(self, order_id: str | None = None) -> None:
        """New or changed orders: every line looks again."""
        self.touched |= {order_id} if order_id else set()  # one that waits from the beginning says why in its receipt
        for turns in self.turns.values():
            turns.look_again(order_id)
        for gate in self.gates.values():
            gate.wake()

    def heed_pauses(self) -> None:
        """What a person paused, as it is written down: the gates follow it."""
        pauses = self._books.index.pauses()
        for name, gate in self.gates.items():
            gate.paused = bool({"", name} & pauses.keys())

    def clear_leftovers(self) -> None:
        """Before anything is delivered: what a kill left in .work and in the folders of orders not done with."""
        rows = [row for row in self._books.index.resumable_items() if row["state"] == ItemState.DELIVERING]
        orders = [order for order in map(self._books.index.order, self.touched) if order is not None]
        self._delivery.clear_leftovers(rows, orders)

    def resume_all(self, start: Callable[[Row], None]) -> None:
        """What the last run left: deliveries first, then tickets, then wishes without a ticket."""
        for provider, stop in self._books.index.stops().items():
            if provider in self.gates:
                self.gates[provider].stop(stop["reason"])
        self.heed_pauses()
        for row in self._books.index.resumable_items():
            if row["provider"] in self._factories:
                self.gates[row["provider"]].hold()
                start(row)

    @property
    def idle(self) -> bool:
        """Nothing can go on without a person, a provider's consent, or room on the disk."""
        if self.making - self.waiting:
            return False
        return all(gate.closed or self.full or not self.turns[name].any() for name, gate in self.gates.items())

    # --- writing ---

    async def _record(self, row: Row, kind: str, **fields: Any) -> Row:
        """What has happened is written down, however long the disk takes to have room for it."""
        line = {"kind": kind, "order": row["order_id"], "item": row["number"], "attempt": row["attempt"], **fields}
        while True:
            try:
                await self._books.record(line)
                break
            except StorageFull as error:
                log.error("a %s waits to be written: %s", kind, error)
                await asyncio.sleep(WRITE_AGAIN)
        generation(line, self._books.index.attempt(line["attempt"]))
        fault.point(f"recorded_{kind}")
        self._touch(row["order_id"])
        if kind in ("release", "failure", "settlement"):
            self._money_came_back(row["order_id"])
        found = self._books.index.item(row["order_id"], row["number"])
        assert found is not None
        return found

    def _money_came_back(self, order_id: str) -> None:
        """An order that waited for its cap may go on."""
        if self.blocked.pop(order_id, None):
            for turns in self.turns.values():
                turns.look_again(order_id)

    async def _fail(self, row: Row, verdict: Verdict, reason: str, cost: int | None) -> Row:
        return await self._record(row, "failure", verdict=str(verdict), reason=reason, cost=cost)

    async def _stop_provider(self, provider: str, reason: str) -> None:
        gate = self.gates[provider]
        if gate.stopped is None:
            log.error("%s is stopped: %s", provider, reason)
            gate.stop(reason)
            await self._books.record({"kind": "pause", "provider": provider, "on": True, "reason": reason})

    def _order(self, row: Row) -> Row:
        order = self._books.index.order(row["order_id"])
        assert order is not None
        return order

    def _touch(self, order_id: str) -> None:
        self.touched.add(order_id)
        self.moved.set()
