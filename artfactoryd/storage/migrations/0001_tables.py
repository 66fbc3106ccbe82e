"""The first tables. Frozen: a change to them is a new numbered script."""

from __future__ import annotations

import peewee as pw
from playhouse.migrate import SchemaMigrator


class Meta(pw.Model):
    key = pw.TextField(primary_key=True)
    value = pw.TextField()


class Orders(pw.Model):
    id = pw.TextField(primary_key=True)
    claim = pw.TextField()
    number = pw.IntegerField()
    submission = pw.TextField(null=True)
    name = pw.TextField()
    project = pw.TextField()
    folder = pw.TextField(null=True)
    model = pw.TextField()
    document = pw.TextField()
    document_sha256 = pw.TextField()
    fingerprint = pw.TextField()
    file = pw.TextField()
    git = pw.TextField(null=True)
    accepted_at = pw.TextField()
    base_seed = pw.IntegerField()
    priority = pw.IntegerField()
    rehearsal = pw.BooleanField()
    provider = pw.TextField()
    tags = pw.TextField()
    notes = pw.TextField()
    cap = pw.BigIntegerField()
    price = pw.BigIntegerField(null=True)
    total_items = pw.IntegerField()
    total_products = pw.IntegerField()
    expanded_items = pw.IntegerField(default=0)
    expanded_products = pw.IntegerField(default=0)
    committed = pw.BigIntegerField(default=0)  # spent, perhaps spent, and reserved
    held = pw.TextField(null=True)
    held_entry = pw.TextField(null=True)
    held_fingerprint = pw.TextField(null=True)
    cancelled = pw.BooleanField(default=False)
    was_cancelled = pw.BooleanField(default=False)  # ever, though retried since

    class Meta:
        table_name = "orders"
        indexes = ((("claim", "number"), True), (("fingerprint",), False), (("document_sha256",), False))


class Item(pw.Model):
    order_id = pw.TextField()
    number = pw.IntegerField()
    state = pw.TextField()
    provider = pw.TextField()
    first_index = pw.IntegerField()
    asked = pw.IntegerField()
    copy = pw.IntegerField()
    seed = pw.BigIntegerField(null=True)
    generation = pw.TextField()
    tokens = pw.TextField()
    upper = pw.BigIntegerField()
    attempts = pw.IntegerField(default=0)
    attempt = pw.TextField(null=True)
    ticket = pw.TextField(null=True)
    outputs = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    stop = pw.BooleanField(default=False)  # a person asked the provider to stop it

    class Meta:
        table_name = "item"
        primary_key = pw.CompositeKey("order_id", "number")
        indexes = ((("order_id", "state", "number"), False), (("state", "provider", "order_id"), False))


class GenerationLog(pw.Model):
    id = pw.TextField(primary_key=True)
    order_id = pw.TextField()
    number = pw.IntegerField()
    nth = pw.IntegerField()
    provider = pw.TextField()
    model = pw.TextField()
    actual = pw.TextField()
    returned = pw.TextField(null=True)
    ticket = pw.TextField(null=True)
    verdict = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    asked_at = pw.TextField()
    answered_at = pw.TextField(null=True)
    ended_at = pw.TextField(null=True)
    reserved = pw.BigIntegerField()
    cost = pw.BigIntegerField(null=True)
    estimated = pw.BooleanField(default=True)

    class Meta:
        table_name = "generation_log"
        indexes = ((("order_id", "number"), False),)


class Product(pw.Model):
    id = pw.TextField(primary_key=True)
    order_id = pw.TextField()
    number = pw.IntegerField()
    place = pw.IntegerField()
    path = pw.TextField()
    sha256 = pw.TextField()
    bytes = pw.BigIntegerField()
    mime = pw.TextField()
    width = pw.IntegerField(null=True)
    height = pw.IntegerField(null=True)
    created_at = pw.TextField()

    class Meta:
        table_name = "product"
        indexes = ((("order_id", "place"), False), (("path",), False))


class ProviderStop(pw.Model):
    provider = pw.TextField(primary_key=True)
    reason = pw.TextField()
    since = pw.TextField()

    class Meta:
        table_name = "provider_stop"


class Command(pw.Model):
    id = pw.TextField(primary_key=True)
    name = pw.TextField()
    answer = pw.TextField()
    at = pw.TextField()

    class Meta:
        table_name = "command"


TABLES = (Meta, Orders, Item, GenerationLog, Product, ProviderStop, Command)


def up(migrator: SchemaMigrator, db: pw.Database) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
