"""`providers` and `keys`: who can be ordered from, whether their keys are there and taken, and what stops them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

import click

from artfactoryd import clock, credentials
from artfactoryd.cli.context import as_json, say, settings_of, settings_to_go_by, shown_home
from artfactoryd.cli.program import DID_NOT_SUCCEED
from artfactoryd.cli.terminal import Menu
from artfactoryd.errors import ProviderError, ProviderStopped, WrongUse
from artfactoryd.factories import Probes
from artfactoryd.factories.registry import Unmade, asking, makers
from artfactoryd.home import Home
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.models import ordered_from
from artfactoryd.reporting.providers import NOT_NEEDED, KeyDocument, ProviderDocument, ProvidersDocument, key, known
from artfactoryd.settings import Settings

LONGEST = 20.0  # seconds that a provider may take to answer
TAKEN, REFUSED, SILENT = "taken", "refused", "no answer"


@click.command()
@click.option("--offline", is_flag=True, help="Ask nobody whether the keys are taken.")
@as_json
@click.pass_context
def providers(ctx: click.Context, offline: bool, as_json: bool) -> None:
    """Who can be ordered from: key, pace, and what stops them. Asks each, for nothing, whether it takes the key."""
    home = shown_home(ctx)
    answer = document(home, settings_to_go_by(home), os.environ, offline=offline)
    say(answer, text(answer), as_json)


@click.group(cls=Menu)
def keys() -> None:
    """Your providers' keys in the system's keychain, where a service finds them too."""


@keys.command("set", short_help="Put a key into the keychain: asked for without showing it")
@click.argument("provider")
@as_json
@click.pass_context
def set_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Put a key into the keychain: asked for without showing it, or read from standard input."""
    asked = sys.stdin.isatty()
    given = click.prompt(f"Key for {provider}", hide_input=True, err=True) if asked else sys.stdin.readline()
    if not given.strip():
        raise WrongUse("No key was given.")
    answer = store_key(settings_of(shown_home(ctx)), os.environ, provider, given)
    say(answer, answer.text, as_json)


@keys.command("list")
@as_json
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """Where each provider's key comes from; never the key."""
    answer = keys_document(settings_to_go_by(shown_home(ctx)), os.environ)
    say(answer, keys_text(answer), as_json)


@keys.command("remove")
@click.argument("provider")
@as_json
@click.pass_context
def remove_key(ctx: click.Context, provider: str, as_json: bool) -> None:
    """Take a key out of the keychain."""
    answer = drop_key(provider)
    say(answer, answer.text, as_json)
    ctx.exit(0 if answer.removed else DID_NOT_SUCCEED)


def document(home: Home, settings: Settings, environ: Mapping[str, str], *, offline: bool) -> ProvidersDocument:
    providers = dict(known(home, settings, environ).providers)
    if not offline:
        asyncio.run(_check(home, settings, environ, providers))
    return ProvidersDocument(providers)


async def _check(
    home: Home, settings: Settings, environ: Mapping[str, str], providers: dict[str, ProviderDocument]
) -> None:
    """Puts what each says in place of what is known before anybody is asked. One that needs no key is asked where a
    model of it is known."""
    in_use = ordered_from(home)
    async with asking(home, settings, environ) as factories:
        for name, factory in factories.items():
            if isinstance(factory, Unmade):
                providers[name] = replace(providers[name], broken=factory.why)
            may_answer = providers[name].key.key != NOT_NEEDED or name in in_use
            if isinstance(factory, Probes) and providers[name].key.key and may_answer:
                checked, words = await _probe(name, factory)
                providers[name] = replace(providers[name], checked=checked, words=words)


async def _probe(name: str, factory: Probes) -> tuple[str, str]:
    """TAKEN, REFUSED or SILENT, and what it said."""
    try:
        async with asyncio.timeout(LONGEST):
            await factory.probe()
    except ProviderStopped as error:
        return REFUSED, f"{error} {credentials.ways_to_give(name)}" if error.of_key else str(error)
    except (ProviderError, TimeoutError) as error:
        return SILENT, str(error) or "It does not answer in time."
    return TAKEN, ""


def text(answer: ProvidersDocument) -> str:
    return "\n".join(line for name, provider in answer.providers.items() for line in _lines(name, provider))


def _lines(name: str, provider: ProviderDocument) -> list[str]:
    if provider.broken:
        return [f"{name}: left out", f"  {provider.broken}"]
    if not provider.enabled:
        return [f"{name}: switched off (providers.{name}.enabled)"]
    told = {TAKEN: ", which is taken", REFUSED: ", which is not taken"}
    if provider.key.key == NOT_NEEDED:
        told = {TAKEN: ", and answers", REFUSED: ", and lets nobody in", SILENT: ", and does not answer"}
    checked = told.get(provider.checked or "", "")
    pace = f", {provider.requests_per_minute} a minute" if provider.requests_per_minute else ""
    lines = [f"{name}: {_key_words(provider.key)}{checked}; {provider.concurrency} at once{pace}"]
    if provider.words:
        lines.append(f"  {provider.words}")
    if provider.key.is_missing:
        lines.append(f"  {credentials.ways_to_give(name)}")
    if provider.stopped:
        lines.append(f"  stopped: {provider.stopped} (`artfactoryd resume {name}`)")
    if provider.outage:
        lines.append(f"  no answer: {provider.outage}")
    if provider.paused:
        lines.append(f"  paused since {clock.shown(provider.paused)} (`artfactoryd resume`)")
    return lines + [f"  {setting}: {address}" for setting, address in provider.addresses.items()]


def _key_words(key: KeyDocument) -> str:
    if key.key_problem:
        return key.key_problem
    if key.key is None:
        return "no key"
    return "needs no key" if key.key == NOT_NEEDED else f"key from {key.key}"


# --- keys ---


@dataclass(frozen=True, slots=True)
class KeysDocument(JsonObject):
    keys: Mapping[str, KeyDocument]


@dataclass(frozen=True, slots=True)
class StoredDocument(JsonObject):
    """`used`: where the key that is used from now on comes from."""

    provider: str
    used: str | None
    text: str


@dataclass(frozen=True, slots=True)
class RemovedDocument(JsonObject):
    provider: str
    removed: bool
    text: str


def keys_document(settings: Settings, environ: Mapping[str, str]) -> KeysDocument:
    own = {name for name, provider in settings.providers.items() if provider.api_key}
    return KeysDocument({name: key(settings, name, environ) for name in sorted({*credentials.KEY_VARIABLES, *own})})


def keys_text(answer: KeysDocument) -> str:
    ways = {name: f". {credentials.ways_to_give(name)}" for name, key in answer.keys.items() if key.is_missing}
    return "\n".join(f"{name}: {_key_words(key)}{ways.get(name, '')}" for name, key in answer.keys.items())


def store_key(settings: Settings, environ: Mapping[str, str], name: str, given: str) -> StoredDocument:
    """Into the keychain; tells what is used now, for another place may come first."""
    _known(name)
    credentials.store(name, credentials.clean_key(given, f"API key for {name}"))
    used = key(settings, name, environ).key
    words = f"The key of {name} is in the keychain."
    if used != "keychain":
        words += f" But what is used comes from {used or f'providers.{name}.api_key'}, which goes first."
    return StoredDocument(name, used, words)


def drop_key(name: str) -> RemovedDocument:
    _known(name)
    gone = credentials.remove(name)
    words = f"The key of {name} is no longer in the keychain." if gone else f"The keychain held no key of {name}."
    return RemovedDocument(name, gone, words)


def _known(name: str) -> None:
    names = sorted(set(makers()) - {"local"})
    if name not in names:
        raise WrongUse(f"There is no provider {name!r} that takes a key. There are: {', '.join(names)}.")
