"""What products are found by, without looking at each: newest first, by project, tag and word; parameters. Frozen.

`seq` is when a product was made: milliseconds, and 2^20 places in each. `searched` has every three letters in a row of
a product's texts, by its `seq`; it is filled a little at a time, and what is not in it yet stands in `unsearched`. A
SQLite that was built without such tables goes on looking at each. Triggers keep all this true whoever adds a product.
"""

from __future__ import annotations

import sqlite3

import peewee as pw
from playhouse.migrate import SchemaMigrator

MADE = "(coalesce(CAST(round((julianday(product.created_at) - 2440587.5) * 86400000) AS INTEGER), 0) << 20)"
SEQ = f"(SELECT coalesce(max(p.seq) + 1, {MADE}) FROM product p WHERE p.seq >= {MADE} AND p.seq < {MADE} + 1048576)"
PROJECT = (
    "coalesce((SELECT project FROM orders WHERE id = product.order_id), CASE WHEN path LIKE 'Projects/%/%' "
    "THEN substr(path, 10, instr(substr(path, 10), '/') - 1) END)"
)
TAGS = "coalesce({row}.tags, (SELECT tags FROM orders WHERE id = {row}.order_id), '[]')"
TAGGED = (
    "INSERT OR IGNORE INTO product_tag (tag, seq) SELECT value, product.seq "
    f"FROM product, json_each({TAGS.format(row='product')}) WHERE type = 'text'"
)
STEPS = (
    "CREATE TABLE parameter (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID",
    "INSERT INTO parameter SELECT DISTINCT e.key FROM item, json_each(item.generation) e",
    "CREATE INDEX orders_any_name ON orders (name COLLATE NOCASE)",
    "ALTER TABLE product ADD COLUMN seq INTEGER",
    "ALTER TABLE product ADD COLUMN project TEXT",
    "CREATE TEMP TABLE made (id TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
    f"INSERT INTO made SELECT id, {MADE} + row_number() OVER (PARTITION BY {MADE} ORDER BY id) - 1 FROM product",
    f"UPDATE product SET seq = (SELECT seq FROM made WHERE made.id = product.id), project = {PROJECT}",
    "DROP TABLE made",
    "CREATE UNIQUE INDEX product_seq ON product (seq)",
    "CREATE INDEX product_project ON product (project COLLATE NOCASE, seq)",
    "CREATE TABLE product_tag (tag TEXT NOT NULL COLLATE NOCASE, seq INTEGER NOT NULL, PRIMARY KEY (tag, seq)) "
    "WITHOUT ROWID",
    TAGGED,
    "CREATE TABLE unsearched (seq INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO unsearched SELECT seq FROM product",
    "CREATE TRIGGER product_added AFTER INSERT ON product BEGIN "
    f"UPDATE product SET seq = {SEQ}, project = {PROJECT} WHERE id = NEW.id; "
    f"{TAGGED} AND product.id = NEW.id; "
    "INSERT OR IGNORE INTO unsearched SELECT seq FROM product WHERE id = NEW.id; END",
    "CREATE TRIGGER product_removed AFTER DELETE ON product BEGIN "
    "DELETE FROM product_tag WHERE seq = OLD.seq; DELETE FROM unsearched WHERE seq = OLD.seq; END",
    "CREATE TRIGGER product_tagged AFTER UPDATE OF tags ON product BEGIN "
    f"DELETE FROM product_tag WHERE seq = NEW.seq AND tag IN (SELECT value FROM json_each({TAGS.format(row='OLD')})); "
    f"{TAGGED} AND product.id = NEW.id; END",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
    if _has_trigrams(db):
        db.execute_sql("CREATE VIRTUAL TABLE searched USING fts5 (text, tokenize = 'trigram', content = '')")


def _has_trigrams(db: pw.Database) -> bool:
    there = db.execute_sql("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    return there is not None and sqlite3.sqlite_version_info >= (3, 34)
