"""Products of one seed are found by a step in an index. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "CREATE INDEX item_seed ON item (seed) WHERE seed IS NOT NULL",
    "CREATE INDEX told_seed ON told (seed) WHERE seed IS NOT NULL",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
