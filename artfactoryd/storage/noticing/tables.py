"""The tables of what lies on the shelf, as the migrations leave them."""

from __future__ import annotations

import peewee as pw

from artfactoryd.storage.tables import FlagField, Table


class Lying(Table):
    """Each file on the shelf as it was looked at last."""

    path = pw.TextField(primary_key=True)
    bytes = pw.IntegerField()
    changed = pw.IntegerField()  # ctime, nanoseconds
    what = pw.TextField()  # empty: a product as it was made; edited, copy:ID, other


class ShelfState(Table):
    """Products that do not lie as they were made."""

    product = pw.TextField(primary_key=True)
    edited = FlagField()
    missing = pw.TextField(null=True)  # since when
    gone = FlagField()


TABLES = (Lying, ShelfState)
