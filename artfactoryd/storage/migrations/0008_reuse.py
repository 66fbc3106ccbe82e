"""What makes items equal, and what a person agreed to buy again."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    """Columns with a default in the table itself: a large one need not be written again."""
    migrator.migrate(
        migrator.sql("ALTER TABLE item ADD COLUMN key TEXT"),  # NULL: never equal to another
        migrator.sql("ALTER TABLE item ADD COLUMN buy_again INTEGER NOT NULL DEFAULT 0"),  # gone before its turn
        migrator.sql("ALTER TABLE orders ADD COLUMN buy_again INTEGER NOT NULL DEFAULT 0"),  # approved all the same
        migrator.sql("CREATE INDEX item_key ON item (key)"),
    )
