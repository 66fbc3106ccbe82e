"""`status`, `orders`, `order`, `why`: the state of things, as data and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from artfactoryd.cli.context import as_json, latest, made_home, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.core.money import dollars
from artfactoryd.home import Home
from artfactoryd.reporting import orders as order_reports
from artfactoryd.reporting import status as status_report
from artfactoryd.reporting import waiting
from artfactoryd.reporting import why as why_words
from artfactoryd.settings import Settings
from artfactoryd.storage import budget, naming
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import AttemptRow

Document = dict[str, Any]
TIMES = ("asked_at", "answered_at", "ended_at")


@click.command()
@as_json
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """The state of things."""
    home = made_home(ctx)
    document = status_document(home, settings_of(home))
    say(document, "" if as_json else status_text(document), as_json)


@click.command()
@as_json
@click.pass_context
def orders(ctx: click.Context, as_json: bool) -> None:
    """Every order, newest first."""
    home = made_home(ctx)
    documents = orders_document(home, settings_of(home))
    say({"orders": documents}, "" if as_json else orders_text(documents), as_json)


@click.command()
@click.argument("order_id", metavar="ID")
@latest
@as_json
@click.pass_context
def order(ctx: click.Context, order_id: str, latest: bool, as_json: bool) -> None:
    """One order: its items, what they cost, and what is at stake."""
    home = made_home(ctx)
    document = order_document(home, settings_of(home), order_id, latest=latest)
    say(document, "" if as_json else order_text(document), as_json)


@click.command()
@click.argument("file")
@latest
@as_json
@click.pass_context
def why(ctx: click.Context, file: str, latest: bool, as_json: bool) -> None:
    """What became of a file, and what to do about it."""
    home = made_home(ctx)
    text, known = why_of(home, settings_of(home), file, latest=latest)
    say({"file": file, "known": known, "text": text}, text, as_json)
    ctx.exit(0 if known else DID_NOT_SUCCEED)


def status_document(home: Home, settings: Settings) -> Document:
    """What the daemon, the Inbox, Held, Rejected, the providers and the orders are at; money in US dollars."""
    with Index.reading(home.index_file) as index:
        return status_report.status(home, index, settings, home.holder())


def orders_document(home: Home, settings: Settings) -> list[Document]:
    """Newest first, without their products and items."""
    with Index.reading(home.index_file) as index:
        rows = index.orders() if index else []
        return [
            order_reports.order_document(index, row, waiting.reasons(index, row, home, settings), products=False)
            for row in rows if index
        ]  # fmt: skip


def order_document(home: Home, settings: Settings, name: str, *, latest: bool = False) -> Document:
    """With its items, attempts and doubts. Raises NoSuchOrder, and AmbiguousName unless the `latest` is asked for."""
    with Index.reading(home.index_file) as index:
        row = naming.order_named(index, naming.order_given(home, name), latest=latest)
        assert index is not None  # there is an order in it
        document = order_reports.order_document(index, row, waiting.reasons(index, row, home, settings))
        document["attempts"] = [_attempt(attempt) for attempt in index.attempts(row.id)]
        document["doubts"] = order_reports.doubts(index, row)
        document["items"] = [order_reports.item_document(item) for item in index.items(row.id)]
        return document


def _attempt(attempt: AttemptRow) -> Document:
    keys = ("id", "number", "nth", "provider", "model", "ticket", "verdict", "reason", *TIMES)
    known = {key: getattr(attempt, key) for key in keys}
    return {**known, "usd": attempt.at_stake / 1_000_000, "settled": attempt.cost is not None}


def why_of(home: Home, settings: Settings, given: str, *, latest: bool = False) -> tuple[str, bool]:
    """What became of it, in words, and whether anything is known of it. Raises AmbiguousName."""
    with Index.reading(home.index_file) as index:
        return why_words.why(home, index, settings, given, latest=latest)


# --- in words ---


def status_text(document: Mapping[str, Any]) -> str:
    holder = document["daemon"]
    lines = [
        f"Home    {document['home']}",
        f"Daemon  process {holder['pid']} ({holder['command']}) since {holder['started_at']}" if holder
        else "Daemon  not running: start it with `artfactoryd run`",
    ]  # fmt: skip
    if holder:
        lines += [f"Page    {holder[key]}" for key in ("page", "page_problem") if holder.get(key)]
    for title in ("inbox", "held", "rejected"):
        if document[title]:
            lines.append(f"{title.capitalize():<7} {', '.join(document[title])}")
    if document["paused"]:
        lines.append(f"Paused  everything, since {document['paused']}: `resume`")
    for name, shut in document["providers"].items():
        if shut["stopped"]:
            lines.append(f"Stopped {name}: {shut['stopped']}")
        if shut["outage"]:
            lines.append(f"Outage  {shut['outage']}")
        if shut["paused"]:
            lines.append(f"Paused  {name}, since {shut['since']}: `resume {name}`")
    if document["no_room"]:
        lines.append(f"Disk    {document['no_room']}")
    lines.append(f"Spent   {_dollars(document['spent_usd'])}")
    lines += budget.standing_text(document["budget"])
    lines += ["", orders_text(document["open"] + document["recent"])]
    return "\n".join(lines)


def orders_text(documents: Sequence[Mapping[str, Any]]) -> str:
    if not documents:
        return "No orders yet. Drop one into the Inbox."
    lines: list[str] = []
    for order in documents:
        done = f"{order['completed_items']}/{order['total_items']}"
        lines.append(
            f"{order['order_id'][:13]}  {order['status']:<10} {done:>9}  ${order['spent_usd']:.3f}  "
            f"{order['project']}/{order['name']}{' (rehearsal)' if order['rehearsal'] else ''}"
        )
        lines += [f"{'':15}{reason}" for reason in order["reasons"]]
    return "\n".join(lines)


def order_text(order: Mapping[str, Any]) -> str:
    lines = [orders_text([order]), "", f"  id      {order['order_id']}", f"  folder  {order['folder'] or '(none yet)'}"]
    lines.append(f"  money   {_money(order)}")
    if order["in_doubt_usd"]:
        lines.append(f"  at stake ${order['in_doubt_usd']:.3f}, sent perhaps")
    lines += [f"  dear    item {overrun['item']}: {overrun['text']}" for overrun in order["overruns"]]
    if order["doubts"]:
        lines += ["", *_doubt_lines(order)]
    lines.append("")
    for item in order["items"]:
        reason = f"  {item['reason']}" if item["reason"] else ""
        ticket = f"  ticket {item['ticket']}" if item["ticket"] and item["state"] != "completed" else ""
        lines.append(f"  {item['number']:>4}  {item['state']:<10} {_about(item)}{ticket}{reason}")
    return "\n".join(lines)


def _about(item: Mapping[str, Any]) -> str:
    """Its stage, and its prompt; what has none is known by its other parameters."""
    given = item["generation"]
    words = given.get("prompt") or ", ".join(f"{name} {value}" for name, value in given.items())
    return f"{item['stage']}: {words}"[:60] if item["stage"] else str(words)[:60]


def _doubt_lines(order: Mapping[str, Any]) -> Iterator[str]:
    """Each attempt in doubt, what was tried to find out, and the two ways out."""
    for doubt in order["doubts"]:
        head = f"  item {doubt['item']}, attempt {doubt['attempt']}, in doubt since {doubt['since']}"
        yield f"{head}: up to ${doubt['usd']:.3f}"
        yield f"      {doubt['reason']}"
        if not doubt["ticket"]:
            yield f"      {_asked_words(doubt)}"
    name = order["order_id"][:13]
    yield "  Look at the provider's own list first. Then:"
    yield f"      `retry {name} --in-doubt` sends again what is not made yet, and may pay a second time;"
    yield f"      `cancel {name}` lets it be. It stays counted; should it be found later, its pictures are kept."


def _asked_words(doubt: Mapping[str, Any]) -> str:
    if doubt["asked"] is None:
        return "The provider cannot be asked what became of it."
    times = f"{doubt['asked']} times" if doubt["asked"] != 1 else "once"
    asked = (
        f"Asked {times}, last at {doubt['last_asked_at']}. {doubt['answer']}" if doubt["asked"] else "Not asked yet."
    )
    if doubt["next_ask_at"]:
        return f"{asked} Asked again at {doubt['next_ask_at']} by a running artfactoryd."
    return f"{asked} It is not asked any more: it was too long ago." if doubt["asked"] else asked


def _money(order: Mapping[str, Any]) -> str:
    """The estimate and what became of it, side by side."""
    price = "unknown" if order["price_usd"] is None else _dollars(order["price_usd"])
    parts = [f"at most {price} expected", f"{_dollars(order['spent_usd'])} spent"]
    more = {"reserved_usd": "on the way", "in_doubt_usd": "in doubt", "released_usd": "came back"}
    parts += [f"{_dollars(order[key])} {words}" for key, words in more.items() if order[key]]
    return f"{', '.join(parts)} (cap {_dollars(order['cap_usd'])})"


def _dollars(value: float) -> str:
    return dollars(round(value * 1_000_000))
