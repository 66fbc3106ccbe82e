"""One index: opened, brought up to date, asked and changed. Not here: what is asked of it (index), and what differs
between SQLite and PostgreSQL (engines).

Writing has one connection, for one thread; reading takes connections of its own, as many as read at
the same time. JSON is text in the tables, and lists and objects in a row.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import peewee as pw

from artfactoryd.core import strict_json
from artfactoryd.core.json_types import Json
from artfactoryd.errors import ArtFactoryError, StorageFull, WrongUse
from artfactoryd.home import Home
from artfactoryd.shelf.sidecars import CARD
from artfactoryd.storage.engines.chosen import engine_of
from artfactoryd.storage.engines.troubles import trouble as trouble_of
from artfactoryd.storage.months import months
from artfactoryd.storage.rows import Decoder, Decodes
from artfactoryd.storage.writing.recent import Recent

Row = Json  # of a question that no table describes
R = TypeVar("R")
SQLITE: tuple[int, int, int] = sqlite3.sqlite_version_info
JSON_COLUMNS = frozenset({
    "model", "git", "held", "tags", "generation", "tokens", "outputs", "actual", "returned", "answer", "inputs",
    "library", "models", "proof", "collections",
})  # fmt: skip

DatabaseError = pw.DatabaseError


class Database:
    """Opened for writing: one connection, for one thread; else any thread may read."""

    def __init__(self, path: Path, *, writing: bool = False) -> None:
        self.path = path
        self.engine = engine_of(path)
        self._writing = writing
        self.db = self._connection()
        self._free = deque([self.db])  # connections nobody is using just now
        self._closed = False
        self._identity = self.engine.identity()
        self.recent: Recent | None = None  # where the process that writes asks: what it has just read

    def _connection(self) -> pw.Database:
        return self.engine.connection(writing=self._writing)

    @classmethod
    def open(cls, path: Path) -> Self:
        """For writing: brings the tables up to date first."""
        index = cls(path, writing=True)
        try:
            index.db.connect()
            index.engine.bring_up_to_date(index.db)
        except DatabaseError as error:
            index.close()
            raise trouble(path, error) from error
        index._identity = index.engine.identity()
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
        engine = engine_of(path)
        try:
            if not engine.is_there():
                return None
            if not engine.is_plain():
                words = f"The index {path} is no plain file. Start `artfactoryd run` or `once`: it is made again."
                raise WrongUse(words)
            index = cls(path)
        except DatabaseError as error:
            raise trouble(path, error) from error
        try:
            if index.engine.has_tables(index.db) and index._is_complete():
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
        done, ours = self.engine.done(self.db), self.engine.scripts()
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
        """Whether what was opened still has its name. False where nobody can look."""
        try:
            return self.has_its_name()
        except (OSError, StorageFull, DatabaseError):
            return False

    def has_its_name(self) -> bool:
        """Raises OSError, StorageFull or DatabaseError where nobody can look just now."""
        with self._one() as db:
            return self._identity is not None and self._identity == engine_of(self.path).identity(db)

    def close_all(self) -> None:
        """Of the one that writes: nobody may ask before `reopen`."""
        self.engine.settle(self.db)
        for db in self._free:
            db.close()

    def reopen(self) -> None:
        """Another index has the name by now. What is being asked is answered from the old one."""
        old, self._free = self._free, deque()
        self.engine = engine_of(self.path)
        self._identity = self.engine.identity()
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
            row: tuple[Any, ...] | None = self.engine.ask(db, sql, values).fetchone()
            return row

    def tuples(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """As they are kept: of many rows, that are only compared."""
        return self._answer(sql, values)[1]

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
            cursor = self.engine.ask(db, sql, values)
            return [column[0] for column in cursor.description], cursor.fetchall()

    @contextlib.contextmanager
    def _one(self) -> Iterator[pw.Database]:
        """A connection for one question; of those that read."""
        free = self._free
        try:
            db = free.pop()
        except IndexError:
            db = self._connection()
        try:
            yield db
        finally:
            if free is not self._free:  # another index has the name since
                db.close()
            elif db is self.db or not db.is_closed():  # one that could not be opened would be taken again first
                free.append(db)
            if self._closed:
                self.close()

    # --- the one way to change, for `moves` and `books` ---

    def run(self, sql: str, *values: object) -> int:
        """The number of rows it changed."""
        try:
            return int(self.engine.ask(self.db, sql, values).rowcount)
        except UnicodeEncodeError:  # half a surrogate, from a provider's JSON: as its escape
            return int(self.engine.ask(self.db, sql, tuple(map(_whole, values))).rowcount)

    def add(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self.engine.add(self.db, sql, rows)

    def changing(self) -> contextlib.AbstractContextManager[object]:
        """A transaction beside which nobody else changes anything; all of it or nothing."""
        return self.engine.changing(self.db)

    def beside(self, other: Path) -> contextlib.AbstractContextManager[None]:
        """The tables of another index are there to be read, as `old.NAME`."""
        return self.engine.beside(self.db, engine_of(other))

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """A part of the open transaction that is undone alone when it raises.

        Where the database itself has given up the whole transaction (a full disk), undoing raises DatabaseError.
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
        """Of one that nobody reads, and that a kill throws away. What is to be run when it is whole."""
        return self.engine.unburden(self.db)

    def meta(self, key: str) -> str:
        row = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return row["value"] if row else ""

    def ledger_mark(self) -> str:
        """By what the ledger's last place is known again; empty where an older release wrote it."""
        row = self.row("SELECT mark FROM ledger_mark")
        return row["mark"] if row else ""


def check_not_lost(path: Path) -> None:
    """Raise WrongUse where no index is, and the ledger or the shelf tells that there was one."""
    if is_there(path):
        return
    home = Home(path.parent.parent)
    if any(file.stat().st_size for file in months(home.ledger)) or any(home.projects.rglob(f"*.*{CARD}")):
        words = f"The index {path} is missing, so nothing can be looked up; the ledger and the shelf are there."
        raise WrongUse(f"{words} `artfactoryd reindex`, or any start of `run` or `once`, makes it again from them.")


def is_there(path: Path) -> bool:
    """Whether anything lies there that may be an index. Raises StorageFull where its server is away."""
    try:
        return engine_of(path).is_there()
    except DatabaseError as error:
        raise trouble(path, error) from error


def complaints(path: Path, *, whole: bool = False) -> list[str]:
    """What its own check finds wrong with the index; reads only. `whole`: the lookups are compared too."""
    return engine_of(path).complaints(whole=whole)


def is_unreadable(path: Path) -> bool:
    """Is it no database, so damaged that it cannot even be opened, or of a newer release? A look costs next to
    nothing. Raises StorageFull where its server is away."""
    try:
        return engine_of(path).is_unreadable()
    except DatabaseError as error:
        raise trouble(path, error) from error


def trouble(path: Path, error: Exception) -> ArtFactoryError:
    """In words for a person. Only when nothing was written and another try may go well is it StorageFull."""
    return trouble_of(engine_of(path).name, error)


def _decoded(row: Row) -> Row:
    """JSON columns hold lists and objects; a word under the same name (an attempt's model) is left alone."""
    for name in JSON_COLUMNS & row.keys():
        if isinstance(row[name], str) and row[name].startswith(("{", "[")):
            row[name] = strict_json.loads(row[name])
    return row


def _whole(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
