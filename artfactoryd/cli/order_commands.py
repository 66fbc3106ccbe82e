"""The commands that look at orders and hand them in."""

from __future__ import annotations

import os
from pathlib import Path

import click

from artfactoryd import clock
from artfactoryd.cli.program import DID_NOT_SUCCEED, as_json, home_of, made_home, main, say, settings_of
from artfactoryd.errors import WrongUse


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rehearse", is_flag=True, help="As if every item were drawn here, for nothing.")
@click.option("--items", "most", default="10", metavar="N|all", help="How many items to list (default 10).")
@as_json
@click.pass_context
def plan(ctx: click.Context, file: Path, rehearse: bool, most: str, as_json: bool) -> None:
    """What an order would do, what it would cost, and what would hold it. Spends nothing."""
    from artfactoryd.cli import plan as plan_page
    from artfactoryd.planning import preview as planning

    home = home_of(ctx)
    most_items, settings = count_of(most, "--items"), settings_of(home)
    found = planning.plan(home, settings, file, rehearse=rehearse, most=most_items, environ=os.environ)
    if as_json:
        for piece in found.json():
            click.echo(piece, nl=False)
    else:
        plan_page.show(found, click.echo)
    ctx.exit(found.exit_code)


def count_of(text: str, option: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise WrongUse(f"{option} takes a number or `all`; {text!r} is neither.")
    return int(text)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@click.option("--rehearse", is_flag=True, help="Let the free local sketch model draw every item.")
@as_json
@click.pass_context
def submit(ctx: click.Context, files: tuple[Path, ...], wait: bool, rehearse: bool, as_json: bool) -> None:
    """Put orders into the inbox, each in one step, as they are."""
    from artfactoryd.cli import run as session

    home = made_home(ctx)
    code, document = session.submit(
        home, settings_of(home), dict(os.environ), list(files), wait=wait, rehearse=rehearse, quiet=as_json
    )
    if as_json:
        say(document, "", True)
    ctx.exit(code)


@main.command()
@as_json
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """The state of things."""
    from artfactoryd.cli import orders as show

    home = made_home(ctx)
    found = show.status_document(home, settings_of(home))
    say(found, "" if as_json else show.status_text(found), as_json)


@main.command()
@as_json
@click.pass_context
def orders(ctx: click.Context, as_json: bool) -> None:
    """Every order, newest first."""
    from artfactoryd.cli import orders as show

    home = made_home(ctx)
    found = show.orders_document(home, settings_of(home))
    say({"orders": found}, "" if as_json else show.orders_text(found), as_json)


@main.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def order(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """One order: its items, what they cost, and what is at stake."""
    from artfactoryd.cli import orders as show

    home = made_home(ctx)
    found = show.order_document(home, settings_of(home), order_id)
    say(found, "" if as_json else show.order_text(found), as_json)


@main.command()
@click.option(
    "--by",
    type=click.Choice(["project", "model", "day", "order"]),
    default="project",
    help="What to add up by (default: project).",
)
@as_json
@click.pass_context
def spend(ctx: click.Context, by: str, as_json: bool) -> None:
    """What was spent, what is on the way or in doubt, and what is left of today's and this month's cap."""
    from artfactoryd.cli import spend as spending

    home = made_home(ctx)
    found = spending.document(home, settings_of(home), by, clock.today())
    say(found, "" if as_json else spending.text(found), as_json)


@main.command()
@click.argument("file")
@as_json
@click.pass_context
def why(ctx: click.Context, file: str, as_json: bool) -> None:
    """What became of a file, and what to do about it."""
    from artfactoryd.cli import orders as show

    home = made_home(ctx)
    text, known = show.why(home, settings_of(home), file)
    say({"file": file, "known": known, "text": text}, text, as_json)
    ctx.exit(0 if known else DID_NOT_SUCCEED)
