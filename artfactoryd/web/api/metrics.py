"""Figures as Prometheus reads them: items by outcome, providers, queue, money, disk, the loop."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from artfactoryd import __version__, clock
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.reporting import caps
from artfactoryd.reporting.caps import Caps
from artfactoryd.reporting.waiting import Closures
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import figures
from artfactoryd.storage.lists.figures import Calls
from artfactoryd.web.front import Front

MEDIA = "text/plain"
CALLS = 500  # of each provider, by which its latency is told
SHARES = (0.5, 0.9, 0.99)
QUEUED = (ItemState.PLANNED, ItemState.SUBMITTING, ItemState.RUNNING, ItemState.DELIVERING, ItemState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Figures:
    items: Mapping[tuple[str, str], int]
    calls: list[Calls]
    closures: Closures
    spent: int
    caps: Caps


async def read(front: Front) -> str:
    app = front.app
    providers, settings = sorted(app.factories), app.settings.now

    def ask(index: Index) -> Figures:
        return Figures(
            figures.items_by_state(index), figures.calls(index, providers, CALLS), Closures.read(index),
            index.spent_in_all(), caps.standing(index, settings, clock.today()),
        )  # fmt: skip

    told, lag = await front.reads.ask(ask), await _lag()
    free = await asyncio.to_thread(lambda: shutil.disk_usage(app.home.root).free)
    lines = [*_of_items(told), *_of_providers(told, providers), *_of_money(told), *_of_machine(front, free, lag)]
    return "\n".join(lines) + "\n"


async def _lag() -> float:
    """Seconds that the loop takes to come round."""
    began = time.perf_counter()
    await asyncio.sleep(0)
    return time.perf_counter() - began


def _of_items(told: Figures) -> Iterator[str]:
    yield from _head("items", "gauge", "Items by provider and state.")
    for (provider, state), count in sorted(told.items.items()):
        yield _line("items", count, provider=provider, state=state)
    yield from _head("queue_items", "gauge", "Items that have not ended.")
    yield _line("queue_items", sum(count for (_, state), count in told.items.items() if state in QUEUED))


def _of_providers(told: Figures, providers: list[str]) -> Iterator[str]:
    yield from _head("provider_call_seconds", "summary", "From asked to answered, of the last calls.")
    for calls in told.calls:
        for share in SHARES:
            yield _line("provider_call_seconds", calls.quantile(share), provider=calls.provider, quantile=share)
        yield _line("provider_call_seconds_count", len(calls.seconds), provider=calls.provider)
        yield _line("provider_call_seconds_sum", sum(calls.seconds), provider=calls.provider)
    yield from _head("provider_open", "gauge", "1 while something may be sent there.")
    for name in providers:
        yield _line("provider_open", int(told.closures.admits(name) and name not in told.closures.outages),
                    provider=name)  # fmt: skip


def _of_money(told: Figures) -> Iterator[str]:
    yield from _head("spent_usd_total", "counter", "US dollars, of all orders.")
    yield _line("spent_usd_total", told.spent / 1_000_000)
    periods = (("day", told.caps.day), ("month", told.caps.month), ("agents_day", told.caps.agents))
    yield from _head("counted_usd", "gauge", "Spent, perhaps spent and set aside, of this day and month.")
    yield from (_line("counted_usd", period.counted_usd, period=name) for name, period in periods)
    yield from _head("cap_usd", "gauge", "What they may come to.")
    yield from (_line("cap_usd", period.cap_usd, period=name) for name, period in periods)


def _of_machine(front: Front, free: int, lag: float) -> Iterator[str]:
    yield from _head("disk_free_bytes", "gauge", "Room on the home's disk.")
    yield _line("disk_free_bytes", free)
    yield from _head("loop_lag_seconds", "gauge", "That the daemon's loop took to come round.")
    yield _line("loop_lag_seconds", lag)
    yield from _head("alive", "gauge", "1 while the daemon is at work.")
    yield _line("alive", int(bool(front.health()["alive"])))
    yield from _head("info", "gauge", "The release.")
    yield _line("info", 1, version=__version__)


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP artfactoryd_{name} {words}"
    yield f"# TYPE artfactoryd_{name} {kind}"


def _line(name: str, value: float, **labels: object) -> str:
    told = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
    return f"artfactoryd_{name}{f'{{{told}}}' if told else ''} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
