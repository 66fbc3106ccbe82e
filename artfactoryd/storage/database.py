"""One SQLite file: opened, brought up to date, asked and changed. Not here: what is asked of it (index).

Writing has one connection, for one thread; reading takes connections of its own, as many as read at
the same time. JSON is text in the file, and lists and objects in a row.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import peewee as pw

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.errors import ArtFactoryError, StorageFull, StorageSick, WrongUse
from artfactoryd.home import Home
from artfactoryd.medium import NO_ROOM
from artfactoryd.shelf.sidecars import CARD
from artfactoryd.storage.months import months
from artfactoryd.storage.rows import Decoder, Decodes
from artfactoryd.storage.writing.recent import Recent
from artfactoryd.storage.writing.up_to_date import DONE, bring_up_to_date, scripts

# A commit is not flushed: the ledger's lines were, before it, and after a power cut the index follows them again.
PRAGMAS = {
    "journal_mode": "wal", "synchronous": "normal", "fullfsync": 1, "checkpoint_fullfsync": 1,
    "busy_timeout": 5000, "foreign_keys": 1, "journal_size_limit": 64 * 1024 * 1024,
}  # fmt: skip
Row = Json  # of a question that no table describes
LATER = (  # lookups of what is to be sent, equal, asked about or called so
    "item_state_provider_order_id", "item_state_provider_waits_order_id", "item_key", "generation_log_verdict",
    "generation_log_provider_asked_at", "product_path", "product_bytes", "item_order_id_state_number", "item_seed",
)  # fmt: skip
R = TypeVar("R")
SQLITE: tuple[int, int, int] = sqlite3.sqlite_version_info
JSON_COLUMNS = frozenset({
    "model", "git", "held", "tags", "generation", "tokens", "outputs", "actual", "returned", "answer", "inputs",
    "library", "models", "proof", "collections",
})  # fmt: skip

DatabaseError = pw.DatabaseError
OF_VALUES = (pw.IntegrityError, pw.DataError, pw.ProgrammingError, pw.InterfaceError)  # what was to be written is wrong
# By SQLite's codes: its words for them, which also say other things, change with its release.
UNWRITTEN = "The index waits"
PASSING = frozenset({  # worth another try
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip
WORN_OUT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO, *NO_ROOM})
UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """Opened for writing: one connection, for one thread; else any thread may read."""

    def __init__(self, path: Path, *, writing: bool = False) -> None:
        self.path = path
        self._writing = writing
        self.db = self._connection()
        self._free = deque([self.db])  # connections nobody is using just now
        self._closed = False
        self._file = os.stat(path).st_ino if path.exists() else 0
        self.recent: Recent | None = None  # where the process that writes asks: what it has just read

    def _connection(self) -> pw.SqliteDatabase:
        if self._writing:
            return pw.SqliteDatabase(str(self.path), pragmas=PRAGMAS, check_same_thread=False, thread_safe=False)
        address = self.path.absolute().as_uri() + "?mode=ro"
        pragmas = {"busy_timeout": 5000}
        return pw.SqliteDatabase(address, uri=True, pragmas=pragmas, check_same_thread=False, thread_safe=False)

    @classmethod
    def open(cls, path: Path) -> Self:
        """For writing: brings the tables up to date first."""
        index = cls(path, writing=True)
        try:
            index.db.connect()
            bring_up_to_date(index.db)
        except DatabaseError as error:
            index.close()
            raise trouble(path, error) from error
        return index

    @classmethod
    def look(cls, path: Path) -> Self:
        """For reading only, beside a daemon that may be writing."""
        index = cls.if_made(path)
        if index is None:
            check_not_lost(path)
            raise WrongUse(f"Nothing has been made in this home yet ({path} is not there).")
        return index

    @classmethod
    @contextlib.contextmanager
    def reading(cls, path: Path) -> Iterator[Self | None]:
        """For as long as a command looks; None while nothing was ever made here."""
        index = cls.if_made(path)
        try:
            yield index
        finally:
            if index:
                index.close()

    @classmethod
    @contextlib.contextmanager
    def looking(cls, path: Path) -> Iterator[Self | None]:
        """As `reading`, for a command that tells what is in it. Raises WrongUse where it was lost."""
        check_not_lost(path)
        with cls.reading(path) as index:
            yield index

    @classmethod
    def if_made(cls, path: Path) -> Self | None:
        """For reading; None while there is no index, or a first start is still making its tables."""
        if not os.path.lexists(path):
            return None
        if not path.is_file():
            raise WrongUse(f"The index {path} is no plain file. Start `artfactoryd run` or `once`: it is made again.")
        index = cls(path)
        try:
            if index.db.table_exists("meta") and index._is_complete():
                return index
        except DatabaseError as error:
            index.close()
            raise trouble(path, error) from error
        except WrongUse:
            index.close()
            raise
        index.close()
        return None

    def _is_complete(self) -> bool:
        """A reader cannot bring the tables up to date; who holds the home does. False while a first start does."""
        was_made = self.meta("ledger")  # written last by a first start, which may go on while this is asked
        done, ours = {row["name"] for row in self.rows(f"SELECT name {DONE}")}, scripts()
        if done - ours:
            words = (
                "The index was made by a newer release. Use that one; or start this one's `artfactoryd run` or `once`"
            )
            raise WrongUse(f"{words}: it is made again from the ledger and the shelf.")
        if ours <= done:
            return True
        if not was_made:
            return False
        words = "The index was made by an older release. Start `artfactoryd run` or `once`"
        raise WrongUse(f"{words}: it is brought up to date.")

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(IndexError):
            while True:
                self._free.pop().close()

    @property
    def is_current(self) -> bool:
        """Whether the file that was opened still has its name."""
        try:
            return self._file == os.stat(self.path).st_ino
        except OSError:
            return False

    def close_all(self) -> None:
        """Of the one that writes: nobody may ask before `reopen`. All is in the file, where readers let it be."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        for db in self._free:
            db.close()

    def reopen(self) -> None:
        """Another file has the name by now. What is being asked is answered from the old one."""
        old, self._free = self._free, deque()
        if self._writing:
            self.db = self._connection()
            self.db.connect()
            self._free.append(self.db)
        with contextlib.suppress(IndexError):
            while True:
                old.pop().close()

    # --- the one way to ask ---

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Of what no table describes: a count, a join. JSON columns come as lists and objects."""
        names, rows = self._answer(sql, values)
        return [_decoded(dict(zip(names, row, strict=True))) for row in rows]

    def first(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """The first row, as it is kept."""
        with contextlib.nullcontext(self.db) if self._writing else self._one() as db:
            row: tuple[Any, ...] | None = _asked(db, sql, values).fetchone()
            return row

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    def all(self, decoder: Decodes[R], sql: str, values: Sequence[object] = ()) -> list[R]:
        """`sql` selects the decoder's columns, in its order."""
        return [decoder.decode(row) for row in self._answer(sql, values)[1]]

    def one(self, decoder: Decodes[R], sql: str, values: Sequence[object] = ()) -> R | None:
        rows = self.all(decoder, sql, values)
        return rows[0] if rows else None

    def by_key(self, decoder: Decodes[R], sql: str, *key: Hashable) -> R | None:
        """As `one`, of the row with that key: what was read of it since it changed is not read again."""
        if self.recent is None:
            return self.one(decoder, sql, key)
        return self.recent.row((decoder, key), lambda: self.one(decoder, sql, key))

    def ask(self, decoder: Decoder[R], query: pw.Select) -> list[R]:
        """`query`: of whole rows of the decoder's table."""
        sql, values = query.columns(decoder.whole).sql()
        return self.all(decoder, sql, values)

    def ask_one(self, decoder: Decoder[R], query: pw.Select) -> R | None:
        rows = self.ask(decoder, query.limit(1))
        return rows[0] if rows else None

    def _answer(self, sql: str, values: Sequence[object]) -> tuple[list[str], list[tuple[object, ...]]]:
        """The names of the columns, and the rows."""
        with contextlib.nullcontext(self.db) if self._writing else self._one() as db:
            cursor = _asked(db, sql, values)
            return [column[0] for column in cursor.description], cursor.fetchall()

    @contextlib.contextmanager
    def _one(self) -> Iterator[pw.SqliteDatabase]:
        """A connection for one question; of those that read."""
        free = self._free
        try:
            db = free.pop()
        except IndexError:
            db = self._connection()
        try:
            yield db
        finally:
            if free is not self._free:  # another file has the name since
                db.close()
            elif db is self.db or not db.is_closed():  # one that could not be opened would be taken again first
                free.append(db)
            if self._closed:
                self.close()

    # --- the one way to change, for `moves` and `books` ---

    def run(self, sql: str, *values: object) -> int:
        """The number of rows it changed."""
        try:
            return int(_asked(self.db, sql, values).rowcount)
        except UnicodeEncodeError:  # half a surrogate, from a provider's JSON: as its escape
            return int(_asked(self.db, sql, tuple(map(_whole, values))).rowcount)

    def add(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        try:
            self.db.cursor().executemany(sql, rows)
        except sqlite3.Error as error:
            raise _of_peewee(error) from error

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """A part of the open transaction that is undone alone when it raises.

        Where SQLite itself has given up the whole transaction (a full disk), undoing raises DatabaseError.
        """
        self.run("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK TO step")
            self.run("RELEASE step")
            raise
        self.run("RELEASE step")

    def unburden(self) -> list[str]:
        """Of one that nobody reads, and that a kill throws away: it is not flushed, and lookups that no line of the
        ledger goes by are dropped. How they are made again, when it is whole."""
        for setting in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -65536"):
            self.run(f"PRAGMA {setting}")
        marks = ",".join("?" * len(LATER))
        lookups = self.rows(f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name IN ({marks})", LATER)
        for lookup in lookups:
            self.run(f"DROP INDEX {lookup['name']}")
        return [lookup["sql"] for lookup in lookups]

    def meta(self, key: str) -> str:
        row = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return row["value"] if row else ""

    def ledger_mark(self) -> str:
        """By what the ledger's last place is known again; empty where an older release wrote it."""
        row = self.row("SELECT mark FROM ledger_mark")
        return row["mark"] if row else ""


def _asked(db: pw.SqliteDatabase, sql: str, values: Sequence[object]) -> sqlite3.Cursor:
    """Straight to SQLite: peewee's own way there costs as much again as finding a row."""
    connection: sqlite3.Connection = db.connection()
    try:
        return connection.execute(sql, values)
    except sqlite3.Error as error:
        raise _of_peewee(error) from error


def _of_peewee(error: sqlite3.Error) -> pw.DatabaseError:
    known: pw.DatabaseError = getattr(pw, type(error).__name__, pw.DatabaseError)(*error.args)
    return known


def check_not_lost(path: Path) -> None:
    """Raise WrongUse where no index is, and the ledger or the shelf tells that there was one."""
    if os.path.lexists(path):
        return
    home = Home(path.parent.parent)
    if any(file.stat().st_size for file in months(home.ledger)) or any(home.projects.rglob(f"*.*{CARD}")):
        words = f"The index {path} is missing, so nothing can be looked up; the ledger and the shelf are there."
        raise WrongUse(f"{words} `artfactoryd reindex`, or any start of `run` or `once`, makes it again from them.")


def complaints(path: Path, *, whole: bool = False) -> list[str]:
    """What SQLite's own check finds wrong with the file; reads only. `whole`: the lookups are compared too."""
    if not path.is_file():
        return ["it is no plain file"]
    check = "integrity_check" if whole else "quick_check"
    try:
        with contextlib.closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as db:
            answers = [str(row[0]) for row in db.execute(f"PRAGMA {check}(10)")]
    except sqlite3.Error as error:
        return [str(error)]
    return [] if answers == ["ok"] else answers


def is_unreadable(path: Path) -> bool:
    """Is it no database, so damaged that it cannot even be opened, or of a newer release? A look costs next to
    nothing."""
    if not path.is_file():
        return True
    try:
        with contextlib.closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return not scripts().issuperset(name for (name,) in db.execute(f"SELECT name {DONE}"))
    except sqlite3.Error as error:
        return _code(error) in UNREADABLE


def _decoded(row: Row) -> Row:
    """JSON columns hold lists and objects; a word under the same name (an attempt's model) is left alone."""
    for name in JSON_COLUMNS & row.keys():
        if isinstance(row[name], str) and row[name].startswith(("{", "[")):
            row[name] = strict_json.loads(row[name])
    return row


def _whole(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def is_trouble(error: Exception) -> bool:
    """Is it the database that fails, and not what was to be written?"""
    return isinstance(error, pw.DatabaseError) and not isinstance(error, OF_VALUES)


def is_passing(error: BaseException) -> bool:
    """Whether the machine refuses just now what it may give in a moment: descriptors, memory, room, a busy index."""
    if isinstance(error, OSError):
        return error.errno in WORN_OUT
    return isinstance(error, DatabaseError) and any(_code(one) in PASSING for one in _chain(error))


def trouble(path: Path, error: Exception) -> ArtFactoryError:
    """In words for a person. Only when nothing was written and another try may go well is it StorageFull."""
    errors = list(_chain(error))  # undoing may have failed too, and only because of the first error
    if code := next((code for one in errors if (code := _code(one)) in PASSING), None):
        words = f"The index {path} cannot be written just now ({errors[-1]}). The work goes on when it can."
        return StorageFull(words).titled(StorageFull.title if code == sqlite3.SQLITE_FULL else UNWRITTEN)
    return StorageSick(
        f"The index {path} is damaged or cannot be kept ({errors[-1]}). Check the disk. The index can be deleted while "
        "nothing runs: `artfactoryd reindex` makes it again from the ledger and the shelf."
    )


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code; None for what is no error of SQLite's own."""
    extended = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
