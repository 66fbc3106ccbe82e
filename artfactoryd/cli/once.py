"""`once`: hold the lock, take what is there, finish what can be finished, tell what became of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from artfactoryd import log
from artfactoryd.cli.context import as_json, made_home, say, settings_of
from artfactoryd.cli.progress import Progress
from artfactoryd.daemon import loop
from artfactoryd.daemon.run import RunOptions, exit_code
from artfactoryd.home import Home
from artfactoryd.reporting import orders
from artfactoryd.reporting import waiting as reports
from artfactoryd.settings import Settings
from artfactoryd.storage.index import Index


@click.command()
@as_json
@click.pass_context
def once(ctx: click.Context, as_json: bool) -> None:
    """Take what is in the inbox, finish what can be finished, exit."""
    home = made_home(ctx)
    code, document = work_once(home, settings_of(home), dict(os.environ), verbose=ctx.obj["verbose"], quiet=as_json)
    if as_json:
        say(document, "", True)
    ctx.exit(code)


def work_once(
    home: Home, settings: Settings, environ: dict[str, str], *, verbose: bool, quiet: bool, only: Sequence[Path] = (),
    orders: Sequence[str] = (),
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """Take what is there (or `only` these), finish what can be finished. The exit code and what became of it.

    `orders`: beside what is taken of `only` these, and no others.
    """
    options = RunOptions(until_done=True, only=frozenset(only), orders=frozenset(orders))
    before = _words_in_rejected(home)
    with home.lock("once"):
        level = "debug" if verbose else settings.logging.level
        log.setup(level, home.logs, "everything" if verbose else "trouble")
        home.make()
        with Progress(quiet) as progress:
            report = asyncio.run(loop.work(home, settings, options, environ, watch=progress.look))
    index = Index.look(home.index_file)
    try:
        words = sorted(_words_in_rejected(home) - before)
        document = report_of(home, settings, index, report.orders, words, quiet)
        return exit_code(index, report.orders, len(report.rejected), report.waiting), document
    finally:
        index.close()


def _words_in_rejected(home: Home) -> set[Path]:
    """More than what was rejected has its word there: what an order left over, outputs that nothing opens again."""
    return set(home.rejected.glob("*.error.txt"))


def report_of(
    home: Home, settings: Settings, index: Index, seen: Sequence[str], rejected: Sequence[Path], quiet: bool
) -> dict[str, Any]:
    rows = [row for row in map(index.order, seen) if row is not None]
    documents = [orders.order_document(index, row, reports.reasons(index, row, home, settings)) for row in rows]
    words = {path.name.removesuffix(".error.txt"): path.read_text(errors="replace") for path in rejected}
    for order in [] if quiet else documents:
        click.echo(_line(order, home))
    for name, text in [] if quiet else words.items():
        click.echo(f"{home.rejected / name}\n{indent(text.rstrip(), '  ')}")
    return {"orders": documents, "rejected": [{"name": name, "text": text} for name, text in words.items()]}


def _line(order: Mapping[str, Any], home: Home) -> str:
    folder = f" in {home.root / order['folder']}" if order["folder"] else ""
    words = [f"{order['name']}: {order['status']}, {order['completed_items']} of {order['total_items']} items{folder}"]
    return "\n".join(words + [f"  {reason}" for reason in order["reasons"]])
