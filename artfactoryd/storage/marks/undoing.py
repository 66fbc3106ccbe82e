"""What was said last of products, and what was said of them before."""

from __future__ import annotations

from dataclasses import dataclass

from artfactoryd.core import strict_json
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks.applied import Said


@dataclass(frozen=True, slots=True)
class Undoable:
    """One command that marked products, by id and name. `before`: by their ids; `places`: of those that it put into
    the bin or took out of it, where they lay, in the home."""

    command: str
    name: str
    before: dict[str, Said]
    places: dict[str, str]


def last(index: Index) -> Undoable | None:
    """None where nothing is left to take back."""
    newest = (
        "SELECT m.command, c.name FROM marking m LEFT JOIN command c ON c.id = m.command "
        "WHERE m.before IS NOT NULL ORDER BY m.number DESC LIMIT 1"
    )
    row = index.row(newest)
    if row is None:
        return None
    sql = "SELECT product, before FROM marking WHERE command = ? AND before IS NOT NULL"
    told = {one["product"]: strict_json.loads(one["before"].encode()) for one in index.rows(sql, (row["command"],))}
    places = {product: before["path"] for product, before in told.items() if "path" in before}
    before = {product: Said(**before) for product, before in told.items() if product not in places}
    return Undoable(row["command"], row["name"] or "the last mark", before, places)
