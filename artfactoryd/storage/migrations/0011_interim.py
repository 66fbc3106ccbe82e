"""Products that are not shelved, and what a stage can be fed with: those and the shelved ones. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

COLUMNS = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql(
        "CREATE TABLE interim (id TEXT NOT NULL PRIMARY KEY, order_id TEXT NOT NULL, number INTEGER NOT NULL,"
        " place INTEGER NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, bytes BIGINT NOT NULL, mime TEXT NOT NULL,"
        " width INTEGER, height INTEGER, created_at TEXT NOT NULL)"
    )
    db.execute_sql("CREATE INDEX interim_order_id_place ON interim (order_id, place)")
    db.execute_sql(
        f"CREATE VIEW output AS SELECT {COLUMNS}, liked, 1 AS shelved FROM product "
        f"UNION ALL SELECT {COLUMNS}, 0, 0 FROM interim"
    )
