"""The one program, `artfactoryd`. Each command is a few lines; heavy imports happen inside them.

Exit codes: 0 done, 1 it did not succeed, 2 wrong use or settings, 3 it waits for a person, a provider or a cap.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from artfactoryd import __version__
from artfactoryd.errors import ArtFactoryError, Refusal, WrongUse
from artfactoryd.home import Home

DID_NOT_SUCCEED, WRONG_USE = 1, 2


class Program(click.Group):
    """Turns what a person did wrong into words; never a traceback for it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:  # an order's is told where it is read; what gets here is the settings'
            click.echo(f"artfactoryd: These settings cannot be used.\n{refusal}", err=True)
            ctx.exit(WRONG_USE)
        except ArtFactoryError as error:
            click.echo(f"artfactoryd: {error.title}. {error}", err=True)
            ctx.exit(WRONG_USE if isinstance(error, WrongUse) else DID_NOT_SUCCEED)
        except (KeyboardInterrupt, BrokenPipeError):
            ctx.exit(130)


as_json = click.option("--json", "as_json", is_flag=True, help="Answer with data instead of words.")


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", metavar="DIR", help="The factory folder (default: $ARTFACTORY_HOME, else ~/ArtFactory).")
@click.option("-v", "--verbose", is_flag=True, help="Say more while working.")
@click.version_option(__version__, prog_name="artfactoryd")
@click.pass_context
def main(ctx: click.Context, home: str | None, verbose: bool) -> None:
    """Write an order once, drop it in a folder, find the pictures: sorted, named, explained, never paid for twice."""
    ctx.obj = {"home": Home.find(home, os.environ), "verbose": verbose}


def _home(ctx: click.Context) -> Home:
    home: Home = ctx.obj["home"]
    return home


def _made_home(ctx: click.Context) -> Home:
    home = _home(ctx)
    if not home.work.is_dir():
        raise WrongUse(f"There is no factory folder at {home.root}. Make one: artfactoryd --home {home.root} init")
    home.check_place()
    return home


def _settings(home: Home) -> Any:
    from artfactoryd import settings

    return settings.load(home.settings_file, os.environ)


def _say(found: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else text)


# --- making and running a home ---


@main.command()
@click.pass_context
def init(ctx: click.Context) -> None:
    """Make the factory folder with settings, examples and the schemas for editors."""
    from artfactoryd import setup

    for line in setup.init(_home(ctx)):
        click.echo(line)


@main.command()
@click.option("--supervised", is_flag=True, help="Started by launchd or systemd: stay up with bad settings and say so.")
@click.pass_context
def run(ctx: click.Context, supervised: bool) -> None:
    """The daemon, in the foreground; stop it with Ctrl-C."""
    from artfactoryd import session

    home = _home(ctx) if supervised else _made_home(ctx)  # a supervised run waits for what is missing
    session.run(home, dict(os.environ), verbose=ctx.obj["verbose"], supervised=supervised)


@main.command()
@as_json
@click.pass_context
def once(ctx: click.Context, as_json: bool) -> None:
    """Take what is in the inbox, finish what can be finished, exit."""
    from artfactoryd import session

    home = _made_home(ctx)
    code, document = session.once(home, _settings(home), dict(os.environ), verbose=ctx.obj["verbose"], quiet=as_json)
    if as_json:
        _say(document, "", True)
    ctx.exit(code)


@main.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """A throw-away home, the examples rehearsed offline, and where to look. Needs no key and no network."""
    from artfactoryd import session, setup

    home = setup.demo_home(ctx.parent.params["home"] if ctx.parent else None)
    code = session.demo(home, verbose=ctx.obj["verbose"])
    ctx.exit(code)


# --- orders ---


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rehearse", is_flag=True, help="As if every item were drawn here, for nothing.")
@click.option("--items", "most", default="10", metavar="N|all", help="How many items to list (default 10).")
@as_json
@click.pass_context
def plan(ctx: click.Context, file: Path, rehearse: bool, most: str, as_json: bool) -> None:
    """What an order would do, what it would cost, and what would hold it. Spends nothing."""
    from artfactoryd import planning

    home = _home(ctx)
    found = planning.plan(home, _settings(home), file, rehearse=rehearse, most=_count(most))
    _say(found.document, found.text(), as_json)
    ctx.exit(found.exit_code)


def _count(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise WrongUse(f"--items takes a number or `all`; {text!r} is neither.")
    return int(text)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--wait", is_flag=True, help="Show progress and end with the order's outcome.")
@click.option("--rehearse", is_flag=True, help="Let the free local sketch model draw every item.")
@as_json
@click.pass_context
def submit(ctx: click.Context, files: tuple[Path, ...], wait: bool, rehearse: bool, as_json: bool) -> None:
    """Put orders into the inbox, each in one step, as they are."""
    from artfactoryd import session

    home = _made_home(ctx)
    code, document = session.submit(
        home, _settings(home), dict(os.environ), list(files), wait=wait, rehearse=rehearse, quiet=as_json
    )
    if as_json:
        _say(document, "", True)
    ctx.exit(code)


@main.command()
@as_json
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """The state of things."""
    from artfactoryd import show

    home = _made_home(ctx)
    found = show.status_document(home, _settings(home))
    _say(found, "" if as_json else show.status_text(found), as_json)


@main.command()
@as_json
@click.pass_context
def orders(ctx: click.Context, as_json: bool) -> None:
    """Every order, newest first."""
    from artfactoryd import show

    home = _made_home(ctx)
    found = show.orders_document(home, _settings(home))
    _say({"orders": found}, "" if as_json else show.orders_text(found), as_json)


@main.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def order(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """One order: its items, what they cost, and what is at stake."""
    from artfactoryd import show

    home = _made_home(ctx)
    found = show.order_document(home, _settings(home), order_id)
    _say(found, "" if as_json else show.order_text(found), as_json)


@main.command()
@click.argument("file")
@as_json
@click.pass_context
def why(ctx: click.Context, file: str, as_json: bool) -> None:
    """What became of a file, and what to do about it."""
    from artfactoryd import show

    home = _made_home(ctx)
    text, known = show.why(home, _settings(home), file)
    _say({"file": file, "known": known, "text": text}, text, as_json)
    ctx.exit(0 if known else DID_NOT_SUCCEED)


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
    from artfactoryd import logs as room

    home = _made_home(ctx)
    wanted = room.ids_of(home, order) if order else []
    found, follower = room.tail(home, which, most, wanted)
    for entry in found:
        click.echo(room.printed(entry, as_json))
    for entry in room.follow(follower, wanted) if follow else ():
        click.echo(room.printed(entry, as_json))


@main.command()
@as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """What is well, what is not, and the way out: folder, lock, disk, keys, addresses, database. Changes nothing."""
    from artfactoryd import diagnosis
    from artfactoryd import doctor as room

    rows = room.examine(_home(ctx), dict(os.environ))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    _say(diagnosis.document(rows), "" if as_json else diagnosis.text(rows, width), as_json)
    ctx.exit(DID_NOT_SUCCEED if diagnosis.worst(rows) == diagnosis.BAD else 0)


@main.command()
@as_json
@click.pass_context
def reindex(ctx: click.Context, as_json: bool) -> None:
    """Make the index again from the ledger and the shelf, and say where they do not agree."""
    from artfactoryd import session

    report = session.make_index_again(_made_home(ctx))
    _say(report.document(), "" if as_json else report.text(), as_json)


# --- steering ---


def _steer(ctx: click.Context, name: str, as_json: bool, **fields: Any) -> None:
    from artfactoryd import session

    home = _made_home(ctx)
    answer = session.steer(home, lambda: _settings(home), dict(os.environ), name, fields)
    _say(answer, answer["text"], as_json)
    ctx.exit(0 if answer["done"] else DID_NOT_SUCCEED)


@main.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def approve(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Let a held order go on, for exactly the reasons and the price shown."""
    _steer(ctx, "approve", as_json, order=order_id)


@main.command()
@click.argument("order_id", metavar="ID")
@as_json
@click.pass_context
def cancel(ctx: click.Context, order_id: str, as_json: bool) -> None:
    """Send nothing more of an order; what arrives all the same is kept."""
    _steer(ctx, "cancel", as_json, order=order_id)


@main.command()
@click.argument("order_id", metavar="ID")
@click.option("--in-doubt", is_flag=True, help="Also what may have been charged already; it may be paid twice.")
@as_json
@click.pass_context
def retry(ctx: click.Context, order_id: str, in_doubt: bool, as_json: bool) -> None:
    """Send again what surely cost nothing; list what may have."""
    _steer(ctx, "retry", as_json, order=order_id, in_doubt=in_doubt)


@main.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def pause(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Send nothing more of an order, to a provider, or at all; what is on the way is still collected."""
    _steer(ctx, "pause", as_json, target=name)


@main.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def resume(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Let a paused order, or a paused or stopped provider, go on; without a name, all of them."""
    _steer(ctx, "resume", as_json, target=name)


# --- as a service ---


@main.command()
@click.pass_context
def install(ctx: click.Context) -> None:
    """Let launchd or systemd start the daemon when you log in, and again when it dies."""
    from artfactoryd import installing

    home = _made_home(ctx)
    for line in installing.install(home, _settings(home), os.environ, sys.argv[0]):
        click.echo(line)
    code, found = installing.status(home, os.environ)
    click.echo(installing.status_text({**found, "warnings": []}))
    ctx.exit(code)


@main.command()
@click.pass_context
def uninstall(ctx: click.Context) -> None:
    """Stop the service and take it away; the factory folder stays as it is."""
    from artfactoryd import installing

    for line in installing.uninstall(_home(ctx), os.environ):
        click.echo(line)


@main.group()
def service() -> None:
    """The daemon as launchd or systemd sees it."""


@service.command("status")
@as_json
@click.pass_context
def service_status(ctx: click.Context, as_json: bool) -> None:
    """Installed, enabled, loaded, running? Exit code 0 running, 3 installed but not running, 1 not installed."""
    from artfactoryd import installing

    code, found = installing.status(_home(ctx), os.environ)
    _say(found, "" if as_json else installing.status_text(found), as_json)
    ctx.exit(code)


@main.command()
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print a JSON Schema, or the names of all."""
    from artfactoryd import documents

    if name is None:
        click.echo("\n".join(documents.schema_names()))
    elif name in documents.schema_names():
        click.echo(documents.schema_text(name))
    else:
        raise WrongUse(f"There is no schema {name!r}. There are: {', '.join(documents.schema_names())}.")
