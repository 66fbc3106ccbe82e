"""`providers` and `keys`: who can be ordered from, whether their keys are there and taken, and what stops them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import click

from artfactoryd import credentials
from artfactoryd.cli.context import as_json, home_of, say, settings_of
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.errors import ProviderError, ProviderStopped, WrongUse
from artfactoryd.factories import Probes
from artfactoryd.factories.registry import Unmade, asking, broken, makers
from artfactoryd.home import Home
from artfactoryd.settings import PROVIDERS, Settings
from artfactoryd.storage.index import Index

Document = dict[str, Any]
LONGEST = 20.0  # seconds that a provider may take to answer
TAKEN, REFUSED, SILENT = "taken", "refused", "no answer"


@click.command()
@click.option("--offline", is_flag=True, help="Ask nobody whether the keys are taken.")
@as_json
@click.pass_context
def providers(ctx: click.Context, offline: bool, as_json: bool) -> None:
    """Who can be ordered from: key, pace, and what stops them. Asks each, for nothing, whether it takes the key."""
    home = home_of(ctx)
    found = document(home, settings_of(home), os.environ, offline=offline)
    say(found, text(found), as_json)


@click.group()
def keys() -> None:
    """Your providers' keys in the system's keychain, where a service finds them too."""


@keys.command("set")
@click.argument("provider")
@as_json
@click.pass_context
def set_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Put a key into the keychain: asked for without showing it, or read from standard input."""
    asked = sys.stdin.isatty()
    given = click.prompt(f"Key for {provider}", hide_input=True, err=True) if asked else sys.stdin.readline()
    if not given.strip():
        raise WrongUse("No key was given.")
    found = store_key(settings_of(home_of(ctx)), os.environ, provider, given)
    say(found, found["text"], as_json)


@keys.command("list")
@as_json
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Where each provider's key comes from; never the key."""
    found = keys_document(settings_of(home_of(ctx)), os.environ)
    say(found, keys_text(found), as_json)


@keys.command("remove")
@click.argument("provider")
@as_json
@click.pass_context
def remove_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Take a key out of the keychain."""
    found = drop_key(provider)
    say(found, found["text"], as_json)
    ctx.exit(0 if found["removed"] else DID_NOT_SUCCEED)


def document(home: Home, settings: Settings, environ: Mapping[str, str], *, offline: bool) -> Document:
    """`checked` is None where nobody was asked: offline, switched off, without a key, or nothing to ask."""
    standing = _standing(home)
    names = sorted({*settings.providers, *makers(), *broken()})
    found = {name: {**_provider(settings, name, environ), **standing(name)} for name in names}
    if not offline:
        asyncio.run(_check(home, settings, environ, found))
    return {"providers": found}


def _provider(settings: Settings, name: str, environ: Mapping[str, str]) -> Document:
    given, usual, bad = settings.provider(name), PROVIDERS.get(name), broken().get(name)
    addresses = usual.addresses if usual else {}
    return {
        "enabled": given.enabled, "broken": bad and f"{bad.text} {bad.way_out}",
        **key(settings, name, environ), "checked": None, "words": "",
        "concurrency": given.concurrency, "requests_per_minute": given.requests_per_minute,
        "addresses": {key: each for key, each in given.addresses.items() if addresses.get(key) != each},
    }  # fmt: skip


def key(settings: Settings, name: str, environ: Mapping[str, str]) -> Document:
    """Where the key is; never the key."""
    if settings.provider(name).api_key is None and name not in credentials.KEY_VARIABLES:
        return {"key": "not needed", "key_problem": None}
    try:
        found = credentials.resolve_key(settings, name, environ)
    except WrongUse as error:
        return {"key": None, "key_problem": str(error)}
    return {"key": credentials.key_place(settings, name, environ) if found else None, "key_problem": None}


def _standing(home: Home) -> Any:
    """By name, what the books say stops a provider."""
    index = Index.if_made(home.index_file)
    stops, outages, pauses = {}, {}, {}
    if index is not None:
        with closing(index):
            stops, outages, pauses = index.stops(), index.outages(), index.pauses()

    def of(name: str) -> Document:
        return {
            "stopped": stops[name].reason if name in stops else None,
            "outage": outages[name].reason if name in outages else None,
            "paused": pauses.get(name) or pauses.get(""),
        }  # fmt: skip

    return of


async def _check(home: Home, settings: Settings, environ: Mapping[str, str], found: dict[str, Document]) -> None:
    async with asking(home, settings, environ) as factories:
        for name, factory in factories.items():
            if isinstance(factory, Unmade):
                found[name]["broken"] = factory.why
            if isinstance(factory, Probes) and found[name]["key"]:
                found[name] |= await _probe(factory)


async def _probe(factory: Probes) -> Document:
    try:
        async with asyncio.timeout(LONGEST):
            await factory.probe()
    except ProviderStopped as error:
        return {"checked": REFUSED, "words": str(error)}
    except (ProviderError, TimeoutError) as error:
        return {"checked": SILENT, "words": str(error) or "It does not answer in time."}
    return {"checked": TAKEN, "words": ""}


def text(found: Mapping[str, Any]) -> str:
    return "\n".join(line for name, each in found["providers"].items() for line in _lines(name, each))


def _lines(name: str, each: Mapping[str, Any]) -> list[str]:
    if each["broken"]:
        return [f"{name}: left out", f"  {each['broken']}"]
    if not each["enabled"]:
        return [f"{name}: switched off (providers.{name}.enabled)"]
    checked = {TAKEN: ", which is taken", REFUSED: ", which is not taken"}.get(each["checked"] or "", "")
    pace = f", {each['requests_per_minute']} a minute" if each["requests_per_minute"] else ""
    lines = [f"{name}: {_key_words(each)}{checked}; {each['concurrency']} at once{pace}"]
    lines += [f"  {each['words']}"] if each["words"] else []
    lines += [f"  stopped: {each['stopped']} (`artfactoryd resume {name}`)"] if each["stopped"] else []
    lines += [f"  no answer: {each['outage']}"] if each["outage"] else []
    lines += [f"  paused since {each['paused']} (`artfactoryd resume`)"] if each["paused"] else []
    return lines + [f"  {setting}: {address}" for setting, address in each["addresses"].items()]


def _key_words(each: Mapping[str, Any]) -> str:
    if each["key_problem"]:
        return str(each["key_problem"])
    if each["key"] is None:
        return "no key"
    return "needs no key" if each["key"] == "not needed" else f"key from {each['key']}"


# --- keys ---


def keys_document(settings: Settings, environ: Mapping[str, str]) -> Document:
    own = {name for name, each in settings.providers.items() if each.api_key}
    return {"keys": {name: key(settings, name, environ) for name in sorted({*credentials.KEY_VARIABLES, *own})}}


def keys_text(found: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {_key_words(each)}" for name, each in found["keys"].items())


def store_key(settings: Settings, environ: Mapping[str, str], name: str, given: str) -> Document:
    """Into the keychain; tells what is used now, for another place may come first."""
    _known(name)
    credentials.store(name, credentials.clean_key(given, f"API key for {name}"))
    used = key(settings, name, environ)["key"]
    said = f"The key of {name} is in the keychain."
    if used != "keychain":
        said += f" But what is used comes from {used or f'providers.{name}.api_key'}, which goes first."
    return {"provider": name, "used": used, "text": said}


def drop_key(name: str) -> Document:
    _known(name)
    gone = credentials.remove(name)
    said = f"The key of {name} is no longer in the keychain." if gone else f"The keychain held no key of {name}."
    return {"provider": name, "removed": gone, "text": said}


def _known(name: str) -> None:
    names = sorted(set(makers()) - {"local"})
    if name not in names:
        raise WrongUse(f"There is no provider {name!r} that takes a key. There are: {', '.join(names)}.")
