"""The index: the queue, and a rebuildable view of shelf and ledger. Tables, and the questions asked of them.

Only `books` writes (one thread, one connection); reading takes connections of its own, as many as
read at the same time. Money is integer micro-dollars, times are ISO 8601 in UTC, JSON is text.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import peewee as pw
from playhouse.migrations import Runner

from artfactoryd.core.lifecycle import RESUMED, OrderState, order_state
from artfactoryd.errors import ArtFactoryError, StorageFull, StorageSick, WrongUse

PRAGMAS = {
    "journal_mode": "wal", "synchronous": "full", "fullfsync": 1, "checkpoint_fullfsync": 1,
    "busy_timeout": 5000, "foreign_keys": 1, "journal_size_limit": 64 * 1024 * 1024,
}  # fmt: skip
MIGRATIONS = Path(__file__).parent / "migrations"
Row = dict[str, Any]
SQLITE: tuple[int, int, int] = sqlite3.sqlite_version_info
JSON_COLUMNS = frozenset({
    "model", "git", "held", "tags", "generation", "tokens", "outputs", "actual", "returned", "answer", "inputs",
    "library",
})  # fmt: skip


DatabaseError = pw.DatabaseError
PASSING = ("full", "locked", "readonly", "unable to open")  # in SQLite's words: worth another try


class Index:
    """One database file. Opened for writing: one connection, for one thread; else any thread may read."""

    def __init__(self, path: Path, *, writing: bool = False) -> None:
        self.path = path
        self._writing = writing
        self.db = self._connection()
        self._free = deque([self.db])  # connections nobody is using just now
        self._closed = False

    def _connection(self) -> pw.SqliteDatabase:
        if self._writing:
            return pw.SqliteDatabase(str(self.path), pragmas=PRAGMAS, check_same_thread=False, thread_safe=False)
        address = self.path.absolute().as_uri() + "?mode=ro"
        pragmas = {"busy_timeout": 5000}
        return pw.SqliteDatabase(address, uri=True, pragmas=pragmas, check_same_thread=False, thread_safe=False)

    @classmethod
    def open(cls, path: Path) -> Index:
        """For writing: brings the tables up to date first."""
        index = cls(path, writing=True)
        try:
            index.db.connect()
            Runner(index.db, str(MIGRATIONS)).up()
        except DatabaseError as error:
            index.close()
            raise trouble(path, error) from error
        return index

    @classmethod
    def look(cls, path: Path) -> Index:
        """For reading only, beside a daemon that may be writing."""
        found = cls.if_made(path)
        if found is None:
            raise WrongUse(f"Nothing has been made in this home yet ({path} is not there).")
        return found

    @classmethod
    def if_made(cls, path: Path) -> Index | None:
        """For reading; None while there is no index, or a first start is still making its tables."""
        if not path.exists():
            return None
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
        done = {row["name"] for row in self.rows("SELECT name FROM schema_migration")}
        if all(path.stem in done for path in MIGRATIONS.glob("[0-9]*.py")):
            return True
        if not self.meta("ledger"):  # written last by a first start
            return False
        words = "The index was made by an older release. Start `artfactoryd run` or `once`"
        raise WrongUse(f"{words}: it is brought up to date.")

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(IndexError):
            while True:
                self._free.pop().close()

    # --- the one way to ask ---

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with self._one() as db:
            cursor = db.execute_sql(sql, tuple(values))
            names = [column[0] for column in cursor.description]
            found = cursor.fetchall()
        return [_decoded(dict(zip(names, row, strict=True))) for row in found]

    @contextlib.contextmanager
    def _one(self) -> Iterator[pw.SqliteDatabase]:
        """A connection for one question; the writer always asks through its own."""
        try:
            db = self._free.pop()
        except IndexError:
            db = self._connection()
        try:
            yield db
        finally:
            self._free.append(db)
            if self._closed:
                self.close()

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        found = self.rows(sql, values)
        return found[0] if found else None

    # --- the one way to change, for `moves` and `books` ---

    def run(self, sql: str, *values: object) -> int:
        """The number of rows it changed."""
        try:
            return int(self.db.execute_sql(sql, values).rowcount)
        except UnicodeEncodeError:  # half a surrogate, from a provider's JSON: as its escape
            return int(self.db.execute_sql(sql, tuple(map(_whole, values))).rowcount)

    def add(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        try:
            self.db.cursor().executemany(sql, rows)
        except sqlite3.Error as error:
            raise getattr(pw, type(error).__name__)(*error.args) from error

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """A part of the open transaction that is undone alone when it raises.

        Where SQLite itself has given up the whole transaction (a full disk), undoing raises DatabaseError.
        """
        self.db.execute_sql("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self.db.execute_sql("ROLLBACK TO step")
            self.db.execute_sql("RELEASE step")
            raise
        self.db.execute_sql("RELEASE step")

    # --- orders ---

    def order(self, order_id: str) -> Row | None:
        return self.row("SELECT * FROM orders WHERE id = ?", (order_id,))

    def orders(self, most: int = 1000, before: str = "") -> list[Row]:
        """Newest first; with `before`, those older than that id."""
        if before:
            return self.rows("SELECT * FROM orders WHERE id < ? ORDER BY id DESC LIMIT ?", (before, most))
        return self.rows("SELECT * FROM orders ORDER BY id DESC LIMIT ?", (most,))

    def find_orders(self, name: str) -> list[Row]:
        """By id, by the beginning of an id, by name, or by folder; newest first."""
        sql = "SELECT * FROM orders WHERE (id >= ? AND id < ?) OR name = ? OR folder = ? ORDER BY id DESC"
        first = name.lower()
        behind = first + "~" if len(name) >= 4 else first  # "~" sorts behind all that an id is made of
        return self.rows(sql, (first, behind, name, name))

    def order_of_claim(self, claim: str, number: int) -> Row | None:
        return self.row("SELECT * FROM orders WHERE claim = ? AND number = ?", (claim, number))

    def orders_of_claim(self, claim: str) -> list[Row]:
        return self.rows("SELECT * FROM orders WHERE claim = ? ORDER BY number", (claim,))

    def orders_of_submission(self, submission: str) -> list[Row]:
        return self.rows("SELECT * FROM orders WHERE submission = ? ORDER BY number", (submission,))

    def held_orders(self) -> list[Row]:
        return self.rows("SELECT * FROM orders WHERE held IS NOT NULL AND cancelled = 0 ORDER BY id")

    def real_runs(self, document_sha256: str) -> int:
        """How many real runs of exactly these bytes were accepted before."""
        sql = (
            "SELECT count(*) AS n FROM orders o WHERE document_sha256 = ? AND rehearsal = 0 AND (cancelled = 0 OR "
            "EXISTS (SELECT 1 FROM generation_log g WHERE g.order_id = o.id))"
        )
        return int(self.rows(sql, (document_sha256,))[0]["n"])

    def same_orders(self, fingerprint: str) -> list[Row]:
        """Real orders of the same document, project and files; newest first."""
        sql = "SELECT * FROM orders WHERE fingerprint = ? AND rehearsal = 0 ORDER BY id DESC LIMIT 20"
        return self.rows(sql, (fingerprint,))

    def unexpanded_orders(self) -> list[Row]:
        sql = "SELECT * FROM orders WHERE held IS NULL AND cancelled = 0 AND expanded_items < total_items ORDER BY id"
        return self.rows(sql)

    def working_orders(self, provider: str) -> list[Row]:
        """Orders with something left to send, as the scheduler takes them: priority, then age."""
        sql = (
            "SELECT id, priority FROM orders WHERE held IS NULL AND paused IS NULL AND folder IS NOT NULL AND id IN "
            "(SELECT order_id FROM item WHERE provider = ? AND state = 'planned') ORDER BY priority DESC, id"
        )
        return self.rows(sql, (provider,))

    def counts(self, order_id: str) -> dict[str, int]:
        sql = "SELECT state, count(*) AS n FROM item WHERE order_id = ? GROUP BY state"
        return {row["state"]: row["n"] for row in self.rows(sql, (order_id,))}

    def state(self, order: Mapping[str, Any], counts: Mapping[str, int] | None = None) -> OrderState:
        found = self.counts(order["id"]) if counts is None else counts
        expanded = order["expanded_items"] >= order["total_items"]
        held = order["held"] is not None and not order["cancelled"]
        return order_state(found, held=held, cancelled=bool(order["cancelled"]), expanded=expanded)

    # --- items ---

    def item(self, order_id: str, number: int) -> Row | None:
        return self.row("SELECT * FROM item WHERE order_id = ? AND number = ?", (order_id, number))

    def items(self, order_id: str, states: Iterable[str] = (), most: int = 100_000) -> list[Row]:
        wanted = tuple(states)
        marks = f"AND state IN ({','.join('?' * len(wanted))})" if wanted else ""
        sql = f"SELECT * FROM item WHERE order_id = ? {marks} ORDER BY number LIMIT ?"
        return self.rows(sql, (order_id, *wanted, most))

    def items_after(self, order_id: str, number: int, most: int) -> list[Row]:
        sql = "SELECT * FROM item WHERE order_id = ? AND number > ? ORDER BY number LIMIT ?"
        return self.rows(sql, (order_id, number, most))

    def planned_items(self, order_id: str, provider: str, most: int) -> list[Row]:
        sql = "SELECT * FROM item WHERE order_id = ? AND state = 'planned' AND provider = ? ORDER BY number LIMIT ?"
        return self.rows(sql, (order_id, provider, most))

    def resumable_items(self) -> list[Row]:
        """What a start takes up again: deliveries, then tickets, then wishes without a ticket."""
        found: list[Row] = []
        for state in RESUMED:
            found += self.rows("SELECT * FROM item WHERE state = ? ORDER BY order_id, number", (state,))
        return found

    # --- money and attempts ---

    def doubtful(self, order_id: str) -> int:
        """Micro-dollars of attempts nobody can vouch for."""
        sql = (
            "SELECT coalesce(sum(reserved), 0) AS n FROM generation_log "
            "WHERE order_id = ? AND verdict = 'in_doubt' AND cost IS NULL"
        )
        return int(self.rows(sql, (order_id,))[0]["n"])

    def spent(self, order_id: str) -> int:
        sql = "SELECT coalesce(sum(cost), 0) AS n FROM generation_log WHERE order_id = ?"
        return int(self.rows(sql, (order_id,))[0]["n"])

    def spent_in_all(self) -> int:
        return int(self.rows("SELECT coalesce(sum(cost), 0) AS n FROM generation_log")[0]["n"])

    def attempts(self, order_id: str, number: int | None = None) -> list[Row]:
        if number is None:
            return self.rows("SELECT * FROM generation_log WHERE order_id = ? ORDER BY id", (order_id,))
        sql = "SELECT * FROM generation_log WHERE order_id = ? AND number = ? ORDER BY id"
        return self.rows(sql, (order_id, number))

    def attempt(self, attempt_id: str) -> Row | None:
        return self.row("SELECT * FROM generation_log WHERE id = ?", (attempt_id,))

    def upload(self, provider: str, sha256: str) -> Row | None:
        """Where these bytes were put at this provider, and until when."""
        return self.row("SELECT * FROM upload WHERE provider = ? AND sha256 = ?", (provider, sha256))

    # --- products, stops, commands ---

    def products(self, order_id: str, most: int = 1_000_000) -> list[Row]:
        return self.rows("SELECT * FROM product WHERE order_id = ? ORDER BY place LIMIT ?", (order_id, most))

    def newest_products(self, most: int) -> list[Row]:
        """Of all orders; their ids are ordered by time."""
        return self.rows("SELECT * FROM product ORDER BY id DESC LIMIT ?", (most,))

    def find_product(self, path: str) -> Row | None:
        return self.row("SELECT * FROM product WHERE path = ?", (path,))

    def stops(self) -> dict[str, Row]:
        """Providers that trouble has stopped (no key, no money, no network)."""
        rows = self.rows("SELECT provider, reason, since FROM provider_stop WHERE kind = 'stopped'")
        return {row["provider"]: row for row in rows}

    def pauses(self) -> dict[str, str]:
        """Providers that a person has paused, and since when; the empty name is all of them."""
        rows = self.rows("SELECT provider, since FROM provider_stop WHERE kind = 'paused'")
        return {row["provider"]: row["since"] for row in rows}

    def paused_orders(self) -> list[Row]:
        return self.rows("SELECT * FROM orders WHERE paused IS NOT NULL ORDER BY id")

    def waiting_orders(self, provider: str) -> set[str]:
        """Ids of orders with something left to send there; the empty name is every provider."""
        sql = "SELECT DISTINCT order_id FROM item WHERE state = 'planned' AND (provider = ? OR ? = '')"
        return {row["order_id"] for row in self.rows(sql, (provider, provider))}

    def answer(self, command: str) -> Any | None:
        row = self.row("SELECT answer FROM command WHERE id = ?", (command,))
        return row["answer"] if row else None

    def meta(self, key: str) -> str:
        row = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return row["value"] if row else ""


def complaints(path: Path) -> list[str]:
    """What SQLite's own check finds wrong with the file; reads only."""
    try:
        with contextlib.closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as db:
            found = [str(row[0]) for row in db.execute("PRAGMA quick_check(10)")]
    except sqlite3.Error as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def _decoded(row: Row) -> Row:
    """JSON columns hold lists and objects; a word under the same name (an attempt's model) is left alone."""
    for name in JSON_COLUMNS & row.keys():
        if isinstance(row[name], str) and row[name].startswith(("{", "[")):
            row[name] = json.loads(row[name])
    return row


def _whole(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def is_trouble(error: Exception) -> bool:
    """Is it the database that fails, and not what was to be written?"""
    own = (pw.IntegrityError, pw.DataError, pw.ProgrammingError)
    return isinstance(error, pw.DatabaseError) and not isinstance(error, own)


def trouble(path: Path, error: Exception) -> ArtFactoryError:
    """In words for a person. Only when nothing was written and another try may go well is it StorageFull."""
    said = list(_chain(error))  # undoing may have failed too, and only because of the first error
    if any(isinstance(each, pw.OperationalError) and any(word in str(each) for word in PASSING) for each in said):
        return StorageFull(f"The index {path} cannot be written just now ({said[-1]}). The work goes on when it can.")
    return StorageSick(
        f"The index {path} is damaged or cannot be kept ({said[-1]}). Check the disk. The index can be deleted while "
        "nothing runs: the next start makes it again from the ledger."
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__context__
