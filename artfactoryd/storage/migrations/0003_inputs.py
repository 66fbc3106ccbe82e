"""The pictures an order names, and what was uploaded where until when."""

from __future__ import annotations

from typing import Any

import peewee as pw
from playhouse.migrate import SchemaMigrator


class Upload(pw.Model):
    provider = pw.TextField()
    sha256 = pw.TextField()
    address = pw.TextField()
    expires_at = pw.TextField(null=True)

    class Meta:
        table_name = "upload"
        primary_key = pw.CompositeKey("provider", "sha256")


def up(migrator: SchemaMigrator, db: pw.Database) -> Any:
    migrator.migrate(migrator.add_column("orders", "inputs", pw.TextField(default="[]")))
    with db.bind_ctx([Upload]):
        db.create_tables([Upload])
