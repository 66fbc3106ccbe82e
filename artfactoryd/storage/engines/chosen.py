"""The engine of an index, by its path."""

from __future__ import annotations

from pathlib import Path

from artfactoryd.storage.engines import whereabouts
from artfactoryd.storage.engines.engine import Engine
from artfactoryd.storage.engines.sqlite import SqliteEngine


def engine_of(path: Path) -> Engine:
    address = whereabouts.read(path)
    if address is None:
        return SqliteEngine(path)
    from artfactoryd.storage.engines.postgresql import PostgresqlEngine  # imported late: most homes need it not

    return PostgresqlEngine(address)
