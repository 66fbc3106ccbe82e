"""The commands that look at what was made, and ask for it again."""

from __future__ import annotations

import click

from artfactoryd.cli.orders import count_of
from artfactoryd.cli.program import as_json, made_home, main, say


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
    from artfactoryd import finding

    found = finding.products(made_home(ctx), " ".join(query), count_of(most, "--most"))
    say(found, finding.products_text(found), as_json)
