"""Who can be ordered from, and what the books say stops them, as data: for `providers` and the API. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from artfactoryd import credentials
from artfactoryd.errors import WrongUse
from artfactoryd.factories.registry import Broken, broken, makers
from artfactoryd.home import Home
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.waiting import Closures
from artfactoryd.settings import PROVIDERS, Settings
from artfactoryd.storage.index import Index

NOT_NEEDED = "not needed"  # instead of where a key is


@dataclass(frozen=True, slots=True)
class KeyDocument(JsonObject):
    """Where the key is; never the key. None where there is none, with the trouble if that is why."""

    key: str | None
    key_problem: str | None

    @property
    def is_missing(self) -> bool:
        return self.key is None and not self.key_problem


@dataclass(frozen=True, slots=True)
class ProviderDocument(JsonObject):
    """`checked` is None where nobody was asked: offline, switched off, without a key, or nothing to ask.

    `stopped`, `outage` and `paused` (since when) are what the books say stops it. The key stands among the rest.
    """

    enabled: bool
    broken: str | None
    key: KeyDocument
    checked: str | None
    words: str
    concurrency: int
    requests_per_minute: int | None
    addresses: Mapping[str, str]
    stopped: str | None
    outage: str | None
    paused: str | None

    def to_json(self) -> dict[str, object]:
        values = JsonObject.to_json(self)
        before = {name: values.pop(name) for name in ("enabled", "broken")}
        del values["key"]
        return {**before, **self.key.to_json(), **values}


@dataclass(frozen=True, slots=True)
class ProvidersDocument(JsonObject):
    providers: Mapping[str, ProviderDocument]


def known(home: Home, settings: Settings, environ: Mapping[str, str]) -> ProvidersDocument:
    with Index.reading(home.index_file) as index:
        closures = Closures.read(index) if index else Closures({}, {}, {})
    names = sorted({*settings.providers, *makers(), *broken()})
    return ProvidersDocument({name: _provider(settings, name, environ, closures) for name in names})


def _provider(settings: Settings, name: str, environ: Mapping[str, str], closures: Closures) -> ProviderDocument:
    given, usual, problem = settings.provider(name), PROVIDERS.get(name), broken().get(name) or _missing(name)
    addresses = usual.all_addresses if usual else {}
    stop, outage = closures.stops.get(name), closures.outages.get(name)
    return ProviderDocument(
        enabled=given.enabled,
        broken=f"{problem.text} {problem.way_out}" if problem else None,
        key=key(settings, name, environ),
        checked=None,
        words="",
        concurrency=given.concurrency,
        requests_per_minute=given.requests_per_minute,
        addresses={part: address for part, address in given.all_addresses.items() if addresses.get(part) != address},
        stopped=stop.reason if stop else None,
        outage=outage.reason if outage else None,
        paused=closures.pauses.get(name) or closures.pauses.get(""),
    )


def _missing(name: str) -> Broken | None:
    if name in makers():
        return None
    return Broken(f"No factory of {name} is installed.", f"Install what brings it, or take providers.{name} away.")


def key(settings: Settings, name: str, environ: Mapping[str, str]) -> KeyDocument:
    if settings.provider(name).api_key is None and name not in credentials.KEY_VARIABLES:
        return KeyDocument(NOT_NEEDED, None)
    try:
        secret = credentials.resolve_key(settings, name, environ)
    except WrongUse as error:
        return KeyDocument(None, str(error))
    return KeyDocument(credentials.key_place(settings, name, environ) if secret else None, None)
