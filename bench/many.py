"""5,000 order files dropped at once: how long it takes until all are accepted and have their folders, for each.

The provider never ends what it is sent, so eight items are on their way all the time and nothing else is made.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from line import word
from restart import daemon, provider

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home
from artfactoryd.storage.index import Index

FILES = int(os.environ.get("FILES", "5000"))
MOST_MS = 20.0


def main() -> None:
    with provider() as base, tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder).resolve() / "home")
        for _ in make_home(home):
            pass
        providers = {"replicate": {"base_url": base, "concurrency": 8, "requests_per_minute": 100_000}}
        settings = {"providers": providers, "inbox": {"settle_seconds": 0.5}, "http": {"port": 0}}
        home.settings_file.write_text(documents.dump_yaml(settings))
        with daemon(home):
            time.sleep(3)
            drop(home)
            began = time.perf_counter()
            took = [until(home, share) - began for share in (FILES // 10, FILES)]
    first, each = took[0] * 10_000 / FILES, took[1] * 1000 / FILES
    print(f"many: {FILES} files dropped at once, until each is an order with its folder; in all {took[1]:.1f} s")
    print(f"  each {each:5.1f} ms   of the first tenth {first:5.1f} ms   to reach at most {MOST_MS:.0f} ms   "
          f"{word(each <= MOST_MS)}")  # fmt: skip


def drop(home: Home) -> None:
    for number in range(FILES):
        parameters = {"prompt": f"car {number}"}
        order = {"provider": "replicate", "model": "flux-schnell", "parameters": parameters}
        (home.inbox / f"order{number:05d}.yaml").write_text(documents.dump_yaml(order))


def until(home: Home, orders: int) -> float:
    """When so many have their folders."""
    while opened(home) < orders:
        time.sleep(0.2)
    return time.perf_counter()


def opened(home: Home) -> int:
    with Index.reading(home.index_file) as index:
        sql = "SELECT count(*) AS n FROM orders WHERE folder IS NOT NULL"
        return int(index.rows(sql)[0]["n"]) if index else 0


if __name__ == "__main__":
    main()
