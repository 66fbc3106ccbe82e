"""What a database's errors mean, whichever it is: whether another try may go well, and what to tell a person."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

import peewee as pw

from artfactoryd.errors import ArtFactoryError, StorageFull, StorageSick
from artfactoryd.medium import NO_ROOM

DatabaseError = pw.DatabaseError
OF_VALUES = (pw.IntegrityError, pw.DataError, pw.ProgrammingError, pw.InterfaceError)  # what was to be written is wrong
UNWRITTEN = "The index waits"
# By SQLite's codes: its words for them, which also say other things, change with its release.
PASSING = frozenset({  # worth another try
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip
WORN_OUT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO, *NO_ROOM})
# PostgreSQL's classes of states: connection, transaction rolled back, resources, somebody's hand, the system itself;
# and a lock that was not had in time, a server that still starts, one that only reads.
PASSING_CLASSES = ("08", "40", "53", "57", "58", "55P03", "25006")
SERVER_FULL = "53100"
_AWAY = "no state"  # PostgreSQL's server could not be spoken with at all


def of_peewee(error: Exception) -> pw.DatabaseError:
    """The driver's error as peewee's of the same name."""
    for kind in type(error).__mro__:
        if isinstance(known := getattr(pw, kind.__name__, None), type) and issubclass(known, pw.DatabaseError):
            return known(*error.args)
    return pw.DatabaseError(*error.args)


def is_trouble(error: Exception) -> bool:
    """Is it the database that fails, and not what was to be written?"""
    return isinstance(error, pw.DatabaseError) and not isinstance(error, OF_VALUES)


def is_passing(error: BaseException) -> bool:
    """Whether the machine refuses just now what it may give in a moment: descriptors, memory, room, a busy index, a
    server that is away."""
    if isinstance(error, OSError):
        return error.errno in WORN_OUT
    return isinstance(error, pw.DatabaseError) and any(_passes(one) for one in _chain(error))


def is_away(error: BaseException) -> bool:
    """Whether a server could not be spoken with, or has ended the talk."""
    states = [server_state(one) for one in _chain(error)]
    return any(state == _AWAY or state.startswith(("08", "57")) for state in states)


def trouble(name: object, error: Exception) -> ArtFactoryError:
    """In words for a person. Only when nothing was written and another try may go well is it StorageFull."""
    errors = list(_chain(error))  # undoing may have failed too, and only because of the first error
    if passing := next((one for one in errors if _passes(one)), None):
        words = f"The index {name} cannot be written just now ({one_line(errors[-1])}). The work goes on when it can."
        return StorageFull(words).titled(StorageFull.title if _is_full(passing) else UNWRITTEN)
    if any(server_state(one) for one in errors):
        return StorageSick(
            f"The index {name} cannot be kept there ({one_line(errors[-1])}). Mend that at the server. Nothing is lost "
            "with it: `artfactoryd reindex` makes it again from the ledger and the shelf."
        )
    return StorageSick(
        f"The index {name} is damaged or cannot be kept ({errors[-1]}). Check the disk. The index can be deleted while "
        "nothing runs: `artfactoryd reindex` makes it again from the ledger and the shelf."
    )


def sqlite_code(error: BaseException) -> int | None:
    """SQLite's primary result code; None for what is no error of SQLite's own."""
    extended = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF


def server_state(error: BaseException) -> str:
    """PostgreSQL's state for it; empty for what is no error of PostgreSQL's."""
    if not type(error).__module__.startswith("psycopg"):
        return ""
    return getattr(error, "sqlstate", None) or (_AWAY if type(error).__name__ == "OperationalError" else "")


def one_line(error: BaseException) -> str:
    """What the server says goes over several lines."""
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _passes(error: BaseException) -> bool:
    state = server_state(error)
    return sqlite_code(error) in PASSING or state == _AWAY or state.startswith(PASSING_CLASSES)


def _is_full(error: BaseException) -> bool:
    return sqlite_code(error) == sqlite3.SQLITE_FULL or server_state(error) == SERVER_FULL


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
