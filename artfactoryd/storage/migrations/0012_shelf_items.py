"""Items that only the shelf tells of (a lost ledger, another home's folder): what makes them equal to others.

And by what the ledger's last place is known again.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    db.execute_sql(
        "CREATE TABLE shelf_item (order_id TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL,"
        " asked INTEGER NOT NULL, delivered INTEGER NOT NULL, PRIMARY KEY (order_id, number))"
    )
    db.execute_sql("CREATE TABLE ledger_mark (id INTEGER NOT NULL PRIMARY KEY, mark TEXT NOT NULL)")
    db.execute_sql("CREATE INDEX shelf_item_key ON shelf_item (key)")
