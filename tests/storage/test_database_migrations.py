from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from artfactoryd.errors import WrongUse
from artfactoryd.storage.database import is_unreadable
from artfactoryd.storage.index import Index
from artfactoryd.storage.writing.up_to_date import MIGRATIONS

DATABASES = Path(__file__).parents[1] / "databases"  # made by tests/data/old/make_databases.py, but for the first
OLDEST = DATABASES / "0001.sql"
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
    return {name: " ".join(sql.replace('"', "").split()) for name, sql in found}  # releases of SQLite quote otherwise


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
        assert index.rows("SELECT day, committed FROM spending ORDER BY day") == [
            {"day": "2026-11-21", "committed": 2000}, {"day": "2026-11-22", "committed": 3000},
        ]  # fmt: skip
        assert [each.day for each in index.attempts("o")] == ["2026-11-21", "2026-11-22", "2026-11-22"]


def test_a_released_migration_makes_the_tables_it_always_made(old: Path, tmp_path: Path) -> None:
    index = Index(tmp_path / "first.sqlite3", writing=True)
    with contextlib.closing(index):
        runner = Runner(index.db, str(MIGRATIONS))
        runner.up(target=min(each.name for each in runner.migrations()))
    assert tables(tmp_path / "first.sqlite3") == tables(old)


def rows(path: Path) -> dict[str, list[dict[str, object]]]:
    """Of every table that is the program's own."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        own = [name for name in names if not name.startswith(("schema_", "sqlite_", "searched"))]
        return {name: [dict(row) for row in database.execute(f"SELECT * FROM {name} ORDER BY 1")] for name in own}


def columns(path: Path) -> dict[str, set[str]]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {
            name: {column[1] for column in database.execute(f"PRAGMA table_info({name})")}
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }


def made_by(number: str, folder: Path) -> Path:
    """An index as that migration left it, with rows in it."""
    path = folder / f"{number}.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript((DATABASES / f"{number}.sql").read_text() + (FILLED if number == "0001" else ""))
    return path


def lost(before: list[dict[str, object]], after: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows of which a value is no longer there; what is new in a row does not count."""
    return [row for row in before if not any(row.items() <= other.items() for other in after)]


NUMBERS = sorted(path.stem for path in DATABASES.glob("[0-9]*.sql"))


def test_every_released_migration_has_a_database_that_it_made() -> None:
    assert sorted(path.name[:4] for path in MIGRATIONS.glob("[0-9]*.py")) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_index_made_by_any_release_opens_and_keeps_every_row(number: str, tmp_path: Path) -> None:
    path = made_by(number, tmp_path)
    before = rows(path)
    Index.open(path).close()
    after = rows(path)
    assert {name: lost(before[name], after[name]) for name in before} == {name: [] for name in before}
    assert {name: len(after[name]) for name in before} == {name: len(before[name]) for name in before}
    Index.open(tmp_path / "new.sqlite3").close()
    assert columns(path) == columns(tmp_path / "new.sqlite3")
    assert tables(path).keys() == tables(tmp_path / "new.sqlite3").keys()


@pytest.mark.parametrize("number", NUMBERS)
def test_what_any_release_remembered_is_still_answered(number: str, tmp_path: Path) -> None:
    path = made_by(number, tmp_path)
    Index.open(path).close()
    with contextlib.closing(Index.look(path)) as index:
        assert index.meta("ledger") == "2026-11.jsonl:77"
        assert index.stops()["replicate"].reason == "no key"
        assert index.answer("c1") == {"done": True}
        assert sum(row["committed"] for row in index.rows("SELECT * FROM spending WHERE day < '2026-11-23'")) == 5000
        assert [row["number"] for row in index.rows("SELECT * FROM output WHERE order_id = 'o1'")] == (
            [1] if number > "0001" else []
        )


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


def test_an_index_of_a_newer_release_is_told_to_who_looks_and_made_again_by_a_start(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    with contextlib.closing(Index.open(path)) as index:
        assert not is_unreadable(path)
        index.run("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2027-01-01')")
        index.run("ALTER TABLE product RENAME COLUMN looked TO looked_at")
    assert is_unreadable(path)
    with pytest.raises(WrongUse, match=r"by a newer release.* is made again"):
        Index.look(path)
