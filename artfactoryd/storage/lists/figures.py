"""Figures over all orders: how many items are in which state, how long providers take to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artfactoryd.storage.index import Index


@dataclass(frozen=True, slots=True)
class Calls:
    """Of one provider: seconds of its last calls, from asked to answered, shortest first."""

    provider: str
    seconds: Sequence[float]

    def quantile(self, share: float) -> float:
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def items_by_state(index: Index) -> dict[tuple[str, str], int]:
    """By provider and state."""
    sql = "SELECT provider, state, count(*) AS n FROM item GROUP BY state, provider"
    return {(row["provider"], row["state"]): row["n"] for row in index.rows(sql)}


def calls(index: Index, providers: Sequence[str], most: int) -> list[Calls]:
    """Of the last so many of each that were answered."""
    sql = (
        "SELECT (julianday(answered_at) - julianday(asked_at)) * 86400.0 AS seconds FROM generation_log "
        "WHERE provider = ? AND answered_at IS NOT NULL ORDER BY asked_at DESC LIMIT ?"
    )
    timed = [(name, sorted(row["seconds"] for row in index.rows(sql, (name, most)))) for name in providers]
    return [Calls(name, seconds) for name, seconds in timed if seconds]
