"""What is sent for an item: its generation parameters, with pictures put where the provider can read them.

A provider that takes uploads gets each content once, remembered until it expires; one on this machine
gets the path in the order's inputs/. Uploading buys nothing and may be done again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from artfactoryd import credentials, failpoints
from artfactoryd.core.model import Model
from artfactoryd.core.parameters import file_leaves, secret_values
from artfactoryd.core.parameters.file_leaves import Place
from artfactoryd.core.rehearsal import rehearsal_call
from artfactoryd.core.slug import prompt_of
from artfactoryd.errors import CallRefused, OutputBad, WrongUse
from artfactoryd.execution.pacing.uploads import UploadWaits
from artfactoryd.execution.upload_life import Life
from artfactoryd.factories import Call, Factory, Uploads
from artfactoryd.home import Home
from artfactoryd.planning import inputs
from artfactoryd.shelf.kinds import UNKNOWN
from artfactoryd.shelf.media import examine, is_turned
from artfactoryd.storage.rows import ItemRow, OrderRow
from artfactoryd.storage.writer import Books

KIND_WORDS = {"image": "a picture", "video": "a film", "audio": "a sound", "3d": "a 3D scene", "text": "a text"}
Picture = Mapping[str, Any]  # as the order, or what an item is fed with, tells of it
SKETCH = "sketch"
NOT_KEPT = "What this is made from was not kept. With `reuse: never` the order makes everything anew."


class Calls:
    def __init__(
        self, home: Home, books: Books, factories: Mapping[str, Factory], clock: Callable[[], datetime],
        waits: UploadWaits, steady: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._waits, self._steady = waits, steady
        self._lives: dict[str, Life] = {}  # by address, of what was uploaded
        self._home, self._books, self._factories, self._clock = home, books, factories, clock
        self._under_way: dict[str, asyncio.Lock] = {}  # by content: two items of one picture upload it once

    async def of(self, row: ItemRow, order: OrderRow) -> Call:
        """Raises what an upload raises: ProviderStopped, AskAgain, CallRefused. Nothing is bought here."""
        model = order.model_of(row)
        pictures = self._pictures(row, order, model)
        if order.rehearsal:
            first = next((picture for picture in pictures.values() if picture["width"]), None)
            size = await asyncio.to_thread(self._upright, order, first) if first else None
            taken = {place[0] for place in pictures}
            shown = {name: value for name, value in row.generation.items() if name not in taken}
            words, seed = self._looks(row, order, model)
            shown |= {"prompt": words} if words else {}
            name = model.short if len(order.snapshots) > 1 else ""
            return Call(SKETCH, None, rehearsal_call(shown, seed, row.asked, size, name))
        if row.parent is not None:
            await asyncio.to_thread(self._check_fed, row, order, model, pictures)
        addresses = {
            place: await self._address(row.provider, order, picture) for place, picture in pictures.items()
        }  # fmt: skip
        parameters = {**file_leaves.replaced(row.generation, addresses), **model.sends}
        return Call(model.id, model.version, parameters, model.recipe)

    def with_secrets(self, call: Call, model: Model) -> Call:
        """As it leaves, and stands nowhere. Raises CallRefused where a secret cannot be had any more."""
        places: dict[Place, str] = {}
        for place, location in secret_values.references(model, call.parameters):
            try:
                places[place] = credentials.resolve_secret(location, secret_values.name_of(place))
            except WrongUse as error:
                raise CallRefused(f"{error} Nothing was sent.") from error
        return replace(call, parameters=file_leaves.replaced(call.parameters, places)) if places else call

    def _pictures(self, row: ItemRow, order: OrderRow, model: Model) -> dict[Place, Mapping[str, Any]]:
        """Those of the order, and what the item is fed with."""
        ordered = inputs.of_item(row.generation, order.inputs, model)
        if row.parent is None:
            return ordered
        fed = self._books.index.fed_with(row)
        if fed is None:
            raise CallRefused("What this is made from is not on the shelf. Nothing was sent.")
        product, _ = fed
        if not (product.shelved or (self._home.root / product.path).is_file()):
            raise CallRefused(f"{NOT_KEPT} Nothing was sent.")
        return {**ordered, **inputs.of_product(row, model, product)}

    def _check_fed(self, row: ItemRow, order: OrderRow, model: Model, pictures: Mapping[Place, Picture]) -> None:
        """Nothing is bought from what came damaged, nor of a film where a picture is taken."""
        takes = {model.image: "image", model.mask: "image", model.video: "video", model.audio: "audio"}
        for place in pictures.keys() - inputs.of_item(row.generation, order.inputs, model).keys():
            path = self._path(order, pictures[place])
            seen, wanted = examine(path), takes.get(str(place[0]))
            words = f"{path.name}, which this would be made from, is"
            if seen.fault:
                raise CallRefused(f"{words} damaged: {seen.fault} Nothing was sent.")
            if wanted and seen.kind in KIND_WORDS and seen.kind != wanted:
                takes_one = f"{place[0]} of {model.short} takes {KIND_WORDS[wanted]}"
                raise CallRefused(f"{words} {KIND_WORDS[seen.kind]}, and {takes_one}. Nothing was sent.")

    def _looks(self, row: ItemRow, order: OrderRow, model: Model) -> tuple[str, int | None]:
        """Words and seed of a sketch of it. It looks like what it is made from where it has none of its own."""
        words, seed, fed = prompt_of(row.generation, model), row.seed, self._books.index.fed_with(row)
        if fed is None:
            return words, seed
        output, before = fed
        above, drawn = self._looks(before, order, order.model_of(before))
        if seed is None and drawn is not None:
            seed = drawn + output.place - before.first_index  # each copy of a call is drawn with a seed of its own
        return words or above, seed

    def _path(self, order: OrderRow, picture: Picture) -> Path:
        return self._home.root / (picture.get("path") or f"{order.folder}/inputs/{picture['name']}")

    def _upright(self, order: OrderRow, picture: Picture) -> tuple[int, int]:
        """Width and height as it is shown: a photograph may lie on its side."""
        sides = picture["width"], picture["height"]
        return sides[::-1] if is_turned(self._path(order, picture)) else sides

    async def _address(self, provider: str, order: OrderRow, picture: Picture) -> str:
        path = self._path(order, picture)
        factory = self._factories[provider]
        if not isinstance(factory, Uploads):
            if picture["mime"] == UNKNOWN.mime:  # opened here it might end the program
                raise CallRefused(f"{path.name} is no file of a known kind. Nothing was made of it.")
            await asyncio.to_thread(_bytes, path, picture)
            return str(path)
        async with self._under_way.setdefault(picture["sha256"], asyncio.Lock()):
            known = self._remembered(provider, picture["sha256"])
            return known or await self._upload(provider, factory, path, picture)

    def _remembered(self, provider: str, sha256: str) -> str | None:
        known = self._books.index.upload(provider, sha256)
        if known is None:
            return None
        if known.expires_at is not None:
            life = self._lives.setdefault(known.address, Life.read(known.expires_at, self._clock(), self._steady()))
            if not life.lasts(self._clock(), self._steady()):
                return None
        return str(known.address)

    async def _upload(self, provider: str, factory: Uploads, path: Path, picture: Picture) -> str:
        data = await asyncio.to_thread(_bytes, path, picture)
        failpoints.point("before_upload")
        with self._waits.trying(provider):
            uploaded = await factory.upload(picture["name"], data, picture["mime"])
        life = Life.of(uploaded, self._clock(), self._steady())
        if life is not None:
            self._lives[uploaded.address] = life
        until = life.written if life is not None else uploaded.expires_at
        await self._books.remember_upload(provider, picture["sha256"], uploaded.address, until)
        failpoints.point("uploaded")
        return uploaded.address


def _bytes(path: Path, picture: Picture) -> bytes:
    """Only what was accepted is worked on: an upload of other bytes would be remembered for these."""
    try:
        return inputs.read(path, picture)
    except OutputBad as error:
        raise CallRefused(f"{error} Nothing was sent.") from error
