"""The words of products, taken into the lookup by which a search finds them."""

from __future__ import annotations

from artfactoryd.storage.database import DatabaseError
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.conditions import GENERATION_OF, JOINED, NOTES, ORDER_NAME

_FILL = (
    f"INSERT INTO searched (rowid, text) SELECT p.seq, p.path || char(10) || coalesce({ORDER_NAME}, '') || char(10) || "
    f"coalesce((SELECT group_concat(value, char(10)) FROM json_tree({GENERATION_OF}) WHERE type = 'text'), '') "
    f"|| char(10) || coalesce({NOTES}, '') "
    f"FROM unsearched u CROSS JOIN product p ON p.seq = u.seq {JOINED} WHERE u.seq >= ?"
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
    newest = "SELECT min(seq) AS first FROM (SELECT seq FROM unsearched ORDER BY seq DESC LIMIT ?) u"
    first = index.rows(newest, (most,))[0]["first"]
    if first is not None:
        index.run(_FILL, first)
        index.run("DELETE FROM unsearched WHERE seq >= ?", first)
