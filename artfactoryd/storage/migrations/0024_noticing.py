"""What lay on the shelf when it was looked at last: each file, and products that are edited, missing or gone. Frozen.

`lying.what`: empty for a product as it was made; edited, copy:ID, other. `project` is where a product lies.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

PROJECT = "substr(NEW.path, 10, instr(substr(NEW.path, 10), '/') - 1)"
STEPS = (
    "CREATE TABLE lying (path TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, changed INTEGER NOT NULL, "
    "what TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX lying_copy ON lying (what) WHERE what > 'copy:' AND what < 'copy;'",
    "CREATE TABLE shelf_state (product TEXT NOT NULL PRIMARY KEY, edited INTEGER NOT NULL DEFAULT 0, missing TEXT, "
    "gone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE INDEX shelf_state_missing ON shelf_state (product) WHERE missing IS NOT NULL",
    "CREATE TRIGGER product_moved AFTER UPDATE OF path ON product WHEN NEW.path IS NOT OLD.path BEGIN "
    f"UPDATE product SET project = {PROJECT} WHERE id = NEW.id AND NEW.path LIKE 'Projects/%/%' "
    "AND NEW.path NOT LIKE 'Projects/.%'; "
    "INSERT OR IGNORE INTO unsearched (seq) VALUES (NEW.seq); END",
    "CREATE TRIGGER product_unlaid AFTER DELETE ON product BEGIN DELETE FROM shelf_state WHERE product = OLD.id; END",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
