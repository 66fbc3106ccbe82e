"""Orders that an agent handed in, what makes one of theirs the same again, and what all of them cost by day. Frozen.

`agent`: its name, empty of a person's. `content`: what an order asks for, whatever its text looks like.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "ALTER TABLE orders ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE orders ADD COLUMN content TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX orders_content ON orders (content, id) WHERE content <> ''",
    "CREATE TABLE agent_spending (day TEXT NOT NULL PRIMARY KEY, committed INTEGER NOT NULL) WITHOUT ROWID",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
