"""`status`, `orders`, `order`, `why`: the state of things, as data and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from artfactoryd.cli.context import as_json, made_home, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.core.money import dollars
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.reporting import orders as order_reports
from artfactoryd.reporting import status as status_report
from artfactoryd.reporting import waiting
from artfactoryd.reporting import why as why_words
from artfactoryd.settings import Settings
from artfactoryd.storage import budget
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
    found = status_document(home, settings_of(home))
    say(found, "" if as_json else status_text(found), as_json)


@click.command()
@as_json
@click.pass_context
def orders(ctx: click.Context, as_json: bool) -> None:
    """Every order, newest first."""
    home = made_home(ctx)
    found = orders_document(home, settings_of(home))
    say({"orders": found}, "" if as_json else orders_text(found), as_json)


@click.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def order(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """One order: its items, what they cost, and what is at stake."""
    home = made_home(ctx)
    found = order_document(home, settings_of(home), order_id)
    say(found, "" if as_json else order_text(found), as_json)


@click.command()
@click.argument("file")
@as_json
@click.pass_context
def why(ctx: click.Context, file: str, as_json: bool) -> None:
    """What became of a file, and what to do about it."""
    home = made_home(ctx)
    text, known = why_of(home, settings_of(home), file)
    say({"file": file, "known": known, "text": text}, text, as_json)
    ctx.exit(0 if known else DID_NOT_SUCCEED)


@contextmanager
def _looking(home: Home) -> Iterator[Index | None]:
    """The index for reading; None while nothing was ever made here."""
    index = Index.if_made(home.index_file)
    try:
        yield index
    finally:
        if index:
            index.close()


def status_document(home: Home, settings: Settings) -> Document:
    with _looking(home) as index:
        return status_report.status(home, index, settings, home.holder())


def orders_document(home: Home, settings: Settings) -> list[Document]:
    with _looking(home) as index:
        rows = index.orders() if index else []
        return [
            order_reports.order_document(index, row, waiting.reasons(index, row, home, settings), products=False)
            for row in rows if index
        ]  # fmt: skip


def order_document(home: Home, settings: Settings, name: str) -> Document:
    with _looking(home) as index:
        rows = index.find_orders(name.rstrip("/")) if index else []
        if not rows or index is None:
            raise WrongUse(f"There is no order {name!r}. `artfactoryd orders` lists them.")
        if len(rows) > 1 and all(row.id != name for row in rows) and len({row.name for row in rows}) > 1:
            raise WrongUse(f"{name!r} may be any of {', '.join(row.id for row in rows[:5])}. Name one by its id.")
        row = rows[0]
        found = order_reports.order_document(index, row, waiting.reasons(index, row, home, settings))
        found["attempts"] = [_attempt(attempt) for attempt in index.attempts(row.id)]
        found["doubts"] = order_reports.doubts(index, row)
        found["items"] = [order_reports.item_document(item) for item in index.items(row.id)]
        return found


def _attempt(attempt: AttemptRow) -> Document:
    keys = ("id", "number", "nth", "provider", "model", "ticket", "verdict", "reason", *TIMES)
    known = {key: getattr(attempt, key) for key in keys}
    return {**known, "usd": attempt.at_stake / 1_000_000, "settled": attempt.cost is not None}


def why_of(home: Home, settings: Settings, given: str) -> tuple[str, bool]:
    with _looking(home) as index:
        return why_words.why(home, index, settings, given)


# --- in words ---


def status_text(found: Mapping[str, Any]) -> str:
    holder = found["daemon"]
    lines = [
        f"Home    {found['home']}",
        f"Daemon  process {holder['pid']} ({holder['command']}) since {holder['started_at']}" if holder
        else "Daemon  not running: start it with `artfactoryd run`",
    ]  # fmt: skip
    if holder:
        lines += [f"Page    {holder[key]}" for key in ("page", "page_problem") if holder.get(key)]
    for title in ("inbox", "held", "rejected"):
        lines += [f"{title.capitalize():<7} {', '.join(found[title])}"] if found[title] else []
    lines += [f"Paused  everything, since {found['paused']}: `resume`"] if found["paused"] else []
    for name, shut in found["providers"].items():
        lines += [f"Stopped {name}: {shut['stopped']}"] if shut["stopped"] else []
        lines += [f"Outage  {shut['outage']}"] if shut["outage"] else []
        lines += [f"Paused  {name}, since {shut['since']}: `resume {name}`"] if shut["paused"] else []
    lines += [f"Disk    {found['no_room']}"] if found["no_room"] else []
    lines.append(f"Spent   {_dollars(found['spent_usd'])}")
    lines += budget.standing_text(found["budget"])
    lines += ["", orders_text(found["open"] + found["recent"])]
    return "\n".join(lines)


def orders_text(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "No orders yet. Drop one into the Inbox."
    lines: list[str] = []
    for order in found:
        done = f"{order['completed_items']}/{order['total_items']}"
        lines.append(
            f"{order['order_id'][:13]}  {order['status']:<10} {done:>9}  ${order['spent_usd']:.3f}  "
            f"{order['project']}/{order['name']}{' (rehearsal)' if order['rehearsal'] else ''}"
        )
        lines += [f"{'':15}{reason}" for reason in order["reasons"]]
    return "\n".join(lines)


def order_text(found: Mapping[str, Any]) -> str:
    lines = [orders_text([found]), "", f"  id      {found['order_id']}", f"  folder  {found['folder'] or '(none yet)'}"]
    lines.append(f"  money   {_money(found)}")
    if found["in_doubt_usd"]:
        lines.append(f"  at stake ${found['in_doubt_usd']:.3f}, sent perhaps")
    lines += [f"  dear    item {each['item']}: {each['text']}" for each in found["overruns"]]
    lines += ["", *_doubt_lines(found)] if found["doubts"] else []
    lines.append("")
    for item in found["items"]:
        reason = f"  {item['reason']}" if item["reason"] else ""
        ticket = f"  ticket {item['ticket']}" if item["ticket"] and item["state"] != "completed" else ""
        lines.append(f"  {item['number']:>4}  {item['state']:<10} {_about(item)}{ticket}{reason}")
    return "\n".join(lines)


def _about(item: Mapping[str, Any]) -> str:
    """Its stage, and its prompt; what has none is known by its other parameters."""
    given = item["generation"]
    said = given.get("prompt") or ", ".join(f"{name} {value}" for name, value in given.items())
    return f"{item['stage']}: {said}"[:60] if item["stage"] else str(said)[:60]


def _doubt_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Each attempt in doubt, what was tried to find out, and the two ways out."""
    for doubt in found["doubts"]:
        head = f"  item {doubt['item']}, attempt {doubt['attempt']}, in doubt since {doubt['since']}"
        yield f"{head}: up to ${doubt['usd']:.3f}"
        yield f"      {doubt['reason']}"
        if not doubt["ticket"]:
            yield f"      {_asked_words(doubt)}"
    name = found["order_id"][:13]
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


def _money(found: Mapping[str, Any]) -> str:
    """The estimate and what became of it, side by side."""
    price = "unknown" if found["price_usd"] is None else _dollars(found["price_usd"])
    parts = [f"at most {price} expected", f"{_dollars(found['spent_usd'])} spent"]
    more = {"reserved_usd": "on the way", "in_doubt_usd": "in doubt", "released_usd": "came back"}
    parts += [f"{_dollars(found[key])} {words}" for key, words in more.items() if found[key]]
    return f"{', '.join(parts)} (cap {_dollars(found['cap_usd'])})"


def _dollars(value: float) -> str:
    return dollars(round(value * 1_000_000))
