"""`status`, `orders`, `order`, `why`: the state of things, as data and in words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import click

from artfactoryd import clock
from artfactoryd.cli.context import as_json, count_of, latest, made_home, say, settings_to_go_by
from artfactoryd.cli.program import WRONG_USE
from artfactoryd.core import inbox_rules
from artfactoryd.core.lifecycle import UNFINISHED_ORDERS, ItemState
from artfactoryd.core.names import counted
from artfactoryd.home import Home
from artfactoryd.live_settings import settings_to_show
from artfactoryd.printable import one_line
from artfactoryd.reporting import inbox, waiting
from artfactoryd.reporting import orders as order_reports
from artfactoryd.reporting import status as status_report
from artfactoryd.reporting import why as why_words
from artfactoryd.reporting.caps import at_most, in_dollars
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import DoubtDocument, ItemDocument, OrderDocument, WholeOrder
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.reporting.words import ticket_words
from artfactoryd.settings import Settings
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists


@click.command()
@as_json
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """The state of things."""
    home = made_home(ctx)
    document = status_document(home, *settings_to_show(home, dict(os.environ)))
    say(document, "" if as_json else status_text(document), as_json)


@click.command()
@click.option("--most", default="1000", metavar="N|all", help="How many to list (default 1000).")
@as_json
@click.pass_context
def orders(ctx: click.Context, most: str, as_json: bool) -> None:
    """Every order, those at work first, then newest first."""
    home = made_home(ctx)
    document = order_documents(home, settings_to_go_by(home), count_of(most, "--most"))
    say(document, "" if as_json else listed_text(document), as_json)


@click.command()
@click.argument("order_id", metavar="ID")
@latest
@as_json
@click.pass_context
def order(ctx: click.Context, order_id: str, latest: bool, as_json: bool) -> None:
    """One order: its items, what they cost, and what is at stake."""
    home = made_home(ctx)
    document = whole_order(home, settings_to_go_by(home), order_id, latest=latest)
    say(document, "" if as_json else order_text(document), as_json)


@click.command()
@click.argument("file")
@latest
@as_json
@click.pass_context
def why(ctx: click.Context, file: str, latest: bool, as_json: bool) -> None:
    """What became of a file, and what to do about it."""
    home = made_home(ctx)
    text, known = why_of(home, settings_to_go_by(home), file, latest=latest)
    say({"file": file, "known": known, "text": text}, text, as_json)
    ctx.exit(0 if known else WRONG_USE)


def status_document(home: Home, settings: Settings, trouble: str = "") -> StatusDocument:
    """What the daemon, the Inbox, Held, Rejected, the providers and the orders are at."""
    with Index.looking(home.index_file) as index:
        return status_report.status(home, index, settings, home.at_work(), trouble)


@dataclass(frozen=True, slots=True)
class OrdersDocument(JsonObject):
    """`more`: older orders that are not listed. `inbox_problem`: why no order can be taken just now, or empty.
    `waiting`: what was dropped and waits for a file, and why, by name."""

    orders: Sequence[OrderDocument]
    more: int
    inbox_problem: str
    waiting: Mapping[str, str]


def order_documents(home: Home, settings: Settings, most: int | None) -> OrdersDocument:
    """Those at work first, then newest first, without their products and items. `most`: None for all."""
    folder = settings.inbox.path or home.inbox
    problem, waiting_orders = inbox.problem(folder), inbox.orders_waiting(folder, home.claims)
    with Index.looking(home.index_file) as index:
        if index is None:
            return OrdersDocument([], 0, problem, waiting_orders)
        documents = [
            order_reports.order_document(index, row, waiting.reasons(index, row, home, settings), products=False)
            for row in islice(chain(order_lists.unfinished(index), order_lists.ended(index)), most)
        ]
        return OrdersDocument(documents, order_lists.count(index) - len(documents), problem, waiting_orders)


def whole_order(home: Home, settings: Settings, name: str, *, latest: bool = False) -> WholeOrder:
    """With its items, attempts and doubts. Raises NoSuchOrder, and AmbiguousName unless the `latest` is asked for."""
    with Index.looking(home.index_file) as index:
        row = naming.order_named(index, naming.order_given(home, name), latest=latest)
        assert index is not None  # there is an order in it
        return order_reports.whole_order(index, row, waiting.reasons(index, row, home, settings))


def why_of(home: Home, settings: Settings, given: str, *, latest: bool = False) -> tuple[str, bool]:
    """What became of it, in words, and whether anything is known of it. Raises AmbiguousName."""
    with Index.looking(home.index_file) as index:
        return why_words.why(home, index, settings, given, latest=latest)


# --- in words ---


def status_text(document: StatusDocument) -> str:
    return "\n".join([
        *map(one_line, (*home_lines(document), *_lying_lines(document), *closed_lines(document))),
        f"Spent   {in_dollars(document.spent_usd)}", *document.budget.lines(),
        "", orders_text([*document.open, *document.recent], can_drop=not document.inbox_problem),
        *_more_lines(document),
    ])  # fmt: skip


def home_lines(document: StatusDocument) -> Iterator[str]:
    holder = document.daemon
    yield f"Home    {document.home}"
    if holder and "unread" in holder:
        yield f"Daemon  at work; nothing more is known of it: {holder['unread']}"
    elif holder:
        yield f"Daemon  process {holder['pid']} ({holder['command']}) since {clock.shown(holder['started_at'])}"
        yield from (f"Page    {words}" for words in (holder.get("page"), holder.get("page_problem")) if words)
        if holder.get("waits"):
            yield f"Waits   {holder['waits']}"
        yield from (f"Shelf   {words}" for words in (holder.get("collecting"), holder.get("nameless")) if words)
    elif document.is_copy:
        yield "Daemon  none: a copy takes and sends nothing"
    else:
        yield "Daemon  not running: start it with `artfactoryd run`"
    if document.inbox_problem:
        yield f"Inbox   {document.inbox_problem}"


def _lying_lines(document: StatusDocument) -> Iterator[str]:
    for title, names in (("Inbox", document.inbox), ("Held", document.held), ("Rejected", document.rejected)):
        if names:
            yield f"{title:<7} {', '.join(names)}"
        if title == "Inbox":
            yield from (f"{'':<7} {name} {why}" for name, why in document.waits.items())
            yield from (f"{'':<7} {name} {inbox_rules.LEFT_ALONE}" for name in document.left_alone)


def _more_lines(document: StatusDocument) -> Iterator[str]:
    if document.more_open:
        yield f"… and {document.more_open} more not over yet (`artfactoryd orders`)"


def closed_lines(document: StatusDocument) -> Iterator[str]:
    """What stops more than one order."""
    if document.settings:
        yield f"Settings {document.settings}"
    if document.paused:
        yield f"Paused  everything, since {clock.shown(document.paused)}: `resume`"
    for name, provider in document.providers.items():
        if provider.stopped:
            yield f"Stopped {name}: {provider.stopped}"
        if provider.outage:
            yield f"Outage  {provider.outage}"
        if provider.paused:
            yield f"Paused  {name}, since {clock.shown(provider.since)}: `resume {name}`"
    if document.no_room:
        yield f"Disk    {document.no_room}"
    if document.scan:
        yield f"Scan    {document.scan}"
    if document.to_look_at:
        yield f"Look    {counted(document.to_look_at, 'product')} still to be looked at"


def orders_text(orders: Sequence[OrderDocument], *, can_drop: bool = True) -> str:
    if not orders:
        return "No orders yet. Drop one into the Inbox." if can_drop else "No orders yet."
    rows = [_cells(order) for order in orders]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for order, (done, price) in zip(orders, rows, strict=True):
        name = f"{order.name}{f' ({order.remark})' if order.remark else ''}"
        lines.append(
            f"{order.short}  {order.status:<10}  {done:>{widths[0]}}  {price:<{widths[1]}}  "
            f"{clock.shown(order.accepted_at)[:10]}  {name}  {order.folder or order.project}"
        )
        lines += [f"{'':15}{reason}" for reason in order.reasons]
    return "\n".join(map(one_line, lines))


def _cells(order: OrderDocument) -> tuple[str, str]:
    """How much of it is made, and what it cost; of what is not over also what it may cost."""
    spent, most = in_dollars(order.money.spent_usd), order.at_most_usd
    at_work = order.status in UNFINISHED_ORDERS and most
    price = f"{spent} of {at_most(most)}" if at_work and most else spent
    return f"{order.count(ItemState.COMPLETED)}/{order.total_items}", price


def listed_text(document: OrdersDocument) -> str:
    more = f"\n… and {document.more} older ones (--most all)" if document.more else ""
    told = f"\n\nInbox   {one_line(document.inbox_problem)}" if document.inbox_problem else ""
    waits = [one_line(f"{'waits':<13}  {name}: {why}") for name, why in document.waiting.items()]
    listed = orders_text(document.orders, can_drop=not (told or waits))
    return "\n".join([*waits, listed]) + more + told


def order_text(whole: WholeOrder) -> str:
    order = whole.order
    lines = [
        *orders_text([order]).split("\n"),
        "",
        f"  id      {order.order_id}",
        f"  folder  {order.folder or '(none yet)'}",
    ]
    lines.append(f"  money   {_money(order)}")
    if order.money.in_doubt_usd:
        lines.append(f"  at stake {in_dollars(order.money.in_doubt_usd)}, sent perhaps")
    lines += [f"  dear    item {overrun.item}: {overrun.text}" for overrun in order.overruns or ()]
    if whole.doubts:
        lines += ["", *_doubt_lines(whole)]
    shared = shared_reasons(whole.items)
    lines += ["", *(f"  {counted(count, 'item')}: {reason}" for reason, count in shared.items())] if shared else []
    return "\n".join([*map(one_line, lines), "", *(one_line(_item_line(item, shared)) for item in whole.items)])


def shared_reasons(items: Sequence[ItemDocument]) -> Mapping[str, int]:
    """Those of more than one item, with how many they are: such are said once."""
    counts = Counter(item.reason for item in items if item.reason)
    return {reason: count for reason, count in counts.items() if count > 1}


def _item_line(item: ItemDocument, shared: Mapping[str, int]) -> str:
    reason = f"  {item.reason}" if item.reason and item.reason not in shared else ""
    ticket = ticket_words(item.ticket) if item.state != ItemState.COMPLETED else ""
    ticket = f"  ticket {ticket}" if ticket else ""
    return f"  {item.number:>4}  {item.state:<10} {_about(item)}{ticket}{reason}"


def _about(item: ItemDocument) -> str:
    """Its stage, and its prompt; what has none is known by its other parameters."""
    given = item.generation
    words = given.get("prompt") or ", ".join(f"{name} {value}" for name, value in given.items())
    return f"{item.stage}: {words}"[:60] if item.stage else str(words)[:60]


def _doubt_lines(whole: WholeOrder) -> Iterator[str]:
    """Each attempt in doubt, what was tried to find out, and the two ways out."""
    for doubt in whole.doubts:
        head = f"  item {doubt.item}, attempt {doubt.attempt}, in doubt since {clock.shown(doubt.since)}"
        yield f"{head}: up to {in_dollars(doubt.usd)}"
        yield f"      {doubt.reason}"
        if not doubt.ticket:
            yield f"      {_asked_words(doubt)}"
    name = whole.order.short
    yield "  Look at the provider's own list first. Then:"
    yield f"      `retry {name} --in-doubt` sends again what is not made yet, and may pay a second time;"
    yield f"      `cancel {name}` lets it be. It stays counted; should it be found later, its pictures are kept."


def _asked_words(doubt: DoubtDocument) -> str:
    if doubt.asked is None:
        return "The provider cannot be asked what became of it."
    times = f"{doubt.asked} times" if doubt.asked != 1 else "once"
    asked = (
        f"Asked {times}, last at {clock.shown(doubt.last_asked_at or '')}. {doubt.answer}"
        if doubt.asked
        else "Not asked yet."
    )
    if doubt.next_ask_at:
        return f"{asked} Asked again at {clock.shown(doubt.next_ask_at)} by a running artfactoryd."
    return f"{asked} It is not asked any more: it was too long ago." if doubt.asked else asked


def _money(order: OrderDocument) -> str:
    """The estimate and what became of it, side by side."""
    money, most = order.money, order.at_most_usd
    parts = ["price unknown" if most is None else f"at most {at_most(most)}", f"{in_dollars(money.spent_usd)} spent"]
    more = ((money.reserved_usd, "on the way"), (money.in_doubt_usd, "in doubt"), (money.released_usd, "came back"))
    parts += [f"{in_dollars(usd)} {words}" for usd, words in more if usd]
    cap = f" (its cap is {in_dollars(order.cap_usd)})" if order.cap_matters else ""
    return ", ".join(parts) + cap
