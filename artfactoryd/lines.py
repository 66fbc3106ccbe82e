"""The line of each provider: lets one item after the other through its gate, orders of one priority taking turns.

What the last run left goes first: outputs to fetch, then tickets, then wishes without a ticket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from artfactoryd import reports, workbench
from artfactoryd.home import Home
from artfactoryd.limits import Room
from artfactoryd.settings import Settings
from artfactoryd.turns import Turns
from artfactoryd.workbench import Workbench

Row = dict[str, Any]


class Lines:
    def __init__(self, bench: Workbench, home: Home, settings: Callable[[], Settings]) -> None:
        self._bench = bench
        self._room = Room(lambda: reports.no_room(home, settings(), bench.books.index), time.monotonic)

    async def line(self, provider: str, start: Callable[[Row], None], stop: asyncio.Event) -> None:
        """Lets one item after the other through the gate. `start` makes a task of it."""
        gate, turns = self._bench.gates[provider], self._bench.turns[provider]
        while not stop.is_set():
            row = None if gate.closed or gate.waits or not gate.free else self._next(turns)
            if row is None:
                await gate.change(gate.waits or (workbench.ROOM_AGAIN if self._bench.full else None))
                continue
            gate.hold()
            start(row)

    def _next(self, turns: Turns) -> Row | None:
        if self._bench.clock() < self._bench.full_until:
            return None
        full = next(iter(self._bench.unfiled.values()), "") or self._room.missing()
        if full != self._bench.full:
            self._bench.full = full
            self._bench.touched |= turns.orders()  # their receipts say why they wait
        return None if self._bench.full else turns.next()

    def heed_pauses(self) -> None:
        """What a person paused, as it is written down: the gates follow it."""
        pauses = self._bench.books.index.pauses()
        for name, gate in self._bench.gates.items():
            gate.paused = bool({"", name} & pauses.keys())

    def resume_all(self, start: Callable[[Row], None]) -> None:
        """What the last run left: deliveries first, then tickets, then wishes without a ticket."""
        gates, index = self._bench.gates, self._bench.books.index
        for provider, stop in index.stops().items():
            if provider in gates:
                gates[provider].stop(stop["reason"])
        self.heed_pauses()
        for row in index.resumable_items():
            if row["provider"] in gates:
                gates[row["provider"]].hold()
                start(row)

    @property
    def idle(self) -> bool:
        """Nothing can go on without a person, a provider's consent, or room on the disk; no doubt ends by asking."""
        bench = self._bench
        if bench.making - bench.waiting or bench.asking:
            return False
        return all(gate.closed or bench.full or not bench.turns[name].any() for name, gate in bench.gates.items())
