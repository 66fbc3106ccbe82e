"""The commands for what orders are made of: models, lookups, templates, providers and their keys."""

from __future__ import annotations

import os
import sys

import click

from artfactoryd.cli.program import DID_NOT_SUCCEED, as_json, home_of, made_home, main, say, settings_of
from artfactoryd.errors import WrongUse


@main.group(invoke_without_command=True)
@click.option("--family", help="Only models of this family.")
@click.option("--modality", help="Only models that do this, for example image-to-image.")
@click.option("--provider", help="Only this provider's.")
@as_json
@click.pass_context
def models(ctx: click.Context, family: str | None, modality: str | None, provider: str | None, as_json: bool) -> None:
    """What can be ordered, and what it costs."""
    if ctx.invoked_subcommand:
        return
    from artfactoryd.cli import models as room

    found = room.listed(home_of(ctx), family, modality, provider)
    say(found, room.listed_text(found), as_json)


@models.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_model(ctx: click.Context, name: str, as_json: bool) -> None:
    """A model's parameters with what each may be, its price, and the file that says so."""
    from artfactoryd.cli import models as room

    found = room.shown(home_of(ctx), name)
    say(found, room.shown_text(found), as_json)


@models.command("refresh")
@click.argument("names", nargs=-1)
@as_json
@click.pass_context
def refresh_models(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Ask the providers what their models take and cost now; all, or those named (full ids too)."""
    from artfactoryd.cli import models as room

    home = made_home(ctx)
    found = room.refresh(home, settings_of(home), os.environ, names)
    say(found, room.refreshed_text(found), as_json)
    ctx.exit(DID_NOT_SUCCEED if any(each["error"] for each in found["models"]) else 0)


@main.group(invoke_without_command=True)
@as_json
@click.pass_context
def lookups(ctx: click.Context, as_json: bool) -> None:
    """Your named lists of values, with how many each has."""
    if ctx.invoked_subcommand:
        return
    from artfactoryd.cli import library as borrowing

    found = borrowing.lookups(home_of(ctx))
    say(found, borrowing.lookups_text(found), as_json)


@lookups.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_lookup(ctx: click.Context, name: str, as_json: bool) -> None:
    """The values of a lookup, one a line."""
    from artfactoryd.cli import library as borrowing

    found = borrowing.lookup(home_of(ctx), name)
    say(found, "\n".join(found["values"]), as_json)


@lookups.command("check")
@as_json
@click.pass_context
def check_lookups(ctx: click.Context, as_json: bool) -> None:
    """Everything that is wrong with your lookups, with file and line."""
    from artfactoryd.cli import library as borrowing

    found = borrowing.check_lookups(home_of(ctx))
    say(found, borrowing.checked_text(found), as_json)
    ctx.exit(DID_NOT_SUCCEED if found["problems"] else 0)


@main.group(invoke_without_command=True)
@as_json
@click.pass_context
def templates(ctx: click.Context, as_json: bool) -> None:
    """Your templates, with the keys each gives."""
    if ctx.invoked_subcommand:
        return
    from artfactoryd.cli import library as borrowing

    found = borrowing.templates(home_of(ctx))
    say(found, borrowing.templates_text(found), as_json)


@templates.command("show")
@click.argument("name")
@as_json
@click.pass_context
def show_template(ctx: click.Context, name: str, as_json: bool) -> None:
    """A template as it is written."""
    from artfactoryd.cli import library as borrowing

    found = borrowing.template(home_of(ctx), name)
    say(found, found["text"].rstrip(), as_json)


@templates.command("check")
@as_json
@click.pass_context
def check_templates(ctx: click.Context, as_json: bool) -> None:
    """Everything that is wrong with your templates, with file and line."""
    from artfactoryd.cli import library as borrowing

    found = borrowing.check_templates(home_of(ctx))
    say(found, borrowing.checked_text(found), as_json)
    ctx.exit(DID_NOT_SUCCEED if found["problems"] else 0)


@main.command()
@click.option("--offline", is_flag=True, help="Ask nobody whether the keys are taken.")
@as_json
@click.pass_context
def providers(ctx: click.Context, offline: bool, as_json: bool) -> None:
    """Who can be ordered from: key, pace, and what stops them. Asks each, for nothing, whether it takes the key."""
    from artfactoryd.cli import providers as room

    home = home_of(ctx)
    found = room.document(home, settings_of(home), os.environ, offline=offline)
    say(found, room.text(found), as_json)


@main.group()
def keys() -> None:
    """Your providers' keys in the system's keychain, where a service finds them too."""


@keys.command("set")
@click.argument("provider")
@as_json
@click.pass_context
def set_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Put a key into the keychain: asked for without showing it, or read from standard input."""
    from artfactoryd.cli import providers as room

    asked = sys.stdin.isatty()
    given = click.prompt(f"Key for {provider}", hide_input=True, err=True) if asked else sys.stdin.readline()
    if not given.strip():
        raise WrongUse("No key was given.")
    found = room.set_key(settings_of(home_of(ctx)), os.environ, provider, given)
    say(found, found["text"], as_json)


@keys.command("list")
@as_json
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Where each provider's key comes from; never the key."""
    from artfactoryd.cli import providers as room

    found = room.keys(settings_of(home_of(ctx)), os.environ)
    say(found, room.keys_text(found), as_json)


@keys.command("remove")
@click.argument("provider")
@as_json
@click.pass_context
def remove_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Take a key out of the keychain."""
    from artfactoryd.cli import providers as room

    found = room.remove_key(provider)
    say(found, found["text"], as_json)
    ctx.exit(0 if found["removed"] else DID_NOT_SUCCEED)
