"""The models of an order that names several, and which of them an item is for."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(
        migrator.add_column("orders", "models", pw.TextField(default="[]")),
        migrator.add_column("item", "model", pw.IntegerField(default=0)),
    )
