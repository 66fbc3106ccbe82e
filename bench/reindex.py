"""`reindex` of 20,000 products, with their ledger and without, beside reading and parsing the same files."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from line import word
from shelf import call, furnished

from artfactoryd.home import Home

PRODUCTS = int(os.environ.get("PRODUCTS", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
MOST_WITH, MOST_WITHOUT = 5.0, 3.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = furnished(folder, PRODUCTS)
        shelf, ledger = list(sidecars(home)), sorted(home.ledger.glob("*.jsonl"))
        print(f"reindex: {PRODUCTS} products, median of {ROUNDS} rounds; beside reading and parsing the same files")
        tell("with the ledger", measured(home, [*shelf, *ledger]), MOST_WITH)
        for file in ledger:
            file.unlink()
        shutil.rmtree(home.private / "backups")
        tell("without", measured(home, shelf), MOST_WITHOUT)


def sidecars(home: Home) -> Iterator[Path]:
    return home.projects.rglob("*.png.json")


def measured(home: Home, files: list[Path]) -> tuple[float, float]:
    """Seconds of `reindex`, less those of a start, and of reading: in turn, so that both meet the same machine."""
    took: dict[str, list[float]] = {"reindex": [], "start": [], "read": []}
    for _ in range(ROUNDS):
        took["reindex"].append(seconds(home, "reindex"))
        took["start"].append(seconds(home, "status"))
        took["read"].append(reading(files))
    median = {name: statistics.median(found) for name, found in took.items()}
    return median["reindex"] - median["start"], median["read"]


def seconds(home: Home, command: str) -> float:
    began = time.perf_counter()
    call(home, command)
    return time.perf_counter() - began


def reading(files: list[Path]) -> float:
    """In a process of its own, as `reindex` is."""
    program = [sys.executable, __file__, "read"]
    return float(subprocess.check_output(program, input="\n".join(map(str, files)), text=True))


def read(files: list[str]) -> float:
    began = time.perf_counter()
    for name in files:
        with open(name, "rb") as file:
            if name.endswith(".jsonl"):
                for line in file:
                    json.loads(line)
            else:
                json.loads(file.read())
    return time.perf_counter() - began


def tell(how: str, took: tuple[float, float], most: float) -> None:
    ours, plain = took
    ratio = ours / plain
    print(f"  {how:<16} {ours:6.2f} s   reading {plain:5.2f} s   {ratio:5.1f}x   to reach {most:.0f}x   "
          f"{word(ratio <= most)}")  # fmt: skip


if __name__ == "__main__":
    print(read(sys.stdin.read().split("\n"))) if "read" in sys.argv else main()
