"""What was done on the shelf, as news."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from artfactoryd.core.noticing.changes import AsMade, Change, Missing, Moved, Other
from artfactoryd.news import News


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfChanged(News):
    """By how many files."""

    event: ClassVar[str] = "shelf.changed"
    moved: int = 0
    edited: int = 0
    missing: int = 0
    gone: int = 0
    back: int = 0
    foreign: int = 0
    copied: int = 0

    @property
    def words(self) -> str:
        return f"on the shelf: {', '.join(f'{count} {name}' for name, count in self.facts.items() if count)}"


def news_of(changes: Iterable[Change | Missing]) -> ShelfChanged | None:
    """None where nothing is new."""
    kinds = Counter(
        "moved" if isinstance(change, Moved) else type(change).__name__.lower()
        for change in changes if type(change) not in (AsMade, Other)
    )  # fmt: skip
    counts = {name: kinds[name] for name in ("moved", "edited", "missing", "back", "foreign", "copied") if kinds[name]}
    return ShelfChanged(**counts) if counts else None
