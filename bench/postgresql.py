"""The index on PostgreSQL beside the one on SQLite: the writes of the line, and the lists, in one run on one machine.

The server is one of its own, started in a temporary folder that flushes nothing to
its disk; a real one does at each commit. The index is filled as `lists.py` fills it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how a server is started

import lists

from artfactoryd.storage import derived
from artfactoryd.storage.engines import whereabouts
from artfactoryd.storage.index import Index
from tests import postgres
from tests.accounts import ORDER, UPPER, acceptance, apply, expander, order_row, result, settlement, ticket, wish

ITEMS = int(os.environ.get("ITEMS", "1000"))
TOGETHER = int(os.environ.get("TOGETHER", "8"))  # lines that are committed together
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def main() -> None:
    if why := postgres.missing():
        print(f"postgresql: not measured: {why}")
        return
    with tempfile.TemporaryDirectory() as folder, postgres.server() as server:
        sqlite, served = Path(folder) / "file" / "index.sqlite3", Path(folder) / "served" / "index.sqlite3"
        for path in (sqlite, served):
            path.parent.mkdir()
        whereabouts.write(served, whereabouts.Address(server.url, "bench"))
        print(f"postgresql: the line's writes, {ITEMS} items, {TOGETHER} lines a commit; best of {ROUNDS} rounds")
        tell("lines a second", *(4 * ITEMS / min(line(path, n) for n in range(ROUNDS)) for path in (sqlite, served)))
        print(f"postgresql: {lists.PRODUCTS} products, the first 50 of each, median of {lists.ROUNDS} rounds")
        with closing(Index.open(sqlite.with_name("many.sqlite3"))) as one:
            whereabouts.write(served.with_name("many.sqlite3"), whereabouts.Address(server.url, "many"))
            with closing(Index.open(served.with_name("many.sqlite3"))) as other:
                for index in (one, other):
                    lists.fill(index)
                other.run("ANALYZE")
                for name, (query, _) in lists.LISTS.items():
                    tell(f"{name}, ms", lists.found(one, query), lists.found(other, query))


def line(path: Path, nth: int) -> float:
    """Seconds for a wish, a ticket, a result and a settlement of each item, applied as the writer applies them."""
    path = path.with_name(f"line{nth}{path.suffix}")
    if (address := whereabouts.read(path.with_name("index.sqlite3"))) is not None:
        whereabouts.write(path, address.named(f"_{nth}"))
    with closing(Index.open(path)) as index:
        with index.changing():
            apply(index, acceptance(items=ITEMS, cap=10**9))
            providers, planned = expander(order_row(index))
            derived.add_items(index, ORDER, providers, list(planned))
        lines = [
            step for first in range(1, ITEMS + 1, TOGETHER) for kind in (wish, ticket, result, settle)
            for step in [[kind(item) for item in range(first, min(first + TOGETHER, ITEMS + 1))]]
        ]  # fmt: skip
        began = time.perf_counter()
        for step in lines:
            with index.changing(), index.step():
                for event in step:
                    apply(index, event)
        return time.perf_counter() - began


def settle(item: int) -> dict[str, object]:
    return {**settlement(item, cost=UPPER), "products": []}


def tell(name: str, sqlite: float, served: float) -> None:
    print(f"  {name:<20} SQLite {sqlite:10.2f}   PostgreSQL {served:10.2f}   ratio {served / sqlite:6.2f}x")


if __name__ == "__main__":
    main()
