"""Rows of one index into tables of another, whatever engines they have."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

import peewee as pw

from artfactoryd.storage.engines.engine import Engine

CHUNK = 2000


def copy_rows(source: Engine, target: Engine, db: pw.Database, table: str, into: str) -> None:
    """`db`: of the target, with a table like it, empty."""
    names = [column[0] for column in target.ask(db, f"SELECT * FROM {table} LIMIT 0", ()).description]
    names = [name for name in names if name != "rowid"]
    sql = f"INSERT INTO {into} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    with closing(source.connection(writing=False)) as other:
        rows = iter(source.ask(other, f"SELECT {', '.join(names)} FROM {table}", ()).fetchall())
        while chunk := list(islice(rows, CHUNK)):
            target.add(db, sql, chunk)
