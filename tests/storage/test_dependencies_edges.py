"""Who waits for what, straight in the tables: the edges that a whole order seldom meets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from artfactoryd.storage import dependencies
from artfactoryd.storage.dependencies import NOT_THERE
from artfactoryd.storage.index import Index
from tests.accounts import NOON, ORDER, acceptance, apply

OTHER = ORDER[:-1] + "2"


@dataclass
class Tables:
    """Items and products of a rehearsal, in which nothing is ever reused."""

    index: Index

    def item(
        self, number: int, state: str = "planned", *, at: int | None = None, asked: int = 1, parent: int | None = None,
        waits: int = 0, stage: str | None = None, order: str = ORDER,
    ) -> None:  # fmt: skip
        """`at`: its first place in the order; as its number where that is not said."""
        sql = (
            "INSERT INTO item (order_id, number, state, provider, first_index, asked, copy, generation, tokens, upper,"
            " attempts, stop, buy_again, model, stage, parent, waits, reason) "
            "VALUES (?, ?, ?, 'fake', ?, ?, 0, '{}', '[]', 0, 0, 0, 0, 0, ?, ?, ?, ?)"
        )
        reason = None if state == "planned" else f"it {state}"
        self.index.run(sql, order, number, state, at or number, asked, stage, parent, waits, reason)

    def product(self, place: int, *, liked: int = 0, order: str = ORDER) -> None:
        sql = (
            "INSERT INTO product (id, order_id, number, place, path, sha256, bytes, mime, created_at, liked) "
            "VALUES (?, ?, ?, ?, ?, ?, 1, 'image/png', ?, ?)"
        )
        name = f"{order}-{place}"
        self.index.run(sql, name, order, place, place, name, "a" * 64, NOON.isoformat(), liked)

    def states(self, order: str = ORDER) -> dict[int, tuple[str, int]]:
        found = self.index.rows("SELECT number, state, waits FROM item WHERE order_id = ? ORDER BY number", (order,))
        return {row["number"]: (row["state"], row["waits"]) for row in found}

    def reason(self, number: int) -> str | None:
        found = self.index.item(ORDER, number)
        assert found is not None
        return found.reason and str(found.reason)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as index:
        for order in (ORDER, OTHER):
            apply(index, {"at": NOON.isoformat(), **acceptance(order, items=0, rehearsal=True)})
        yield Tables(index)


def test_what_another_order_made_at_the_same_place_begins_nothing(tables: Tables) -> None:
    tables.item(1, "running")
    tables.item(2, parent=1, waits=1)
    tables.product(1, order=OTHER)
    dependencies.follow(tables.index, ORDER, 1)
    assert tables.states()[2] == ("planned", 1)


def test_an_item_that_is_not_there_moves_nothing(tables: Tables) -> None:
    tables.item(2, parent=1, waits=1)
    dependencies.follow(tables.index, ORDER, 9)
    assert tables.states() == {2: ("planned", 1)}


def test_while_it_may_still_come_nothing_ends(tables: Tables) -> None:
    tables.item(1, "delivering", asked=2)
    for number in (2, 3):
        tables.item(number, at=number + 1, parent=number - 1, waits=1)
    tables.product(1)
    dependencies.follow(tables.index, ORDER, 1)
    assert tables.states() == {1: ("delivering", 0), 2: ("planned", 0), 3: ("planned", 1)}


@pytest.mark.parametrize("state", ["failed", "cancelled", "completed"])
def test_whatever_way_it_ended_all_that_would_have_come_of_it_ends(tables: Tables, state: str) -> None:
    tables.item(1, state)
    tables.item(2, parent=1, waits=1)
    tables.item(3, parent=2, waits=2)
    tables.item(4, parent=3, waits=1)
    dependencies.follow(tables.index, ORDER, 1)
    assert [tables.states()[number][0] for number in (2, 3, 4)] == ["cancelled"] * 3
    assert {tables.reason(number) for number in (2, 3, 4)} == {NOT_THERE}


def test_what_has_ended_or_begun_before_stays_as_it_was(tables: Tables) -> None:
    tables.item(1, "failed")
    tables.item(2, "cancelled", parent=1, waits=1)
    tables.item(3, parent=1, waits=0)
    dependencies.follow(tables.index, ORDER, 1)
    assert tables.reason(2) == "it cancelled" and tables.states()[3] == ("planned", 0)
    tables.product(1)
    dependencies.follow(tables.index, ORDER, 1)
    assert tables.states()[2] == ("cancelled", 1)


def test_it_feeds_what_is_made_from_any_of_its_places_and_no_other(tables: Tables) -> None:
    tables.item(1, asked=2)
    maker = tables.index.item(ORDER, 1)
    assert maker is not None
    for parent, found in ((1, True), (2, True), (3, False), (4, False)):
        tables.item(9, at=9, parent=parent)
        tables.item(8, at=8, parent=1, order=OTHER)
        assert dependencies.feeds(tables.index, maker) is found
        tables.index.run("DELETE FROM item WHERE number > 7")


def test_rows_that_come_in_late_find_what_came_and_what_did_not(tables: Tables) -> None:
    for number, state in ((1, "completed"), (2, "failed"), (3, "running"), (4, "cancelled")):
        tables.item(number, state)
    tables.product(1)
    for number in (5, 6, 7, 8):
        tables.item(number, parent=number - 4, waits=1)
    dependencies.joined(tables.index, ORDER, 5, 8)
    assert [tables.states()[number] for number in (5, 6, 7, 8)] == [
        ("planned", 0), ("cancelled", 1), ("planned", 1), ("cancelled", 1)
    ]  # fmt: skip


def test_rows_that_come_in_late_look_at_their_own_order_and_their_own_parents(tables: Tables) -> None:
    tables.item(1, "completed", order=OTHER)
    tables.product(1, order=OTHER)
    tables.item(1)
    tables.item(2, parent=1, waits=1)
    tables.item(3, parent=2, waits=1)
    dependencies.joined(tables.index, ORDER, 2, 3)
    assert tables.states() == {1: ("planned", 0), 2: ("planned", 1), 3: ("planned", 1)}


def test_rows_that_are_made_from_nothing_are_left_alone(tables: Tables) -> None:
    tables.item(1, "failed")
    tables.item(2, parent=1, waits=1)
    dependencies.joined(tables.index, ORDER, 1, 1)
    assert tables.states()[2] == ("planned", 1)


def test_only_products_that_are_there_and_still_to_be_chosen_wait_for_marks(tables: Tables) -> None:
    for place in (1, 2, 3, 4):
        tables.item(place, "completed")
        tables.product(place)
    tables.product(1, order=OTHER)
    waiting = [  # (parent, state, waits)
        (1, "planned", 2), (1, "planned", 2),  # twice fed with one product
        (2, "planned", 1), (2, "planned", 0), (3, "cancelled", 2), (4, "completed", 2), (9, "planned", 2),
    ]  # fmt: skip
    for number, (parent, state, waits) in enumerate(waiting, 10):
        tables.item(number, state, parent=parent, waits=waits)
    tables.item(1, parent=1, waits=2, order=OTHER)
    assert dependencies.waiting_for_marks(tables.index, ORDER) == 1
    assert dependencies.waiting_for_marks(tables.index, OTHER) == 1


def test_the_counts_are_of_later_stages_in_their_order(tables: Tables) -> None:
    tables.item(1, "completed")
    made = [("up", "completed"), ("a", "failed"), ("up", "completed"), ("up", "failed")]
    for number, (stage, state) in enumerate(made, 2):
        tables.item(number, state, parent=1, stage=stage)
    tables.item(1, "planned", parent=1, stage="up", order=OTHER)
    found = dependencies.counts(tables.index, ORDER)
    assert found == {"up": {"completed": 2, "failed": 1}, "a": {"failed": 1}} and list(found) == ["up", "a"]


@pytest.mark.parametrize("state", ["planned", "running", "in_doubt", "delivering", "completed", "failed", "cancelled"])
def test_a_place_is_alive_while_its_item_may_still_make_it(tables: Tables, state: str) -> None:
    tables.item(1, state, at=3, asked=2)
    tables.item(1, at=1, asked=9, order=OTHER)
    may_come = state not in ("completed", "failed", "cancelled")
    found = [dependencies.alive(tables.index, ORDER, place, ()) for place in (2, 3, 4, 5)]
    assert found == [False, may_come, may_come, False]


def test_a_place_is_alive_when_it_is_there_or_is_made_again(tables: Tables) -> None:
    tables.item(1, "failed", asked=4)
    tables.product(2)
    tables.product(3, order=OTHER)
    assert [dependencies.alive(tables.index, ORDER, place, ()) for place in (1, 2, 3)] == [False, True, False]
    assert [dependencies.alive(tables.index, ORDER, place, ((3, 4),)) for place in (1, 3, 4)] == [False, True, True]
