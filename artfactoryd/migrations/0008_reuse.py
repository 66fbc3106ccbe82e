"""What makes items equal, and what a person agreed to buy again."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(
        migrator.add_column("item", "key", pw.TextField(null=True)),  # None: never equal to another
        migrator.add_index("item", ("key",)),
        migrator.add_column("item", "buy_again", pw.BooleanField(default=False)),  # said to be gone before its turn
        migrator.add_column("orders", "buy_again", pw.BooleanField(default=False)),  # approved with what is gone
    )
