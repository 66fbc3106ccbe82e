"""The index on a PostgreSQL server: in a schema of its own, by psycopg, which comes with artfactoryd[postgresql].

Its questions are SQLite's, `translated`. Who changes something holds one lock for the whole transaction, as SQLite lets
one write at a time: what a guard of a cap has read, nobody changes before it has written.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import peewee as pw

from artfactoryd.errors import WrongUse
from artfactoryd.storage.engines.copying import copy_rows
from artfactoryd.storage.engines.engine import CARRIED, Engine
from artfactoryd.storage.engines.translated import translated
from artfactoryd.storage.engines.troubles import is_away, is_trouble, of_peewee, one_line, trouble
from artfactoryd.storage.engines.whereabouts import Address
from artfactoryd.storage.writing.up_to_date import DONE, MIGRATIONS, scripts

if TYPE_CHECKING:
    import psycopg

TABLES = MIGRATIONS / "postgresql.sql"  # one statement after the other, with an empty line between them
MISSING = (
    "The index is on PostgreSQL, and its driver is not installed. Install it: pip install 'artfactoryd[postgresql]', "
    "or take index.url out of the settings and start again."
)
OLD = "_old"  # behind its name, the schema of what is carried over from elsewhere
OWNER = "home"  # in meta
CONNECT = 5  # seconds
BUSY = "5s"  # for a lock of somebody else's
_LOCK = "SELECT pg_advisory_xact_lock(1635021921, 'meta'::regclass::oid::integer)"  # the first is only ours
_OLD = re.compile(r"\bold\.(?=\w)")


class PostgresqlEngine:
    def __init__(self, address: Address) -> None:
        """Raises WrongUse where there is no driver for it."""
        try:
            import psycopg  # noqa: F401
        except ImportError as error:  # also of one without its library
            raise WrongUse(MISSING) from error
        self._address = address
        self._old = ""  # the schema of the index beside it
        self.name = address.shown

    def connection(self, *, writing: bool) -> pw.Database:
        return _Connections(self, self._address, writing)

    def is_there(self) -> bool:
        return self.identity() is not None

    def is_plain(self) -> bool:
        return True

    def identity(self, db: pw.Database | None = None) -> object:
        """The number of its table `meta`: it goes along when the schema is called otherwise."""
        with contextlib.nullcontext(db) if db is not None else self._look() as db:
            sql = "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'meta'"
            row = self.ask(db, f"{sql} AND n.nspname = ?", (self._address.schema,)).fetchone()
        return row and row[0]

    def bring_up_to_date(self, db: pw.Database) -> None:
        """All of it or nothing: there are no tables here that are older than `postgresql.sql`."""
        if self.has_tables(db):
            return
        with db.atomic():
            self._run(db, f'CREATE SCHEMA IF NOT EXISTS "{self._address.schema}"')
            if not self._has_trigrams(db):
                self._run(db, "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
            names = ", ".join(f"('{name}', now())" for name in sorted(scripts()))
            done = f"INSERT INTO schema_migration (name, applied) VALUES {names}"
            self._run(db, ";\n".join([*TABLES.read_text().split("\n\n"), done]))

    def has_tables(self, db: pw.Database) -> bool:
        table = f'"{self._address.schema}".meta'
        return self.ask(db, "SELECT 1 WHERE to_regclass(?) IS NOT NULL", (table,)).fetchone() is not None

    def done(self, db: pw.Database) -> set[str]:
        return {name for (name,) in self.ask(db, f"SELECT name {DONE}", ()).fetchall()}

    def scripts(self) -> set[str]:
        return scripts()

    def ask(self, db: pw.Database, sql: str, values: Sequence[object]) -> psycopg.Cursor[Any]:
        """A connection that was lost between two transactions is made anew, once."""
        return self._run(db, self._translated(sql), values)

    def _translated(self, sql: str) -> str:
        text = translated(sql)
        return _OLD.sub(f'"{self._old}".', text) if self._old else text

    def _run(self, db: pw.Database, sql: str, values: Sequence[object] = ()) -> psycopg.Cursor[Any]:
        """Who only looks is told in words that the server is away."""
        try:
            return self._run_steadily(db, sql, [_held(value) for value in values] or None)
        except pw.DatabaseError as error:
            if is_away(error) and isinstance(db, _Connections) and not db.writing:
                raise trouble(self.name, error) from error
            raise

    def _run_steadily(self, db: pw.Database, sql: str, values: list[object] | None) -> psycopg.Cursor[Any]:
        import psycopg

        for is_last in (False, True):
            connection: psycopg.Connection[Any] = db.connection()
            try:
                return connection.execute(sql, values)
            except psycopg.Error as error:
                if is_last or not connection.closed or db.transaction_depth():
                    raise of_peewee(error) from error
                db.close()
        raise AssertionError("the second try ends")

    def begin(self, db: pw.Database) -> None:
        self._run(db, "BEGIN")

    def add(self, db: pw.Database, sql: str, rows: Sequence[Sequence[object]]) -> None:
        import psycopg

        try:
            db.cursor().executemany(self._translated(sql), [[_held(value) for value in row] for row in rows])
        except psycopg.Error as error:
            raise of_peewee(error) from error

    @contextlib.contextmanager
    def changing(self, db: pw.Database) -> Iterator[None]:
        if db.transaction_depth():  # a part of one that has the lock
            with db.atomic():
                yield
            return
        with db.atomic():
            self._run(db, _LOCK)
            yield

    @contextlib.contextmanager
    def beside(self, db: pw.Database, other: Engine) -> Iterator[None]:
        if isinstance(other, PostgresqlEngine) and other._address.url == self._address.url:
            self._old = other._address.schema
            yield
            self._old = ""
            return
        self._old = self._address.schema + OLD
        self._run(db, f'DROP SCHEMA IF EXISTS "{self._old}" CASCADE; CREATE SCHEMA "{self._old}"')
        for table in CARRIED:
            self._run(db, f'CREATE TABLE "{self._old}".{table} (LIKE {table})')
            copy_rows(other, self, db, table, f"old.{table}")
        yield
        self._run(db, f'DROP SCHEMA "{self._old}" CASCADE')
        self._old = ""

    def has_beside(self, db: pw.Database, table: str) -> bool:
        return True

    def settle(self, db: pw.Database) -> None:
        """Nothing lies beside it."""

    def unburden(self, db: pw.Database) -> list[str]:
        """Its lookups are made as it is; its figures, by which the server chooses among them, when it is whole."""
        return ["ANALYZE"]

    def complaints(self, *, whole: bool) -> list[str]:
        """What the server says to a question that goes by every table."""
        try:
            with self._look() as db:
                sql = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                rows = self.ask(db, f"{sql} WHERE n.nspname = ? AND c.relkind = 'r'", (self._address.schema,))
                for (table,) in rows.fetchall():
                    self.ask(db, f'SELECT count(*) FROM "{table}"' if whole else f'SELECT 1 FROM "{table}" LIMIT 1', ())
        except pw.DatabaseError as error:
            return [one_line(error)]
        return []

    def is_unreadable(self) -> bool:
        """Raises DatabaseError where the server is away: then nobody can tell."""
        with self._look() as db:
            try:
                return not (self.has_tables(db) and scripts() == self.done(db))
            except pw.DatabaseError as error:
                if is_trouble(error):
                    raise
                return True

    def words(self, words: Sequence[str]) -> tuple[str, list[object]]:
        """By three letters in a row (pg_trgm)."""
        patterns = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
        return " AND ".join(["s.text LIKE ? ESCAPE '\\'"] * len(patterns)), [*patterns]

    def owner(self) -> str:
        """The id of the home whose index it is; empty where that was not said."""
        with self._look() as db:
            if not self.has_tables(db):
                return ""
            row = self.ask(db, "SELECT value FROM meta WHERE key = ?", (OWNER,)).fetchone()
        return row[0] if row else ""

    def own(self, home: str) -> None:
        with contextlib.closing(self.connection(writing=True)) as db:
            self.bring_up_to_date(db)
            with self.changing(db):
                self.ask(db, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (OWNER, home))

    @contextlib.contextmanager
    def _look(self) -> Iterator[pw.Database]:
        db = self.connection(writing=False)
        try:
            yield db
        finally:
            db.close()

    def _has_trigrams(self, db: pw.Database) -> bool:
        return self._run(db, "SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchone() is not None


class _Connections(pw.PostgresqlDatabase):
    """As peewee has them, with this program's settings and psycopg's cursors that take marks as the server does."""

    def __init__(self, engine: PostgresqlEngine, address: Address, writing: bool) -> None:
        super().__init__(address.schema, thread_safe=False, prefer_psycopg3=True)
        self._engine, self._address, self.writing = engine, address, writing

    def begin(self, isolation_level: str | None = None) -> None:
        """On a connection made anew, where it was lost since."""
        self._engine.begin(self)

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        try:
            connection = psycopg.connect(
                self._address.url, autocommit=True, cursor_factory=psycopg.RawCursor, connect_timeout=CONNECT,
                application_name="artfactoryd", options=self._options(),
            )  # fmt: skip
        except psycopg.Error as error:
            raise of_peewee(error) from error
        _adapt(connection)
        return connection

    def _options(self) -> str:
        settings = {
            "search_path": f'"{self._address.schema}",pg_catalog,public', "TimeZone": "UTC", "lock_timeout": BUSY,
            "default_transaction_read_only": "off" if self.writing else "on",
            # A server that falls over while the daemon goes on must not forget what was committed: nothing would tell
            # the index that it is behind the ledger, and its caps would count too little.
            "synchronous_commit": "on",
            "jit": "off", "standard_conforming_strings": "on", "client_encoding": "UTF8",
        }  # fmt: skip
        return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _adapt(connection: psycopg.Connection[Any]) -> None:
    """A sum comes as the number that it is; a flag goes as the number that its column holds."""
    from psycopg.adapt import Loader
    from psycopg.types.numeric import Int2Dumper

    class Number(Loader):
        def load(self, data: bytes | bytearray | memoryview) -> int | float:
            text = bytes(data).decode()
            return int(text) if text.lstrip("-").isdigit() else float(text)

    class Flag(Int2Dumper):
        def dump(self, obj: Any) -> bytes:
            return b"1" if obj else b"0"

    connection.adapters.register_loader("numeric", Number)
    connection.adapters.register_dumper(bool, Flag)


def _held(value: object) -> object:
    """No text of PostgreSQL's can hold a NUL. As an escape in JSON it stays, and is passed over where that is read."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


def exchange_schemas(new: Address, old: Address, before: Address) -> None:
    """`new` takes the name of `old`, which is kept as `before`: in one transaction, so who looks finds one of them."""
    engine = PostgresqlEngine(old)
    with contextlib.closing(engine.connection(writing=True)) as db, db.atomic():
        engine._run(db, f'DROP SCHEMA IF EXISTS "{before.schema}" CASCADE')
        if engine._run(db, f"SELECT 1 FROM pg_namespace WHERE nspname = '{old.schema}'").fetchone():
            engine._run(db, f'ALTER SCHEMA "{old.schema}" RENAME TO "{before.schema}"')
        engine._run(db, f'ALTER SCHEMA "{new.schema}" RENAME TO "{old.schema}"')


def drop_schema(address: Address) -> None:
    engine = PostgresqlEngine(address)
    with contextlib.closing(engine.connection(writing=True)) as db:
        engine._run(db, f'DROP SCHEMA IF EXISTS "{address.schema}" CASCADE')
