"""What sidecars tell of products whose orders are not known here: imported ones, and those of a lost ledger. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "CREATE TABLE told (id TEXT NOT NULL PRIMARY KEY, order_name TEXT, provider TEXT NOT NULL, model TEXT NOT NULL, "
    "generation TEXT NOT NULL, seed INTEGER, copy INTEGER, rehearsal INTEGER NOT NULL, origin TEXT, "
    "parents TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX product_imported ON product (seq) WHERE order_id = ''",
    "CREATE TRIGGER told_added AFTER INSERT ON told BEGIN "
    "INSERT OR IGNORE INTO parameter SELECT key FROM json_each(NEW.generation); END",
    "CREATE TRIGGER product_told AFTER DELETE ON product BEGIN DELETE FROM told WHERE id = OLD.id; END",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
