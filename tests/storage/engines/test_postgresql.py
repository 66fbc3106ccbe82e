"""What PostgreSQL alone has: the way there and back, a server that is away, texts it cannot hold, its columns."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.errors import StorageFull
from artfactoryd.storage import tables
from artfactoryd.storage.engines import whereabouts
from artfactoryd.storage.engines.postgresql import PostgresqlEngine
from artfactoryd.storage.engines.whereabouts import Address
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import tables as marks
from artfactoryd.storage.noticing import tables as of_noticing
from tests import postgres
from tests.emulator.client import Emulator
from tests.homes import TestHome, dump, until

pytestmark = pytest.mark.services
MODELS: tuple[type[tables.Table], ...] = (*tables.TABLES, *marks.TABLES, *of_noticing.TABLES)
KINDS = {"TEXT": "text", "REAL": "double precision"}
DRAWN = "provider: local\nmodel: sketch\nparameters: {prompt: 'a [red,blue] car', width: 64, height: 64}\n"
PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: 'a [red,blue,green] car'}\n"


@pytest.fixture
def address(postgresql: postgres.Server, tmp_path: Path) -> Iterator[Address]:
    there = Address(postgresql.url, f"own_{abs(hash(tmp_path))}")
    yield there
    for ending in ("", "_new", "_before"):
        postgresql.run(f'DROP SCHEMA IF EXISTS "{there.schema}{ending}" CASCADE')


@pytest.fixture
def index(address: Address, tmp_path: Path) -> Iterator[Index]:
    whereabouts.write(tmp_path / "index.sqlite3", address)
    with closing(Index.open(tmp_path / "index.sqlite3")) as opened:
        yield opened


def section(address: Address) -> dict[str, Any]:
    return {"url": address.url, "schema": address.schema}


def told(home: TestHome) -> dict[str, list[dict[str, Any]]]:
    """Without the number by which PostgreSQL counts rows as they come."""
    tables = {table: rows for table, rows in dump(home).items() if table != "files"}
    return {
        table: [{name: value for name, value in row.items() if name != "rowid"} for row in rows]
        for table, rows in tables.items()
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model._meta.table_name))
def test_its_tables_have_the_columns_that_sqlites_have(index: Index, model: type[tables.Table]) -> None:
    meta: Any = model._meta  # type: ignore[attr-defined]
    rows = index.rows(
        "SELECT column_name AS name, data_type AS kind, is_nullable AS may FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = ?", (meta.table_name,)
    )  # fmt: skip
    there = {row["name"]: (row["kind"], row["may"] == "YES") for row in rows if row["name"] != "rowid"}
    context = tables.DIALECT.get_sql_context()
    kinds = {name: field.ddl_datatype(context).sql.upper() for name, field in meta.fields.items()}
    assert there == {name: (KINDS.get(kinds[name], "bigint"), field.null) for name, field in meta.fields.items()}


def test_a_start_moves_the_index_there_and_back_and_nothing_is_made_again(home: TestHome, address: Address) -> None:
    home.drop("cars.yaml", DRAWN)
    assert home.once() == 0
    before, file = told(home), home.home.index_file
    home.configure(index=section(address))
    home.drop("again.yaml", DRAWN.replace("car", "boat"))
    assert home.once() == 0 and whereabouts.read(file) == address and not file.exists()
    there = told(home)
    assert {table: [row for row in rows if row in there[table]] for table, rows in before.items()} == before
    assert home.states() == ["completed"] * 4 and len(home.ask("products", "boat")["products"]) == 2
    assert home.call("reindex").returncode == 0 and told(home) == there
    assert "Its own check finds nothing wrong with postgresql://" in home.call("doctor").stdout
    home.configure()
    assert home.once() == 0 and whereabouts.read(file) is None and file.exists()
    assert told(home) == there and len(home.lines("wish")) == 4


def test_another_homes_index_is_left_alone(home: TestHome, address: Address, tmp_path: Path) -> None:
    other = TestHome.make(tmp_path / "other", index=section(address))
    home.configure(index=section(address))
    assert other.once() == 0
    done = home.call("once")
    assert done.returncode != 0 and "index of another home" in done.stderr and "index.schema" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_away_is_waited_for_and_nothing_is_lost(home: TestHome) -> None:
    with postgres.server() as server:
        home.configure(index={"url": server.url})
        with home.running():
            home.drop("first.yaml", DRAWN)
            until(lambda: home.states() == ["completed"] * 2)
            server.stop()
            home.drop("second.yaml", DRAWN.replace("car", "boat"))
            until(lambda: (home.home.holder() or {}).get("waits") or "cannot" in home.call("status").stderr)
            said = home.call("status")
            assert said.returncode != 0 and "cannot be" in said.stderr and "Traceback" not in said.stderr
            assert "bad" in home.call("doctor").stdout
            server.start()
            until(lambda: home.states() == ["completed"] * 4)
        server.stop()
        done = home.call("once")
        assert done.returncode != 0 and "cannot be written just now" in done.stderr
        server.start()
        assert home.once() == 0 and len(home.lines("wish")) == 4


@pytest.mark.parametrize("hit", [1, 2, 5, 8])
def test_killed_between_ledger_and_index_nothing_is_bought_twice(
    emulator: Emulator, tmp_path: Path, address: Address, hit: int
) -> None:
    home = TestHome.make(tmp_path / "home", emulator.base_url, index=section(address))
    home.drop("cars.yaml", PAID)
    assert home.call("once", ARTFACTORY_FAULT=f"ledger_written:{hit}").returncode == -signal.SIGKILL
    home.once()
    assert home.states() == ["completed"] * 3 and len(emulator.creates()) == 3
    assert len(home.ask("products")["products"]) == 3


def test_who_asks_while_the_index_is_exchanged_is_answered_before_and_after(home: TestHome, address: Address) -> None:
    """Though the server has the question ready, with the tables that had the names before."""
    home.configure(index=section(address))
    home.drop("cars.yaml", DRAWN)
    assert home.once() == 0
    with closing(home.index) as reader:

        def ask() -> tuple[int, int, bool]:
            products = reader.rows("SELECT * FROM product WHERE bytes > ?", (0,))
            return len(reader.orders()), len(products), reader.is_current

        assert {ask() for _ in range(10)} == {(1, 2, True)}
        assert home.call("reindex").returncode == 0
        assert ask() == (1, 2, False)
        reader.reopen()
        assert ask() == (1, 2, True)


def test_what_no_text_can_hold_is_held_as_a_sign_of_it(index: Index) -> None:
    told = '{"x": "\\ud800 \\u0000 \\ud83d\\ude00 \\\\u0000"}'
    index.run("INSERT INTO meta (key, value) VALUES (?, ?)", "a\0b", told)
    index.add("INSERT INTO meta (key, value) VALUES (?, ?)", [("half", "\ud800".encode("utf-8", "replace").decode())])
    (row,) = index.rows("SELECT key, json_extract(value, '$.x') AS x FROM meta WHERE key LIKE 'a%'")
    assert row == {"key": "a\ufffdb", "x": "\ufffd \ufffd \U0001f600 \\u0000"}
    assert index.rows("SELECT 1 FROM meta WHERE value = ?", (told,))  # as it was told
    assert index.run("UPDATE meta SET value = ? WHERE key = 'half'", "no \ud800") == 1


def test_an_address_shows_no_password_and_a_server_that_was_never_there_is_said_in_words(tmp_path: Path) -> None:
    address = Address(f"postgresql://me:secret@/nothing?host={tmp_path}")
    engine = PostgresqlEngine(address)
    with pytest.raises(StorageFull) as caught:
        engine.is_there()
    words = str(caught.value)
    assert "secret" not in words and "cannot be written just now" in words and "\n" not in words
