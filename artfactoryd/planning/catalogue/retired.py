"""Models that their providers run no more: an order for one is told so before anybody is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.model import Model
from artfactoryd.documents import MOST_BYTES
from artfactoryd.entries import bounded
from artfactoryd.errors import Problem
from artfactoryd.planning.models import SHIPPED

ENDED = {
    "retired": "was retired by its maker{on}", "gone": "is offered no more{since}",
    "deprecated": "was given up by its maker",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Retired:
    """`model`: its id, in which `*` stands for any letters. `on`: the last day that is told, None where none is."""

    provider: str
    model: str
    aliases: tuple[str, ...]
    end: str
    on: str | None
    successor: tuple[str, str] | None  # provider, id

    @classmethod
    def from_mapping(cls, value: Mapping[str, Any]) -> Retired:
        successor = value.get("successor")
        return cls(
            value["provider"], value["model"], tuple(value["aliases"]), value["end"], value.get("on"),
            (successor["provider"], successor["model"]) if successor else None,
        )  # fmt: skip

    def is_meant(self, provider: str, name: str) -> bool:
        own = name.partition(":")[0]
        return provider == self.provider and (own in self.aliases or fnmatchcase(own, self.model))


@cache
def retired_models() -> Sequence[Retired]:
    """Read once, as the models are."""
    listed = json.loads(bounded(SHIPPED / "retired" / "models.json", MOST_BYTES))
    return [Retired.from_mapping(value) for value in listed]


def ended(provider: str, name: str, found: Model | None, told: Path) -> Retired | None:
    """The one of that name. `found`: what is known by it here. A provider that described it after its end, kept in
    `told`, has it again; a person's own file stands."""
    meant = next((retired for retired in retired_models() if retired.is_meant(provider, name)), None)
    return None if meant is None or (found and _goes_on(found, meant, told)) else meant


def _goes_on(found: Model, retired: Retired, told: Path) -> bool:
    return told not in Path(found.source).parents or (found.schema_as_of or "") > (retired.on or "")


def problem(retired: Retired, name: str, catalog: Catalog) -> Problem:
    day = retired.on or ""
    words = ENDED[retired.end].format(on=f" on {day}", since=f" since {day} or before")
    own = name if "/" in name or "*" in retired.model else retired.model
    fix = f"{_instead(retired, catalog)}`artfactoryd models refresh {own}` asks whether it is there again."
    return Problem("E_MODEL", f"{name} {words}.", fix, ("model",))


def _instead(retired: Retired, catalog: Catalog) -> str:
    if retired.successor is None:
        return ""
    provider, model = retired.successor
    known = catalog.find(provider, model)
    other = f" and `provider: {provider}`" if provider != retired.provider else ""
    return f"Its successor: `model: {known.short if known else model}`{other}. "


def words(name: str, catalog: Catalog) -> str:
    """Of one asked for by its name alone; empty where none of that name is retired."""
    meant = next((retired for retired in retired_models() if retired.is_meant(retired.provider, name)), None)
    told = problem(meant, name, catalog) if meant else None
    return f"{told.message} {told.fix}" if told else ""
