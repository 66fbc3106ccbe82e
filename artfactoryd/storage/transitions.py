"""The guard of every line that moves an item: only from a state that allows it, and only by the attempt it is at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from artfactoryd.core.lifecycle import MOVES
from artfactoryd.errors import IllegalMove
from artfactoryd.storage.index import Index

Line = Mapping[str, Any]
BEGIN = ("wish", "reuse")  # an attempt


class UnknownItem(LookupError):
    """The line speaks of an item whose row is not there: the order must be expanded first."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


def text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def move(index: Index, line: Line, name: str, **columns: object) -> None:
    """The guard: one row, by a legal move from the state it is in. A move has one target, whatever its source."""
    sources = MOVES[name]
    (columns["state"],) = set(map(str, sources.values()))
    settings = ", ".join(f"{name} = ?" for name in columns)
    marks = ",".join("?" * len(sources))
    sql = f"UPDATE item SET {settings} WHERE order_id = ? AND number = ? AND state IN ({marks})"
    values = [*map(text, columns.values()), line["order"], line["item"], *map(str, sources)]
    if line.get("attempt") and name not in BEGIN:  # a late word about an attempt that is over moves nothing
        sql, values = f"{sql} AND attempt = ?", [*values, line["attempt"]]
    if not index.run(sql, *values):
        raise why_not(index, line, name)


def why_not(index: Index, line: Line, name: str) -> Exception:
    row = index.item(line["order"], line["item"])
    if row is None:
        return UnknownItem(line["order"])
    late = f" by attempt {row.attempt}" if row.attempt not in (None, line.get("attempt")) else ""
    return IllegalMove(f"Item {line['item']} of order {line['order']} is {row.state}{late}: {name} is not possible.")


def log(index: Index, line: Line, **columns: object) -> None:
    settings = ", ".join(f"{name} = ?" for name in columns)
    index.run(f"UPDATE generation_log SET {settings} WHERE id = ?", *map(text, columns.values()), line["attempt"])
