"""The items of an order that are made first, until a person has looked at them."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(migrator.add_column("orders", "proof", pw.TextField(null=True)))  # a list of numbers
