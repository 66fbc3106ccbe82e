"""How each provider does: stops, outages and their end, as its answers show it. The gate knows; here it is made known.

A stop needs a person, unless a free question shows that the key is taken again. An outage ends by itself.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from artfactoryd import news
from artfactoryd.errors import ProviderError, ProviderStopped, StorageFull, Unreachable
from artfactoryd.execution.gate import Breaker
from artfactoryd.execution.state import Workbench
from artfactoryd.factories import Probes
from artfactoryd.storage.events import Pause
from artfactoryd.storage.rows import OutageRow

log = logging.getLogger(__name__)

LONGEST_PROBE = 40.0  # seconds


async def failed(bench: Workbench, provider: str, breaker: Breaker, reason: str) -> None:
    """One more failure, which may make an outage of it."""
    breaker.failed(reason)
    bench.gates[provider].wake()
    await _tell(bench, provider)


async def took(bench: Workbench, provider: str) -> None:
    """A create was answered as it should be."""
    bench.gates[provider].took()
    await _tell(bench, provider)


async def answered(bench: Workbench, provider: str, stopped: str | None = None) -> None:
    """A question was; `stopped`: why the provider was stopped when the question was asked."""
    gate = bench.gates[provider]
    gate.answered()
    await _tell(bench, provider)
    await _lift(bench, provider, stopped)


async def _tell(bench: Workbench, provider: str) -> None:
    """Receipts, status and commands read it in the index: once for each round of an outage, and when it is over."""
    gate, now = bench.gates[provider], bench.clock()
    if gate.rounds == gate.told:
        return
    if not gate.told:
        bench.outages[provider] = now
    outage = None
    if gate.rounds:
        again_at = now + timedelta(seconds=gate.waits)
        news.tell(news.ProviderOutage(provider=provider, seconds=gate.waits, reason=gate.reason))
        since = bench.outages[provider].isoformat()
        outage = OutageRow(provider, gate.reason, since, again_at.isoformat(), gate.given_up)
    else:
        news.tell(news.ProviderBack(provider=provider))
    gate.told = gate.rounds
    try:
        await bench.books.note_outage(provider, outage)
    except StorageFull as error:  # nothing hangs on it
        log.error("that %s does not answer could not be noted: %s", provider, error)
    finally:  # also when the program is ending
        _touch(bench, provider)


async def probe(bench: Workbench, provider: str) -> bool:
    """Ask for nothing whether the provider is there and takes our key. False: no create would fare well."""
    factory, gate = bench.factories[provider], bench.gates[provider]
    if not isinstance(factory, Probes):
        return True
    stopped = gate.stopped
    try:
        async with asyncio.timeout(LONGEST_PROBE):
            await factory.probe()
    except ProviderStopped as error:
        await bench.stop_provider(provider, str(error), of_key=error.of_key)
        gate.still_stopped()
        return False
    except (Unreachable, TimeoutError) as error:
        gate.still_stopped()
        await failed(bench, provider, gate.creating, str(error) or "It does not answer in time.")
        return False
    except ProviderError as error:  # it is there, and says nothing about the key
        log.info("%s was asked whether it works: %s", provider, error)
        gate.still_stopped()
        return gate.stopped is None
    except Exception:
        log.exception("a defect in asking %s whether it works", provider)
        gate.still_stopped()
        return gate.stopped is None
    await _lift(bench, provider, stopped)
    return gate.stopped is None


async def _lift(bench: Workbench, provider: str, stopped: str | None) -> None:
    """An answer shows that the key is taken again: the stop it had when it was asked is over."""
    gate = bench.gates[provider]
    if stopped is None or stopped != gate.stopped or gate.asks is None:
        return
    try:
        await bench.books.record(Pause(provider=provider, on=False, by="answer"))
    except StorageFull as error:
        gate.still_stopped()
        log.error("that %s takes the key again could not be written down: %s", provider, error)
        return
    gate.lift()
    _touch(bench, provider)


def _touch(bench: Workbench, provider: str) -> None:
    """Their receipts say what they wait for."""
    bench.touched |= bench.books.index.waiting_orders(provider) | {order_id for order_id, _ in bench.asking[provider]}
