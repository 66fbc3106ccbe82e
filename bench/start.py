"""How long `artfactoryd --help` and `status` take, beside an interpreter that does nothing."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROUNDS = 15
TARGET_MS = 150.0
PROGRAM = str(Path(sys.executable).with_name("artfactoryd"))
PEER = "python -c pass"


def measure(command: list[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True)
    took = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return took * 1000


def medians(commands: Mapping[str, list[str]], environ: dict[str, str]) -> dict[str, float]:
    """Milliseconds; the commands take turns, so that a busy moment of the machine falls on all of them."""
    for command in commands.values():
        measure(command, environ)
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            took[name].append(measure(command, environ))
    return {name: statistics.median(times) for name, times in took.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environ = {"PATH": os.defpath, "HOME": folder, "LANG": "C.UTF-8"}
        home = ["--home", str(Path(folder, "factory"))]
        measure([PROGRAM, *home, "init"], environ)
        commands = {
            PEER: [sys.executable, "-c", "pass"],
            "artfactoryd --help": [PROGRAM, "--help"],
            "artfactoryd status": [PROGRAM, *home, "status"],
        }
        report(medians(commands, environ))


def report(took: Mapping[str, float]) -> None:
    print(f"start: median of {ROUNDS} rounds; to reach: at most +{TARGET_MS:.0f} ms over `{PEER}`")
    for name, ms in took.items():
        more = ms - took[PEER]
        word = "" if name == PEER else "reached" if more <= TARGET_MS else "not reached"
        print(f"  {name:<20} {ms:7.1f} ms   {ms / took[PEER]:5.1f}x   +{more:6.1f} ms   {word}".rstrip())


if __name__ == "__main__":
    main()
