"""A new index at once, as its numbered scripts would make it. Run as a script, this writes `all.sql` anew."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playhouse.migrations import Runner

from artfactoryd.storage.index import Index
from artfactoryd.storage.writing import up_to_date
from artfactoryd.storage.writing.up_to_date import AT_ONCE, MIGRATIONS, scripts

MADE = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB '{}' ORDER BY {}"
HISTORY = "INSERT INTO schema_migration (name, applied) VALUES\n    {}"
NOW = "('{}', strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime'))"


def by_scripts(path: Path, last: str | None = None) -> Path:
    with contextlib.closing(Index(path, writing=True)) as index:
        Runner(index.db, str(MIGRATIONS)).up(last)
    return path


def at_once(made: Path) -> str:
    """What makes such a file in one go. What the search's table keeps beside it comes with it."""
    with contextlib.closing(sqlite3.connect(made)) as database:
        statements = [sql for _, sql in database.execute(MADE.format("searched_*", "rowid"))]
        names = [name for (name,) in database.execute("SELECT name FROM schema_migration ORDER BY id")]
    return "\n\n".join([*statements, HISTORY.format(",\n    ".join(map(NOW.format, names)))]) + "\n"


def plain(sql: str) -> str:
    """Releases of SQLite differ in what they quote when they rename."""
    return " ".join(sql.replace('"', "").split())


def content(path: Path) -> dict[str, object]:
    """Everything in it, but for when."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        made = {name: plain(sql) for name, sql in database.execute(MADE.format("", "name"))}
        tables = [name for name, sql in made.items() if sql.startswith("CREATE TABLE")]
        rows = {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}
    history = [row[:2] for row in rows.pop("schema_migration")]
    return {"made": made, "rows": rows, "history": history}


def test_a_new_index_is_what_all_scripts_would_have_made_of_it(tmp_path: Path) -> None:
    Index.open(tmp_path / "new.sqlite3").close()
    slow = by_scripts(tmp_path / "slow.sqlite3")
    assert content(tmp_path / "new.sqlite3") == content(slow)
    assert plain(AT_ONCE.read_text()) == plain(at_once(slow)), "run `python -m tests.storage.writing.test_up_to_date`"


@pytest.mark.parametrize("last", [None, sorted(scripts())[-2]])
def test_scripts_that_it_does_not_know_run_after_it(
    last: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a first start was killed between two of them."""
    earlier = by_scripts(tmp_path / "earlier.sqlite3", sorted(scripts())[-2])
    if last is None:
        (tmp_path / "all.sql").write_text(at_once(earlier))
        monkeypatch.setattr(up_to_date, "AT_ONCE", tmp_path / "all.sql")
        earlier = tmp_path / "new.sqlite3"
    Index.open(earlier).close()
    Index.open(tmp_path / "whole.sqlite3").close()
    assert content(earlier) == content(tmp_path / "whole.sqlite3")


def test_a_sqlite_without_three_letters_in_a_row_has_all_but_their_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Index.open(tmp_path / "whole.sqlite3").close()
    monkeypatch.setattr(up_to_date, "_has_trigrams", lambda db: False)
    Index.open(tmp_path / "index.sqlite3").close()
    there, here = (content(tmp_path / name)["made"] for name in ("whole.sqlite3", "index.sqlite3"))
    assert isinstance(there, dict)
    assert here == {name: sql for name, sql in there.items() if not name.startswith("searched")}


def test_killed_while_it_is_made_a_new_index_is_empty_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.sqlite3"
    with monkeypatch.context() as patched:
        patched.setattr(up_to_date, "_has_trigrams", lambda db: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Index.open(path)
    assert content_or_nothing(path) == []
    Index.open(path).close()
    Index.look(path).close()


def content_or_nothing(path: Path) -> list[tuple[str]]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT name FROM sqlite_master").fetchall()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        AT_ONCE.write_text(at_once(by_scripts(Path(folder) / "index.sqlite3")))
