"""What an order borrowed from the Library, as it was at its acceptance."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(migrator.add_column("orders", "library", pw.TextField(default="{}")))
