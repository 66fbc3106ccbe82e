"""Where the index of a path is: as the note beside it says, and in words where that or the driver is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from artfactoryd.errors import WrongUse
from artfactoryd.storage.engines import whereabouts
from artfactoryd.storage.engines.chosen import engine_of
from artfactoryd.storage.engines.sqlite import SqliteEngine
from artfactoryd.storage.engines.whereabouts import Address


def test_an_index_is_a_file_until_a_note_for_its_owner_alone_says_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    assert isinstance(engine_of(path), SqliteEngine)
    address = Address("postgresql://me:secret@db.example.com:5433/art", "pictures")
    whereabouts.write(path, address)
    note = whereabouts.note_of(path)
    assert whereabouts.read(path) == address and note.stat().st_mode & 0o777 == 0o600
    assert address.shown == "postgresql://db.example.com:5433/art, schema pictures"
    for text in ("", "[]", "{}"):
        note.write_text(text)
        with pytest.raises(WrongUse, match="Delete it"):
            engine_of(path)
    whereabouts.write(path, None)
    assert whereabouts.read(path) is None and isinstance(engine_of(path), SqliteEngine)


def test_without_its_driver_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whereabouts.write(tmp_path / "index.sqlite3", Address("postgresql://me@db.example.com/art"))
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(WrongUse, match=r"pip install 'artfactoryd\[postgresql\]'"):
        engine_of(tmp_path / "index.sqlite3")
