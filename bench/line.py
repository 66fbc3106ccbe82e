"""The whole line against bare scripts: 1,000 items, 50 ms a call, three kinds of outputs, 32 calls in flight."""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home
from artfactoryd.storage import ledger

ITEMS = int(os.environ.get("ITEMS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
CONCURRENCY = 32
KINDS = os.environ.get("KINDS", "noise textured webp").split()
MOST_CPU = 2.2  # times what the bare aiohttp script takes
LATENCY = 0.05
BARE = ("aiohttp", "httpx", "floor")  # `floor`: aiohttp with nothing added but what the promises need
HERE = Path(__file__).parent


@contextmanager
def provider(*words: str) -> Iterator[str]:
    command = [sys.executable, str(HERE / "provider.py"), str(LATENCY), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def bare(client: str, base: str) -> tuple[float, float]:
    """Items a second of the work itself; CPU milliseconds an item of the whole process, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        script = [str(HERE / "floor.py")] if client == "floor" else [str(HERE / "bare.py"), client]
        words = [sys.executable, *script, base, str(ITEMS), str(CONCURRENCY), folder]
        before = cpu_of_children()
        wall = float(subprocess.check_output(words, text=True).split()[0])
        return ITEMS / wall, (cpu_of_children() - before) * 1000 / ITEMS


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(base: str) -> tuple[float, float, float]:
    """From the first wish to the last settlement; CPU of the whole process, its start included, and apart from it that
    of the processes that look at pictures later and draw contact sheets."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder).resolve() / "home")
        for _ in make_home(home):
            pass
        home.settings_file.write_text(documents.dump_yaml(settings(base)))
        (home.inbox / "many.yaml").write_text(documents.dump_yaml(order()))
        before = cpu_of_children()
        environ = {**os.environ, "REPLICATE_API_TOKEN": "r8_bench"}
        words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "once", "--json"]
        done = subprocess.run(words, env=environ, capture_output=True, text=True)
        after = cpu_of_children()
        if done.returncode != 0:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        later = looking(home)
        return ITEMS / elapsed(home), (after - before - later) * 1000 / ITEMS, later * 1000 / ITEMS


def looking(home: Home) -> float:
    """Seconds of the processor's time that decoding and drawing took, as the log tells it."""
    text = "".join(path.read_text() for path in home.logs.glob("*") if path.is_file())
    return sum(float(seconds) for seconds in re.findall(r"in ([0-9.]+) s of a processor", text))


def settings(base: str) -> dict[str, object]:
    return {
        "budget": {"ask_above": 5}, "limits": {"products_per_order": ITEMS},
        "inbox": {"settle_seconds": 0.05, "scan_seconds": 5},
        "providers": {"replicate": {"base_url": base, "concurrency": CONCURRENCY, "requests_per_minute": 100_000}},
    }  # fmt: skip


def order() -> dict[str, object]:
    parameters = {"prompt": "a red car", "seed": list(range(1, ITEMS + 1)), "output_format": "png"}
    return {"provider": "replicate", "model": "flux-schnell", "parameters": parameters}


def elapsed(home: Home) -> float:
    lines = [line for line, _ in ledger.read(home.ledger) if line["kind"] in ("wish", "settlement")]
    times = [datetime.fromisoformat(line["at"]) for line in lines]
    return (max(times) - min(times)).total_seconds()


def main() -> None:
    for kind in KINDS:
        with provider(kind) as base:
            measure(kind, base)


def measure(kind: str, base: str) -> None:
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in (*BARE, "artfactoryd")}
    looks: list[float] = []
    for _ in range(ROUNDS):
        for name in BARE:
            figures[name].append(bare(name, base))
        rate, cpu, later = ours(base)
        figures["artfactoryd"].append((rate, cpu))
        looks.append(later)
    medians = {
        name: (statistics.median(r for r, _ in rounds), statistics.median(c for _, c in rounds))
        for name, rounds in figures.items()
    }
    report(kind, medians, statistics.median(looks))


def report(kind: str, figures: dict[str, tuple[float, float]], later: float) -> None:
    print(f"line: {ITEMS} items, {CONCURRENCY} in flight, {LATENCY * 1000:.0f} ms a call, {kind}; {ROUNDS} rounds")
    rate, cpu = figures["artfactoryd"]
    for name, (items, spent) in figures.items():
        print(f"  {name:<12} {items:7.1f} items/s   {spent:5.1f} ms CPU an item, the start of the process included")
    print(f"  the later look and contact sheets, beside it: {later:.1f} ms CPU an item")
    for name, least in (("aiohttp", 1.0), ("httpx", 2.0)):
        ratio = rate / figures[name][0]
        print(f"  against bare {name:<8} {ratio:5.2f}x   to reach {least:.1f}x   {word(ratio >= least)}")
    print(f"  against the floor        {rate / figures['floor'][0]:5.2f}x   CPU {cpu / figures['floor'][1]:5.2f}x")
    times = cpu / figures["aiohttp"][1]
    print(f"  CPU against bare aiohttp {times:5.2f}x   at most {MOST_CPU:.1f}x   {word(times <= MOST_CPU)}")


def word(reached: bool) -> str:
    return "reached" if reached else "not reached"


if __name__ == "__main__":
    main()
