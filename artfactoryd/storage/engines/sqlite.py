"""The index as a file of SQLite's, beside the work: nothing to set up, and no server that may be away."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import peewee as pw

from artfactoryd.storage.engines.copying import copy_rows
from artfactoryd.storage.engines.engine import CARRIED, Engine
from artfactoryd.storage.engines.troubles import of_peewee, sqlite_code
from artfactoryd.storage.writing.up_to_date import DONE, bring_up_to_date, scripts

# A commit is not flushed: the ledger's lines were, before it, and after a power cut the index follows them again.
PRAGMAS = {
    "journal_mode": "wal", "synchronous": "normal", "fullfsync": 1, "checkpoint_fullfsync": 1,
    "busy_timeout": 5000, "foreign_keys": 1, "journal_size_limit": 64 * 1024 * 1024,
}  # fmt: skip
LATER = (  # lookups of what is to be sent, equal, asked about or called so
    "item_state_provider_order_id", "item_state_provider_waits_order_id", "item_key", "generation_log_verdict",
    "generation_log_provider_asked_at", "product_path", "product_bytes", "item_order_id_state_number", "item_seed",
    "product_project", "product_unlooked", "generationlog_order_id_number", "shelf_item_key", "told_seed",
)  # fmt: skip
UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteEngine:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def connection(self, *, writing: bool) -> pw.SqliteDatabase:
        if writing:
            return pw.SqliteDatabase(str(self._path), pragmas=PRAGMAS, check_same_thread=False, thread_safe=False)
        address = self._path.absolute().as_uri() + "?mode=ro"
        pragmas = {"busy_timeout": 5000}
        return pw.SqliteDatabase(address, uri=True, pragmas=pragmas, check_same_thread=False, thread_safe=False)

    def is_there(self) -> bool:
        return os.path.lexists(self._path)

    def is_plain(self) -> bool:
        return self._path.is_file()

    def identity(self, db: pw.Database | None = None) -> object:
        """Of the file: its inode tells one from another while somebody has it open."""
        try:
            status = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_dev, status.st_ino

    def bring_up_to_date(self, db: pw.Database) -> None:
        bring_up_to_date(db)

    def has_tables(self, db: pw.Database) -> bool:
        return bool(db.table_exists("meta"))

    def done(self, db: pw.Database) -> set[str]:
        return {name for (name,) in self.ask(db, f"SELECT name {DONE}", ()).fetchall()}

    def scripts(self) -> set[str]:
        return scripts()

    def ask(self, db: pw.Database, sql: str, values: Sequence[object]) -> sqlite3.Cursor:
        """Straight to SQLite: peewee's own way there costs as much again as finding a row."""
        connection: sqlite3.Connection = db.connection()
        try:
            return connection.execute(sql, values)
        except sqlite3.Error as error:
            raise of_peewee(error) from error

    def add(self, db: pw.Database, sql: str, rows: Sequence[Sequence[object]]) -> None:
        try:
            db.cursor().executemany(sql, rows)
        except sqlite3.Error as error:
            raise of_peewee(error) from error

    def changing(self, db: pw.Database) -> AbstractContextManager[object]:
        transaction: AbstractContextManager[object] = db.atomic("IMMEDIATE")
        return transaction

    @contextlib.contextmanager
    def beside(self, db: pw.Database, other: Engine) -> Iterator[None]:
        if isinstance(other, SqliteEngine):
            self.ask(db, "ATTACH DATABASE ? AS old", (str(other._path),))
        else:
            self.ask(db, "ATTACH DATABASE '' AS old", ())  # a file that only this connection knows
            for table in CARRIED:
                self.ask(db, f"CREATE TABLE old.{table} AS SELECT * FROM main.{table} WHERE 0", ())
                copy_rows(other, self, db, table, f"old.{table}")
        yield
        self.ask(db, "DETACH DATABASE old", ())

    def has_beside(self, db: pw.Database, table: str) -> bool:
        return bool(self.ask(db, "SELECT 1 FROM old.sqlite_master WHERE name = ?", (table,)).fetchone())

    def settle(self, db: pw.Database) -> None:
        """All is in the file itself, where readers let it be."""
        self.ask(db, "PRAGMA wal_checkpoint(TRUNCATE)", ()).fetchall()

    def unburden(self, db: pw.Database) -> list[str]:
        """It is not flushed, and lookups that no line of the ledger goes by are dropped."""
        for setting in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -65536"):
            self.ask(db, f"PRAGMA {setting}", ())
        marks = ",".join("?" * len(LATER))
        sql = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name IN ({marks})"
        lookups = self.ask(db, sql, LATER).fetchall()
        for name, _ in lookups:
            self.ask(db, f"DROP INDEX {name}", ())
        return [sql for _, sql in lookups]

    def complaints(self, *, whole: bool) -> list[str]:
        """`whole`: the lookups are compared too."""
        if not self.is_plain():
            return ["it is no plain file"]
        check = "integrity_check" if whole else "quick_check"
        try:
            with contextlib.closing(self._look()) as db:
                answers = [str(row[0]) for row in db.execute(f"PRAGMA {check}(10)")]
        except sqlite3.Error as error:
            return [str(error)]
        return [] if answers == ["ok"] else answers

    def is_unreadable(self) -> bool:
        if not self.is_plain():
            return True
        try:
            with contextlib.closing(self._look()) as db:
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return not scripts().issuperset(name for (name,) in db.execute(f"SELECT name {DONE}"))
        except sqlite3.Error as error:
            return sqlite_code(error) in UNREADABLE

    def words(self, words: Sequence[str]) -> tuple[str, list[object]]:
        """By three letters in a row, of SQLite's own lookup."""
        phrases = ['"' + word.replace('"', '""') + '"' for word in words]
        return "searched MATCH ?", [" AND ".join(phrases)]

    def _look(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path.absolute().as_uri() + "?mode=ro", uri=True)
