"""What a command takes from its context, and how it answers: its home, the settings, words or data."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from artfactoryd import settings
from artfactoryd.cli.terminal import echo
from artfactoryd.core import strict_json
from artfactoryd.errors import WrongUse
from artfactoryd.home import Home
from artfactoryd.live_settings import settings_to_show
from artfactoryd.reporting.json_object import JsonObject, plain
from artfactoryd.settings import Settings

MOST_DIGITS = 9  # of a number of lines
latest = click.option("--latest", is_flag=True, help="Of several of that name, the newest.")
as_json = click.option("--json", "as_json", is_flag=True, help="Answer with data instead of words.")


def home_of(ctx: click.Context) -> Home:
    """The factory folder that is meant, whether it is there or not, and whatever it is."""
    home: Home = ctx.obj["home"]
    return home


def shown_home(ctx: click.Context) -> Home:
    """For a command that only looks, also where no home is: of a copy it is said that it is one."""
    home = home_of(ctx)
    if unread := home.identity.unread:
        echo(f"artfactoryd: {unread}", err=True)
    if words := home.identity.copy_words:
        echo(f"artfactoryd: {words} What is shown is what was then. {home.identity.way_out}", err=True)
    return home


def made_home(ctx: click.Context) -> Home:
    """For a command that only looks: the factory folder, which is there and in a fit place. Raises WrongUse."""
    _check(home_of(ctx))
    return shown_home(ctx)


def own_home(ctx: click.Context) -> Home:
    """For a command that changes something or hands something in: as `made_home`, and no copy of another."""
    home = home_of(ctx)
    _check(home)
    home.check_original()
    return home


def _check(home: Home) -> None:
    home.check_made()
    home.check_place()


def settings_of(home: Home) -> Settings:
    """Raises Refusal with everything that is wrong with them."""
    return settings.load(home.settings_file, os.environ)


def settings_to_go_by(home: Home) -> Settings:
    """For a command that only looks: the last good ones where the file cannot be used, which is said."""
    loaded, trouble = settings_to_show(home, dict(os.environ))
    if trouble:
        echo(f"artfactoryd: {trouble}", err=True)
    return loaded


def count_of(text: str, option: str, least: int = 1) -> int | None:
    """The number that was given with `option`; None for `all`. Raises WrongUse."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise WrongUse(f"{option} takes a number or `all`; {text[:20]!r} is neither.")
    if int(text) < least:
        raise WrongUse(f"{option} takes a number from {least} on, or `all`.")
    return int(text)


def say(document: JsonObject | Mapping[str, object], text: str, as_json: bool) -> None:
    echo(strict_json.document(plain(document)).decode().rstrip("\n") if as_json else text, whole=as_json)
