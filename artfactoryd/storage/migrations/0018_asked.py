"""Liked and rated products are found without looking at each; notes, and texts inside lists, are looked up as words.

Frozen.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "CREATE INDEX product_liked ON product (seq) WHERE liked = 1",
    "CREATE INDEX product_rating ON product (rating, seq) WHERE rating IS NOT NULL",
    "INSERT OR IGNORE INTO unsearched SELECT seq FROM product",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
    if db.execute_sql("SELECT 1 FROM sqlite_master WHERE name = 'searched'").fetchone():
        db.execute_sql("INSERT INTO searched (searched) VALUES ('delete-all')")
