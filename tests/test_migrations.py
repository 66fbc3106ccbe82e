from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from artfactoryd.errors import WrongUse
from artfactoryd.storage.database import MIGRATIONS
from artfactoryd.storage.index import Index

OLDEST = Path(__file__).parent / "databases" / "0001.sql"
FILLED = """
INSERT INTO meta VALUES ('ledger', '2026-11.jsonl:77');
INSERT INTO provider_stop VALUES ('replicate', 'no key', '2026-11-22T12:00:00.000Z');
INSERT INTO generation_log (id, order_id, number, nth, provider, model, actual, asked_at, reserved, cost, estimated)
    VALUES ('a1', 'o', 1, 1, 'replicate', 'm', '{}', '2026-11-21T23:59:00.000Z', 3000, 2000, 0),
           ('a2', 'o', 2, 1, 'replicate', 'm', '{}', '2026-11-22T00:01:00.000Z', 3000, NULL, 1),
           ('a3', 'o', 3, 1, 'replicate', 'm', '{}', '2026-11-22T00:02:00.000Z', 0, 0, 0);
INSERT INTO command VALUES ('c1', 'cancel', '{"done": true}', '2026-11-22T12:00:00.000Z');
"""


def tables(path: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: " ".join(sql.split()) for name, sql in found}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database as the first release made it, with something in it."""
    path = tmp_path / "old.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(OLDEST.read_text() + FILLED)
    return path


def test_a_database_of_the_oldest_release_is_brought_up_to_date(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite3"
    for path in (old, new):
        Index.open(path).close()
    assert tables(old) == tables(new)
    with contextlib.closing(Index.look(old)) as index:
        assert index.meta("ledger") == "2026-11.jsonl:77"
        assert index.stops()["replicate"].reason == "no key"
        assert index.answer("c1") == {"done": True}
        assert index.rows("SELECT * FROM spending ORDER BY day") == [
            {"day": "2026-11-21", "committed": 2000}, {"day": "2026-11-22", "committed": 3000},
        ]  # fmt: skip
        assert [each.day for each in index.attempts("o")] == ["2026-11-21", "2026-11-22", "2026-11-22"]


def test_a_released_migration_makes_the_tables_it_always_made(old: Path, tmp_path: Path) -> None:
    index = Index(tmp_path / "first.sqlite3", writing=True)
    with contextlib.closing(index):
        runner = Runner(index.db, str(MIGRATIONS))
        runner.up(target=min(each.name for each in runner.migrations()))
    assert tables(tmp_path / "first.sqlite3") == tables(old)


def test_a_database_up_to_date_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    Index.open(path).close()
    with contextlib.closing(Index.open(path)) as index:
        assert Runner(index.db, str(MIGRATIONS)).up() == []
        assert index.rows("SELECT count(*) AS n FROM schema_migration")[0]["n"] == len(list(MIGRATIONS.glob("0*.py")))


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in MIGRATIONS.glob("[0-9]*.py"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_who_only_reads_an_older_index_is_told_to_start_the_program_once(old: Path) -> None:
    with pytest.raises(WrongUse, match=r"older release.*artfactoryd run"):
        Index.look(old)
    Index.open(old).close()
    Index.look(old).close()
