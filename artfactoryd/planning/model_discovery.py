"""Asks providers what their models take and cost, and keeps what they say."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import DEPRECATED, Model
from artfactoryd.core.parameters.model_update import completed
from artfactoryd.core.parameters.openapi import NoSchema, model_entry
from artfactoryd.core.pricing.told import price_told
from artfactoryd.errors import AskAgain, CallRefused, ProviderError, StorageFull, Unreachable
from artfactoryd.factories import Completes, Describes, Factory
from artfactoryd.medium import in_words
from artfactoryd.planning import models as library
from artfactoryd.planning.model_choice import Heard, Name

log = logging.getLogger(__name__)

LONGEST = 15.0  # seconds that an order waits for the description of its model
ASK_AGAIN = 60.0  # seconds after which one that was not told is asked for again


class Descriptions:
    """`told`: the folder they are kept in; where it cannot be written they are used all the same. `files`: where a
    person's own model files lie."""

    def __init__(
        self, told: Path, factories: Mapping[str, Factory], today: Callable[[], date] = date.today,
        clock: Callable[[], float] = time.monotonic, files: Path | None = None,
    ) -> None:  # fmt: skip
        self._told, self._factories, self._files, self._today, self._clock = told, factories, files, today, clock
        self._silent: dict[Name, tuple[float, str]] = {}
        self._lately: dict[Name, tuple[float, Model]] = {}

    def can_ask(self, provider: str) -> bool:
        return isinstance(self._factories.get(provider), Describes | Completes)

    def heard(self) -> Heard:
        """What was said of models of a person's own so lately that it is not asked again."""
        since = self._clock() - ASK_AGAIN
        return Heard({name: model for name, (when, model) in self._lately.items() if when > since})

    async def ask(self, provider: str, name: str) -> Model:
        """The model as its provider describes it today; kept. Raises ProviderError."""
        factory: object = self._factories.get(provider)
        if isinstance(factory, Completes):
            return await self._complete(factory, provider, name)
        if not isinstance(factory, Describes):
            raise CallRefused(f"{provider} does not tell what its models take.")
        model, _, version = name.partition(":")
        try:
            async with asyncio.timeout(LONGEST):
                found = await factory.describe(model, version or None)
        except TimeoutError as error:
            raise Unreachable(f"{provider} did not answer within {LONGEST:.0f} seconds.") from error
        full = f"{model}:{found.version}" if found.version else model
        try:
            entry = model_entry(provider, full, found.document, None, found.kept_back)
            entry["schema_as_of"] = self._today().isoformat()
            if found.is_deprecated:
                entry["status"] = DEPRECATED
            if found.price and (price := price_told(*found.price, self._today().isoformat(), entry["schema"])):
                entry["price"] = price
            return await asyncio.to_thread(self._keep, entry, name)
        except NoSchema as error:
            raise AskAgain(f"{provider} knows {name}, but {error}") from error

    async def _complete(self, factory: Completes, provider: str, name: str) -> Model:
        """A model of a person's own file, with what its provider says of it today."""
        models, _ = await asyncio.to_thread(library.load_catalog, self._files)
        model = Catalog(models).find(provider, name)
        if model is None:
            raise CallRefused(f"There is no model file for {name} of {provider}.")
        try:
            async with asyncio.timeout(LONGEST):
                entry = dict(await factory.complete(model))
        except TimeoutError as error:
            raise Unreachable(f"{provider} did not answer within {LONGEST:.0f} seconds.") from error
        entry |= {"provider": provider, "model": model.full, "schema_as_of": self._today().isoformat()}
        try:
            said = await asyncio.to_thread(self._keep, entry, model.full)
        except NoSchema as error:
            raise AskAgain(f"{provider} knows {name}, but {error}") from error
        self._lately[provider, model.full] = (self._clock(), said)
        return completed(model, said)

    def _keep(self, entry: Mapping[str, object], name: str) -> Model:
        if not self._told.parent.is_dir():
            return library.model_of(entry, "")  # no home was made here
        try:
            return library.keep_told(self._told, entry, asked=name)
        except (OSError, StorageFull) as error:
            log.warning("what %s takes could not be kept: %s", name, in_words(error))
            return library.model_of(entry, "")

    async def learn(self, names: Sequence[Name]) -> Heard:
        """About models that an order names and the catalogue does not know; never raises for a provider's sake.

        A provider that answers nobody just now is asked about one of them only.
        """
        models: dict[Name, Model] = {}
        silent: dict[Name, str] = {}
        unknown: dict[Name, str] = {}
        away: dict[str, str] = {}
        for name in dict.fromkeys(names):
            when, why = self._silent.get(name, (0.0, ""))
            if why and self._clock() - when < ASK_AGAIN:
                silent[name] = why
                continue
            if name[0] in away:
                silent[name] = away[name[0]]
                continue
            try:
                models[name] = await self.ask(*name)
            except CallRefused as error:
                unknown[name] = str(error)
            except ProviderError as error:
                silent[name] = str(error)
                if error.stops == "provider":
                    away[name[0]] = str(error)
                self._silent[name] = (self._clock(), str(error))
                log.info("what %s takes is not known: %s", name[1], error)
        return Heard(models, silent, unknown)
