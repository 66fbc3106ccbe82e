"""The most memory that `once` takes over 2,500 items of 1.3 MB, 32 in flight; and over one: what a start takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import line

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home

ITEMS = int(os.environ.get("ITEMS", "2500"))
MOST_MB = 120.0


def main() -> None:
    with line.provider() as base:
        took = {items: peak(base, items) for items in (1, ITEMS)}
    print(f"memory: the most that `once` takes over {ITEMS} items")
    print(f"  one item {took[1]:6.0f} MB   {ITEMS} items {took[ITEMS]:6.0f} MB   to reach at most {MOST_MB:.0f} MB   "
          f"{line.word(took[ITEMS] <= MOST_MB)}")  # fmt: skip


def peak(base: str, items: int) -> float:
    line.ITEMS = items
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder).resolve() / "home")
        for _ in make_home(home):
            pass
        budget = dict.fromkeys(("per_order", "per_day", "per_month", "ask_above"), 1_000)
        home.settings_file.write_text(documents.dump_yaml({**line.settings(base), "budget": budget}))
        (home.inbox / "many.yaml").write_text(documents.dump_yaml(line.order()))
        words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "once", "--json"]
        environ = {**os.environ, "REPLICATE_API_TOKEN": "r8_bench"}
        process = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"it ended with {os.waitstatus_to_exitcode(status)}")
        return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
