"""The commands that make a home and work in it."""

from __future__ import annotations

import os

import click

from artfactoryd.cli.program import as_json, home_of, made_home, main, say, settings_of


@main.command()
@click.pass_context
def init(ctx: click.Context) -> None:
    """Make the factory folder with settings, examples and the schemas for editors."""
    from artfactoryd.cli import init as setup

    for line in setup.init(home_of(ctx)):
        click.echo(line)


@main.command()
@click.option("--supervised", is_flag=True, help="Started by launchd or systemd: stay up with bad settings and say so.")
@click.pass_context
def run(ctx: click.Context, supervised: bool) -> None:
    """The daemon, in the foreground; stop it with Ctrl-C."""
    from artfactoryd.cli import run as session

    home = home_of(ctx) if supervised else made_home(ctx)  # a supervised run waits for what is missing
    session.run(home, dict(os.environ), verbose=ctx.obj["verbose"], supervised=supervised)


@main.command()
@as_json
@click.pass_context
def once(ctx: click.Context, as_json: bool) -> None:
    """Take what is in the inbox, finish what can be finished, exit."""
    from artfactoryd.cli import run as session

    home = made_home(ctx)
    code, document = session.once(home, settings_of(home), dict(os.environ), verbose=ctx.obj["verbose"], quiet=as_json)
    if as_json:
        say(document, "", True)
    ctx.exit(code)


@main.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """A throw-away home, the examples rehearsed offline, and where to look. Needs no key and no network."""
    from artfactoryd.cli import init as setup
    from artfactoryd.cli import run as session

    home = setup.demo_home(ctx.parent.params["home"] if ctx.parent else None)
    code = session.demo(home, verbose=ctx.obj["verbose"])
    ctx.exit(code)
