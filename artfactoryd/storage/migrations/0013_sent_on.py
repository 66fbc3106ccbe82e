"""What came above what was asked for is told apart at its place, and is sent on to later stages. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

COLUMNS = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql("ALTER TABLE product ADD COLUMN nth INTEGER NOT NULL DEFAULT 0")
    db.execute_sql("ALTER TABLE interim ADD COLUMN nth INTEGER NOT NULL DEFAULT 0")
    db.execute_sql("ALTER TABLE item ADD COLUMN parent_nth INTEGER NOT NULL DEFAULT 0")
    db.execute_sql("ALTER TABLE item ADD COLUMN wants_liked INTEGER NOT NULL DEFAULT 0")
    db.execute_sql("ALTER TABLE orders ADD COLUMN grown_items INTEGER NOT NULL DEFAULT 0")
    db.execute_sql("UPDATE item SET wants_liked = 1 WHERE waits = 2")
    db.execute_sql("DROP VIEW output")
    db.execute_sql(
        f"CREATE VIEW output AS SELECT {COLUMNS}, liked, 1 AS shelved FROM product "
        f"UNION ALL SELECT {COLUMNS}, 0, 0 FROM interim"
    )
