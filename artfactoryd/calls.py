"""What is sent for an item: its generation parameters, with pictures put where the provider can read them.

A provider that takes uploads gets each content once, remembered until it expires; one on this machine
gets the path in the order's inputs/. Uploading buys nothing and may be done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from artfactoryd import fault, inputs
from artfactoryd.books import Books
from artfactoryd.core.catalog import Model, snapshot_of
from artfactoryd.core.rehearsal import rehearsal_call
from artfactoryd.errors import CallRefused, OutputBad
from artfactoryd.factories import Call, Factory, Uploads
from artfactoryd.home import Home

Row = Mapping[str, Any]
SKETCH = "sketch"
PAST = datetime.fromtimestamp(0, UTC)
SPARE = timedelta(minutes=10)  # of an upload's life, so that a call made with it still finds it


class Calls:
    def __init__(
        self, home: Home, books: Books, factories: Mapping[str, Factory], clock: Callable[[], datetime]
    ) -> None:
        self._home, self._books, self._factories, self._clock = home, books, factories, clock
        self._under_way: dict[str, asyncio.Lock] = {}  # by content: two items of one picture upload it once

    async def of(self, row: Row, order: Row) -> Call:
        """Raises what an upload raises: ProviderStopped, AskAgain, CallRefused. Nothing is bought here."""
        model = Model.from_snapshot(snapshot_of(order, row))
        pictures = inputs.of_item(row["generation"], order["inputs"], model)
        if order["rehearsal"]:
            first = next(iter(pictures.values()), None)
            size = (first["width"], first["height"]) if first else None
            return Call(SKETCH, None, rehearsal_call(row["generation"], row["seed"], row["asked"], size))
        parameters = dict(row["generation"])
        for name, picture in pictures.items():
            parameters[name] = await self._address(row["provider"], order, picture)
        return Call(model.id, model.version, parameters)

    async def _address(self, provider: str, order: Row, picture: Row) -> str:
        path = self._home.root / order["folder"] / "inputs" / picture["name"]
        factory = self._factories[provider]
        if not isinstance(factory, Uploads):
            await asyncio.to_thread(_bytes, path, picture)
            return str(path)
        async with self._under_way.setdefault(picture["sha256"], asyncio.Lock()):
            known = self._remembered(provider, picture["sha256"])
            return known or await self._upload(provider, factory, path, picture)

    def _remembered(self, provider: str, sha256: str) -> str | None:
        known = self._books.index.upload(provider, sha256)
        if known is None:
            return None
        if known["expires_at"] is not None and _moment(known["expires_at"]) - SPARE < self._clock():
            return None
        return str(known["address"])

    async def _upload(self, provider: str, factory: Uploads, path: Path, picture: Row) -> str:
        data = await asyncio.to_thread(_bytes, path, picture)
        fault.point("before_upload")
        uploaded = await factory.upload(picture["name"], data, picture["mime"])
        await self._books.remember_upload(provider, picture["sha256"], uploaded.address, uploaded.expires_at)
        fault.point("uploaded")
        return uploaded.address


def _bytes(path: Path, picture: Row) -> bytes:
    """Only what was accepted is worked on: an upload of other bytes would be remembered for these."""
    try:
        return inputs.read(path, picture)
    except OutputBad as error:
        raise CallRefused(f"{error} Nothing was sent.") from error


def _moment(text: str) -> datetime:
    """Long past where it cannot be read: then it is uploaded again."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return PAST + SPARE
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
