"""Accepting an order of 100,000 items, beside `executemany` of as many rows into an equal table.

The order is dropped into a paused home and worked by `once`, so that it is read, planned, written into the
ledger and expanded, and nothing is sent. A home with an order of one item tells what a start costs.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home

ITEMS = int(os.environ.get("ITEMS", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
MOST, MOST_MB = 4.0, 100.0


def settled_home(folder: str) -> Home:
    home = Home(Path(folder).resolve() / "home")
    for _ in make_home(home):
        pass
    settings = {"inbox": {"settle_seconds": 0.05}, "limits": {"products_per_order": ITEMS}}
    home.settings_file.write_text(documents.dump_yaml({**settings, "budget": budget()}))
    call(home, "once")
    call(home, "pause")
    return home


def budget() -> dict[str, float]:
    return dict.fromkeys(("per_order", "per_day", "per_month", "ask_above"), 1_000_000)


def call(home: Home, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "artfactoryd", "--home", str(home.root), *words], capture_output=True, text=True
    )
    if done.returncode not in (0, 3):
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])


def order(items: int) -> str:
    first, second = (",".join(f"{letter}{n}" for n in range(many)) for letter, many in shape(items).items())
    prompt = f"A [{first}] car of the [{second}] kind" if items > 1 else "A car"
    return documents.dump_yaml(
        {"provider": "replicate", "model": "flux-schnell", "project": "bench", "parameters": {"prompt": prompt}}
    )


def shape(items: int) -> dict[str, int]:
    rows = next(rows for rows in (250, 5, 2, 1) if items >= rows * 2 or rows == 1)
    return {"a": rows, "b": items // rows}


def accepted(items: int) -> tuple[float, float, Path, str]:
    """Seconds and peak megabytes of `once`, and the index it leaves (in a folder the caller removes)."""
    folder = tempfile.mkdtemp()
    home = settled_home(folder)
    (home.inbox / "many.yaml").write_text(order(items))
    words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "once"]
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    return took, _megabytes(used), home.index_file, folder


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def peer(index: Path) -> float:
    """Seconds for `executemany` of the same rows into an equal table, durable at the end."""
    with sqlite3.connect(index) as db:
        rows = db.execute("SELECT * FROM item").fetchall()
        [(table,)] = db.execute("SELECT sql FROM sqlite_master WHERE name = 'item'").fetchall()
        others = db.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'item' AND type = 'index' AND sql NOT NULL")
        indexes = [row[0] for row in others.fetchall()]
    assert len(rows) == ITEMS, f"{len(rows)} items were expanded, not {ITEMS}"
    with tempfile.TemporaryDirectory() as folder, sqlite3.connect(Path(folder, "peer.sqlite3")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for sql in (table, *indexes):
            db.execute(sql)
        began = time.perf_counter()
        db.executemany(f"INSERT INTO item VALUES ({','.join('?' * len(rows[0]))})", rows)
        db.commit()
        return time.perf_counter() - began


def main() -> None:
    print(f"accept: an order of {ITEMS} items, best of {ROUNDS} rounds")
    figures = []
    for _ in range(ROUNDS):
        one, small, _, first = accepted(1)
        many, large, index, second = accepted(ITEMS)
        figures.append((many - one, peer(index), large - small))
        subprocess.run(["rm", "-rf", first, second], check=True)
    ours, theirs = min(each[0] for each in figures), min(each[1] for each in figures)
    grown = min(each[2] for each in figures)
    ratio = ours / theirs
    print(f"  artfactoryd {ours:6.2f} s   executemany {theirs:6.2f} s   memory +{grown:.0f} MB")
    print(f"  against executemany  {ratio:5.2f}x  to reach at most {MOST:.1f}x   {word(ratio <= MOST)}")
    print(f"  memory grows by    {grown:5.0f} MB  to reach under {MOST_MB:.0f} MB  {word(grown < MOST_MB)}")


def word(reached: bool) -> str:
    return "reached" if reached else "not reached"


if __name__ == "__main__":
    main()
