"""All models that can be ordered, found by alias or id."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator

from artfactoryd.core.model import Model


class Catalog:
    """The models that can be ordered; later ones (a person's own) override earlier ones of the same id."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._models: dict[tuple[str, str], Model] = {}
        for model in models:
            self._models.pop((model.provider, model.id), None)  # an overriding one also comes later: see `find`
            self._models[model.provider, model.id] = model

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def providers(self) -> list[str]:
        return sorted({provider for provider, _ in self._models})

    def find(self, provider: str, name: str) -> Model | None:
        """By alias, full id, or `owner/name:version` where that is the version known here."""
        for model in reversed(self._models.values()):
            if model.provider == provider and (name in model.names or name == model.full):
                return model
        return None

    def having(self, parameters: Collection[str]) -> list[str]:
        """Models that take one of these, with who runs them."""
        return [
            f"{model.short} ({model.provider})"
            for model in self._models.values()
            if any(name in model.properties for name in parameters)
        ]

    def near(self, provider: str, name: str) -> list[str]:
        """Names of this provider's models that `name` may have meant, best first."""
        names = [each for model in self._models.values() if model.provider == provider for each in model.names]
        return difflib.get_close_matches(name, names, n=3, cutoff=0.5)
