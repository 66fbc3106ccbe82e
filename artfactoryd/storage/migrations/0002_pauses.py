"""Pauses by a person, beside the stops that a provider's trouble makes. Frozen.

A provider can be both, so the key is (provider, kind); the empty provider is all of them.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


class ProviderStop(pw.Model):
    provider = pw.TextField()
    kind = pw.TextField()  # stopped | paused
    reason = pw.TextField()
    since = pw.TextField()

    class Meta:
        table_name = "provider_stop"
        primary_key = pw.CompositeKey("provider", "kind")


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(migrator.add_column("orders", "paused", pw.TextField(null=True)))  # since when
    stops = db.execute_sql("SELECT provider, reason, since FROM provider_stop").fetchall()
    db.execute_sql("DROP TABLE provider_stop")
    with db.bind_ctx([ProviderStop]):
        db.create_tables([ProviderStop])
        for provider, reason, since in stops:
            ProviderStop.create(provider=provider, kind="stopped", reason=reason, since=since)
