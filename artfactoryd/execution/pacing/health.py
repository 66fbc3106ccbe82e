"""How each provider does: stops, outages and their end, as its answers show it. The gate knows; here it is made known.

A stop needs a person, unless a free question shows that the key is taken again. An outage ends by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from artfactoryd import news
from artfactoryd.errors import ProviderError, ProviderStopped, StorageFull, Unreachable
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing.gate import ASK_EVERY, CircuitBreaker, Gate
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.factories import Factory, Keyed, Probes
from artfactoryd.printable import redact
from artfactoryd.storage.events import Pause
from artfactoryd.storage.rows import OutageRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

LONGEST_PROBE = 40.0  # seconds


class Health:
    def __init__(
        self, books: Books, factories: Mapping[str, Factory], gates: Mapping[str, Gate], flights: Flights,
        receipts: ReceiptsDue, clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._books, self._factories, self._gates = books, factories, gates
        self._flights, self._receipts, self._clock = flights, receipts, clock
        self._away_since: dict[str, datetime] = {}  # by provider, since when it does not answer

    # --- what answers show ---

    async def create_answered(self, provider: str) -> None:
        """As it should be."""
        self._gates[provider].create_answered()
        await self._tell_outage(provider)

    async def create_failed(self, provider: str, reason: str) -> None:
        """Not there, or nobody knows: one more of these may make an outage of it."""
        await self._failed(provider, self._gates[provider].creating, reason)

    async def question_answered(self, provider: str, stopped: str | None = None) -> None:
        """As it should be. `stopped`: why the provider was stopped when the question was asked."""
        self._gates[provider].question_answered()
        await self._tell_outage(provider)
        await self._lift(provider, stopped)

    async def question_failed(self, provider: str, reason: str) -> None:
        """Not there: one more of these may make an outage of it."""
        await self._failed(provider, self._gates[provider].asking, reason)

    async def _failed(self, provider: str, breaker: CircuitBreaker, reason: str) -> None:
        breaker.failed(redact(reason))
        self._gates[provider].wake()
        await self._tell_outage(provider)

    # --- outages ---

    async def _tell_outage(self, provider: str) -> None:
        """Receipts, status and commands read it in the index: once for each round of an outage, and when it is over."""
        gate = self._gates[provider]
        if not gate.has_news:
            return
        outage = self._outage(provider)
        gate.made_known()
        try:
            await self._books.note_outage(provider, outage)
        except StorageFull as error:  # nothing hangs on it
            log.error("that %s does not answer could not be noted: %s", provider, error)
        finally:  # also when the program is ending
            self._receipts_are_due(provider)

    def _outage(self, provider: str) -> OutageRow | None:
        """As it is now; None: it is over."""
        gate, now = self._gates[provider], self._clock()
        if not gate.outage_is_known:
            self._away_since[provider] = now
        if not gate.rounds:
            news.tell(news.ProviderBack(provider=provider))
            return None
        news.tell(news.ProviderOutage(provider=provider, seconds=gate.waits, reason=gate.reason))
        since, again_at = self._away_since[provider], now + timedelta(seconds=gate.waits)
        return OutageRow(provider, gate.reason, since.isoformat(), again_at.isoformat(), gate.given_up)

    # --- stops ---

    async def stop(self, provider: str, error: ProviderStopped) -> None:
        """Nothing is sent there until a person lifts it; of a bad key, also a free question answered well."""
        if self._gates[provider].stopped is None:
            await self._stop(provider, error)

    async def _stop(self, provider: str, error: ProviderStopped) -> None:
        gate, reason = self._gates[provider], redact(str(error))
        of_key = error.of_key and isinstance(self._factories[provider], Probes)
        gate.stop(reason, ask_in=ASK_EVERY if of_key else None)
        try:
            await self._books.record(Pause(provider=provider, on=True, reason=reason, of_key=of_key))
        except StorageFull as failure:  # the next start tries it once more
            log.error("that %s is stopped (%s) could not be written down: %s", provider, reason, failure)

    def want_of_key(self, provider: str) -> str:
        """Why nothing can be sent there for want of a key, known without asking; empty when there is one."""
        factory = self._factories.get(provider)
        return factory.want_of_key() if isinstance(factory, Keyed) else ""

    async def probe(self, provider: str) -> bool:
        """Ask for nothing whether the provider is there and takes our key. False: no create would fare well."""
        factory, gate = self._factories[provider], self._gates[provider]
        if not isinstance(factory, Probes):
            return True
        stopped = gate.stopped
        try:
            async with asyncio.timeout(LONGEST_PROBE):
                await factory.probe()
        except ProviderStopped as error:
            if gate.stopped != redact(str(error)):  # another key has come, and is not taken either
                await self._stop(provider, error)
            gate.still_stopped()
            return False
        except (Unreachable, TimeoutError) as error:
            gate.still_stopped()
            await self.create_failed(provider, str(error) or "It does not answer in time.")
            return False
        except ProviderError as error:  # it is there, and says nothing about the key
            log.info("%s was asked whether it works: %s", provider, error)
            gate.still_stopped()
            return gate.stopped is None
        except Exception:
            log.exception("a defect in asking %s whether it works", provider)
            gate.still_stopped()
            return gate.stopped is None
        await self._lift(provider, stopped)
        return gate.stopped is None

    async def _lift(self, provider: str, stopped: str | None) -> None:
        """An answer shows that the key is taken again: the stop it had when it was asked is over."""
        gate = self._gates[provider]
        if stopped is None or stopped != gate.stopped or gate.asks is None:
            return
        try:
            await self._books.record(Pause(provider=provider, on=False, by="answer"))
        except StorageFull as error:
            gate.still_stopped()
            log.error("that %s takes the key again could not be written down: %s", provider, error)
            return
        gate.lift()
        self._receipts_are_due(provider)

    def _receipts_are_due(self, provider: str) -> None:
        """Their receipts say what they wait for."""
        self._receipts.add_all(self._books.index.waiting_orders(provider) | self._flights.orders_asking(provider))
