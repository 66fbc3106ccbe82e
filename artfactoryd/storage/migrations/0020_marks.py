"""What a person says of a product has a line's id, notes, a sidecar that carries it, and can be taken back. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "ALTER TABLE product ADD COLUMN notes TEXT",
    "ALTER TABLE product ADD COLUMN mark TEXT",
    "ALTER TABLE product ADD COLUMN found INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE product ADD COLUMN unwritten INTEGER NOT NULL DEFAULT 0",
    "UPDATE product SET mark = '', unwritten = 1 WHERE liked = 1 OR tags IS NOT NULL OR rating IS NOT NULL",
    "CREATE INDEX product_unwritten ON product (id) WHERE unwritten = 1",
    "CREATE INDEX product_found ON product (order_id) WHERE found = 1",
    "CREATE TABLE marking (number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL, command TEXT NOT NULL, "
    "product TEXT NOT NULL, before TEXT)",
    "CREATE INDEX marking_product ON marking (product)",
    "CREATE INDEX marking_command ON marking (command)",
    "CREATE INDEX marking_before ON marking (number) WHERE before IS NOT NULL",
    "CREATE TRIGGER product_noted AFTER UPDATE OF notes ON product WHEN NEW.notes IS NOT OLD.notes BEGIN "
    "INSERT OR IGNORE INTO unsearched (seq) VALUES (NEW.seq); END",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
