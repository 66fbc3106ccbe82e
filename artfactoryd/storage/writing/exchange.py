"""A new index in the place of the old one, also while the program works: what the old one knew that no line tells goes
with it, and the old one is kept in backups/.

Killed at any line, either stands there, or neither, and then the next start makes it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from artfactoryd.core.lifecycle import UNFINISHED
from artfactoryd.core.money import dollars
from artfactoryd.core.names import counted
from artfactoryd.errors import ArtFactoryError
from artfactoryd.home import Home
from artfactoryd.storage.database import complaints, is_there
from artfactoryd.storage.derived import RECEIPTS
from artfactoryd.storage.engines import places
from artfactoryd.storage.index import Index

TABLES = {"orders": "orders", "items": "item", "attempts": "generation_log", "products": "product"}
IMPORTED = "FROM old.product WHERE order_id = ''"
UNSAID = ("upload", "outage", "question")  # tables that no line of the ledger fills, or not all of it


def new_index(home: Home) -> Path:
    """Where it is made."""
    return home.private / "index.new.sqlite3"


def counts(index: Index) -> dict[str, int]:
    return {name: index.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for name, table in TABLES.items()}


def beside_the_old(old: Path, index: Index, at_work: bool) -> Iterator[str]:
    """What the old index knew otherwise; a damaged one is only said to be damaged. `at_work`: it has gone on since, so
    that to count tells nothing."""
    if not is_there(old):
        return
    wrong = complaints(old)
    if wrong:
        yield f"The old index is damaged: {wrong[0]}."
        return
    try:
        before_it = Index.if_made(old)
    except ArtFactoryError as error:
        yield f"The old index cannot be compared: {error}"
        return
    if before_it is None:
        return
    with closing(before_it):
        _carry_looks(old, index)
        if at_work:
            return
        before, after = counts(before_it), counts(index)
        for name in TABLES:
            if before[name] != after[name]:
                yield f"The old index had {counted(before[name], name[:-1])}, the new one has {after[name]}."
        if before_it.spent_in_all() != index.spent_in_all():
            was, now = dollars(before_it.spent_in_all()), dollars(index.spent_in_all())
            yield f"By the old index {was} were spent, by the ledger {now}."


def _carry_looks(old: Path, index: Index) -> None:
    """Which pictures are well, and how files lay there: nobody need decode or read them all again."""
    with index.beside(old):
        _carry_shelf(index)
        well = "SELECT id FROM old.product WHERE looked = ''"
        index.run(f"UPDATE product SET looked = '' WHERE looked IS NULL AND id IN ({well})")


def _carry_shelf(index: Index) -> None:
    """What was noticed there, of what lies where it did. That something is gone is for the ledger to tell."""
    if not index.engine.has_beside(index.db, "shelf_state"):
        return  # an older release made it
    same = "SELECT o.id FROM old.product o JOIN product p ON p.id = o.id AND p.path = o.path"
    index.run("INSERT OR REPLACE INTO lying SELECT * FROM old.lying")
    index.run(
        "INSERT INTO shelf_state SELECT product, edited, missing, 0 FROM old.shelf_state WHERE "
        f"product IN ({same}) ON CONFLICT (product) DO UPDATE SET edited = excluded.edited, missing = excluded.missing"
    )
    index.run("DELETE FROM shelf_state WHERE edited = 0 AND missing IS NULL AND gone = 0")


def carry_over(old: Path, index: Index) -> None:
    """Of an old one of the same tables, in which nobody writes: what follows from no line, and is of use."""
    _carry_looks(old, index)
    with index.beside(old), index.changing():
        for table in UNSAID:
            index.run(f"DELETE FROM {table}")
            index.run(f"INSERT INTO {table} SELECT * FROM old.{table}")
        # What was imported since the shelf was walked has no line.
        index.run(f"INSERT OR IGNORE INTO told SELECT * FROM old.told WHERE id IN (SELECT id {IMPORTED})")
        index.run(f"INSERT OR IGNORE INTO product SELECT * {IMPORTED}")
        index.run("INSERT OR REPLACE INTO meta (key, value) SELECT key, value FROM old.meta WHERE key = ?", RECEIPTS)
        marks = ",".join("?" * len(UNFINISHED))
        noted = "SELECT reason FROM old.item o WHERE o.order_id = item.order_id AND o.number = item.number"
        index.run(f"UPDATE item SET reason = ({noted}) WHERE state IN ({marks})", *sorted(UNFINISHED))


def put_in_place(home: Home, moment: datetime) -> Path | None:
    """Where the old one is kept, if it is a file."""
    backup = home.private / "backups" / f"index-{moment.astimezone():%Y%m%dT%H%M%S%f}.sqlite3"
    return places.put(new_index(home), home.index_file, backup)
