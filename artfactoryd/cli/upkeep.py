"""The commands that look after a home and its service."""

from __future__ import annotations

import os
import shutil
import sys

import click

from artfactoryd.cli.program import DID_NOT_SUCCEED, as_json, home_of, made_home, main, say, settings_of
from artfactoryd.errors import WrongUse
from artfactoryd.schema import schema_names, schema_text


@main.command()
@click.option(
    "--which",
    type=click.Choice(["application", "generation", "access"]),
    default="application",
    help="application (default): what went on; generation: each attempt; access: the status page.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what comes, until Ctrl-C.")
@click.option("--order", metavar="ID", help="Only what speaks of this order.")
@click.option("-n", "most", type=click.IntRange(min=0), default=50, metavar="N", help="How many (default 50).")
@as_json
@click.pass_context
def logs(ctx: click.Context, which: str, follow: bool, order: str | None, most: int, as_json: bool) -> None:
    """What the program said, each attempt at an item, or each request to the status page; --json one object a line."""
    from artfactoryd.cli import logs as log_files

    home = made_home(ctx)
    wanted = log_files.ids_of(home, order) if order else []
    found, follower = log_files.tail(home, which, most, wanted)
    for entry in found:
        click.echo(log_files.printed(entry, as_json))
    for entry in log_files.follow(follower, wanted) if follow else ():
        click.echo(log_files.printed(entry, as_json))


@main.command()
@as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """What is well, what is not, and the way out: folder, lock, disk, keys, addresses, database. Changes nothing."""
    from artfactoryd.cli.doctor import machine
    from artfactoryd.cli.doctor import report as diagnosis

    rows = machine.examine(home_of(ctx), dict(os.environ))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    say(diagnosis.document(rows), "" if as_json else diagnosis.text(rows, width), as_json)
    ctx.exit(DID_NOT_SUCCEED if diagnosis.worst(rows) == diagnosis.BAD else 0)


@main.command()
@as_json
@click.pass_context
def reindex(ctx: click.Context, as_json: bool) -> None:
    """Make the index again from the ledger and the shelf, and say where they do not agree."""
    from artfactoryd.cli import run as session

    report = session.make_index_again(made_home(ctx))
    say(report.document(), "" if as_json else report.text(), as_json)


@main.command()
@click.pass_context
def install(ctx: click.Context) -> None:
    """Let launchd or systemd start the daemon when you log in, and again when it dies."""
    from artfactoryd.cli import service as installing

    home = made_home(ctx)
    for line in installing.install(home, settings_of(home), os.environ, sys.argv[0]):
        click.echo(line)
    code, found = installing.status(home, os.environ)
    click.echo(installing.status_text({**found, "warnings": []}))
    ctx.exit(code)


@main.command()
@click.pass_context
def uninstall(ctx: click.Context) -> None:
    """Stop the service and take it away; the factory folder stays as it is."""
    from artfactoryd.cli import service as installing

    for line in installing.uninstall(home_of(ctx), os.environ):
        click.echo(line)


@main.group()
def service() -> None:
    """The daemon as launchd or systemd sees it."""


@service.command("status")
@as_json
@click.pass_context
def service_status(ctx: click.Context, as_json: bool) -> None:
    """Installed, enabled, loaded, running? Exit code 0 running, 3 installed but not running, 1 not installed."""
    from artfactoryd.cli import service as installing

    code, found = installing.status(home_of(ctx), os.environ)
    say(found, "" if as_json else installing.status_text(found), as_json)
    ctx.exit(code)


@main.command()
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print a JSON Schema, or the names of all."""

    if name is None:
        click.echo("\n".join(schema_names()))
    elif name in schema_names():
        click.echo(schema_text(name))
    else:
        raise WrongUse(f"There is no schema {name!r}. There are: {', '.join(schema_names())}.")
