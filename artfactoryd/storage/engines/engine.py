"""What an engine of the index must do: the one contract of SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import peewee as pw

CARRIED = ("product", "item", "told", "meta", "lying", "shelf_state", "upload", "outage", "question")


class Cursor(Protocol):
    """As the drivers have it."""

    @property
    def description(self) -> Any: ...
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Engine(Protocol):
    """Of one index. Whatever fails raises peewee's errors, whose cause is the driver's own."""

    name: str  # as a person is told of it: a path, or an address without its password

    def connection(self, *, writing: bool) -> pw.Database:
        """Not connected yet."""

    def is_there(self) -> bool:
        """Whether anything lies at its place, sound or not."""

    def is_plain(self) -> bool:
        """False where what lies there can be no index."""

    def identity(self, db: pw.Database | None = None) -> object:
        """Tells the index that has the name now from one that had it before; None where there is none. `db`: one to
        ask by, where there is one."""

    def bring_up_to_date(self, db: pw.Database) -> None:
        """`db`: connected, for writing."""

    def has_tables(self, db: pw.Database) -> bool: ...

    def done(self, db: pw.Database) -> set[str]:
        """What releases did to its tables, by name."""

    def scripts(self) -> set[str]:
        """What this release does to them."""

    def ask(self, db: pw.Database, sql: str, values: Sequence[object]) -> Cursor: ...

    def add(self, db: pw.Database, sql: str, rows: Sequence[Sequence[object]]) -> None: ...

    def changing(self, db: pw.Database) -> AbstractContextManager[object]:
        """A transaction beside which nobody else changes anything; all of it or nothing."""

    def beside(self, db: pw.Database, other: Engine) -> AbstractContextManager[None]:
        """The tables of another index are there to be read, as `old.NAME`: those of CARRIED at least."""

    def has_beside(self, db: pw.Database, table: str) -> bool:
        """False of what an older release made, where the table is newer."""

    def settle(self, db: pw.Database) -> None:
        """Before another index takes its name: all is where readers will not look for it."""

    def unburden(self, db: pw.Database) -> list[str]:
        """Of one that nobody reads, and that a kill throws away. What is to be run when it is whole."""

    def complaints(self, *, whole: bool) -> list[str]:
        """What its own check finds wrong; reads only."""

    def is_unreadable(self) -> bool:
        """Whether it must be made again: no index, damaged, or of a newer release. Costs next to nothing."""

    def words(self, words: Sequence[str]) -> tuple[str, list[object]]:
        """The condition, of `searched s`, that all of these stand in its text."""
