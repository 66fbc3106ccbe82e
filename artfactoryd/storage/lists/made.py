"""What was made before, to be compared with what is planned. Reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artfactoryd.storage.index import FED_WITH, ITEM_MODEL, Index


@dataclass(frozen=True, slots=True)
class MadeItem:
    """An item of a real order, whole. `inputs`: of its order; `model`: as it was recorded; `fed_with`: SHA-256 of the
    product at the place `parent` that a stage's was made from."""

    key: str
    generation: Mapping[str, Any]
    copy: int
    asked: int
    model: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    parent: int | None
    fed_with: str | None


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    id: str
    name: str
    base_seed: int


def made_items(index: Index, models: Collection[str], most: int) -> list[MadeItem]:
    """By models of these ids, of stages too; the newest first."""
    named = " OR ".join("instr(coalesce(models, '') || model, ?) > 0" for _ in models)
    sql = (
        f"SELECT i.key, i.generation, i.copy, i.asked, {ITEM_MODEL} AS model, o.inputs, i.parent, "
        f"coalesce({FED_WITH.format('product')}, {FED_WITH.format('interim')}) AS fed_with "
        "FROM item i JOIN orders o ON o.id = i.order_id "
        f"WHERE i.order_id IN (SELECT id FROM orders WHERE rehearsal = 0 AND ({named})) "
        "AND i.state = 'completed' AND i.key IS NOT NULL ORDER BY i.order_id DESC, i.number DESC LIMIT ?"
    )
    return [MadeItem(**row) for row in index.rows(sql, (*map(json.dumps, models), most))]


def found_on_the_shelf(index: Index, most: int) -> list[tuple[str, str]]:
    """(key, path of a product) of items of which only their sidecars tell how they were made; the newest first."""
    sql = (
        "SELECT s.key, min(p.path) AS path FROM shelf_item s "
        "JOIN product p ON p.order_id = s.order_id AND p.number = s.number "
        "WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.key = s.key AND i.state = 'completed') "
        "GROUP BY s.order_id, s.number ORDER BY s.order_id DESC, s.number DESC LIMIT ?"
    )
    return [(row["key"], row["path"]) for row in index.rows(sql, (most,))]


def earlier_orders(index: Index, most: int) -> list[EarlierOrder]:
    """Real ones with a product, the newest first."""
    sql = (
        "SELECT o.id, o.name, o.base_seed FROM orders o WHERE o.rehearsal = 0 "
        "AND EXISTS (SELECT 1 FROM item i WHERE i.order_id = o.id AND i.state = 'completed') ORDER BY o.id DESC LIMIT ?"
    )
    return [EarlierOrder(**row) for row in index.rows(sql, (most,))]
