"""Several models of an order, the stages that items belong to, and what a person says of a product. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(
        migrator.add_column("orders", "models", pw.TextField(default="[]")),
        migrator.add_column("item", "model", pw.IntegerField(default=0)),
        migrator.add_column("item", "stage", pw.TextField(null=True)),
        migrator.add_column("item", "parent", pw.IntegerField(null=True)),
        migrator.add_column("item", "waits", pw.IntegerField(default=0)),  # 1 for its parent, 2 for a liked one
        migrator.add_column("product", "liked", pw.IntegerField(default=0, constraints=[pw.SQL("DEFAULT 0")])),
        migrator.add_column("product", "tags", pw.TextField(null=True)),  # null: those of its order
        migrator.add_index("item", ("state", "provider", "waits", "order_id")),
    )
    db.execute_sql("CREATE INDEX item_parent ON item (order_id, parent) WHERE parent IS NOT NULL")
