"""The models in `storage/tables` describe what the migrations make, and rows are read in the order of their fields."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from artfactoryd.storage import rows, tables
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import tables as marks
from artfactoryd.storage.noticing import tables as of_noticing

TABLES: tuple[type[tables.Table], ...] = (*tables.TABLES, *marks.TABLES, *of_noticing.TABLES)
KINDS = {"BIGINT": "INTEGER", "SMALLINT": "INTEGER", "BOOL": "INTEGER"}  # SQLite keeps them all as one
DECODERS = [value for value in vars(rows).values() if isinstance(value, rows.Decoder)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with contextlib.closing(Index.open(tmp_path_factory.mktemp("index") / "index.sqlite3")) as opened:
        yield opened


def columns(index: Index, table: str) -> dict[str, tuple[str, bool, int]]:
    """By name: kind, whether it may be null, its place in the primary key."""
    found = index.rows(f"PRAGMA table_info({table})")
    return {
        row["name"]: (KINDS.get(row["type"].upper(), row["type"].upper()), not row["notnull"], row["pk"])
        for row in found
    }


def described(model: type[tables.Table]) -> dict[str, tuple[str, bool, int]]:
    meta: Any = model._meta
    keys = [field.name for field in meta.get_primary_keys()]
    context = tables.DIALECT.get_sql_context()
    return {
        name: (
            KINDS.get(kind := field.ddl_datatype(context).sql.upper(), kind), field.null,
            keys.index(name) + 1 if name in keys else 0,
        )
        for name, field in meta.fields.items()
    }  # fmt: skip


@pytest.mark.parametrize("model", TABLES, ids=lambda model: str(model._meta.table_name))
def test_a_model_describes_its_table_as_the_migrations_leave_it(index: Index, model: type[tables.Table]) -> None:
    assert described(model) == columns(index, model._meta.table_name)


def test_every_table_has_its_model(index: Index) -> None:
    made = {row["name"] for row in index.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    known = {model._meta.table_name for model in TABLES}
    own = {name for name in made if not name.startswith(("sqlite_", "searched"))}  # the last are the search's
    assert own == known | {"schema_migration"}


def test_the_view_of_outputs_has_the_columns_of_its_model(index: Index) -> None:
    assert [*columns(index, "output")] == [*tables.Output._meta.fields]


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: str(decoder.table._meta.table_name))
def test_a_row_has_the_fields_of_its_table_in_their_order(decoder: rows.Decoder[Any]) -> None:
    assert decoder.columns == tuple(decoder.table._meta.fields)
    assert len(fields(decoder.row)) == len(decoder.columns)


def test_what_is_read_is_what_was_written(index: Index) -> None:
    insert = (
        "INSERT INTO product (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth,"
        " liked, tags, duration, codec) VALUES ('p', 'o', 1, 2, 'a.png', 'ab', 3, 'image/png', NULL, 5,"
        " '1970-01-01T00:00:01Z', 0, 1, '[\"good\"]', 2.5, 'h264, aac')"
    )
    index.run(insert)
    product = rows.ProductRow(
        "p",
        "o",
        1,
        2,
        "a.png",
        "ab",
        3,
        "image/png",
        None,
        5,
        "1970-01-01T00:00:01Z",
        0,
        liked=True,
        tags=["good"],
        looked=None,
        replaced_by=None,
        seq=1000 << 20,
        project=None,
        rating=None,
        original_sha256=None,
        notes=None,
        mark=None,
        found=False,
        unwritten=False,
        collections=None,
        duration=2.5,
        codec="h264, aac",
    )
    assert index.product("p") == product and index.products("o") == [product] == index.newest_products(5)
