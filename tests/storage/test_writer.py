"""Ledger first: what is written, when it counts, and what a kill, a full disk or a lost index leave."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import peewee as pw
import pytest

from artfactoryd.errors import IllegalMove, OverCap, StorageFull, StorageSick
from artfactoryd.storage import derived, ledger
from artfactoryd.storage.engines import places, sqlite
from artfactoryd.storage.events import UnknownKind
from artfactoryd.storage.index import Index
from artfactoryd.storage.writer import catch_up
from tests.accounts import (
    ORDER,
    UPPER,
    LineBooks,
    acceptance,
    approval,
    books_in,
    cancel,
    clock,
    command,
    expander,
    failure,
    hold,
    item_row,
    open_books,
    order_row,
    pause,
    release,
    result,
    retry,
    rows,
    settlement,
    ticket,
    wish,
)

ROOT = Path(__file__).parents[2]


def order_id(n: int) -> str:
    return f"0190000{n}-0000-7000-8000-000000000000"


async def accept(books: LineBooks, order: str = ORDER, **other: Any) -> None:
    await books.record(acceptance(order, **other))
    row = books.index.order(order)
    assert row is not None
    await books.expand(row)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [line for line, _ in ledger.read(folder / "Ledger")]


def kinds(folder: Path) -> list[str]:
    return [line["kind"] for line in lines(folder)]


class Flushes:
    """Counts the ledger's flushes; while held, the writing thread waits inside one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.inside, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self._flush = ledger.flush
        monkeypatch.setattr(ledger, "flush", self)

    def __call__(self, fd: int) -> None:
        self.count += 1
        self.inside.set()
        assert self.go_on.wait(10)
        self._flush(fd)

    async def hold(self, books: LineBooks, *line: dict[str, Any]) -> asyncio.Task[None]:
        """Until the thread is writing this line and everything else must wait."""
        self.inside.clear()
        self.go_on.clear()
        task = asyncio.create_task(books.record(*line))
        assert await asyncio.to_thread(self.inside.wait, 10)
        return task


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flushes]:
    counting = Flushes(monkeypatch)
    yield counting
    counting.go_on.set()


# --- ledger first ---


async def test_a_line_is_in_the_ledger_before_the_index_shows_it(tmp_path: Path, flushes: Flushes) -> None:
    async with books_in(tmp_path) as books:
        await books.record(pause(True))  # the month's file is begun
        writing = await flushes.hold(books, acceptance())
        assert kinds(tmp_path) == ["pause", "acceptance"]
        assert books.index.order(ORDER) is None
        assert not writing.done()
        flushes.go_on.set()
        await writing
        assert books.index.order(ORDER) is not None


async def test_moves_waiting_together_share_a_flush(tmp_path: Path, flushes: Flushes) -> None:
    async with books_in(tmp_path) as books:
        await accept(books, items=100)
        first = await flushes.hold(books, wish(1))
        before = flushes.count
        others = [asyncio.create_task(books.record(wish(n))) for n in range(2, 101)]
        await asyncio.sleep(0)  # each has put its line on the pile
        flushes.go_on.set()
        await asyncio.gather(first, *others)
        assert flushes.count == before + 1
        assert books.index.counts(ORDER) == {"submitting": 100}


async def test_the_lines_of_one_record_are_all_there_or_none(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await accept(books)
        with pytest.raises(IllegalMove):
            await books.record(wish(1), wish(2), ticket(3))
        await books.record(pause(True))  # what was in hand is committed
        assert kinds(tmp_path) == ["acceptance", "pause"]
        assert books.index.counts(ORDER) == {"planned": 4}


async def test_an_illegal_move_fails_alone(tmp_path: Path, flushes: Flushes) -> None:
    async with books_in(tmp_path) as books:
        await accept(books)
        first = await flushes.hold(books, wish(1))
        together = [wish(2), ticket(3), {"kind": "nonsense"}, {**wish(3), "reserved": object()}, wish(4)]
        waiting = [asyncio.create_task(_caught(books.record(line))) for line in together]
        await asyncio.sleep(0)
        flushes.go_on.set()
        await first
        errors = [type(error) for error in await asyncio.gather(*waiting)]
        assert errors == [type(None), IllegalMove, UnknownKind, TypeError, type(None)]
        assert [(line["kind"], line["item"]) for line in lines(tmp_path)[1:]] == [("wish", 1), ("wish", 2), ("wish", 4)]


async def _caught(work: Any) -> Exception | None:
    try:
        await work
    except Exception as error:
        return error
    return None


async def test_a_wish_over_the_cap_is_not_written(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await accept(books, cap=2 * UPPER)
        done = await asyncio.gather(*(_caught(books.record(wish(n))) for n in range(1, 5)))
        assert [type(error) for error in done] == [type(None), type(None), OverCap, OverCap]
        assert kinds(tmp_path) == ["acceptance", "wish", "wish"]
        row = books.index.order(ORDER)
        assert row is not None and row.committed == 2 * UPPER


async def test_a_line_says_when_it_was_written(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await books.record(pause(True))
    assert lines(tmp_path)[0]["at"] == "2026-11-22T12:00:00.000Z"
    assert (tmp_path / "Ledger" / "2026-11.jsonl").exists()


async def test_a_cancelled_callers_line_is_written(tmp_path: Path, flushes: Flushes) -> None:
    async with books_in(tmp_path) as books:
        writing = await flushes.hold(books, acceptance())
        together = [writing, *(asyncio.create_task(books.record(line)) for line in (pause(True), cancel("nobody")))]
        await asyncio.sleep(0)
        for task in together:
            task.cancel()
        await asyncio.gather(*together, return_exceptions=True)
        assert all(task.cancelled() for task in together)
        neighbour = asyncio.create_task(books.record(pause(False)))
        await asyncio.sleep(0)
        flushes.go_on.set()
        await neighbour
        assert kinds(tmp_path) == ["acceptance", "pause", "pause"]


async def test_closing_writes_what_was_asked_before_and_nothing_after(tmp_path: Path, flushes: Flushes) -> None:
    books = open_books(tmp_path)
    first = await flushes.hold(books, acceptance())
    waiting = [asyncio.create_task(books.record(pause(True, str(n)))) for n in range(300)]  # more than one batch
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(books.close))
    while not books._closing.is_set():
        await asyncio.sleep(0)
    with pytest.raises(StorageSick, match="closed"):
        await books.record(pause(False))
    flushes.go_on.set()
    await asyncio.gather(first, *waiting, closing)
    assert kinds(tmp_path) == ["acceptance"] + ["pause"] * 300
    books.close()  # a second time is no harm


# --- expanding ---


async def test_a_long_order_is_expanded_in_chunks_and_others_get_through_between(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=5000))

        async def record_others() -> None:
            for n in range(1000):
                await books.record(pause(True, str(n)))
                row = books.index.order(ORDER)
                assert row is not None
                seen.append(("record", row.expanded_items))
                if row.expanded_items == 5000:
                    return

        await asyncio.gather(books.expand(order_row(books.index, ORDER)), record_others())
        assert books.index.counts(ORDER) == {"planned": 5000}
        assert [row.number for row in books.index.items(ORDER)] == list(range(1, 5001))
    steps = sorted({expanded for _, expanded in seen})
    assert {2000, 4000, 5000} >= set(steps) - {0} and len(steps) >= 2
    assert "expand" not in kinds(tmp_path)


async def test_expanding_the_same_order_twice_at_once_is_expanding_it_once(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=5000))
        row = books.index.order(ORDER)
        assert row is not None
        await asyncio.gather(books.expand(row), books.expand(row))
        assert books.index.counts(ORDER) == {"planned": 5000}


async def test_an_order_cancelled_while_it_is_expanded_has_nothing_left_to_send(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=5000))
        await books.set_folder(ORDER, "Projects/x")
        expanding = asyncio.create_task(books.expand(order_row(books.index, ORDER)))
        await books.record(cancel())
        await expanding
        assert books.index.counts(ORDER) == {"cancelled": 5000}
        assert books.index.working_orders("fake") == []


# --- killed between ledger and index ---

KILLED = """
import asyncio, sys
from pathlib import Path
from tests.accounts import *
async def main():
    books = open_books(Path(sys.argv[1]))
    await books.record(acceptance(cap=3 * UPPER))
    await books.expand(books.index.order(ORDER))
    await books.record(wish(1))
    await books.record(ticket(1), pause(True))
    print("alive")
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("hit", "known", "then"),
    [
        (1, {"orders": 0}, {"committed": 0, "items": {}, "stops": 0}),
        (2, {"item": "planned"}, {"committed": UPPER, "items": {"submitting": 1, "planned": 3}, "stops": 0}),
        (3, {"item": "submitting"}, {"committed": UPPER, "items": {"running": 1, "planned": 3}, "stops": 1}),
    ],
)
def test_killed_between_ledger_and_index_the_next_start_applies_the_lines_once(
    tmp_path: Path, hit: int, known: dict[str, Any], then: dict[str, Any]
) -> None:
    places.as_it_is(tmp_path / "index.sqlite3")  # told to the process, too
    killed = python(KILLED, tmp_path, ARTFACTORY_FAULT=f"ledger_written:{hit}")
    assert killed.returncode == -signal.SIGKILL and "alive" not in killed.stdout, killed.stderr
    written = kinds(tmp_path)
    assert written == [["acceptance"], ["acceptance", "wish"], ["acceptance", "wish", "ticket", "pause"]][hit - 1]
    with contextlib.closing(Index.look(tmp_path / "index.sqlite3")) as index:
        assert len(index.orders()) == known.get("orders", 1)
        assert "item" not in known or str(item_row(index).state) == known["item"]
    for _ in range(2):  # a second start finds nothing to do
        open_books(tmp_path).close()
        with contextlib.closing(Index.look(tmp_path / "index.sqlite3")) as index:
            row = index.order(ORDER)
            assert row is not None and row.committed == then["committed"]
            assert index.counts(ORDER) == then["items"]
            assert len(index.stops()) == then["stops"]
            assert len(index.attempts(ORDER)) == min(hit - 1, 1)
    assert kinds(tmp_path) == written


def python(script: str, folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(folder), *words], cwd=ROOT, env={**os.environ, **environ},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


# --- the index is lost ---


async def everything(books: LineBooks) -> None:
    """Something of every kind, in an order that makes replaying it hard."""
    for n in range(1, 7):
        agent = {"agent": "claude"} if n == 2 else {}
        await books.record({**acceptance(order_id(n), items=6, cap=6 * UPPER), **agent})
    await books.record(acceptance(order_id(7)), hold(order_id(7)))
    await books.record(approval(order_id(7)), command("c7", "approve"))
    await books.record(acceptance(order_id(8)), hold(order_id(8)))
    for n in range(1, 7):
        await books.set_folder(order_id(n), f"Projects/summer/{n}")
        await books.expand(order_row(books.index, order_id(n)))
    one, two, three, four = map(order_id, range(1, 5))
    for item, verdict, cost in ((1, "in_doubt", None), (2, "refused", 0), (3, "ended", UPPER), (4, "lost", UPPER)):
        await books.record(wish(item, one))
        if cost:
            await books.record(ticket(item, one))
        await books.record(failure(item, verdict, one, cost=cost))
    await asyncio.gather(*(books.record(wish(n, two)) for n in range(1, 6)))
    await asyncio.gather(*(books.record(ticket(n, two)) for n in range(1, 5)))
    for n in (1, 2):
        await books.record(result(n, two))
    await books.record(settlement(1, two, cost=UPPER // 2))
    await books.record(
        {"kind": "mark", "id": "m1", "product": f"{two}-p1", "liked": True, "tags": ["t"], "command": "c0",
         "collections": ["best"]},
        {"kind": "bin", "id": "b1", "product": f"{two}-p1", "source": "Projects/a",
         "path": "Projects/.bin/2026-11-22/a"},
    )  # fmt: skip
    await books.record({**settlement(2, two, cost=UPPER), "interim": True})
    await books.record(cancel(two), command("c2", "cancel"))
    await books.record(release(5, two))
    await books.record(retry(1, one, raised=UPPER), retry(6, two), command("c1", "retry"))
    await books.record(wish(1, one, nth=2))
    await books.record(cancel(three))  # before anything of it has a line
    await books.record(retry(2, three))
    await books.record(wish(2, three), pause(True))
    await books.record(release(2, three))
    await books.record(wish(2, four, day="2026-12-01"), ticket(2, four), result(2, four, cost=UPPER + 1))
    await books.record(
        {**approval(four, cap=9 * UPPER), "waived": ["cap"]},
        wish(1, four),
        {**pause(True), "provider": "other"},
        {**pause(False), "provider": "other"},
    )


async def test_a_lost_index_comes_back_from_the_ledger_alone(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await everything(books)
        for n in (5, 6):  # rows of orders without a line of their own come with the first line, or with the next start
            await books.record(wish(6, order_id(n)))
    before = rows(tmp_path)
    empty = {name for name, table in before.items() if not table}
    assert empty == {"told", "clone", "lying"}  # which only the shelf fills
    places.remove(tmp_path / "index.sqlite3")
    open_books(tmp_path).close()
    assert rows(tmp_path) == before


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await everything(books)
    before, written = rows(tmp_path), lines(tmp_path)
    for _ in range(2):
        open_books(tmp_path).close()
        assert rows(tmp_path) == before
    assert lines(tmp_path) == written
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as index:
        assert catch_up(index, tmp_path / "Ledger", expander) == 0


async def test_every_beginning_of_the_ledger_can_be_applied_and_gone_on_from(tmp_path: Path) -> None:
    """As if killed after each line in turn: an index that is behind by any number of lines catches up."""
    async with books_in(tmp_path) as books:
        await everything(books)
    file = tmp_path / "Ledger" / "2026-11.jsonl"
    whole = file.read_bytes()
    ends = sorted({place.offset for _, place in ledger.read(tmp_path / "Ledger")})
    places.remove(tmp_path / "index.sqlite3")
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as index:
        for before, end in pairwise([0, *ends]):
            file.write_bytes(whole[:end])
            assert catch_up(index, file.parent, expander) == whole[before:end].count(b"\n")
    piecewise = rows(tmp_path)
    places.remove(tmp_path / "index.sqlite3")
    open_books(tmp_path).close()
    assert rows(tmp_path) == piecewise


async def test_a_torn_step_is_not_half_applied(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await books.record(pause(True))
        await books.record(acceptance(), hold())
    file = tmp_path / "Ledger" / "2026-11.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:2]))  # the acceptance without its hold
    places.remove(tmp_path / "index.sqlite3")
    async with books_in(tmp_path) as books:
        assert books.index.orders() == []
        await books.record(acceptance(), hold())
        assert len(books.index.held_orders()) == 1
    assert kinds(tmp_path) == ["pause", "acceptance", "hold"]


async def test_an_index_that_knows_more_than_the_ledger_stops_the_start(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        await accept(books)
        await books.record(wish(1))
    file = tmp_path / "Ledger" / "2026-11.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(StorageSick, match="cut or exchanged"):
        open_books(tmp_path)
    file.write_bytes(whole)
    open_books(tmp_path).close()


UNFIT = [
    {"kind": "teleport", "at": ""}, {**ticket(1), "at": ""}, {**wish(9), "at": ""}, {"kind": ["wish"], "at": ""},
    {"kind": "wish", "at": ""}, {**wish(1), "at": "", "reserved": {}},
]  # fmt: skip


@pytest.mark.parametrize("line", UNFIT, ids=lambda line: str(line)[:30])
async def test_a_line_that_cannot_be_understood_stops_the_start(tmp_path: Path, line: dict[str, Any]) -> None:
    async with books_in(tmp_path) as books:
        await accept(books)
    with (tmp_path / "Ledger" / "2026-11.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    before = rows(tmp_path)
    with pytest.raises(StorageSick, match=r"Ledger/2026-11.jsonl, line 2, does not fit .* Put that file back"):
        open_books(tmp_path)
    assert rows(tmp_path) == before


# --- bad weather ---


async def test_a_full_disk_fails_the_move_and_leaves_ledger_and_index_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with books_in(tmp_path) as books:
        await accept(books)
        before = rows(tmp_path), (tmp_path / "Ledger" / "2026-11.jsonl").read_bytes()
        (tmp_path / "Ledger" / ".aside").unlink()
        with monkeypatch.context() as full:
            full.setattr(ledger.os, "write", _no_room)
            with pytest.raises(StorageFull):
                await books.record(wish(1))
        assert (rows(tmp_path), (tmp_path / "Ledger" / "2026-11.jsonl").read_bytes()) == before
        await books.record(wish(1))
        assert kinds(tmp_path) == ["acceptance", "wish"]


def _no_room(fd: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_after_a_failed_flush_every_move_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books = open_books(tmp_path)
    await accept(books)

    def fails(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(ledger, "flush", fails)
    with pytest.raises(StorageSick):
        await books.record(wish(1))
    monkeypatch.undo()
    with pytest.raises(StorageSick):
        await books.record(wish(2))
    assert books.index.counts(ORDER) == {"planned": 4}
    books.close()
    async with books_in(tmp_path) as books:  # whatever the disk kept of it counts now
        assert books.index.counts(ORDER) == {"submitting": 1, "planned": 3}


@pytest.mark.sqlite
async def test_a_full_index_fails_the_whole_batch_before_the_ledger_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flushes: Flushes
) -> None:
    """SQLite gives up the whole transaction then: what came after in it must not be committed by itself."""
    open_books(tmp_path).close()
    pages = int((tmp_path / "index.sqlite3").stat().st_size) // 4096
    monkeypatch.setitem(sqlite.PRAGMAS, "max_page_count", pages + 8)
    async with books_in(tmp_path) as books:
        await accept(books, order_id(1))
        first = await flushes.hold(books, wish(1, order_id(1)))
        big = acceptance(order_id(2), document="x" * 200_000)
        together = (wish(2, order_id(1)), big, pause(True))
        waiting = [asyncio.create_task(_caught(books.record(line))) for line in together]
        await asyncio.sleep(0)
        flushes.go_on.set()
        await first
        assert [type(error) for error in await asyncio.gather(*waiting)] == [StorageFull] * 3
        assert kinds(tmp_path) == ["acceptance", "wish"]
        assert books.index.stops() == {} and books.index.counts(order_id(1)) == {"submitting": 1, "planned": 3}
        await books.record(pause(True))  # a small one finds room
    assert kinds(tmp_path) == ["acceptance", "wish", "pause"]


FULL = """
import asyncio, resource, sys
from pathlib import Path
from tests.accounts import *
from artfactoryd.storage import writer as room
room.COMMIT_AGAIN = 0.05
folder = Path(sys.argv[1])
def defect(*_): raise ValueError("a defect")
async def main():
    books = open_books(folder)
    await books.record(acceptance(items=4, cap=10**9))
    await books.expand(books.index.order(ORDER))
    log = folder / "index.sqlite3-wal"
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
    waiting = asyncio.create_task(books.record(wish(1)))
    failed = asyncio.Event()
    import logging
    class Seen(logging.Handler):
        def emit(self, record):
            if "follow" in record.msg:
                if "broken" in sys.argv:
                    room.catch_up = defect
                loop.call_soon_threadsafe(failed.set)
    loop = asyncio.get_running_loop()
    logging.getLogger(room.__name__).addHandler(Seen())
    async with asyncio.timeout(20):
        await failed.wait()
    print("failed", waiting.done(), books.index.counts(ORDER), flush=True)
    if "close" in sys.argv:
        closing = asyncio.create_task(asyncio.to_thread(books.close))
        try: await waiting
        except Exception as error: print(type(error).__name__)
        await closing
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for line in (None, pause(True)) if "broken" in sys.argv else ():
        try: await (books.record(line) if line else waiting)
        except Exception as error: print(type(error).__name__)
    if "broken" in sys.argv:
        return books.close()
    await waiting
    print("written", books.index.counts(ORDER))
    await books.record(ticket(1))
    print("written", books.index.counts(ORDER))
    books.close()
asyncio.run(main())
"""


def test_when_only_the_index_has_no_room_it_follows_the_ledger_as_soon_as_it_has(tmp_path: Path) -> None:
    done = python(FULL, tmp_path)
    assert done.stdout.splitlines() == [
        "failed False {'planned': 4}",
        "written {'planned': 3, 'submitting': 1}",
        "written {'planned': 3, 'running': 1}",
    ], done.stderr
    assert kinds(tmp_path) == ["acceptance", "wish", "ticket"]


def test_closing_while_the_index_has_no_room_ends_and_the_next_start_follows(tmp_path: Path) -> None:
    done = python(FULL, tmp_path, "close")
    assert done.stdout.splitlines() == ["failed False {'planned': 4}", "StorageSick"], done.stderr
    open_books(tmp_path).close()
    with contextlib.closing(Index.look(tmp_path / "index.sqlite3")) as index:
        assert index.counts(ORDER) == {"planned": 3, "submitting": 1}


def test_nothing_is_written_after_a_line_the_index_could_not_follow(tmp_path: Path) -> None:
    """Its place would be recorded as known, and the line before it never applied."""
    done = python(FULL, tmp_path, "broken")
    assert done.stdout.splitlines() == ["failed False {'planned': 4}", "StorageSick", "StorageSick"], done.stderr
    open_books(tmp_path).close()
    assert kinds(tmp_path) == ["acceptance", "wish"]
    with contextlib.closing(Index.look(tmp_path / "index.sqlite3")) as index:
        assert index.counts(ORDER) == {"planned": 3, "submitting": 1}


SMALL = """
import asyncio, resource, sys
from pathlib import Path
from artfactoryd.errors import StorageFull
from artfactoryd.storage.ledger import Ledger, encode
folder = Path(sys.argv[1])
book = Ledger(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
n = 0
try:
    while True:
        n += 1
        book.append([encode([{"kind": "wish", "n": n}])], "2026-11")
except StorageFull:
    print(n)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
book.append([encode([{"kind": "wish", "n": 0}])], "2026-11")
"""


def test_a_limit_on_the_size_of_a_file_is_like_a_full_disk(tmp_path: Path) -> None:
    done = python(SMALL, tmp_path)
    assert done.returncode == 0, done.stderr
    failed = int(done.stdout)
    assert [line["n"] for line, _ in ledger.read(tmp_path)] == [*range(1, failed), 0]


async def test_expanding_goes_on_where_a_full_disk_stopped_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with books_in(tmp_path) as books:
        await books.record(acceptance(items=5000))
        add, calls = derived.add_items, []

        def full_at_the_second(index: Index, order_id: str, providers: list[str], items: Any) -> None:
            calls.append(order_id)
            add(index, order_id, providers, items)
            if len(calls) == 2:
                full = sqlite3.OperationalError("in words of any release")
                full.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise pw.OperationalError(*full.args) from full

        monkeypatch.setattr(derived, "add_items", full_at_the_second)
        with pytest.raises(StorageFull):
            await books.expand(order_row(books.index, ORDER))
        assert books.index.counts(ORDER) == {"planned": 2000}
        await books.expand(order_row(books.index, ORDER))
        assert books.index.counts(ORDER) == {"planned": 5000}


async def test_no_defect_of_a_line_or_an_expander_leaves_a_caller_waiting(tmp_path: Path) -> None:
    async with books_in(tmp_path) as books:
        for bad in ({"kind": "acceptance"}, {**acceptance(), "cap": 2**70}, {**acceptance(), "name": None}):
            with pytest.raises(Exception):  # noqa: B017  (which one is not promised)
                async with asyncio.timeout(10):
                    await books.record(bad)
        await accept(books)
        assert kinds(tmp_path) == ["acceptance"]


@pytest.mark.sqlite
def test_books_that_cannot_be_opened_say_why_and_hold_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "Ledger").mkdir()
    (tmp_path / "index.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageSick, match="can be deleted"):
        LineBooks(tmp_path / "Ledger", tmp_path / "index.sqlite3", expander, clock)
    assert not [thread for thread in threading.enumerate() if thread.name == "books" and thread.is_alive()]


async def test_a_ledger_that_another_program_wrote_is_told_at_the_start_and_not_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with books_in(tmp_path) as books:
        await accept(books)
    (file,) = (tmp_path / "Ledger").glob("*.jsonl")
    os.utime(file)
    for _ in range(2):
        async with books_in(tmp_path):
            pass
    told = [record.getMessage() for record in caplog.records if "another program" in record.getMessage()]
    assert len(told) == 1 and str(file) in told[0] and "reindex" in told[0]
