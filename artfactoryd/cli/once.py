"""`once`: hold the lock, take what is there, finish what can be finished, tell what became of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import click

from artfactoryd import entries, log
from artfactoryd.cli import descriptors
from artfactoryd.cli.context import as_json, own_home, say, settings_of
from artfactoryd.cli.interrupt import at_once, to_the_end
from artfactoryd.cli.progress import Mending, Progress
from artfactoryd.cli.terminal import echo
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.names import counted, made_words
from artfactoryd.daemon import loop
from artfactoryd.daemon.run import RunOptions, all_is_loaded, exit_code
from artfactoryd.home import Home
from artfactoryd.printable import one_line
from artfactoryd.reporting import waiting
from artfactoryd.reporting.blockers import Outlook
from artfactoryd.reporting.caps import in_dollars
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import OrderDocument, order_document
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import OrderRow


@click.command()
@as_json
@click.pass_context
def once(ctx: click.Context, as_json: bool) -> None:
    """Take what is in the inbox, finish what can be finished, exit."""
    home = own_home(ctx)
    code, document = work_once(home, settings_of(home), dict(os.environ), verbose=ctx.obj["verbose"], quiet=as_json)
    if as_json:
        say(document, "", True)
    ctx.exit(code)


def work_once(
    home: Home, settings: Settings, environ: dict[str, str], *, verbose: bool, quiet: bool, only: Sequence[Path] = (),
    orders: Sequence[str] = (), tells: bool = True,
) -> tuple[int, RunDocument]:  # fmt: skip
    """Take what is there (or `only` these), finish what can be finished. The exit code and what became of it.

    `orders`: beside what is taken of `only` these, and no others. `tells`: in words what became of each, at the end.
    """
    mending = Mending(quiet)
    options = RunOptions(
        until_done=True, only=frozenset(only), orders=frozenset(orders), loaded=all_is_loaded, mending=mending.tell
    )
    descriptors.ask_for_enough()
    before = _words_in_rejected(home)
    with home.lock("once") as home:
        level = "debug" if verbose else settings.logging.level
        log.setup(level, home.logs, "everything" if verbose else "trouble")
        home.make()
        with mending, Progress(quiet) as progress, at_once():
            report = asyncio.run(to_the_end(loop.work(home, settings, options, environ, watch=progress.look)))
    index = Index.look(home.index_file)
    try:
        words = sorted(_words_in_rejected(home) - before)
        seen = look_at(home, settings, index, report.orders)
        code = exit_code([order.outlook for order in seen], len(report.rejected), report.waiting)
        return code, report_of(home, index, seen, words, quiet or not tells)
    finally:
        index.close()


def _words_in_rejected(home: Home) -> set[Path]:
    """More than what was rejected has its word there: what an order left over, outputs that nothing opens again."""
    return set(home.rejected.glob("*.error.txt"))


@dataclass(frozen=True, slots=True)
class RejectedDocument(JsonObject):
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RunDocument(JsonObject):
    """What became of the orders that a run, or whoever waited for the daemon, met."""

    orders: Sequence[OrderDocument]
    rejected: Sequence[RejectedDocument]


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order and where it stands, read together: who waits, what is told and the exit code go by one look."""

    row: OrderRow
    outlook: Outlook


def look_at(home: Home, settings: Settings, index: Index, order_ids: Iterable[str]) -> list[SeenOrder]:
    rows = [row for row in map(index.order, order_ids) if row is not None]
    return [SeenOrder(row, waiting.outlook(index, row, home, settings)) for row in rows]


def report_of(
    home: Home, index: Index, orders: Sequence[SeenOrder], rejected: Sequence[Path], quiet: bool
) -> RunDocument:
    """Told in words, too, unless `quiet`. `rejected`: the words beside what was rejected."""
    report = RunDocument(
        [order_document(index, order.row, order.outlook.reasons) for order in orders],
        [RejectedDocument(path.name.removesuffix(".error.txt"), entries.words_in(path)) for path in rejected],
    )
    if not quiet:
        for line in _lines(report, home, index):
            echo(line)
    return report


def _lines(report: RunDocument, home: Home, index: Index) -> Iterator[str]:
    for order in report.orders:
        folder = f" in {home.root / order.folder}" if order.folder else ""
        yield one_line(f"{order.name}: {order.status}, {_made(order, index)}{folder}")
        yield from (f"  {one_line(reason)}" for reason in order.reasons)
    for entry in report.rejected:
        yield f"{one_line(home.rejected / entry.name)}\n{indent(entry.text.rstrip(), '  ')}"


def _made(order: OrderDocument, index: Index) -> str:
    """`48 pictures (40 reused), $0.024`, and how many of its items they are of unless they are of all."""
    done = order.count(ItemState.COMPLETED)
    some = f"{done} of {counted(order.total_items, 'item')}, " if done < order.total_items else ""
    return f"{some}{made_words(*order_lists.made(index, order.order_id))}, {in_dollars(order.money.spent_usd)}"
