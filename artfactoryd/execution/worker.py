"""The spine: makes items. `make` is the life of one item, entered at the state its row is in.

    planned -> wish -> submit -> ticket -> collect -> result -> deliver -> settlement
            -> reuse (an equal item was made) -------------> deliver -> settlement

Recovery is this same path: a start enters it at `delivering`, `running` or `submitting`.
"""

from __future__ import annotations

import asyncio
import logging

import uuid_utils

from artfactoryd.core.lifecycle import ItemState, Verdict
from artfactoryd.errors import (
    AskAgain,
    IllegalMove,
    OutputBad,
    OutputLost,
    OverCap,
    ProviderStopped,
    RunFailed,
    StorageFull,
    StorageSick,
    Throttled,
    Unreachable,
)
from artfactoryd.execution import health, state
from artfactoryd.execution.delivery import Delivery, is_copy
from artfactoryd.execution.polling import Pace
from artfactoryd.execution.purchase import Purchase
from artfactoryd.execution.reuse import Reuse
from artfactoryd.execution.state import Workbench
from artfactoryd.factories import Factory, Outputs, Ticket
from artfactoryd.log import fields as log_fields
from artfactoryd.storage import budget, dependencies
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

ASK_AGAIN = 0.5  # seconds, at least, after a question that failed
STOPPED_AGAIN = 10.0  # seconds between questions while the provider refuses our key
ATTEMPTS = 3  # at most, of what the provider ended for a passing reason
ATTEMPT_AGAIN = (5.0, 30.0)  # seconds until the second and the third


class Foreman:
    def __init__(self, bench: Workbench, purchase: Purchase, delivery: Delivery, reuse: Reuse) -> None:
        self._bench, self._purchase, self._delivery, self._reuse = bench, purchase, delivery, reuse
        self._paces = {name: Pace(factory.first_ask) for name, factory in bench.factories.items()}

    async def make(self, row: ItemRow) -> None:
        """From the state of `row` to its end. Only a sick disk gets out of here as an error."""
        with log_fields(order=row.order_id, item=row.number):
            await self._make(row)
            key = row.item_key
            while key in self._bench.adopted:
                self._bench.adopted.discard(key)
                self._bench.gates[row.provider].hold()
                await self._make(self._bench.fresh(row))

    async def _make(self, row: ItemRow) -> None:
        key = row.item_key
        self._bench.making.add(key)
        try:
            row = await self._buy(row)
            if row.state == ItemState.DELIVERING:
                await self._deliver(row)
        except OverCap as error:
            log.info("order %s waits: %s", row.order_id, error)
            self._bench.block(row, error)
        except IllegalMove as error:
            log.info("item %s of order %s waits: %s", row.number, row.order_id, error)
        except StorageFull as error:
            log.error("nothing is sent: %s", error)
            self._bench.disk_is_full(str(error))
        except StorageSick:
            raise
        except Exception as error:
            log.exception("item %s of order %s: a defect of this program", row.number, row.order_id)
            self._bench.stuck[key] = f"a defect of this program ({error}); the log has the details"
        finally:
            self._bench.put_back(row)

    async def _buy(self, row: ItemRow) -> ItemRow:
        """Through the gate's slot: from planned to delivering, or to an end."""
        gate = self._bench.gates[row.provider]
        try:
            if row.state == ItemState.PLANNED:
                try:
                    row = await self._instead(row) or await self._purchase.send(row)
                finally:
                    gate.creating.end()
            elif row.state == ItemState.SUBMITTING:
                row = await self._purchase.lost(row)
            if row.state == ItemState.RUNNING:
                row = await self._collect(row)
            return row
        finally:
            gate.let_go()

    async def _instead(self, row: ItemRow) -> ItemRow | None:
        """What makes buying needless takes no create of the minute's."""
        found = await self._reuse.instead(row)
        if found is not None:
            self._bench.gates[row.provider].spare()
        return found

    async def _collect(self, row: ItemRow) -> ItemRow:
        """Ask until the provider has ended it. Asking is free; a run that takes long is no failure."""
        key, asking = row.item_key, self._bench.asking[row.provider]
        asking.add(key)
        try:
            return await self._ask_to_the_end(row)
        finally:
            asking.discard(key)

    async def _ask_to_the_end(self, row: ItemRow) -> ItemRow:
        provider, key = row.provider, row.item_key
        gate, clock, pace = self._bench.gates[provider], asyncio.get_running_loop().time, self._paces[provider]
        model, began = self._purchase.sent(row).model, clock()
        assert row.ticket is not None  # that it has one is what running means
        ticket = Ticket(row.ticket)
        if row.stop:
            self._bench.stops.add(key)
        if key not in self._bench.owed[provider]:
            await gate.rest(pace.first(model))
        while True:
            pause = pace.pause(clock() - began)
            try:
                outputs = await self._ask(row, ticket)
                if outputs is not None:
                    pace.learn(model, outputs.seconds)
                    return await self._keep_result(row, outputs)
            except Throttled as error:
                gate.slow(error.after)
            except AskAgain as error:
                pause = max(pause, ASK_AGAIN, error.after or 0.0)
            except ProviderStopped as error:
                await self._bench.stop_provider(provider, str(error), of_key=error.of_key)
                self._bench.waiting.add(key)
                pause = STOPPED_AGAIN
            except RunFailed as error:
                return await self._run_failed(row, error)
            except OutputLost as error:
                return await self._bench.fail(row, Verdict.LOST, str(error), cost=self._bench.at_stake(row))
            self._bench.asked(row)
            await gate.rest(pause)

    async def _ask(self, row: ItemRow, ticket: Ticket) -> Outputs | None:
        """One question, when the provider may be asked. What its answer says about the provider is heeded."""
        provider, factory = row.provider, self._bench.factories[row.provider]
        gate = self._bench.gates[provider]
        await gate.may_ask()
        self._bench.waiting.discard(row.item_key)
        stopped = gate.stopped
        try:
            await self._pass_on_stop(row, factory, ticket)
            outputs = await factory.collect(ticket)
        except Unreachable as error:
            await health.failed(self._bench, provider, gate.asking, str(error))
            raise
        except (RunFailed, OutputLost):
            await health.answered(self._bench, provider, stopped)
            raise
        else:
            await health.answered(self._bench, provider, stopped)
            return outputs
        finally:
            gate.asked()

    async def _pass_on_stop(self, row: ItemRow, factory: Factory, ticket: Ticket) -> None:
        """A person cancelled: tell the provider once. Whatever comes anyway is kept."""
        key = row.item_key
        if key in self._bench.stops:
            await factory.cancel(ticket)
            self._bench.stops.discard(key)

    async def _run_failed(self, row: ItemRow, error: RunFailed) -> ItemRow:
        """Another attempt where the reason passes: it is planned again, and rests for a while."""
        cost = self._bench.at_stake(row) if error.charged else 0
        if error.cancelled:
            return await self._bench.fail(row, Verdict.CANCELLED, str(error), cost=cost)
        before = self._attempts_before(row) if error.passing else 0
        if error.passing and before + 1 < ATTEMPTS:
            self._bench.turns[row.provider].rest(row.item_key, ATTEMPT_AGAIN[before])
            return await self._bench.fail(row, Verdict.PASSING, str(error), cost=cost)
        words = f"{error} After {ATTEMPTS} attempts it is not tried again by itself." if error.passing else str(error)
        return await self._bench.fail(row, Verdict.ENDED, words, cost=cost)

    def _attempts_before(self, row: ItemRow) -> int:
        """How many ended for a passing reason, one after the other; a person's retry of a failure begins anew."""
        attempts = self._bench.books.index.attempts(*row.item_key)
        made = [each.verdict for each in attempts if each.verdict != "released" and each.id != row.attempt]
        return next((count for count, each in enumerate(reversed(made)) if each != Verdict.PASSING), len(made))

    async def _keep_result(self, row: ItemRow, outputs: Outputs) -> ItemRow:
        """Ids and times of the products are chosen here, once: a redo files the same.

        A bill by the time measured counts from here, before the slot is free for the next wish.
        """
        now = self._bench.clock().isoformat(timespec="milliseconds")
        chosen = [
            {"id": str(uuid_utils.uuid7()), "index": row.first_index + place, "address": output.address,
             "mime": output.mime, "created_at": now}
            for place, output in enumerate(outputs.outputs)
        ]  # fmt: skip
        returned = {"parameters": dict(outputs.returned), "seconds": outputs.seconds, "note": outputs.note}
        bill = budget.by_time(self._bench.order(row), row, outputs.seconds)
        if bill is not None and bill > self._bench.at_stake(row):
            log.warning("item %s took %s s and costs more than was set aside", row.number, outputs.seconds)
        cost = {} if bill is None else {"cost": bill}
        return await self._bench.record(row, "result", outputs=chosen, returned=returned, **cost)

    async def _deliver(self, row: ItemRow) -> None:
        """Fetch and file; a disk that refuses is tried again each minute, for as long as it takes."""
        try:
            while True:
                try:
                    settlement = await self._delivery.deliver(row, self._bench.order(row))
                    break
                except StorageFull as error:
                    log.error("a product waits for room: %s", error)
                    self._bench.cannot_file(row, str(error))
                    self._bench.asked(row)
                await asyncio.sleep(state.ROOM_AGAIN)
                self._bench.waiting.discard(row.item_key)
            await self._bench.record(row, "settlement", **settlement)
            if dependencies.feeds(self._bench.books.index, row):
                self._bench.wake(row.order_id)
            self._delivery.discard(row)
            self._delivery.let_go(row)
        except (OutputLost, OutputBad) as error:
            if is_copy(row):
                await self._reuse.bury(row)
                return self._delivery.discard(row)
            await self._bench.fail(row, Verdict.LOST, str(error), cost=self._bench.at_stake(row))
            self._delivery.discard(row)
