"""A real PostgreSQL server for the tests, in a folder of its own, where its programs are. It refuses root, so then it
runs as nobody."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import peewee as pw

from artfactoryd.settings import Index
from artfactoryd.storage.engines import places, whereabouts
from artfactoryd.storage.engines.chosen import engine_of
from artfactoryd.storage.engines.postgresql import PostgresqlEngine, drop_schema
from artfactoryd.storage.engines.sqlite import SqliteEngine
from artfactoryd.storage.engines.whereabouts import Address

PLACES = (  # of Debian, of Fedora, of Homebrew
    ("/usr/lib/postgresql", "*/bin"), ("/usr", "pgsql-*/bin"), ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)  # fmt: skip
USER = "artfactory"
# Nothing here is to outlive the run. Its words are another language's, so that nothing goes by the server's order.
MAKE = ("--no-sync", "-A", "trust", "-U", USER, "-E", "UTF8", "--no-instructions")
QUICK = "-c fsync=off -c full_page_writes=off -c listen_addresses= -c max_connections=60 -c shared_buffers=32MB"


def programs() -> Path | None:
    """The folder with `initdb`, of the newest release there is."""
    folders = [Path(found).parent for found in [shutil.which("initdb")] if found]
    for root, below in PLACES:
        folders += sorted(Path(root).glob(below), key=_release, reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _release(folder: Path) -> int:
    return int("".join(letter for letter in folder.parent.name if letter.isdigit()) or 0)


def missing() -> str:
    """In words why there is no server; empty where there is one."""
    if programs() is None:
        return "PostgreSQL's programs are not installed (Debian: apt install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed (pip install 'artfactoryd[postgresql]')"
    return ""


class Server:
    """Started in `folder`; stopped and started again by whoever tries what then happens."""

    def __init__(self, folder: Path) -> None:
        bin = programs()
        assert bin is not None
        self._bin, self._data = bin, folder / "data"
        self.folder = folder
        self._as = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._as:
            os.chown(folder, self._as.pw_uid, self._as.pw_gid)
        folder.chmod(0o755)  # some tests ask as somebody else
        locale = (
            ("--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8") if self._has_icu() else ("--locale=C",)
        )
        self._run("initdb", "-D", str(self._data), *MAKE, *locale)
        self.start()
        self._made = 0

    def _has_icu(self) -> bool:
        shown = subprocess.run([str(self._bin / "initdb"), "--help"], capture_output=True, text=True, check=True).stdout
        return "icu-locale" in shown

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *words], capture_output=True, text=True, cwd=self.folder, timeout=60,
            env={"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8"},
            user=self._as.pw_uid if self._as else None, group=self._as.pw_gid if self._as else None,
            extra_groups=[] if self._as else None,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def start(self) -> None:
        self._run(
            "pg_ctl",
            "-D",
            str(self._data),
            "-l",
            str(self.folder / "log"),
            "-w",
            "-o",
            f"{QUICK} -k {self.folder}",
            "start",
        )

    def stop(self) -> None:
        """At once, as a server that falls over: what is connected finds out when it asks."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/postgres?host={self.folder}"

    def run(self, sql: str) -> None:
        engine = PostgresqlEngine(Address(self.url, "public"))
        with closing(engine.connection(writing=True)) as db:
            engine.ask(db, sql, ())


@contextmanager
def server() -> Iterator[Server]:
    """The name of a socket may have 100 letters: it does not lie among the tests' own folders."""
    with tempfile.TemporaryDirectory(prefix="afpg", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as name:
        started = Server(Path(name))
        try:
            yield started
        finally:
            started.stop()


def lose(path: Path) -> None:
    """The index of this path is gone, wherever it was."""
    if (address := whereabouts.read(path)) is not None:
        drop_schema(address)
    else:
        path.unlink()


def as_it_is(path: Path) -> object:
    """Equal while nothing was put into its place, or, where it is a file, changed."""
    engine = engine_of(path)
    return path.read_bytes() if isinstance(engine, SqliteEngine) else engine.identity()


class Schemas:
    """By the path that an index would have as a file, its schema on a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: dict[Path, Address] = {}
        self._noted = whereabouts.read

    def of(self, path: Path) -> Address:
        known = Path(os.path.abspath(path))
        digest = hashlib.sha256(str(known).encode()).hexdigest()[:16]
        return self._known.setdefault(known, Address(self._server.url, f"t_{digest}"))

    def into(self, index: Index) -> places.Into:
        return self.of

    def section(self, path: Path) -> dict[str, Any]:
        """Of a home's settings."""
        return asdict(Index(self._server.url, self.of(path).schema))

    def read(self, path: Path) -> Address | None:
        """Where a start of a home noted it; one that lies in no home is there from the first look on."""
        noted = self._noted(path)
        if noted is not None or not path.parent.is_dir() or {".artfactory", "restoring"} & {*path.parts}:
            return noted
        whereabouts.write(path, self.of(path))  # for processes that this test starts
        return self.of(path)

    def drop(self) -> None:
        for address in self._known.values():
            for ending in ("", places.NEW, places.BEFORE):
                with suppress(pw.DatabaseError):
                    drop_schema(address.named(ending))
