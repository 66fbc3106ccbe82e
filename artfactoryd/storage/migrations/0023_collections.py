"""Collections, the clones in their folders, and the bin of the shelf with what is still to be moved. Frozen.

`collections` of a product: NULL where it never was in one.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "ALTER TABLE product ADD COLUMN collections TEXT",
    "CREATE TABLE product_collection (collection TEXT NOT NULL COLLATE NOCASE, seq INTEGER NOT NULL, "
    "PRIMARY KEY (collection, seq)) WITHOUT ROWID",
    "CREATE INDEX product_collection_seq ON product_collection (seq)",
    "CREATE TRIGGER product_collected AFTER UPDATE OF seq, collections ON product "
    "WHEN NEW.collections IS NOT NULL OR OLD.collections IS NOT NULL BEGIN "
    "DELETE FROM product_collection WHERE seq IN (OLD.seq, NEW.seq); "
    "INSERT OR IGNORE INTO product_collection (collection, seq) SELECT value, NEW.seq "
    "FROM json_each(coalesce(NEW.collections, '[]')) WHERE type = 'text'; END",
    "CREATE TRIGGER product_uncollected AFTER DELETE ON product BEGIN "
    "DELETE FROM product_collection WHERE seq = OLD.seq; END",
    "CREATE TABLE clone (path TEXT NOT NULL PRIMARY KEY, product TEXT NOT NULL, collection TEXT NOT NULL COLLATE "
    "NOCASE, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX clone_product ON clone (product, collection)",
    "CREATE TABLE binned (product TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL, source TEXT NOT NULL, emptied TEXT) "
    "WITHOUT ROWID",
    "CREATE TABLE moving (product TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, path TEXT NOT NULL) WITHOUT ROWID",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
