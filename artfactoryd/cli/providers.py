"""`providers` and `keys`: who can be ordered from, whether their keys are there and taken, and what stops them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from artfactoryd import credentials
from artfactoryd.errors import ProviderError, ProviderStopped, WrongUse
from artfactoryd.factories import Probes
from artfactoryd.factories.registry import Unmade, broken, makers
from artfactoryd.home import Home
from artfactoryd.settings import PROVIDERS, Settings
from artfactoryd.storage.index import Index

Document = dict[str, Any]
LONGEST = 20.0  # seconds that a provider may take to answer
TAKEN, REFUSED, SILENT = "taken", "refused", "no answer"


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
    from artfactoryd.factories.registry import asking

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


def keys(settings: Settings, environ: Mapping[str, str]) -> Document:
    own = {name for name, each in settings.providers.items() if each.api_key}
    return {"keys": {name: key(settings, name, environ) for name in sorted({*credentials.KEY_VARIABLES, *own})}}


def keys_text(found: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {_key_words(each)}" for name, each in found["keys"].items())


def set_key(settings: Settings, environ: Mapping[str, str], name: str, given: str) -> Document:
    """Into the keychain; tells what is used now, for another place may come first."""
    _known(name)
    credentials.store(name, credentials.clean_key(given, f"API key for {name}"))
    used = key(settings, name, environ)["key"]
    said = f"The key of {name} is in the keychain."
    if used != "keychain":
        said += f" But what is used comes from {used or f'providers.{name}.api_key'}, which goes first."
    return {"provider": name, "used": used, "text": said}


def remove_key(name: str) -> Document:
    _known(name)
    gone = credentials.remove(name)
    said = f"The key of {name} is no longer in the keychain." if gone else f"The keychain held no key of {name}."
    return {"provider": name, "removed": gone, "text": said}


def _known(name: str) -> None:
    names = sorted(set(makers()) - {"local"})
    if name not in names:
        raise WrongUse(f"There is no provider {name!r} that takes a key. There are: {', '.join(names)}.")
