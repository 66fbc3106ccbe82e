"""What a mark does to the index, and what it takes the place of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.storage import dependencies
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ProductRow

if TYPE_CHECKING:  # whoever only looks does not load the kinds of lines
    from artfactoryd.storage.events import Mark

SAYS = "liked = ?, tags = ?, rating = ?, notes = ?, collections = coalesce(?, collections)"


@dataclass(frozen=True, slots=True)
class Said:
    """Of one product, whole. `tags`, `notes`: None for those of its order; `collections`: None where it never was in
    one."""

    liked: bool
    tags: list[str] | None
    rating: int | None
    notes: str | None
    collections: list[str] | None = None

    @classmethod
    def of(cls, row: ProductRow) -> Said:
        return cls(row.liked, row.tags, row.rating, row.notes, row.collections)

    def to_json(self) -> Json:
        told = {"liked": self.liked, "tags": self.tags, "rating": self.rating, "notes": self.notes}
        return told if self.collections is None else {**told, "collections": self.collections}


def mark(index: Index, event: Mark) -> None:
    """Its sidecar is to carry it. A mark that takes others back leaves nothing to take back itself."""
    product = index.product(event.product)
    if product is None:
        return
    before = None if event.undoes or not event.command else strict_json.dumps(Said.of(product).to_json())
    line, tags = line_id(event), strict_json.dumps(list(event.tags))
    collections = None if event.collections is None else strict_json.dumps(list(event.collections))
    index.run(
        "INSERT INTO marking (id, command, product, before) VALUES (?, ?, ?, ?)",
        line, event.command, product.id, before,
    )  # fmt: skip
    if event.undoes:
        sql = "UPDATE marking SET before = NULL WHERE command = ? AND product = ?"
        index.run(sql, event.undoes, product.id)
    index.run(
        f"UPDATE product SET {SAYS}, mark = ?, found = 0, unwritten = 1 WHERE id = ?",
        int(event.liked), tags, event.rating, event.notes, collections, line, product.id,
    )  # fmt: skip
    if product.liked and not event.liked:
        dependencies.call_off(index, product)
    dependencies.follow(index, product.order_id, product.number)


def line_id(event: Mark) -> str:
    """Ids sort by their time. Of a line that an earlier release wrote: one that follows from its time."""
    if event.id:
        return event.id
    try:
        moment = int(datetime.fromisoformat(event.at).timestamp() * 1000)
    except ValueError:
        return ""
    digits = f"{moment:012x}"
    return f"{digits[:8]}-{digits[8:]}"
