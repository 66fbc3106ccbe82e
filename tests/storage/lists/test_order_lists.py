from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from artfactoryd.storage import derived
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.writer import _take
from tests.accounts import acceptance, apply, expander, failure, hold, ticket, wish

AT = "2026-11-22T12:00:00.000Z"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as opened:
        yield opened


def order_id(n: int) -> str:
    return f"01900000-0000-7000-8000-{n:012d}"


def accept(index: Index, n: int, **other: object) -> str:
    apply(index, {"at": AT, **acceptance(order_id(n), **other)})  # type: ignore[arg-type]
    return order_id(n)


def expand(index: Index, order: str) -> None:
    row = index.order(order)
    assert row is not None
    providers, items = expander(row)
    derived.add_items(index, order, providers, _take(items))


def finished(index: Index, n: int) -> None:
    """As an order that is long over, in as few steps as that takes."""
    order = accept(index, n, items=1)
    expand(index, order)
    index.run("UPDATE item SET state = 'completed' WHERE order_id = ?", order)


def test_an_old_order_that_is_not_over_is_found_behind_all_that_are(index: Index) -> None:
    held, unexpanded, planned = accept(index, 1), accept(index, 2), accept(index, 3)
    apply(index, {"at": AT, **hold(held)})
    expand(index, planned)
    for n in range(10, 40):
        finished(index, n)
    assert [row.id for row in order_lists.unfinished(index)] == [planned, unexpanded, held]


def test_every_order_is_listed_page_by_page(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_lists, "PAGE", 3)
    ids = [accept(index, n) for n in range(8)]
    assert [row.id for row in order_lists.every(index)] == ids[::-1] and order_lists.count(index) == 8


@pytest.mark.sqlite
def test_what_waits_is_looked_for_in_lookups_of_its_own(index: Index) -> None:
    """However many orders there are: their rows are long."""
    for question in ("held IS NOT NULL", "expanded_items < total_items", "proof IS NOT NULL", "paused IS NOT NULL"):
        (step,) = index.rows(f"EXPLAIN QUERY PLAN SELECT id FROM orders WHERE {question} ORDER BY id")
        assert "USING INDEX orders_" in step["detail"] or "USING COVERING INDEX orders_" in step["detail"]


def test_of_what_went_wrong_a_part_is_read_and_the_rest_counted(index: Index) -> None:
    order = accept(index, 1, items=5)
    expand(index, order)
    for n in range(1, 4):
        for line in (wish(n, order=order), ticket(n, order=order), failure(n, "ended", order=order)):
            apply(index, {"at": AT, **line})
    found, count = order_lists.failures(index, order, 2)
    assert [(item.number, item.state) for item in found] == [(1, "failed"), (2, "failed")] and count == 3
    assert order_lists.short(index, order, 2) == ([], 0)
