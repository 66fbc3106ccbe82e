"""`watch`: what the page shows, in a terminal: drawn again in place as it changes; told once where no terminal is."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import FrameType

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from artfactoryd import clock
from artfactoryd.cli.context import made_home
from artfactoryd.cli.orders import closed_lines, home_lines
from artfactoryd.cli.terminal import echo, folded, width
from artfactoryd.core.lifecycle import ItemState, OrderState
from artfactoryd.core.names import counted
from artfactoryd.errors import ArtFactoryError
from artfactoryd.home import Home
from artfactoryd.live_settings import settings_to_show
from artfactoryd.medium import in_words
from artfactoryd.printable import one_line, printable
from artfactoryd.reporting import progress, waiting
from artfactoryd.reporting import status as status_report
from artfactoryd.reporting.blockers import Who
from artfactoryd.reporting.caps import Period, at_most, in_dollars
from artfactoryd.reporting.orders import OrderDocument
from artfactoryd.reporting.status import StatusDocument
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index

LOOK = 1.0  # seconds between two looks
REST = 10  # times as long as a look took, at the least, until the next one
TIME = 9  # columns before a product's name
BAR = 20  # characters of a bar
NAME = 24  # columns of an order's name; a longer one is cut
NOTHING = "  nothing"
MOST_TIMED = 20  # orders of which it is told how long the rest takes


@dataclass(frozen=True, slots=True)
class View:
    """`seconds_left`: by the order's id, where something tells. `waiting`: the ids of orders that a person lets go on.
    `trouble`: why there is no newer view than this."""

    status: StatusDocument
    seconds_left: Mapping[str, int] = field(default_factory=dict)
    waiting: Collection[str] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: Sequence[str]


@click.command()
@click.pass_context
def watch(ctx: click.Context) -> None:
    """What is at work and what waits for you, as it changes. Ctrl-C ends it; it only reads.

    Where no terminal is, it is told once.
    """
    home = made_home(ctx)
    first = view_of(home)
    console = Console(highlight=False)
    if not sys.stdout.isatty() or console.is_dumb_terminal:
        echo("\n".join(text_of(sections(first, None), None, None)))
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with suppress(KeyboardInterrupt):  # that is how it ends
        _redrawn(home, first, console)


def _end(number: int, frame: FrameType | None) -> None:
    """So that the terminal is left as it was."""
    raise SystemExit(128 + number)


def _redrawn(home: Home, view: View, console: Console) -> None:
    """In the terminal's other screen, so that what was there before is there again."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            columns, rows = console.size
            live.update(_drawn(sections(view, columns), columns, rows), refresh=True)
            begun = time.monotonic()
            time.sleep(LOOK)
            view = _again(home, view)
            took = time.monotonic() - begun - LOOK
            time.sleep(max(0.0, took * REST - LOOK))


def _again(home: Home, before: View) -> View:
    """The newest there is: while an index is made again, say, the one before, and why."""
    try:
        return view_of(home)
    except (ArtFactoryError, OSError) as error:
        return replace(before, trouble=f"This is what was: {in_words(error)}")


def view_of(home: Home) -> View:
    settings, trouble = settings_to_show(home, dict(os.environ))
    with Index.looking(home.index_file) as index:
        status = status_report.status(home, index, settings, home.at_work(), trouble)
        if index is None:
            return View(status)
        return View(status, dict(_seconds_left(index, status)), set(_waiting(index, status, home, settings)))


def _seconds_left(index: Index, status: StatusDocument) -> Iterator[tuple[str, int]]:
    now = clock.now()
    for order in [order for order in status.open if order.status == OrderState.PROCESSING][:MOST_TIMED]:
        row = index.order(order.order_id)
        left = row if row is None else progress.seconds_left(index, row, order.items_by_state, now)
        if left is not None:
            yield order.order_id, left


def _waiting(index: Index, status: StatusDocument, home: Home, settings: Settings) -> Iterator[str]:
    for order in status.open:
        if order.reasons and (row := index.order(order.order_id)) is not None:
            outlook = waiting.outlook(index, row, home, settings)
            if outlook.rests and any(blocker.who is Who.PERSON for blocker in outlook.blockers):
                yield order.order_id


# --- in words ---


def sections(view: View, columns: int | None) -> list[Section]:
    """What stands first is looked at first."""
    status = view.status
    at_work = [order for order in status.open if order.order_id not in view.waiting]
    for_you = [order for order in status.open if order.order_id in view.waiting]
    more = [f"… and {status.more_open} more orders"] if status.more_open else []
    told = [
        Section("", [*([view.trouble] if view.trouble else []), *home_lines(status), *closed_lines(status),
                     *map(_cap_line, (status.budget.day, status.budget.month))]),
        Section("At work", [*(line for order in at_work for line in _order_lines(order, view)), *more] or [NOTHING]),
        Section("Waits for you", [*(line for order in for_you for line in _order_lines(order, view)),
                                  *_entry_lines(status)]),
        Section("Newest", [f"  {clock.shown(new.created_at)[11:16]}  {_ending(new.product.path, columns)}"
                            for new in status.products]),
    ]  # fmt: skip
    return [section for section in told if section.lines]


def _order_lines(order: OrderDocument, view: View) -> Iterator[str]:
    made, failed = order.count(ItemState.COMPLETED), order.count(ItemState.FAILED)
    facts = [f"{made}/{order.total_items}", *([f"{failed} failed"] if failed else []), _price(order)]
    if (left := view.seconds_left.get(order.order_id)) is not None:
        facts.append(f"{_duration(left)} left")
    name = _cut(one_line(order.name), NAME)
    yield f"  {name}{' ' * (NAME - width(name))}  {bar(made, failed, order.total_items)}  {', '.join(facts)}"
    yield from (f"    {reason}" for reason in order.reasons)
    if order.status == OrderState.HELD:
        yield f"    `approve {order.short}` or `cancel {order.short}`"


def bar(made: int, failed: int, total: int, columns: int = BAR) -> str:
    """Full only when all of it is over; whatever was made shows."""
    ended = min(made + failed, total)
    full = columns * ended // total if total else 0
    full = max(full, 1) if ended else full
    bad = min(full, max(1, full * failed // ended)) if failed and ended else 0
    return "█" * (full - bad) + "▒" * bad + "░" * (columns - full)


def _price(order: OrderDocument) -> str:
    spent = in_dollars(order.money.spent_usd)
    return f"{spent} of at most {at_most(order.at_most_usd)}" if order.at_most_usd else spent


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min" if seconds < 5400 else _hours(seconds)


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.1f} h"


def _cap_line(period: Period) -> str:
    title = "Today" if period.name == "day" else "Month"
    spent = bar(round(period.counted_usd * 1_000_000), 0, round(period.cap_usd * 1_000_000))
    return f"{title:<7} {spent}  {in_dollars(period.counted_usd)} of {in_dollars(period.cap_usd)}"


def _entry_lines(status: StatusDocument) -> Iterator[str]:
    """What lies in Rejected/, the newest with its reason: a line for many."""
    if status.rejected:
        newest = next(iter(status.why.rejected.items()), None)
        yield f"  {counted(len(status.rejected), 'file')} in Rejected"
        if newest:
            name, words = newest
            lines = [line.strip() for line in words.splitlines() if line.strip()]
            problems = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
            yield f"    {name}: {next(iter(problems or lines), '')}"


def _ending(path: str, columns: int | None) -> str:
    """As many of its last parts as there is room for, the file's name at the least."""
    shown = path
    while columns and "/" in shown and width(shown) > columns - TIME:
        shown = "…/" + shown.removeprefix("…/").partition("/")[2]
        if shown.count("/") == 1:
            return shown.removeprefix("…/")
    return shown


def _cut(text: str, columns: int) -> str:
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


def text_of(told: Sequence[Section], columns: int | None, rows: int | None) -> list[str]:
    """The lines of all sections, folded at so many `columns`; of more than so many `rows` each has its share."""
    if columns is None or rows is None:
        return [line for section in told for line in (*_titled(section), *map(_shown, section.lines))]
    lines: list[str] = []
    for number, section in enumerate(told):
        head = _titled(section)
        own = [piece for line in section.lines for piece in folded(_shown(line), columns).split("\n")]
        room = (rows - len(lines)) // (len(told) - number) if number else rows
        lines += [*head, *clipped(own, max(1, room - len(head)))]
    return lines[:rows]


def _titled(section: Section) -> list[str]:
    return ["", section.title] if section.title else []


def clipped(lines: Sequence[str], most: int) -> list[str]:
    """The first of them, and how many there are besides."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"  … {len(lines) - most + 1} more lines"]


def _shown(line: str) -> str:
    return printable(one_line(line))


def _drawn(told: Sequence[Section], columns: int, rows: int) -> Text:
    head = f"Art Factory  {datetime.now().astimezone():%H:%M:%S}"
    titles = {head, *(section.title for section in told)}
    lines = [head, *text_of(told, columns, rows - 1)]
    drawn = Text(no_wrap=True, overflow="crop", end="")
    for number, line in enumerate(lines):
        drawn.append(f"\n{line}" if number else line, "bold" if line in titles else "")
    return drawn
