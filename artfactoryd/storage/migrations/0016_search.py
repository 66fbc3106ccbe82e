"""What products are found by, without looking at each: their words, and the parameters there are. Frozen.

`searched` has every three letters in a row of a product's texts, by its row; it is filled a little at a time, and how
far stands in `meta`. A SQLite that was built without such tables goes on looking at each.
"""

from __future__ import annotations

import contextlib

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    with contextlib.suppress(pw.OperationalError):
        db.execute_sql("CREATE VIRTUAL TABLE searched USING fts5 (text, tokenize = 'trigram', content = '')")
    db.execute_sql("CREATE TABLE parameter (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID")
    db.execute_sql("INSERT INTO parameter SELECT DISTINCT e.key FROM item, json_each(item.generation) e")
