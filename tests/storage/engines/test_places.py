"""Several processes that change one index: what one has read for its guard, no other changes before it has written."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

from artfactoryd.errors import IllegalMove
from artfactoryd.storage import derived, projection
from artfactoryd.storage.events import from_line
from artfactoryd.storage.index import Index
from tests.accounts import UPPER, acceptance, apply, expander, order_row, wish

WRITERS, EACH, ROOM = 5, 8, 11


def spend(path: Path, order: str, start: Barrier) -> None:
    """As much as the day's cap allows, each wish in a transaction of its own; through the storage's own interface."""
    with closing(Index.open(path)) as index:
        start.wait(60)
        for item in range(1, EACH + 1):
            try:
                with index.changing():
                    projection.apply(index, from_line(wish(item, order, caps={"day": ROOM * UPPER})))
            except IllegalMove:
                continue


def test_five_writers_at_once_never_pass_a_cap(tmp_path: Path, engine: str) -> None:
    """Each with an order of its own, so that no row of one keeps the others waiting."""
    path, orders = tmp_path / "index.sqlite3", [f"order-{n}" for n in range(WRITERS)]
    with closing(Index.open(path)) as index, index.changing():
        for order in orders:
            apply(index, acceptance(order, items=EACH, cap=10**9))
            providers, planned = expander(order_row(index, order))
            derived.add_items(index, order, providers, list(planned))
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(WRITERS)
    writers = [fork.Process(target=spend, args=(path, order, start)) for order in orders]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    with closing(Index.look(path)) as index:
        assert [writer.exitcode for writer in writers] == [0] * WRITERS
        assert index.committed("2026-11-22", "2026-11-22") == ROOM * UPPER
        assert sum(index.counts(order).get("submitting", 0) for order in orders) == ROOM
