"""Products are decoded after they were placed: which were not yet, which are damaged, and what replaced one. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

COLUMNS = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql("ALTER TABLE product ADD COLUMN looked TEXT")
    db.execute_sql("ALTER TABLE product ADD COLUMN replaced_by TEXT")
    db.execute_sql("UPDATE product SET looked = ''")  # the release before decoded them when they came
    db.execute_sql("CREATE INDEX product_unlooked ON product (id, order_id) WHERE looked IS NULL")
    db.execute_sql("DROP VIEW output")
    db.execute_sql(
        f"CREATE VIEW output AS SELECT {COLUMNS}, liked, 1 AS shelved FROM product WHERE replaced_by IS NULL "
        f"UNION ALL SELECT {COLUMNS}, 0, 0 FROM interim"
    )
