"""The program that every command belongs to: its options, its exit codes, and what commands share.

Exit codes: 0 done, 1 it did not succeed, 2 wrong use or settings, 3 it waits for a person, a provider or a cap.
"""

from __future__ import annotations

import json
import os
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


def home_of(ctx: click.Context) -> Home:
    home: Home = ctx.obj["home"]
    return home


def made_home(ctx: click.Context) -> Home:
    home = home_of(ctx)
    if not home.work.is_dir():
        raise WrongUse(f"There is no factory folder at {home.root}. Make one: artfactoryd --home {home.root} init")
    home.check_place()
    return home


def settings_of(home: Home) -> Any:
    from artfactoryd import settings

    return settings.load(home.settings_file, os.environ)


def say(found: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else text)
