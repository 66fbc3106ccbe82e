"""The state of the whole home as data: `status --json` and `/api/v1/status` are this document."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from artfactoryd import clock
from artfactoryd.entries import bounded
from artfactoryd.home import Holder, Home
from artfactoryd.printable import redact
from artfactoryd.reporting import caps
from artfactoryd.reporting.caps import Caps
from artfactoryd.reporting.disk import no_room
from artfactoryd.reporting.inbox import lying, names_left_alone, names_waiting, orders_waiting
from artfactoryd.reporting.inbox import problem as inbox_problem
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import OrderDocument, ProductDocument, order_document, product_document
from artfactoryd.reporting.waiting import Closures, outage, reasons
from artfactoryd.settings import Settings
from artfactoryd.shelf.scanning import away
from artfactoryd.storage import looks
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow

MOST_OPEN = 200  # orders that are not over, newest first; the rest are counted
MOST_RECENT = 20  # orders that have ended
MOST_PRODUCTS = 12
HELD_WORDS, REJECTED_WORDS = ".why.txt", ".error.txt"  # how the names of files end that say why
MOST_WORDS = 50  # entries of Held/ and Rejected/ whose reasons are told, newest first
WORD_BYTES = 4000


@dataclass(frozen=True, slots=True)
class ClosedProvider(JsonObject):
    """One that sends nothing: stopped by trouble, paused by a person, or not answering. The words, or None."""

    stopped: str | None
    paused: bool
    outage: str | None
    since: str


@dataclass(frozen=True, slots=True)
class WordsBeside(JsonObject):
    """What is written beside the newest entries of two folders, by the entry's name."""

    held: Mapping[str, str]
    rejected: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewProduct(JsonObject):
    product: ProductDocument
    order_id: str
    created_at: str

    def to_json(self) -> dict[str, object]:
        return {**self.product.to_json(), "order_id": self.order_id, "created_at": self.created_at}


@dataclass(frozen=True, slots=True)
class StatusDocument(JsonObject):
    """`daemon` is what the holder of the home says of itself; `paused`: since when everything is, by a person."""

    home: str
    is_copy: bool  # of another home: nothing is taken or sent here
    daemon: Holder | None
    inbox: Sequence[str]
    held: Sequence[str]
    rejected: Sequence[str]
    why: WordsBeside
    paused: str | None
    providers: Mapping[str, ClosedProvider]
    no_room: str
    open: Sequence[OrderDocument]
    recent: Sequence[OrderDocument]
    products: Sequence[NewProduct]
    spent_usd: float
    budget: Caps
    to_look_at: int = 0  # pictures on the shelf that were not decoded yet
    settings: str = ""  # in words why the file of the settings is not used just now
    inbox_problem: str = ""  # why nothing can be taken from it just now
    waits: Mapping[str, str] = field(default_factory=dict)  # of what was dropped and is no order yet: why, by its name
    left_alone: Sequence[str] = ()  # in the inbox, orders perhaps, whose names begin with a dot
    more_open: int = 0  # orders that are not over and not in `open`
    scan: str = ""  # in words why nothing was scanned when it was last tried


def status(
    home: Home, index: Index | None, settings: Settings, holder: Holder | None, trouble: str = ""
) -> StatusDocument:
    """Without an index, nothing was ever made here. `trouble`: of the settings."""
    closures = Closures.read(index) if index else Closures({}, {}, {})
    unfinished = list(order_lists.unfinished(index)) if index else []
    ended = islice(order_lists.ended(index), MOST_RECENT) if index else ()
    return StatusDocument(
        home=str(home.root),
        is_copy=bool(home.identity.copy_words),
        daemon=holder or None,
        inbox=names_waiting(settings.inbox.path or home.inbox),
        inbox_problem=inbox_problem(settings.inbox.path or home.inbox),
        waits=waits(home, settings),
        left_alone=names_left_alone(settings.inbox.path or home.inbox),
        held=_entries(home.held, HELD_WORDS),
        rejected=_entries(home.rejected, REJECTED_WORDS),
        why=WordsBeside(_words(home.held, HELD_WORDS), _words(home.rejected, REJECTED_WORDS)),
        paused=closures.pauses.get(""),
        providers=_closed_providers(closures),
        no_room=no_room(home, settings, index),
        open=[_document(index, row, home, settings) for row in unfinished[:MOST_OPEN]],
        more_open=len(unfinished[MOST_OPEN:]),
        recent=[_document(index, row, home, settings) for row in ended],
        products=_new_products(index) if index else [],
        spent_usd=(index.spent_in_all() if index else 0) / 1_000_000,
        budget=caps.standing(index, settings, clock.today()),
        to_look_at=looks.count(index) if index else 0,
        settings=trouble,
        scan=away.trouble(home, settings),
    )


def waits(home: Home, settings: Settings) -> dict[str, str]:
    """`NAME WHY` reads as it stands."""
    inbox = settings.inbox.path or home.inbox
    orders = orders_waiting(inbox, home.claims)
    return {**lying(inbox), **{name: f"waits: {why}" for name, why in orders.items()}}


def _document(index: Index | None, row: OrderRow, home: Home, settings: Settings) -> OrderDocument:
    assert index is not None  # there is an order in it
    return order_document(index, row, reasons(index, row, home, settings), products=False)


def _new_products(index: Index) -> list[NewProduct]:
    rows = index.newest_products(MOST_PRODUCTS)
    return [NewProduct(product_document(row), row.order_id, row.created_at) for row in rows]


def _closed_providers(closures: Closures) -> dict[str, ClosedProvider]:
    stops, pauses, outages = closures.stops, closures.pauses, closures.outages
    providers = {}
    for name in sorted(stops.keys() | pauses.keys() | outages.keys()):
        shut = stops.get(name) or outages.get(name)
        if name:  # the empty name is all of them
            providers[name] = ClosedProvider(
                stopped=redact(stops[name].reason) if name in stops else None,
                paused=name in pauses,
                outage=redact(outage(name, outages[name])) if name in outages else None,
                since=shut.since if shut else pauses[name],
            )
    return providers


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def _entries(folder: Path, suffix: str) -> list[str]:
    return [name for name in _names(folder) if not name.endswith(suffix)]


def entries(folder: Path, suffix: str, first: int, most: int) -> tuple[dict[str, str], int]:
    """Some of Held/ or Rejected/, from that one on, newest first, with what is written beside each; and how many there
    are."""
    names = _entries(folder, suffix)
    newest = sorted(names, key=lambda name: (-(_age(folder / f"{name}{suffix}") or _age(folder / name)), name))
    return {name: _beginning(folder / f"{name}{suffix}") for name in newest[first : first + most]}, len(names)


def _words(folder: Path, suffix: str) -> dict[str, str]:
    """What is written beside the newest entries, by the entry's name."""
    if not folder.is_dir():
        return {}
    newest = heapq.nlargest(MOST_WORDS, ((_age(path), path) for path in folder.glob(f"*{suffix}")))
    return {path.name.removesuffix(suffix): _beginning(path) for _, path in newest}


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _beginning(path: Path) -> str:
    """The first lines; empty when a person just took the file away."""
    try:
        return bounded(path, WORD_BYTES)[:WORD_BYTES].decode("utf-8", "replace")
    except OSError:
        return ""
