"""The words of products, taken into the lookup by which a search finds them."""

from __future__ import annotations

from artfactoryd.storage.database import DatabaseError
from artfactoryd.storage.index import Index

_FILL = (
    "INSERT INTO searched (rowid, text) SELECT p.seq, p.path || char(10) || coalesce(o.name, '') || char(10) || "
    "coalesce((SELECT group_concat(value, char(10)) FROM json_tree(i.generation) WHERE type = 'text'), '') || char(10) "
    "|| coalesce(p.notes, o.notes, '') "
    "FROM unsearched u CROSS JOIN product p ON p.seq = u.seq LEFT JOIN orders o ON o.id = p.order_id "
    "LEFT JOIN item i ON i.order_id = p.order_id AND i.number = p.number WHERE u.seq >= ?"
)


def are_looked_up(index: Index) -> bool:
    """False where this SQLite has no such tables, also where another one has made it."""
    try:
        index.rows("SELECT 1 FROM searched LIMIT 0")
    except DatabaseError:
        return False
    return True


def is_behind(index: Index) -> bool:
    """Whether there are products whose words are not taken in. False where this SQLite cannot."""
    return bool(index.rows("SELECT 1 FROM unsearched LIMIT 1")) and are_looked_up(index)


def fill(index: Index, most: int) -> None:
    """Take in the words of the newest that have none there."""
    newest = "SELECT min(seq) AS first FROM (SELECT seq FROM unsearched ORDER BY seq DESC LIMIT ?)"
    first = index.rows(newest, (most,))[0]["first"]
    if first is not None:
        index.run(_FILL, first)
        index.run("DELETE FROM unsearched WHERE seq >= ?", first)
