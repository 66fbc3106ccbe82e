"""Each test of an index runs on SQLite, and by `make test-services` on PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from artfactoryd.storage.engines import places, whereabouts
from tests import postgres
from tests.homes import TestHome

NO_INDEX = {  # of the ledger's files, of SQLite's own scripts, of values
    "test_ledger", "test_ledger_golden", "test_events", "test_database_migrations", "test_months", "test_tables",
    "test_moves", "test_recent", "test_up_to_date", "test_exchange", "test_translated", "test_troubles",
    "test_postgresql", "test_whereabouts",
}  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    module = metafunc.module.__name__.rpartition(".")[2]
    if module not in NO_INDEX and not metafunc.definition.get_closest_marker("sqlite"):
        kinds = ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]
        metafunc.parametrize("engine", kinds, indirect=True, scope="module")


@pytest.fixture(autouse=True, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    kind: str = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield kind
        return
    schemas = postgres.Schemas(request.getfixturevalue("postgresql"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(whereabouts, "read", schemas.read)
        patched.setattr(places, "into", schemas.into)
        patched.setattr(TestHome, "placed", schemas.section)
        yield kind
    schemas.drop()
