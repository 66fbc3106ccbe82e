"""The tables as this release has them: made at once in a new file, else by the numbered scripts that are still to run.

`migrations/all.sql` is what the scripts up to the last that it names leave of an empty file; a test compares the two.
One that is newer than it runs after it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import peewee as pw

MIGRATIONS = Path(__file__).parents[1] / "migrations"
AT_ONCE = MIGRATIONS / "all.sql"  # one statement after the other, with an empty line between them
DONE = "FROM schema_migration"  # what releases did to the tables, by name


def bring_up_to_date(db: pw.Database) -> None:
    """`db`: connected, for writing. A kill leaves the tables as a script left them, and a new file empty."""
    if not db.execute_sql("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        _make_all(db)
    if not scripts() <= _done(db):
        from playhouse.migrations import Runner  # imported late: few starts need it

        Runner(db, str(MIGRATIONS)).up()


def scripts() -> set[str]:
    """All that this release does to the tables."""
    return {path.stem for path in MIGRATIONS.glob("[0-9]*.py")}


def _done(db: pw.Database) -> set[str]:
    if not db.table_exists("schema_migration"):
        return set()
    return {name for (name,) in db.execute_sql(f"SELECT name {DONE}")}


def _make_all(db: pw.Database) -> None:
    statements = AT_ONCE.read_text().split("\n\n")
    with db.atomic():
        for statement in statements:
            if "USING fts5" not in statement or _has_trigrams(db):
                db.execute_sql(statement)


def _has_trigrams(db: pw.Database) -> bool:
    """Whether this SQLite can have the table in which three letters in a row are found."""
    there = db.execute_sql("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    return there is not None and sqlite3.sqlite_version_info >= (3, 34)
