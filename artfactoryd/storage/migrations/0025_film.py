"""How long a film or a sound lasts, and how it is packed. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql("ALTER TABLE product ADD COLUMN duration REAL")
    db.execute_sql("ALTER TABLE product ADD COLUMN codec TEXT")
