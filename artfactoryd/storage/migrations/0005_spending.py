"""What days have cost, and orders whose bills passed what was set aside. Frozen.

The money of attempts from before counts on the day of their wish in UTC, as it does when old ledger lines are
applied again.
"""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


class Spending(pw.Model):
    day = pw.TextField(primary_key=True)
    committed = pw.BigIntegerField()  # spent, perhaps spent, and reserved

    class Meta:
        table_name = "spending"


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    migrator.migrate(
        migrator.add_column("generation_log", "day", pw.TextField(null=True)),
        migrator.add_column("orders", "overrun", pw.BooleanField(default=False)),  # a bill, until a person has said so
        migrator.add_column("orders", "dearest", pw.BigIntegerField(default=0)),  # of its bills above a reservation
    )
    with db.bind_ctx([Spending]):
        db.create_tables([Spending])
    db.execute_sql("UPDATE generation_log SET day = substr(asked_at, 1, 10)")
    db.execute_sql(
        "INSERT INTO spending (day, committed) SELECT day, sum(coalesce(cost, reserved)) FROM generation_log "
        "WHERE reserved > 0 GROUP BY day"
    )
