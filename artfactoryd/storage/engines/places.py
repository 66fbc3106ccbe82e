"""An index that takes another's place, also from one engine to the other; and what is to be there is made ready.

Killed at any line, one of the two has the name, or none, and then the next start makes it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from artfactoryd import settings
from artfactoryd.durable import link, make_folders, move, rename
from artfactoryd.entries import is_folder
from artfactoryd.errors import WrongUse
from artfactoryd.medium import flush_file
from artfactoryd.storage.engines import whereabouts
from artfactoryd.storage.engines.troubles import DatabaseError, trouble
from artfactoryd.storage.engines.whereabouts import Address

BESIDE = ("-wal", "-shm")  # files of SQLite's own beside a database
BACKUPS = 3  # old indexes kept, where they are files; a server keeps the last one
NEW, BEFORE = "_new", "_before"
Into = Callable[[Path], Address | None]  # where the index of a path is to be from now on; None: in that file


def into(index: settings.Index) -> Into:
    """Where the settings have it."""
    address = Address(index.url, index.schema) if index.url else None
    return lambda path: address


def as_it_is(path: Path) -> Address | None:
    return whereabouts.read(path)


def check_owner(address: Address, home: str) -> None:
    """Raise WrongUse where another home has its index. `home`: the id of this one."""
    from artfactoryd.storage.engines.postgresql import PostgresqlEngine

    engine = PostgresqlEngine(address)
    try:
        owner = engine.owner()
    except DatabaseError as error:
        raise trouble(engine.name, error) from error
    if owner and home and owner != home:
        words = f"{engine.name}, is the index of another home. Two homes with one index would each undo the other."
        gone = f'If that home is no more, drop it at the server: DROP SCHEMA "{address.schema}" CASCADE'
        raise WrongUse(f"{words} Name another schema: `index.schema` in artfactory.yaml. {gone}")


def own(address: Address, home: str) -> None:
    """From now on it is the index of this home. Its tables are made where there are none."""
    from artfactoryd.storage.engines.postgresql import PostgresqlEngine

    engine = PostgresqlEngine(address)
    try:
        if engine.owner() != home:
            engine.own(home)
    except DatabaseError as error:
        raise trouble(engine.name, error) from error


def prepare(new: Path, address: Address | None) -> None:
    """Nothing is there, and who opens `new` makes it where it is to be: beside `address`, else in a file."""
    remove(new)
    if address is not None:
        whereabouts.write(new, address.named(NEW))
        remove(new)


def remove(path: Path) -> None:
    """With what lies beside it; where it is stays noted."""
    if (address := whereabouts.read(path)) is not None:
        from artfactoryd.storage.engines.postgresql import drop_schema

        drop_schema(address)
    _remove_file(path)


def _remove_file(database: Path) -> None:
    for ending in ("", *BESIDE):
        path = database.with_name(database.name + ending)
        if is_folder(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def forget(new: Path) -> None:
    """What a kill left of one that was being made."""
    with suppress(OSError, ValueError, KeyError):
        whereabouts.write(new, None)
    _remove_file(new)


def put(new: Path, old: Path, backup: Path) -> Path | None:
    """`new` takes the name of `old`, which is kept as the file `backup`, if it was one. Where that is."""
    source, target = whereabouts.read(new), whereabouts.read(old)
    if source is None:
        kept = _put_file(new, old, backup)
        if target is not None:
            whereabouts.write(old, None)
        return kept
    place = Address(source.url, source.schema.removesuffix(NEW)) if target is None else target
    if target is not None and target.url != source.url:
        place = Address(source.url, source.schema.removesuffix(NEW))
    from artfactoryd.storage.engines.postgresql import exchange_schemas

    exchange_schemas(source, place, place.named(BEFORE))
    whereabouts.write(old, place)
    whereabouts.write(new, None)
    kept = _keep_file(old, backup)
    _remove_file(old)
    return kept


def _put_file(new: Path, old: Path, backup: Path) -> Path | None:
    """What lies beside the old one goes first: SQLite would take it for the new one's."""
    flush_file(new)
    kept = _keep_file(old, backup)
    move(new, old)
    return kept


def _keep_file(old: Path, backup: Path) -> Path | None:
    make_folders(backup.parent, 0o700)
    is_linked = False
    with suppress(FileNotFoundError):  # under both names at first: who looks meanwhile finds one
        is_linked = link(old, backup)
    for ending in BESIDE if is_linked else (*BESIDE, ""):
        with suppress(FileNotFoundError):
            rename(old.with_name(old.name + ending), backup.with_name(backup.name + ending))
    for stale in sorted(backup.parent.glob("index-*.sqlite3"))[:-BACKUPS]:
        _remove_file(stale)
    return backup if backup.exists() else None
