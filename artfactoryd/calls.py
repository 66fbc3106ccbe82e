"""What is sent for an item: its generation parameters, with pictures put where the provider can read them.

A provider that takes uploads gets each content once, remembered until it expires; one on this machine
gets the path in the order's inputs/. Uploading buys nothing and may be done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from artfactoryd.books import Books
from artfactoryd.core.catalog import Model
from artfactoryd.core.rehearsal import rehearsal_call
from artfactoryd.factories import Call, Factory, Uploads
from artfactoryd.home import Home

Row = Mapping[str, Any]
SKETCH = "sketch"
SPARE = timedelta(minutes=10)  # of an upload's life, so that a call made with it still finds it


class Calls:
    def __init__(
        self, home: Home, books: Books, factories: Mapping[str, Factory], clock: Callable[[], datetime]
    ) -> None:
        self._home, self._books, self._factories, self._clock = home, books, factories, clock
        self._under_way: dict[str, asyncio.Lock] = {}  # by content: two items of one picture upload it once

    async def of(self, row: Row, order: Row) -> Call:
        """Raises what an upload raises: ProviderStopped, AskAgain, CallRefused. Nothing is bought here."""
        known = {each["value"]: each for each in order["inputs"]}
        if order["rehearsal"]:
            first = next(iter(known.values()), None)
            size = (first["width"], first["height"]) if first else None
            return Call(SKETCH, None, rehearsal_call(row["generation"], row["seed"], row["asked"], size))
        model = Model.from_snapshot(order["model"])
        parameters = dict(row["generation"])
        for name in model.files:
            if parameters.get(name) in known:
                parameters[name] = await self._address(row["provider"], order, known[parameters[name]])
        return Call(model.id, model.version, parameters)

    async def _address(self, provider: str, order: Row, picture: Row) -> str:
        path = self._home.root / order["folder"] / "inputs" / picture["name"]
        factory = self._factories[provider]
        if not isinstance(factory, Uploads):
            return str(path)
        async with self._under_way.setdefault(picture["sha256"], asyncio.Lock()):
            known = self._remembered(provider, picture["sha256"])
            return known or await self._upload(provider, factory, path, picture)

    def _remembered(self, provider: str, sha256: str) -> str | None:
        known = self._books.index.upload(provider, sha256)
        if known is None:
            return None
        expires = known["expires_at"]
        if expires and datetime.fromisoformat(expires) - SPARE < self._clock():
            return None
        return str(known["address"])

    async def _upload(self, provider: str, factory: Uploads, path: Path, picture: Row) -> str:
        uploaded = await factory.upload(path, picture["mime"])
        await self._books.remember_upload(provider, picture["sha256"], uploaded.address, uploaded.expires_at)
        return uploaded.address
