"""A product is known by its bytes. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql("CREATE INDEX product_bytes ON product (sha256)")
