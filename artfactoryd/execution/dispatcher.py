"""The line of each provider: lets one item after the other through its gate, orders of one priority taking turns.

What the last run left goes first: outputs to fetch, then tickets, then wishes without a ticket.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from artfactoryd.core.lifecycle import ItemState
from artfactoryd.execution import health, state
from artfactoryd.execution.machine import Nap, Room
from artfactoryd.execution.queue import Turns
from artfactoryd.execution.state import Workbench
from artfactoryd.home import Home
from artfactoryd.reporting import disk
from artfactoryd.settings import LiveSettings
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

OWED_LASTS = 30.0  # seconds that new items wait, at the most, for those that were bought before


class Lines:
    def __init__(self, bench: Workbench, home: Home, settings: LiveSettings) -> None:
        self._bench = bench
        self._room = Room(lambda: disk.no_room(home, settings.now, bench.books.index), time.monotonic)
        self._owed_until = 0.0
        self.slept = Nap(time.time, time.monotonic).noticed

    async def line(self, provider: str, start: Callable[[ItemRow], None], stop: asyncio.Event) -> None:
        """Lets one item after the other through the gate. `start` makes a task of it."""
        gate = self._bench.gates[provider]
        while not stop.is_set():
            if gate.asks == 0:
                await health.probe(self._bench, provider)
            self._heed_sleep()
            left = max(gate.waits, self._owed(provider))
            admits = gate.free and not (gate.closed or left)
            row = await self._next(provider) if admits else None
            if row is None:
                await gate.change(self._soonest(provider, left, admits))
                continue
            gate.enter()
            start(row)

    def _soonest(self, provider: str, left: float, admits: bool) -> float | None:
        """Seconds until there may be something to do though nothing changes; None: never."""
        room = state.ROOM_AGAIN if self._bench.full else None
        rests = self._bench.turns[provider].rests if admits and room is None else None
        times = (left or None, room, rests, self._bench.gates[provider].asks)
        return min((each for each in times if each is not None), default=None)

    async def _next(self, provider: str) -> ItemRow | None:
        """Whose turn it is, if anything may be sent. During an outage a free question comes first."""
        turns = self._bench.turns[provider]
        if self._is_full(turns) or not turns.ready():
            return None
        gate = self._bench.gates[provider]
        if gate.creating.open and not await health.probe(self._bench, provider):
            return None
        return None if gate.closed else turns.next()

    def _is_full(self, turns: Turns) -> bool:
        if self._bench.clock() < self._bench.full_until:
            return True
        full = next(iter(self._bench.unfiled.values()), "") or self._room.missing()
        if full != self._bench.full:
            self._bench.full = full
            self._bench.touched |= turns.orders()  # their receipts say why they wait
        return bool(full)

    # --- first of all, what was bought before ---

    def _owed(self, provider: str) -> float:
        """Seconds that new items still wait for those that were bought before; 0 when for none."""
        owed = self._bench.owed[provider]
        left = self._owed_until - time.monotonic() if owed else 0.0
        if left <= 0:
            owed.clear()
        return max(0.0, left)

    def _heed_sleep(self) -> None:
        """The machine was asleep: what may have ended meanwhile is asked about before anything new is sent."""
        if not self.slept():
            return
        log.info("the machine was asleep; what is on the way is asked about first")
        self._owed_until = time.monotonic() + OWED_LASTS
        for name, gate in self._bench.gates.items():
            self._bench.owed[name] |= self._bench.asking[name]
            gate.rouse()

    def heed_pauses(self) -> None:
        """What a person paused, as it is written down: the gates follow it."""
        pauses = self._bench.books.index.pauses()
        for name, gate in self._bench.gates.items():
            gate.paused = bool({"", name} & pauses.keys())

    def resume_all(self, start: Callable[[ItemRow], None]) -> None:
        """What the last run left: deliveries first, then tickets, then wishes without a ticket."""
        gates, index = self._bench.gates, self._bench.books.index
        for provider, stop in index.stops().items():
            if provider in gates:
                gates[provider].stop(stop.reason, ask_in=0 if stop.of_key else None)
        self.heed_pauses()
        self._owed_until = time.monotonic() + OWED_LASTS
        for row in index.resumable_items():
            if row.provider in gates:
                gates[row.provider].hold()
                if row.state != ItemState.SUBMITTING:
                    self._bench.owed[row.provider].add(row.item_key)
                start(row)

    @property
    def at_work(self) -> bool:
        """Something is on its way and can go on by itself. An outage that outlasts a few tries stands in its way."""
        bench = self._bench
        tired = [keys for name, keys in bench.asking.items() if bench.gates[name].asking.given_up]
        return bool(bench.making - bench.waiting.union(*tired))

    @property
    def idle(self) -> bool:
        """Nothing can go on without a person, a provider's consent, or room on the disk; no doubt ends by asking."""
        if self.at_work or self._bench.hopeful:
            return False
        return all(self._is_idle(name) for name in self._bench.gates)

    def _is_idle(self, provider: str) -> bool:
        gate = self._bench.gates[provider]
        if gate.closed:
            return gate.asks != 0  # about to be asked whether it is over
        return bool(self._bench.full) or gate.given_up or not self._bench.turns[provider].any()
