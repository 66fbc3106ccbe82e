"""What was said last of products, and what was said of them before."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd.core import strict_json
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks.applied import Said


@dataclass(frozen=True, slots=True)
class Undoable:
    """One command that marked products. `before`: by their ids."""

    command: str
    before: dict[str, Said]


def last(index: Index) -> Undoable | None:
    """None where nothing is left to take back."""
    newest = "SELECT command FROM marking WHERE before IS NOT NULL ORDER BY number DESC LIMIT 1"
    row = index.row(newest)
    if row is None:
        return None
    sql = "SELECT product, before FROM marking WHERE command = ? AND before IS NOT NULL"
    before = {one["product"]: _said(one["before"]) for one in index.rows(sql, (row["command"],))}
    return Undoable(row["command"], before)


def _said(before: str) -> Said:
    return Said(**strict_json.loads(before.encode()))
