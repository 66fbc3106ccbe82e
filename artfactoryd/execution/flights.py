"""What is in flight: every item that somebody works on just now, in one table, and how far it is.

    begin -> opening -> sending -> asking <-> waits for a person -> delivering <-> waits for room, bound, scan -> end

Nothing here survives a restart, and nothing needs to: it follows from the index. All of it happens on the event loop,
so what is asked here and done about it without an await between is one step.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from artfactoryd.storage.rows import ItemKey, ItemRow


class Phase(StrEnum):
    OPENING = "opening"  # past the gate; nothing of it is being sent, asked about or delivered yet
    SENDING = "sending"  # from before its wish until its create is answered: a stop gives it a moment
    ASKING = "asking"  # its ticket is out at the provider
    WAITS_FOR_PERSON = "waits_for_person"  # its ticket is out, and the provider is stopped
    DELIVERING = "delivering"  # its outputs are fetched and put on the shelf
    WAITS_FOR_ROOM = "waits_for_room"  # they came, and the disk does not take them
    WAITS_FOR_BOUND = "waits_for_bound"  # one is larger than the settings let it be
    WAITS_FOR_SCAN = "waits_for_scan"  # one cannot be scanned, and must be


TICKET_OUT = frozenset({Phase.ASKING, Phase.WAITS_FOR_PERSON})
WAITS = frozenset({Phase.WAITS_FOR_PERSON, Phase.WAITS_FOR_ROOM, Phase.WAITS_FOR_BOUND, Phase.WAITS_FOR_SCAN})


@dataclass(frozen=True, slots=True)
class Flight:
    """`sent_at`: by the steady clock, of what this run sent. `owed`: bought before, and not asked about since.
    `adopted`: it was about to be sent and turned out to be bought already. `cancelled`: by a person, and the provider
    is yet to be told."""

    provider: str
    phase: Phase = Phase.OPENING
    sent_at: float | None = None
    owed: bool = False
    adopted: bool = False
    cancelled: bool = False


class Flights:
    def __init__(self) -> None:
        self._table: dict[ItemKey, Flight] = {}
        self._owing: Counter[str] = Counter()  # by provider, how many are owed: asked at every turn of every line
        self._sending = 0
        self._stuck: dict[ItemKey, str] = {}
        self._releases: dict[ItemKey, asyncio.Event] = {}
        self._stopping = False

    # --- from begin to end ---

    def begin(self, row: ItemRow, *, owed: bool = False) -> None:
        """Somebody works on it from here on. Of one that has begun already nothing changes."""
        if row.item_key not in self._table:
            self._set(row.item_key, Flight(row.provider, owed=owed))

    def end(self, key: ItemKey) -> None:
        """Nobody works on it any more. One that was adopted meanwhile begins anew at once, and stays in the table."""
        flight = self._table.get(key)
        if flight is not None:
            self._set(key, Flight(flight.provider) if flight.adopted else None)

    def _set(self, key: ItemKey, flight: Flight | None) -> None:
        """The one place at which the table changes; what is counted follows it."""
        if (before := self._table.get(key)) is not None:
            self._owing[before.provider] -= before.owed
            self._sending -= before.phase is Phase.SENDING
        if flight is None:
            self._table.pop(key, None)
        else:
            self._table[key] = flight
            self._owing[flight.provider] += flight.owed
            self._sending += flight.phase is Phase.SENDING

    @contextmanager
    def sending(self, key: ItemKey) -> Iterator[None]:
        self._set(key, replace(self._table[key], sent_at=time.monotonic()))
        with self._during(key, Phase.SENDING):
            yield

    @contextmanager
    def asking(self, key: ItemKey) -> Iterator[None]:
        with self._during(key, Phase.ASKING):
            yield

    @contextmanager
    def _during(self, key: ItemKey, phase: Phase) -> Iterator[None]:
        self._enter(key, phase)
        try:
            yield
        finally:
            self._enter(key, Phase.OPENING)

    def sent_at(self, key: ItemKey) -> float | None:
        return self._table[key].sent_at

    def asks(self, key: ItemKey) -> None:
        """The provider may be asked about it (again)."""
        self._enter(key, Phase.ASKING)

    def waits_for_person(self, key: ItemKey) -> None:
        self._enter(key, Phase.WAITS_FOR_PERSON)

    def delivers(self, key: ItemKey) -> None:
        self._enter(key, Phase.DELIVERING)

    def waits_for_room(self, key: ItemKey) -> None:
        self._enter(key, Phase.WAITS_FOR_ROOM)

    def waits_for_bound(self, key: ItemKey) -> None:
        self._enter(key, Phase.WAITS_FOR_BOUND)

    def waits_for_scan(self, key: ItemKey) -> None:
        self._enter(key, Phase.WAITS_FOR_SCAN)

    def _enter(self, key: ItemKey, phase: Phase) -> None:
        self._set(key, replace(self._table[key], phase=phase))

    # --- what happens to it on the way ---

    def adopt(self, key: ItemKey) -> bool:
        """It turned out to be bought: whoever works on it goes on from there. False when nobody works on it."""
        if key not in self._table:
            return False
        self._set(key, replace(self._table[key], adopted=True))
        return True

    def cancel(self, key: ItemKey) -> None:
        """A person did: the provider is told with the next question. Nothing where nobody works on it."""
        if key in self._table:
            self._set(key, replace(self._table[key], cancelled=True))

    def cancel_told(self, key: ItemKey) -> None:
        self._set(key, replace(self._table[key], cancelled=False))

    def is_cancelled(self, key: ItemKey) -> bool:
        return self._table[key].cancelled

    def stick(self, key: ItemKey, why: str) -> None:
        """A defect of ours: left alone until a person says so or a restart, also when its flight has ended."""
        self._stuck[key] = why
        self._releases[key] = asyncio.Event()

    async def released(self, key: ItemKey) -> None:
        """Until a person says that it may be tried again."""
        await self._releases[key].wait()

    def unstick(self, order_id: str) -> list[ItemKey]:
        """A person says so, of all that is stuck of an order; which those were."""
        keys = [key for key in self._stuck if key.order_id == order_id]
        for key in keys:
            del self._stuck[key]
            self._releases.pop(key).set()
        return keys

    def is_stuck(self, key: ItemKey) -> bool:
        return key in self._stuck

    @property
    def stuck(self) -> Mapping[ItemKey, str]:
        """What is left alone until a restart, and why."""
        return MappingProxyType(self._stuck)

    def stop(self) -> None:
        """The program is ending: nothing is sent from here on."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping

    # --- what was bought before comes before what is new ---

    def owe_tickets(self) -> None:
        """Every ticket that is out is to be asked about before anything new is sent."""
        for key, flight in list(self._table.items()):
            if flight.phase in TICKET_OUT:
                self._set(key, replace(flight, owed=True))

    def asked_about(self, key: ItemKey) -> None:
        """Nothing new need wait for it any longer."""
        if key in self._table and self._table[key].owed:
            self._set(key, replace(self._table[key], owed=False))

    def forgive(self, provider: str) -> None:
        """Nothing new need wait any longer for whatever is owed there."""
        if not self.owes(provider):
            return
        for key, flight in list(self._table.items()):
            if flight.owed and flight.provider == provider:
                self._set(key, replace(flight, owed=False))

    def is_owed(self, key: ItemKey) -> bool:
        return self._table[key].owed

    def owes(self, provider: str) -> bool:
        """Whether something there was bought before and not asked about since."""
        return self._owing[provider] > 0

    # --- what others ask ---

    def __contains__(self, key: ItemKey) -> bool:
        """Whether somebody works on it."""
        return key in self._table

    def __len__(self) -> int:
        return len(self._table)

    def phase(self, key: ItemKey) -> Phase | None:
        """How far it is; None of what nobody works on."""
        flight = self._table.get(key)
        return flight.phase if flight else None

    @property
    def is_sending(self) -> bool:
        """Whether a create is on the way."""
        return self._sending > 0

    def orders_asking(self, provider: str) -> set[str]:
        """The orders that have a ticket out there."""
        return {
            key.order_id
            for key, flight in self._table.items()
            if flight.provider == provider and flight.phase in TICKET_OUT
        }

    def at_work(self, unreachable: Collection[str]) -> bool:
        """Whether one of them can go on by itself. A ticket at one of the `unreachable` providers cannot."""
        return any(_goes_on(flight, unreachable) for flight in self._table.values())


def _goes_on(flight: Flight, unreachable: Collection[str]) -> bool:
    if flight.phase in WAITS:
        return False
    return flight.provider not in unreachable or flight.phase not in TICKET_OUT
