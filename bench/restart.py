"""A start with 100,000 items pending, beside the same start with none: seconds to the first collect.

Both homes have ten calls running at a provider that never ends them. The daemon is killed and started again.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from accept import ITEMS, budget, order

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home
from artfactoryd.storage import ledger
from artfactoryd.storage.index import Index

ROUNDS = int(os.environ.get("ROUNDS", "3"))
RUNNING = 10
MOST = 1.0
HERE = Path(__file__).parent


@contextmanager
def provider() -> Iterator[str]:
    words = [sys.executable, str(HERE / "provider.py"), "0.01", "never"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@contextmanager
def daemon(home: Home) -> Iterator[None]:
    """Killed at the end, as by a power cut."""
    words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "run"]
    environ = {**os.environ, "REPLICATE_API_TOKEN": "r8_bench"}
    process = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 120
    while not true():
        if time.monotonic() > end:
            sys.exit(f"it did not come: {what}")
        time.sleep(0.005)


def prepared(folder: str, base: str, pending: bool) -> Home:
    home = Home(Path(folder).resolve() / "home")
    for _ in make_home(home):
        pass
    settings = {
        "providers": {"replicate": {"base_url": base, "concurrency": RUNNING}}, "budget": budget(),
        "inbox": {"settle_seconds": 0.05}, "limits": {"products_per_order": ITEMS}, "http": {"port": 0},
    }  # fmt: skip
    home.settings_file.write_text(documents.dump_yaml(settings))
    (home.inbox / "running.yaml").write_text(order(RUNNING))
    with daemon(home):
        until(lambda: tickets(home) == RUNNING, "the tickets")
        if pending:
            (home.inbox / "pending.yaml").write_text(order(ITEMS))
            until(lambda: planned(home) == ITEMS, "the items of the large order")
    return home


def tickets(home: Home) -> int:
    return sum(line["kind"] == "ticket" for line, _ in ledger.read(home.ledger))


def planned(home: Home) -> int:
    index = Index.if_made(home.index_file)
    if index is None:
        return 0
    found = index.rows("SELECT count(*) AS n FROM item WHERE state = 'planned'")[0]["n"]
    index.close()
    return int(found)


def first_collect(home: Home, base: str) -> float:
    before = questions(base)
    began = time.perf_counter()
    with daemon(home):
        until(lambda: questions(base) > before, "a collect")
        return time.perf_counter() - began


def questions(base: str) -> int:
    with urlopen(f"{base}/_questions") as answer:
        return int(json.load(answer))


def main() -> None:
    took: dict[bool, list[float]] = {True: [], False: []}
    with provider() as base, tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        homes = {True: prepared(one, base, pending=True), False: prepared(two, base, pending=False)}
        for _ in range(ROUNDS):
            for pending, home in homes.items():
                took[pending].append(first_collect(home, base))
    full, none = statistics.median(took[True]), statistics.median(took[False])
    more = full - none
    print(f"restart: seconds from the start to the first collect, median of {ROUNDS} rounds")
    print(f"  {ITEMS} items pending {full:6.2f} s   none {none:6.2f} s")
    word = "reached" if more <= MOST else "not reached"
    print(f"  more than with none  +{more:.2f} s  to reach at most +{MOST:.0f} s   {word}")


if __name__ == "__main__":
    main()
