"""The commands that look at what was made, and ask for it again."""

from __future__ import annotations

import os

import click

from artfactoryd.cli.order_commands import count_of
from artfactoryd.cli.program import as_json, made_home, main, say, settings_of


@main.command()
@click.argument("query", nargs=-1)
@click.option("--most", default="50", metavar="N|all", help="How many to list (default 50).")
@as_json
@click.pass_context
def products(ctx: click.Context, query: tuple[str, ...], most: str, as_json: bool) -> None:
    """What was made, newest first: all, or what a query finds.

    Every term must hold: 'project:cars model:flux-dev guidance:>3 after:2026-11-01 "red car" -blue'. Put the
    query between single quotes; one that begins with - comes after --.
    """
    from artfactoryd.cli import products as finding

    found = finding.products(made_home(ctx), " ".join(query), count_of(most, "--most"))
    say(found, finding.products_text(found), as_json)


@main.command()
@click.argument("file", metavar="FILE|ID")
@as_json
@click.pass_context
def explain(ctx: click.Context, file: str, as_json: bool) -> None:
    """Everything that is known of a product: how it was made, from what, when, and what it cost."""
    from artfactoryd.cli import explain as explaining

    found = explaining.explain(made_home(ctx), file)
    say(found, explaining.text(found), as_json)


@main.command()
@click.argument("file", metavar="FILE|ID")
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@as_json
@click.pass_context
def remake(ctx: click.Context, file: str, wait: bool, as_json: bool) -> None:
    """Ask for a product again: its item, with the same parameters and seed, as a new order.

    One of a batch is made with the whole batch of its call. `artfactoryd plan FILE.json` shows it first.
    """
    from artfactoryd.cli import explain as explaining
    from artfactoryd.cli import run as session

    home = made_home(ctx)
    card = explaining.card_of(home, file)
    code, document = session.submit(
        home, settings_of(home), dict(os.environ), [card], wait=wait, rehearse=False, quiet=as_json
    )
    if as_json:
        say(document, "", True)
    ctx.exit(code)
