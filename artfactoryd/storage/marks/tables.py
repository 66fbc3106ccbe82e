"""The tables of what a person says of products, as the migrations leave them (see storage/tables)."""

from __future__ import annotations

from collections.abc import Sequence

import peewee as pw

from artfactoryd.storage.tables import Table


class Marking(Table):
    """Every mark there was, in its turn."""

    number = pw.IntegerField(primary_key=True)
    id = pw.TextField()  # of its line
    command = pw.TextField()
    product = pw.TextField()
    before = pw.TextField(null=True)  # what was said until then, as JSON; null: there is nothing to take back

    class Meta:
        table_name = "marking"


class ProductTag(Table):
    """Its own, where `tag` changed them; else those of its order."""

    tag = pw.TextField()
    seq = pw.IntegerField()  # of the product

    class Meta:
        table_name = "product_tag"
        primary_key = pw.CompositeKey("tag", "seq")


class ProductCollection(Table):
    """Which products are in which collection."""

    collection = pw.TextField()
    seq = pw.IntegerField()  # of the product

    class Meta:
        table_name = "product_collection"
        primary_key = pw.CompositeKey("collection", "seq")


class Clone(Table):
    """What was put into a collection's folder for a product in it: a view, and no product."""

    path = pw.TextField(primary_key=True)  # in the home
    product = pw.TextField()
    collection = pw.TextField()
    sha256 = pw.TextField()
    bytes = pw.BigIntegerField()
    changed = pw.BigIntegerField()  # when, in nanoseconds, as its file says

    class Meta:
        table_name = "clone"


class Binned(Table):
    """A product that was put into the bin of the shelf."""

    product = pw.TextField(primary_key=True)
    at = pw.TextField()
    source = pw.TextField()  # where it lay, in the home
    emptied = pw.TextField(null=True)  # when it was taken away for good

    class Meta:
        table_name = "binned"


class Moving(Table):
    """A product that is to lie elsewhere, and was perhaps not moved yet."""

    product = pw.TextField(primary_key=True)
    source = pw.TextField()
    path = pw.TextField()

    class Meta:
        table_name = "moving"


TABLES: Sequence[type[Table]] = (Marking, ProductTag, ProductCollection, Clone, Binned, Moving)
