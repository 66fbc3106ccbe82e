"""Orders that an agent handed in, what makes one of theirs the same again, and what all of them cost by day. Frozen.

`agent`: its name, empty of a person's. `content`: what an order asks for, whatever its text looks like. `agents`: the
part of a day's `committed` that is of their orders.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator

STEPS = (
    "ALTER TABLE orders ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE orders ADD COLUMN content TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX orders_content ON orders (content, id) WHERE content <> ''",
    "ALTER TABLE spending ADD COLUMN agents INTEGER NOT NULL DEFAULT 0",
)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    for step in STEPS:
        db.execute_sql(step)
