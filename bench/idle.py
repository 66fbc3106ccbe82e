"""What an idle daemon costs: wake-ups, CPU and memory. Linux only: it reads /proc.

With PRODUCTS (in thousands) they lie on its shelf, and it is measured when it has looked at all of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shelf import furnished

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import make_home
from artfactoryd.home import Home

SECONDS = float(os.environ.get("SECONDS", "20"))
PRODUCTS = int(os.environ.get("PRODUCTS", "0"))
BUSY, LOOKS = 0.05, 5.0  # seconds of CPU, in as many between two looks: then it is not at rest
TARGETS = {"wake-ups a second": 5.0, "% CPU": 0.1, "MB": 70.0}


def main() -> None:
    if not Path("/proc/self/task").is_dir():
        print("idle: not measured, this system has no /proc")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = furnished(folder, PRODUCTS) if PRODUCTS else empty(folder)
        words = [sys.executable, "-m", "artfactoryd", "--home", str(home.root), "run"]
        daemon = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        try:
            time.sleep(6)
            wait_for_rest(daemon.pid)
            report(measure(daemon.pid))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()


def empty(folder: str) -> Home:
    home = Home(Path(folder).resolve() / "home")
    for _ in make_home(home):
        pass
    home.settings_file.write_text(documents.dump_yaml({"http": {"port": 0}}))
    return home


def wait_for_rest(pid: int) -> None:
    cpu, before = cpu_seconds(pid), -1.0
    while cpu - before > BUSY:
        time.sleep(LOOKS)
        cpu, before = cpu_seconds(pid), cpu


def measure(pid: int) -> dict[str, float]:
    wakes, cpu = wake_ups(pid), cpu_seconds(pid)
    time.sleep(SECONDS)
    return {
        "wake-ups a second": (wake_ups(pid) - wakes) / SECONDS,
        "% CPU": (cpu_seconds(pid) - cpu) / SECONDS * 100,
        "MB": memory(pid),
    }


def wake_ups(pid: int) -> int:
    """Voluntary switches of every thread: each is a sleep that ended."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int(field(task / "status", "voluntary_ctxt_switches")) for task in tasks)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    return int(field(Path(f"/proc/{pid}/status"), "VmRSS").split()[0]) / 1024


def field(path: Path, name: str) -> str:
    lines = path.read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(name + ":"))


def report(found: dict[str, float]) -> None:
    print(f"idle: the daemon with its page, nothing to do, {PRODUCTS} products, {SECONDS:.0f} s")
    for name, value in found.items():
        word = "reached" if value <= TARGETS[name] else "not reached"
        print(f"  {value:6.2f} {name:<18} to reach: at most {TARGETS[name]:g}   {word}")


if __name__ == "__main__":
    main()
