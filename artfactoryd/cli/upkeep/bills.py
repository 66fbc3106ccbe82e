"""`spend --check`: what was booked here beside what providers billed, call by call. Nothing is changed by it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from artfactoryd import clock
from artfactoryd.core.money import MICRO, usd
from artfactoryd.core.names import counted
from artfactoryd.errors import ProviderError
from artfactoryd.factories import Bills, Factory, Ticket
from artfactoryd.factories.registry import asking
from artfactoryd.home import Home
from artfactoryd.printable import one_line, redact
from artfactoryd.reporting.caps import in_dollars
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.words import ticket_words
from artfactoryd.settings import Settings
from artfactoryd.storage import spend
from artfactoryd.storage.index import Index
from artfactoryd.storage.spend import Bought

LONGEST = timedelta(days=90)  # that fal tells of bills
MOST = 2000  # calls asked about, newest first
MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Difference(JsonObject):
    """`booked_usd`: None of what is not settled here, or in doubt; then `reserved_usd` counts."""

    order_id: str
    order: str
    item: int
    request: str
    booked_usd: float | None
    reserved_usd: float
    billed_usd: float


@dataclass(frozen=True, slots=True)
class BillsOfProvider(JsonObject):
    """`checked`: calls asked about; `told`: of these, those with a bill. `trouble`: why nobody could be asked."""

    provider: str
    checked: int
    told: int
    booked_usd: float  # of those that have a bill
    billed_usd: float
    differences: Sequence[Difference]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class BillsDocument(JsonObject):
    since: str
    providers: Sequence[BillsOfProvider]


def check(home: Home, settings: Settings, environ: Mapping[str, str], now: datetime) -> BillsDocument:
    """Of every provider that something was bought from in these days."""
    since = now - LONGEST
    return BillsDocument(clock.iso(since), asyncio.run(_check(home, settings, environ, since)))


async def _check(
    home: Home, settings: Settings, environ: Mapping[str, str], since: datetime
) -> list[BillsOfProvider]:  # fmt: skip
    answers = []
    async with asking(home, settings, environ) as factories:
        for name, factory in sorted(factories.items()):
            with Index.looking(home.index_file) as index:
                bought = spend.bought_at(index, name, clock.iso(since), MOST) if index else []
            if paid := [one for one in bought if one.reserved]:
                answers.append(await _ask(name, factory, paid))
    return answers


async def _ask(name: str, factory: Factory, bought: Sequence[Bought]) -> BillsOfProvider:
    if not isinstance(factory, Bills):
        words = f"{name} tells no program what it billed: look at its own page."
        return BillsOfProvider(name, 0, 0, 0.0, 0.0, [], words)
    try:
        first = datetime.fromisoformat(bought[-1].asked_at)
        bills = await factory.bills([Ticket(one.ticket) for one in bought], first)
    except ProviderError as error:
        return BillsOfProvider(name, len(bought), 0, 0.0, 0.0, [], redact(str(error)))
    told = [(one, round(bills[one.ticket] * MICRO)) for one in bought if one.ticket in bills]
    booked = sum(one.reserved if one.cost is None else one.cost for one, _ in told)
    return BillsOfProvider(
        name, len(bought), len(told), _dollars(booked), _dollars(sum(micro for _, micro in told)),
        [_difference(one, micro) for one, micro in told if one.cost != micro],
    )  # fmt: skip


def _difference(one: Bought, billed: int) -> Difference:
    return Difference(
        one.order_id, one.order, one.item, ticket_words(one.ticket), usd(one.cost), _dollars(one.reserved),
        _dollars(billed),
    )  # fmt: skip


def _dollars(micro: int) -> float:
    return usd(micro) or 0.0


def text(document: BillsDocument) -> str:
    if not document.providers:
        return f"Nothing was bought since {clock.shown(document.since)[:10]}."
    return "\n".join(one_line(line) for provider in document.providers for line in _lines(provider))


def _lines(bills: BillsOfProvider) -> Iterator[str]:
    if bills.trouble:
        yield f"{bills.provider}: {bills.trouble}"
        return
    calls = counted(bills.checked, "call")
    sums = f"{in_dollars(bills.billed_usd)} billed, {in_dollars(bills.booked_usd)} booked here"
    yield f"{bills.provider}: {calls} of 90 days, {bills.told} of them billed so far: {sums}"
    if bills.told and not bills.differences:
        yield "  Each is booked as it was billed."
    for one in bills.differences[:MOST_TOLD]:
        here = "set aside" if one.booked_usd is None else "booked"
        booked = one.reserved_usd if one.booked_usd is None else one.booked_usd
        whose = f"{one.order} ({one.order_id[:13]}), item {one.item}"
        yield f"  {whose}: {in_dollars(one.billed_usd)} billed, {in_dollars(booked)} {here}"
    if (more := len(bills.differences) - MOST_TOLD) > 0:
        yield f"  … and {more} more (--json tells of all)"
    if bills.differences:
        yield "  Nothing was changed. The ledger stays as it is; a price of your own is a file in Library/models."
