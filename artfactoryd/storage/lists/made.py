"""What was made before, to be compared with what is planned. Reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artfactoryd.storage.index import ITEM_MODEL, Index


@dataclass(frozen=True, slots=True)
class MadeItem:
    """An item of a real order, whole. `inputs`: of its order; `model`: as it was recorded."""

    key: str
    generation: Mapping[str, Any]
    copy: int
    asked: int
    model: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    id: str
    name: str
    base_seed: int


def made_items(index: Index, providers: Sequence[str], most: int) -> list[MadeItem]:
    """By these providers, and no item of a stage; the newest first."""
    marks = ",".join("?" * len(providers))
    sql = (
        f"SELECT i.key, i.generation, i.copy, i.asked, {ITEM_MODEL} AS model, o.inputs "
        "FROM item i JOIN orders o ON o.id = i.order_id "
        f"WHERE i.state = 'completed' AND i.key IS NOT NULL AND i.stage IS NULL AND i.provider IN ({marks}) "
        "ORDER BY i.order_id DESC, i.number DESC LIMIT ?"
    )
    return [MadeItem(**row) for row in index.rows(sql, (*providers, most))]


def earlier_orders(index: Index, most: int) -> list[EarlierOrder]:
    """Real ones with a product, the newest first."""
    sql = (
        "SELECT o.id, o.name, o.base_seed FROM orders o WHERE o.rehearsal = 0 "
        "AND EXISTS (SELECT 1 FROM item i WHERE i.order_id = o.id AND i.state = 'completed') ORDER BY o.id DESC LIMIT ?"
    )
    return [EarlierOrder(**row) for row in index.rows(sql, (most,))]
