"""A product is known by its bytes, and may have a rating. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql("CREATE INDEX product_bytes ON product (sha256)")
    db.execute_sql("ALTER TABLE product ADD COLUMN rating INTEGER")
