"""`providers` and `keys`: who can be ordered from, whether their keys are there and taken, and what stops them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
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
    answer = document(home, settings_of(home), os.environ, offline=offline)
    say(answer, text(answer), as_json)


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
    answer = store_key(settings_of(home_of(ctx)), os.environ, provider, given)
    say(answer, answer["text"], as_json)


@keys.command("list")
@as_json
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Where each provider's key comes from; never the key."""
    answer = keys_document(settings_of(home_of(ctx)), os.environ)
    say(answer, keys_text(answer), as_json)


@keys.command("remove")
@click.argument("provider")
@as_json
@click.pass_context
def remove_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Take a key out of the keychain."""
    answer = drop_key(provider)
    say(answer, answer["text"], as_json)
    ctx.exit(0 if answer["removed"] else DID_NOT_SUCCEED)


def document(home: Home, settings: Settings, environ: Mapping[str, str], *, offline: bool) -> Document:
    """`checked` is None where nobody was asked: offline, switched off, without a key, or nothing to ask."""
    standing = _standing(home)
    names = sorted({*settings.providers, *makers(), *broken()})
    providers = {name: {**_provider(settings, name, environ), **standing(name)} for name in names}
    if not offline:
        asyncio.run(_check(home, settings, environ, providers))
    return {"providers": providers}


def _provider(settings: Settings, name: str, environ: Mapping[str, str]) -> Document:
    given, usual, bad = settings.provider(name), PROVIDERS.get(name), broken().get(name)
    addresses = usual.addresses if usual else {}
    return {
        "enabled": given.enabled, "broken": bad and f"{bad.text} {bad.way_out}",
        **key(settings, name, environ), "checked": None, "words": "",
        "concurrency": given.concurrency, "requests_per_minute": given.requests_per_minute,
        "addresses": {key: address for key, address in given.addresses.items() if addresses.get(key) != address},
    }  # fmt: skip


def key(settings: Settings, name: str, environ: Mapping[str, str]) -> Document:
    """Where the key is; never the key."""
    if settings.provider(name).api_key is None and name not in credentials.KEY_VARIABLES:
        return {"key": "not needed", "key_problem": None}
    try:
        secret = credentials.resolve_key(settings, name, environ)
    except WrongUse as error:
        return {"key": None, "key_problem": str(error)}
    return {"key": credentials.key_place(settings, name, environ) if secret else None, "key_problem": None}


def _standing(home: Home) -> Any:
    """By name, what the books say stops a provider."""
    with Index.reading(home.index_file) as index:
        stops, outages, pauses = (index.stops(), index.outages(), index.pauses()) if index else ({}, {}, {})

    def of(name: str) -> Document:
        return {
            "stopped": stops[name].reason if name in stops else None,
            "outage": outages[name].reason if name in outages else None,
            "paused": pauses.get(name) or pauses.get(""),
        }  # fmt: skip

    return of


async def _check(home: Home, settings: Settings, environ: Mapping[str, str], providers: dict[str, Document]) -> None:
    async with asking(home, settings, environ) as factories:
        for name, factory in factories.items():
            if isinstance(factory, Unmade):
                providers[name]["broken"] = factory.why
            if isinstance(factory, Probes) and providers[name]["key"]:
                providers[name] |= await _probe(factory)


async def _probe(factory: Probes) -> Document:
    try:
        async with asyncio.timeout(LONGEST):
            await factory.probe()
    except ProviderStopped as error:
        return {"checked": REFUSED, "words": str(error)}
    except (ProviderError, TimeoutError) as error:
        return {"checked": SILENT, "words": str(error) or "It does not answer in time."}
    return {"checked": TAKEN, "words": ""}


def text(answer: Mapping[str, Any]) -> str:
    return "\n".join(line for name, provider in answer["providers"].items() for line in _lines(name, provider))


def _lines(name: str, provider: Mapping[str, Any]) -> list[str]:
    if provider["broken"]:
        return [f"{name}: left out", f"  {provider['broken']}"]
    if not provider["enabled"]:
        return [f"{name}: switched off (providers.{name}.enabled)"]
    checked = {TAKEN: ", which is taken", REFUSED: ", which is not taken"}.get(provider["checked"] or "", "")
    pace = f", {provider['requests_per_minute']} a minute" if provider["requests_per_minute"] else ""
    lines = [f"{name}: {_key_words(provider)}{checked}; {provider['concurrency']} at once{pace}"]
    if provider["words"]:
        lines.append(f"  {provider['words']}")
    if provider["stopped"]:
        lines.append(f"  stopped: {provider['stopped']} (`artfactoryd resume {name}`)")
    if provider["outage"]:
        lines.append(f"  no answer: {provider['outage']}")
    if provider["paused"]:
        lines.append(f"  paused since {provider['paused']} (`artfactoryd resume`)")
    return lines + [f"  {setting}: {address}" for setting, address in provider["addresses"].items()]


def _key_words(provider: Mapping[str, Any]) -> str:
    if provider["key_problem"]:
        return str(provider["key_problem"])
    if provider["key"] is None:
        return "no key"
    return "needs no key" if provider["key"] == "not needed" else f"key from {provider['key']}"


# --- keys ---


def keys_document(settings: Settings, environ: Mapping[str, str]) -> Document:
    own = {name for name, provider in settings.providers.items() if provider.api_key}
    return {"keys": {name: key(settings, name, environ) for name in sorted({*credentials.KEY_VARIABLES, *own})}}


def keys_text(answer: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {_key_words(provider)}" for name, provider in answer["keys"].items())


def store_key(settings: Settings, environ: Mapping[str, str], name: str, given: str) -> Document:
    """Into the keychain; tells what is used now, for another place may come first."""
    _known(name)
    credentials.store(name, credentials.clean_key(given, f"API key for {name}"))
    used = key(settings, name, environ)["key"]
    words = f"The key of {name} is in the keychain."
    if used != "keychain":
        words += f" But what is used comes from {used or f'providers.{name}.api_key'}, which goes first."
    return {"provider": name, "used": used, "text": words}


def drop_key(name: str) -> Document:
    _known(name)
    gone = credentials.remove(name)
    words = f"The key of {name} is no longer in the keychain." if gone else f"The keychain held no key of {name}."
    return {"provider": name, "removed": gone, "text": words}


def _known(name: str) -> None:
    names = sorted(set(makers()) - {"local"})
    if name not in names:
        raise WrongUse(f"There is no provider {name!r} that takes a key. There are: {', '.join(names)}.")
