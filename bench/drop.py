"""From a drop to the first create at the provider: what is added to `inbox.settle_seconds`.

The Library is that of somebody who uses it: models of their own, templates, lookups.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from line import provider, word

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home
from artfactoryd.planning.models import SHIPPED

DROPS = int(os.environ.get("DROPS", "300"))
SETTLE = 0.5
MEDIAN_MS, LAST_MS = 20.0, 100.0


def main() -> None:
    with provider() as base, tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder).resolve() / "home")
        for _ in make_home(home):
            pass
        settings = {
            "providers": {"replicate": {"base_url": base, "concurrency": 8, "requests_per_minute": 100_000}},
            "inbox": {"settle_seconds": SETTLE}, "http": {"port": 0},
        }  # fmt: skip
        home.settings_file.write_text(documents.dump_yaml(settings))
        furnish(home)
        environ = {**os.environ, "REPLICATE_API_TOKEN": "r8_bench"}
        words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "run"]
        daemon = subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL)
        try:
            time.sleep(3)
            report(sorted(dropped(home, base, number) for number in range(DROPS)))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()


def furnish(home: Home) -> None:
    for folder in (home.models, home.library / "templates", home.library / "lookups"):
        folder.mkdir(parents=True, exist_ok=True)
    for file in SHIPPED.iterdir():
        shutil.copy(file, home.models)
    for number in range(20):
        template = {"parameters": {"prompt": f"a look of its own, {number}"}}
        (home.library / "templates" / f"look{number}.yaml").write_text(documents.dump_yaml(template))
        (home.library / "lookups" / f"colors{number}.txt").write_text("red\ngreen\nblue\n")


def dropped(home: Home, base: str, number: int) -> float:
    """Milliseconds from the file's last change to the create, less the settle time."""
    prompt = f"drop {number}"
    order = {"provider": "replicate", "model": "flux-schnell", "parameters": {"prompt": prompt}}
    hidden = home.inbox / f".{number}.tmp"
    hidden.write_text(documents.dump_yaml(order))
    hidden.rename(home.inbox / f"{number}.yaml")
    began = time.time()
    while (created := created_at(base, prompt)) is None:
        time.sleep(0.02)
    return (created - began - SETTLE) * 1000


def created_at(base: str, prompt: str) -> float | None:
    with urllib.request.urlopen(f"{base}/_created") as answer:
        found = json.load(answer).get(prompt)
        return None if found is None else float(found)


def report(took: list[float]) -> None:
    median, last = statistics.median(took), took[min(len(took) - 1, round(len(took) * 0.99))]
    print(f"drop: {len(took)} orders one by one, settle {SETTLE} s; what is added to it")
    print(f"  median           {median:5.0f} ms   to reach at most {MEDIAN_MS:.0f} ms   {word(median <= MEDIAN_MS)}")
    print(f"  99th percentile  {last:5.0f} ms   to reach at most {LAST_MS:.0f} ms  {word(last <= LAST_MS)}")


if __name__ == "__main__":
    main()
