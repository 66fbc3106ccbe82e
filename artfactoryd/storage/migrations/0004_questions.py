"""What was asked about attempts in doubt, and two ways to find attempts. Frozen."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


class Question(pw.Model):
    attempt = pw.TextField(primary_key=True)
    since = pw.TextField()  # when the doubt arose
    times = pw.IntegerField(default=0)
    last_at = pw.TextField(null=True)
    next_at = pw.TextField(null=True)  # None: it is not asked any more
    hopeful = pw.BooleanField(default=True)  # an answer may come soon enough to wait for
    words = pw.TextField(default="")

    class Meta:
        table_name = "question"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    with db.bind_ctx([Question]):
        db.create_tables([Question])
    migrator.migrate(
        migrator.add_index("generation_log", ("verdict",)),
        migrator.add_index("generation_log", ("provider", "asked_at")),
    )
