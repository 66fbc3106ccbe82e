from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from artfactoryd.cli import main
from artfactoryd.core.expansion.plan import PlannedItem
from artfactoryd.errors import StorageFull, StorageSick, WrongUse
from artfactoryd.storage import derived
from artfactoryd.storage.database import DatabaseError, trouble
from artfactoryd.storage.index import Index
from tests.accounts import (
    ORDER,
    acceptance,
    apply,
    cancel,
    expander,
    failure,
    hold,
    order_row,
    result,
    retry,
    settlement,
    ticket,
    wish,
)
from tests.homes import TestHome

AT = "2026-11-22T12:00:00.000Z"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Index]:
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as opened:
        yield opened


@pytest.fixture
def reader(writer: Index) -> Iterator[Index]:
    with contextlib.closing(Index.look(writer.path)) as opened:
        yield opened


def do(index: Index, *lines: dict[str, object]) -> None:
    for line in lines:
        apply(index, {"at": AT, **line})


def order_id(n: int) -> str:
    return f"0190000{n}-0000-7000-8000-000000000000"


# --- reading beside writing ---


def test_a_reader_sees_what_is_committed_and_nothing_else(writer: Index, reader: Index) -> None:
    with writer.changing():
        do(writer, acceptance())
        assert writer.order(ORDER) is not None
        assert reader.order(ORDER) is None
    assert reader.order(ORDER) is not None


def test_a_reader_cannot_write(reader: Index) -> None:
    with pytest.raises(DatabaseError, match=r"read-?only"):
        reader.run("DELETE FROM orders")


@pytest.mark.sqlite
def test_an_immediate_transaction_shuts_other_writers_out_from_its_beginning(writer: Index) -> None:
    other = sqlite3.connect(writer.path, timeout=0)
    with writer.changing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.sqlite
def test_a_power_cut_may_cost_the_last_commits_but_never_the_file(writer: Index) -> None:
    said = {name: writer.rows(f"PRAGMA {name}")[0][name] for name in ("journal_mode", "synchronous")}
    assert said == {"journal_mode": "wal", "synchronous": 1}


def test_threads_read_at_once_through_no_more_connections_than_that_takes(writer: Index) -> None:
    do(writer, acceptance())
    reader = Index.look(writer.path)
    together = threading.Barrier(8)

    def read(_: int) -> str:
        with reader._one() as db:
            together.wait(10)
            db.execute_sql("SELECT 1")
        row = reader.order(ORDER)
        assert row is not None
        return str(row.name)

    opened = []
    for _ in range(3):  # each time with fresh threads
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, range(8))) == ["cars"] * 8
        opened.append(len(open_files(writer.path)))
    assert len(set(opened)) == 1
    reader.close()
    writer.close()
    assert open_files(writer.path) == []


def test_a_connection_in_use_while_the_index_is_closed_is_closed_when_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    Index.open(path).close()
    reader = Index.look(path)
    with reader._one() as db:
        db.execute_sql("SELECT count(*) FROM orders")
        reader.close()
    assert open_files(path) == []


def open_files(path: Path) -> list[str]:
    found = []
    for each in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        with contextlib.suppress(OSError):
            found.append(os.readlink(each))
    return sorted(name for name in found if name.startswith(str(path)))


def test_a_home_without_an_index_has_nothing_to_show(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    assert Index.if_made(path) is None
    with pytest.raises(WrongUse, match="Nothing has been made"):
        Index.look(path)
    assert not path.exists()
    path.touch()  # a first start that has not made its tables yet
    assert Index.if_made(path) is None


def test_a_first_start_that_ends_while_a_reader_looks_is_none_of_an_older_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.sqlite3"
    with contextlib.closing(Index.open(path)) as made:
        kind = type(made.engine)
    done = kind.done

    def in_between(self: Any, db: Any) -> set[str]:
        told = done(self, db)
        with contextlib.closing(Index.open(path)) as first:
            first.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('ledger', '2026-11.jsonl:77')")
        return told - {max(told)}  # as it was a moment ago

    monkeypatch.setattr(kind, "done", in_between)
    assert Index.if_made(path) is None
    with pytest.raises(WrongUse, match="older release"):  # of what was finished before
        Index.if_made(path)


def test_any_name_of_a_folder_will_do(tmp_path: Path) -> None:
    path = tmp_path / "50% of #1? ü" / "index.sqlite3"
    path.parent.mkdir()
    Index.open(path).close()
    with contextlib.closing(Index.look(path)) as found:
        assert found.orders() == []


@pytest.mark.sqlite
def test_the_index_of_a_killed_writer_can_be_read(writer: Index, tmp_path: Path) -> None:
    do(writer, acceptance())
    copied = tmp_path / "copied.sqlite3"  # as the kill left it: database and log, no shared memory
    copied.write_bytes(writer.path.read_bytes())
    copied.with_name("copied.sqlite3-wal").write_bytes(writer.path.with_name("index.sqlite3-wal").read_bytes())
    with contextlib.closing(Index.look(copied)) as found:
        assert found.order(ORDER) is not None


@pytest.mark.sqlite
@pytest.mark.parametrize("opened", [Index.open, Index.look])
def test_a_damaged_index_is_said_in_words(tmp_path: Path, opened: object) -> None:
    path = tmp_path / "index.sqlite3"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StorageSick, match="can be deleted"):
        opened(path)  # type: ignore[operator]


def test_a_step_is_undone_alone(writer: Index) -> None:
    with writer.changing():
        with writer.step():
            do(writer, acceptance(order_id(1)))
        with pytest.raises(KeyError), writer.step():
            do(writer, acceptance(order_id(2)))
            raise KeyError
        with writer.step():
            do(writer, acceptance(order_id(3)))
    assert [row.id for row in writer.orders()] == [order_id(3), order_id(1)]


@pytest.mark.sqlite
def test_words_for_a_full_database_ask_for_room(writer: Index) -> None:
    """SQLite gives up the whole transaction then, so that undoing it fails in its turn."""
    writer.db.execute_sql("PRAGMA max_page_count = 1")
    with pytest.raises(DatabaseError) as caught, writer.changing(), writer.step():
        for n in range(9):
            do(writer, acceptance(order_id(n), document="x" * 10_000))
    assert isinstance(trouble(writer.path, caught.value), StorageFull)
    assert isinstance(
        trouble(writer.path, DatabaseError("the tray is full")), StorageSick
    )  # by its code, not its words


@pytest.mark.sqlite
def test_what_may_pass_is_told_from_what_does_not(writer: Index, reader: Index) -> None:
    other = sqlite3.connect(writer.path, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    writer.db.execute_sql("PRAGMA busy_timeout = 0")
    for ask in (lambda: writer.run("DELETE FROM orders"), lambda: reader.run("DELETE FROM orders")):  # locked, readonly
        with pytest.raises(DatabaseError) as caught:
            ask()
        assert isinstance(trouble(writer.path, caught.value), StorageFull)
    other.close()
    with pytest.raises(DatabaseError) as caught:
        writer.run("DELETE FROM nothing")
    assert isinstance(trouble(writer.path, caught.value), StorageSick)
    with pytest.raises(StorageFull):
        Index.open(writer.path / "not a folder" / "index.sqlite3")


# --- orders ---


def test_orders_are_found_by_id_prefix_name_and_folder_newest_first(writer: Index) -> None:
    do(writer, acceptance(order_id(1), name="cars"), acceptance(order_id(2), name="boats"), acceptance(order_id(3)))
    do(writer, {"kind": "folder", "order": order_id(2), "folder": "Projects/summer/2026-11-22/boats"})

    def found(name: str) -> list[int]:
        return [int(row.id[7]) for row in writer.find_orders(name)]

    assert found(order_id(2)) == found(order_id(2)[:8]) == found(order_id(2)[:8].upper()) == [2]
    assert found("0190") == [3, 2, 1]
    assert found("019") == []  # too short to be the beginning of an id
    assert found("cars") == [3, 1]
    assert found("Projects/summer/2026-11-22/boats") == [2]
    assert found("nothing") == []


@pytest.mark.parametrize("name", ["%%%%", "____", "0190%", "0190____", "%-0000-%", "*", "0190*", "' OR 1=1 --", ""])
def test_wildcards_in_a_name_are_only_letters(writer: Index, name: str) -> None:
    do(writer, acceptance(order_id(1), name="cars"), acceptance(order_id(2), name=name))
    assert [row.id for row in writer.find_orders(name)] == [order_id(2)]


def test_json_comes_back_as_values_and_a_models_name_as_text(writer: Index) -> None:
    do(writer, acceptance(model={"id": "a", "schema": {}}, tags=[], git={"commit": "c", "dirty": False}), hold())
    row = writer.order(ORDER)
    assert row is not None
    assert (row.model, row.tags) == ({"id": "a", "schema": {}}, [])
    assert row.git == {"commit": "c", "dirty": False} and row.reasons[0].code == "limit"
    assert writer.held_orders() == [row]
    do(writer, acceptance(order_id(2)))
    expand(writer, order_id(2))
    do(writer, wish(1, order_id(2)))
    (attempt,) = writer.attempts(order_id(2), 1)
    assert (attempt.model, attempt.actual) == ("fake/painter", {"prompt": "car 1"})
    assert writer.attempt(attempt.id) == attempt


def test_a_run_counts_when_something_was_sent_or_may_yet_be(writer: Index) -> None:
    runs = [writer.real_runs("d" * 64)]
    for n, line in enumerate([acceptance(order_id(1)), acceptance(order_id(2), rehearsal=True), cancel(order_id(1))]):
        do(writer, line)
        if n == 0:
            expand(writer, order_id(1))
        runs.append(writer.real_runs("d" * 64))
    assert runs == [0, 1, 1, 0]
    do(writer, retry(1, order_id(1)), wish(1, order_id(1)), cancel(order_id(1)))
    assert writer.real_runs("d" * 64) == 1
    assert [row.id for row in writer.same_orders("f" * 64)] == [order_id(1)]


def test_orders_with_something_to_send_come_by_priority_then_age(writer: Index) -> None:
    for n, priority in ((1, 0), (2, 5), (3, 0), (4, 0), (5, 0)):
        do(writer, acceptance(order_id(n), priority=priority))
        expand(writer, order_id(n))
        if n != 4:
            do(writer, {"kind": "folder", "order": order_id(n), "folder": f"Projects/{n}"})
    do(writer, hold(order_id(5)))
    assert [int(row.id[7]) for row in writer.working_orders("fake")] == [2, 1, 3]
    assert writer.working_orders("other") == []


def test_orders_not_fully_expanded_are_found_at_start(writer: Index) -> None:
    for n in (1, 2, 3, 4):
        do(writer, acceptance(order_id(n)))
    expand(writer, order_id(1))
    do(writer, hold(order_id(2)), cancel(order_id(3)))
    assert [row.id for row in writer.unexpanded_orders()] == [order_id(4)]


# --- items ---


def test_a_start_takes_up_deliveries_then_tickets_then_wishes(writer: Index) -> None:
    do(writer, acceptance(items=6))
    expand(writer, ORDER)
    for number, lines in enumerate([(), (), (ticket,), (ticket,), (ticket, result)], 1):
        do(writer, wish(number), *(make(number) for make in lines))
    assert [row.number for row in writer.resumable_items()] == [5, 3, 4, 1, 2]
    assert [row.number for row in writer.planned_items(ORDER, "fake", 10)] == [6]
    assert [row.number for row in writer.items(ORDER, ["running", "planned"])] == [3, 4, 6]
    assert writer.counts(ORDER) == {"submitting": 2, "running": 2, "delivering": 1, "planned": 1}


def test_an_orders_state_follows_from_its_items_and_holds(writer: Index) -> None:
    def state() -> str:
        row = writer.order(ORDER)
        assert row is not None
        return str(writer.state(row))

    do(writer, acceptance(items=2), hold())
    seen = [state()]
    writer.run("UPDATE orders SET held = NULL")
    expand(writer, ORDER)
    for line in (None, wish(1), ticket(1), result(1), settlement(1), wish(2), failure(2, "refused", cost=0)):
        do(writer, *([line] if line else []))
        seen.append(state())
    assert seen == ["held", "queued"] + ["processing"] * 5 + ["partial"]


def expand(index: Index, order: str) -> None:
    provider, items = expander(order_row(index, order))
    derived.add_items(index, order, provider, items)


# --- a hundred thousand items pending must not slow a start ---

ASKED = {
    "resumable_items": lambda index: index.resumable_items(),
    "working_orders": lambda index: index.working_orders("fake"),
    "waiting_orders": lambda index: index.waiting_orders("fake"),
    "waiting_orders_of_all": lambda index: index.waiting_orders(""),
    "planned_items": lambda index: index.planned_items(ORDER, "fake", 100),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_a_start_asks_costs_no_more_when_many_items_are_pending(
    writer: Index, ask: Callable[[Index], object]
) -> None:
    def steps() -> int:
        """Of SQLite's own machine, in hundreds."""
        counted: list[int] = []
        connection = writer.db.connection()
        connection.set_progress_handler(lambda: counted.append(1), 100)
        ask(writer)
        connection.set_progress_handler(None, 0)
        return len(counted)

    apply(writer, acceptance(items=5000))
    pending(writer, range(1, 501))
    few = steps()
    pending(writer, range(501, 5001))
    assert steps() <= few + 2


def pending(index: Index, numbers: range) -> None:
    rows = [PlannedItem(number, number, 1, 0, None, {"prompt": "a car"}, (), 1) for number in numbers]
    derived.add_items(index, ORDER, ["fake"], rows)


LOOKS = (
    ["spend"], ["products"], ["products", "red"], ["orders"], ["status"], ["order", "fin"], ["explain", "0192"],
    ["projects"], ["collections"], ["sheet"], ["export", "car", "--to", "out"], ["logs", "--order", "fin"],
    ["plan", "cars.yaml"], ["like", "--query", "red"], ["bin", "red"],
)  # fmt: skip


@pytest.mark.parametrize("left", ["Ledger/2026-11.jsonl", "Projects/unsorted/2026-11-22/cars/sidecars/0001.png.json"])
def test_where_the_index_is_lost_no_command_says_that_nothing_was_made(
    tmp_path: Path, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    (tmp_path / "cars.yaml").write_text("provider: local\nmodel: sketch\nparameters: {prompt: a car}\n")
    monkeypatch.chdir(tmp_path)
    fresh = CliRunner().invoke(main, ["--home", str(home.root), "products"])
    assert (fresh.exit_code, fresh.output.strip()) == (0, "Nothing was made yet.")
    (home.root / left).parent.mkdir(parents=True, exist_ok=True)
    (home.root / left).write_text("{}\n")
    for words in LOOKS:
        told = CliRunner().invoke(main, ["--home", str(home.root), *words])
        assert told.exit_code == 2, (words, told.output)
        assert "is missing" in told.output and "`artfactoryd reindex`, or any start of" in told.output, words
