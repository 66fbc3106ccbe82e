"""The one program, `artfactoryd`. Each command is a few lines; heavy imports happen inside them.

Exit codes: 0 done, 1 it did not succeed, 2 wrong use or settings, 3 it waits for a person, a provider or a cap.
"""

from __future__ import annotations

import json
import os
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

    session.run(_made_home(ctx), dict(os.environ), verbose=ctx.obj["verbose"], supervised=supervised)


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
@click.argument("provider", required=False)
@as_json
@click.pass_context
def resume(ctx: click.Context, provider: str | None, as_json: bool) -> None:
    """Let a stopped provider (or all of them) go on."""
    _steer(ctx, "resume", as_json, provider=provider)


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
