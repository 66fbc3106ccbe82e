"""Which stops a free question may lift, and the providers that do not answer just now. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


class Outage(pw.Model):
    provider = pw.TextField(primary_key=True)
    reason = pw.TextField()
    since = pw.TextField()
    again_at = pw.TextField()
    given_up = pw.BooleanField()  # tried so often that whoever waits for an end need not wait on

    class Meta:
        table_name = "outage"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(migrator.add_column("provider_stop", "of_key", pw.BooleanField(default=False)))
    with db.bind_ctx([Outage]):
        db.create_tables([Outage])
