"""Several processes that change one index: what one has read for its guard, no other changes before it has written."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from pathlib import Path

from artfactoryd.errors import IllegalMove
from artfactoryd.storage import derived, projection
from artfactoryd.storage.events import from_line
from artfactoryd.storage.index import Index
from tests.accounts import ORDER, UPPER, acceptance, apply, expander, order_row, wish

WRITERS, EACH, ROOM = 5, 8, 11


def spend(path: Path, first: int) -> None:
    """As much as the day's cap allows, each wish in a transaction of its own; through the storage's own interface."""
    with closing(Index.open(path)) as index:
        for item in range(first, first + EACH):
            try:
                with index.changing():
                    projection.apply(index, from_line(wish(item, caps={"day": ROOM * UPPER})))
            except IllegalMove:
                continue


def test_five_writers_at_once_never_pass_a_cap(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "index.sqlite3"
    with closing(Index.open(path)) as index, index.changing():
        apply(index, acceptance(items=WRITERS * EACH, cap=10**9))
        providers, planned = expander(order_row(index))
        derived.add_items(index, ORDER, providers, list(planned))
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=spend, args=(path, 1 + EACH * n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    with closing(Index.look(path)) as index:
        assert [writer.exitcode for writer in writers] == [0] * WRITERS
        assert index.committed("2026-11-22", "2026-11-22") == ROOM * UPPER
        assert index.counts(ORDER) == {"submitting": ROOM, "planned": WRITERS * EACH - ROOM}
