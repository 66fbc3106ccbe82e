"""The lines by which orders wait that stand in a ledger older than what happened: each that is not over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from artfactoryd import clock
from artfactoryd.core.line_values import HoldReason
from artfactoryd.core.money import dollars
from artfactoryd.errors import ArtFactoryError
from artfactoryd.home import Home
from artfactoryd.storage import budget, ledger
from artfactoryd.storage.events import Approved, Restored
from artfactoryd.storage.index import Index
from artfactoryd.storage.ledger import Position
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow
from artfactoryd.storage.safekeeping import held_entries
from artfactoryd.storage.writer import Expander, catch_up


@dataclass(frozen=True, slots=True)
class HeldAgain:
    """An order that waits because the ledger is older than what happened. `stake`: micro-dollars."""

    id: str
    name: str
    stake: int
    line: bytes


def held_again(
    index: Index, since: str, moment: datetime, *, of: Callable[[OrderRow], bool], entry: Callable[[OrderRow], str]
) -> Iterator[HeldAgain]:
    """`since`: of what moment the ledger is, ISO 8601 in UTC. `entry`: the name of an order's entry in Held/."""
    for row in order_lists.unfinished(index):
        if of(row):
            event = _event(index, row, since, moment, entry(row))
            yield HeldAgain(row.id, f"{row.project}/{row.name}", event.stake, ledger.encode([event.to_line()]))


def _event(index: Index, row: OrderRow, since: str, moment: datetime, entry: str) -> Restored:
    whole = budget.whole_price(index, row)
    whole = whole if row.is_expanded and not row.held else max(whole, row.price or 0)
    stake = 0 if row.rehearsal else whole - row.committed
    text = (
        f"restored: may have been bought since {clock.shown(since)}. The ledger that was put back is of that time, "
        f"and what came after it is not known here. What was still to be sent costs up to {dollars(stake)}, and counts "
        f"as spent until you decide: `approve {row.short}` sends it, `cancel {row.short}` ends it."
    )
    reasons = [reason for reason in row.reasons if reason.code != Approved.RESTORED]
    return Restored(
        at=clock.iso(moment), order=row.id, since=since, day=clock.day_of(moment), stake=stake, entry=entry,
        reasons=[*reasons, HoldReason(str(Approved.RESTORED), text, waivable=True)],
    )  # fmt: skip


def held_still(row: OrderRow, stake: int, moment: datetime) -> Restored:
    """The line by which one that was cancelled while it waited so waits as before, when it is to come back. `stake`:
    of what comes back. No entry is laid into Held/ again: what was dropped is gone."""
    stake = 0 if row.rehearsal else stake
    return Restored(
        at=clock.iso(moment), order=row.id, since=clock.iso(moment), day=clock.day_of(moment), stake=stake, entry="",
        reasons=row.reasons, proof=row.proof,
    )  # fmt: skip


def is_held_again(row: OrderRow) -> bool:
    return any(reason.code == Approved.RESTORED for reason in row.reasons)


def why_held_again(row: OrderRow) -> str:
    return next((reason.text for reason in row.reasons if reason.code == Approved.RESTORED), "")


def held_words(held: Sequence[HeldAgain]) -> list[str]:
    wait = "order waits" if len(held) == 1 else "orders wait"
    return [
        f"{len(held)} {wait} for you: what happened after that time is not known here.",
        *(f"    {it.id[:13]}  {it.name}  up to {dollars(it.stake)}" for it in held),
        "`approve ID` sends what is not made yet, `cancel ID` ends it; until then that money counts.",
    ]


def is_exchanged(home: Home) -> bool:
    """Whether the ledger is another than the index has followed, as when a person puts an older one back by hand.
    False where no index tells."""
    try:
        old = Index.if_made(home.index_file)
    except ArtFactoryError:
        return False
    if old is None:
        return False
    with closing(old):
        return bool(ledger.difference(home.ledger, Position.parse(old.meta("ledger")), old.ledger_mark()))


def hold_open(home: Home, made: Path, expander: Expander, moment: datetime) -> list[HeldAgain]:
    """Before the index `made` from an exchanged ledger is used: the lines are written, and in it."""
    since = max((str(line["at"]) for line, _ in ledger.read(home.ledger)), default=clock.iso(moment))
    with closing(Index.open(made)) as index:
        entry = partial(held_entries.entry, home)
        held = list(held_again(index, since, moment, of=lambda row: True, entry=entry))
        if held:
            with closing(ledger.Ledger(home.ledger)) as book:
                book.append([it.line for it in held], f"{moment.astimezone():%Y-%m}")
            catch_up(index, home.ledger, expander)
            held_entries.note(home, filter(is_held_again, index.held_orders()))
    return held
