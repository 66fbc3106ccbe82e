"""Where the CPU of the line goes, by cause: a table that adds up to what one item takes.

A run without a profiler tells the whole; a run with one in every thread tells the shares (a profiler makes what calls
much look larger than it is). The time of a C function counts for the Python function that called it.
"""

from __future__ import annotations

import contextlib
import cProfile
import io
import os
import pstats
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from line import CONCURRENCY, ITEMS, KINDS, order, ours, provider, settings

from artfactoryd import documents
from artfactoryd.cli.program import main as program
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home

Place = tuple[str, int, str]  # file, line, function
Stats = dict[Place, tuple[int, int, float, float, dict[Place, tuple[int, int, float, float]]]]

# The first that a function's file fits.
CAUSES = {
    "looking at pictures": ("/PIL/", "artfactoryd/shelf/media", "artfactoryd/shelf/look", "artfactoryd/shelf/kinds"),
    "fetching outputs": ("artfactoryd/shelf/fetch",),
    "writing, hashing, flushing, placing": (
        "artfactoryd/shelf", "artfactoryd/durable", "artfactoryd/medium", "artfactoryd/entries",
    ),
    "creates and questions": ("artfactoryd/factories",),
    "ledger and index": ("artfactoryd/storage", "/peewee", "/playhouse"),
    "telling and logs": (
        "artfactoryd/log", "artfactoryd/news", "artfactoryd/printable", "artfactoryd/daemon/story", "/logging/",
    ),
    "sidecars": ("artfactoryd/core/sidecar", "artfactoryd/execution/provenance"),
    "plans and names": ("artfactoryd/planning", "artfactoryd/core"),
    "receipts and status": ("artfactoryd/daemon/receipts", "artfactoryd/reporting"),
    "deciding": ("artfactoryd/execution", "artfactoryd/daemon", "artfactoryd/intake"),
    "JSON": ("/json/",),
    "HTTP (aiohttp)": ("/aiohttp/", "/multidict/", "/yarl/"),
    "event loop and threads": (
        "/asyncio/", "/concurrent/", "threading.py", "contextlib.py", "selectors.py", "queue.py",
    ),
    "loading modules": ("importlib", "<frozen", "/re/"),
}  # fmt: skip


def cause_of(file: str) -> str:
    return next((cause for cause, parts in CAUSES.items() if any(part in file for part in parts)), "all else")


def profiled(base: str) -> list[cProfile.Profile]:
    """Of every thread of one run in this process."""
    profiles: list[cProfile.Profile] = []

    def begin(*_: object) -> None:
        sys.setprofile(None)
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].enable()

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        home = Home(Path(folder).resolve() / "home")
        for _ in make_home(home):
            pass
        home.settings_file.write_text(documents.dump_yaml(settings(base)))
        (home.inbox / "many.yaml").write_text(documents.dump_yaml(order()))
        os.environ["REPLICATE_API_TOKEN"] = "r8_bench"
        threading.setprofile(begin)
        begin()
        own = profiles[0]
        with contextlib.suppress(SystemExit):
            program(["--home", str(home.root), "once", "--json"], standalone_mode=False)
        own.disable()
        threading.setprofile(None)
    return profiles


def shares(profiles: list[cProfile.Profile]) -> dict[str, float]:
    spent: defaultdict[str, float] = defaultdict(float)
    for profile in profiles:
        profile.create_stats()
        stats: Stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
        for (file, _, _), (_, _, own, _, callers) in stats.items():
            if file != "~":
                spent[cause_of(file)] += own
                continue
            for (caller, _, _), (_, _, part, _) in callers.items():
                spent[cause_of(caller)] += part
    return spent


def main() -> None:
    with provider(KINDS[0]) as base:
        _, whole, _ = ours(base)
        spent = shares(profiled(base))
    print(f"cpu: {ITEMS} items of {KINDS[0]}, {CONCURRENCY} in flight: {whole:.2f} ms each, with the process's start")
    seen = sum(spent.values())
    for cause, part in sorted(spent.items(), key=lambda pair: -pair[1]):
        print(f"  {cause:<38} {part / seen * whole:6.2f} ms  {part / seen:6.1%}")


if __name__ == "__main__":
    main()
