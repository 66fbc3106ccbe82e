"""The line of each provider: lets one item after the other through its gate, orders of one priority taking turns.

What the last run left goes first: outputs to fetch, then tickets, then wishes without a ticket.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.execution.doubts import Doubts
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.pacing.health import Health
from artfactoryd.execution.pacing.machine import Disk, Nap
from artfactoryd.execution.queue import Queues, Turns
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

OWED_LASTS = 30.0  # seconds that new items wait, at the most, for those that were bought before


class Dispatcher:
    def __init__(
        self, index: Index, gates: Mapping[str, Gate], queues: Queues, flights: Flights, health: Health, disk: Disk,
        doubts: Doubts, receipts: ReceiptsDue,
    ) -> None:  # fmt: skip
        self._index, self._gates, self._queues, self._flights = index, gates, queues, flights
        self._health, self._disk, self._doubts, self._receipts = health, disk, doubts, receipts
        self._owed_until = 0.0
        self.slept = Nap(time.time, time.monotonic).noticed

    async def dispatch(self, provider: str, start: Callable[[ItemRow], None], stop: asyncio.Event) -> None:
        """Lets one item after the other through the gate. `start` makes a task of it."""
        gate = self._gates[provider]
        while not stop.is_set():
            if gate.asks == 0:
                await self._health.probe(provider)
            self._heed_sleep()
            wait = max(gate.waits, self._owed(provider))
            admits = gate.free and not (gate.closed or wait)
            row = await self._next(provider) if admits else None
            if row is None:
                await gate.change(self._soonest(provider, wait, admits))
                continue
            gate.enter()
            start(row)

    def _soonest(self, provider: str, wait: float, admits: bool) -> float | None:
        """Seconds until there may be something to do though nothing changes; None: never."""
        room = self._disk.again
        rests = self._queues[provider].rests if admits and room is None else None
        times = (wait or None, room, rests, self._gates[provider].asks)
        return min((seconds for seconds in times if seconds is not None), default=None)

    async def _next(self, provider: str) -> ItemRow | None:
        """Whose turn it is, if anything may be sent. During an outage a free question comes first."""
        turns = self._queues[provider]
        if self._is_full(turns) or not turns.ready():
            return None
        gate = self._gates[provider]
        if gate.creating.open and not await self._health.probe(provider):
            return None
        return None if gate.closed else turns.next()

    def _is_full(self, turns: Turns) -> bool:
        if self._disk.is_resting:
            return True
        if self._disk.look():
            self._receipts.add_all(turns.orders())  # their receipts say why they wait
        return bool(self._disk.full)

    # --- first of all, what was bought before ---

    def _owed(self, provider: str) -> float:
        """Seconds that new items still wait for those that were bought before; 0 when for none."""
        wait = self._owed_until - time.monotonic() if self._flights.owes(provider) else 0.0
        if wait <= 0:
            self._flights.forgive(provider)
        return max(0.0, wait)

    def _heed_sleep(self) -> None:
        """The machine was asleep: what may have ended meanwhile is asked about before anything new is sent."""
        if not self.slept():
            return
        log.info("the machine was asleep; what is on the way is asked about first")
        self._owed_until = time.monotonic() + OWED_LASTS
        self._flights.owe_tickets()
        for gate in self._gates.values():
            gate.rouse()

    def heed_pauses(self) -> None:
        """What a person paused, as it is written down: the gates follow it."""
        pauses = self._index.pauses()
        for name, gate in self._gates.items():
            gate.pause(bool({"", name} & pauses.keys()))

    def resume_all(self, start: Callable[[ItemRow], None]) -> None:
        """What the last run left: deliveries first, then tickets, then wishes without a ticket."""
        for provider, stop in self._index.stops().items():
            if provider in self._gates:
                self._gates[provider].stop(stop.reason, ask_in=0 if stop.of_key else None)
        self.heed_pauses()
        self._owed_until = time.monotonic() + OWED_LASTS
        for row in self._index.resumable_items():
            if row.provider in self._gates:
                self._gates[row.provider].hold()
                self._flights.begin(row, owed=row.state != ItemState.SUBMITTING)
                start(row)

    @property
    def at_work(self) -> bool:
        """Something is on its way and can go on by itself. An outage that outlasts a few tries stands in its way."""
        return self._flights.at_work({name for name, gate in self._gates.items() if gate.asking.given_up})

    @property
    def idle(self) -> bool:
        """Nothing can go on without a person, a provider's consent, or room on the disk; no doubt ends by asking."""
        if self.at_work or self._doubts.hopeful:
            return False
        return all(self._is_idle(name) for name in self._gates)

    def _is_idle(self, provider: str) -> bool:
        gate = self._gates[provider]
        if gate.closed:
            return gate.asks != 0  # about to be asked whether it is over
        return bool(self._disk.full) or gate.given_up or not self._queues[provider].any()
