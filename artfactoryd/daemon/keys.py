"""Keys that come while the daemon runs: what waits for one begins by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from artfactoryd.clock import until_tick
from artfactoryd.credentials import resolve_key
from artfactoryd.daemon.app import App
from artfactoryd.errors import WrongUse
from artfactoryd.factories import TakesKey
from artfactoryd.settings import Settings

LOOK_EVERY = 5.0  # seconds


async def look_for_keys(app: App, environ: Mapping[str, str]) -> None:
    """Without end: a provider that is stopped for its key is given another one as soon as there is one, and asked for
    nothing whether it takes it."""
    while True:
        await asyncio.sleep(until_tick(LOOK_EVERY))
        for name, gate in app.execution.gates.items():
            factory = app.factories[name]
            if gate.asks is None or not isinstance(factory, TakesKey):  # asked is whoever is stopped for a key
                continue
            key = await asyncio.to_thread(_key, app.settings.now, name, environ)
            if key and factory.take_key(key):
                await app.execution.health.probe(name)


def _key(settings: Settings, provider: str, environ: Mapping[str, str]) -> str:
    """As a start would find it; empty where it would find none."""
    try:
        return resolve_key(settings, provider, environ) or ""
    except WrongUse:
        return ""
