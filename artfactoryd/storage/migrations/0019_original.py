"""A product is known by the bytes that came too, whatever was put beside its pixels. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

COLUMNS = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for table in ("product", "interim"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN original_sha256 TEXT")
    db.execute_sql("CREATE INDEX product_original ON product (original_sha256) WHERE original_sha256 IS NOT NULL")
    db.execute_sql("DROP VIEW output")
    db.execute_sql(
        f"CREATE VIEW output AS SELECT {COLUMNS}, liked, 1 AS shelved, original_sha256 FROM product "
        f"WHERE replaced_by IS NULL UNION ALL SELECT {COLUMNS}, 0, 0, original_sha256 FROM interim"
    )
