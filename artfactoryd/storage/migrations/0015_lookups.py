"""Orders that wait, and items that have something to say, are found however many there are beside them. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql("CREATE INDEX orders_held ON orders (id) WHERE held IS NOT NULL")
    db.execute_sql("CREATE INDEX orders_unexpanded ON orders (id) WHERE expanded_items < total_items")
    db.execute_sql("CREATE INDEX orders_proof ON orders (id) WHERE proof IS NOT NULL")
    db.execute_sql("CREATE INDEX orders_paused ON orders (id) WHERE paused IS NOT NULL")
    db.execute_sql("CREATE INDEX orders_name ON orders (name)")
    db.execute_sql("CREATE INDEX item_told ON item (order_id, number) WHERE reason IS NOT NULL")
