"""`python -m tests.soak.lost_answers [--items N] [--seed N] [--first N]`: fal loses answers to creates.

Of all creates a fifth is accepted and cut off, a tenth is accepted and answered with a 502, and fal's platform, which
could tell what became of them, cannot be reached. The real program, with its ordinary pauses: every item is sent
within two minutes, none twice, and those in doubt are told. Exit 1 when it was otherwise.
"""

from __future__ import annotations

import argparse
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.emulator.client import Emulator
from tests.homes import TestHome

WITHIN = 120.0  # seconds
ENDS = 60.0  # seconds after which no more is waited for, beyond that
CUT_OFF = "close-after"
BAD_GATEWAY = {"do": "500-after", "status": 502}


def answers(items: int, chance: random.Random, first: int) -> list[object]:
    """`first`: so many lost ones come first, one after the other, as if fal were away."""
    lost: list[object] = [CUT_OFF] * (items // 5) + [BAD_GATEWAY] * (items // 10)
    chance.shuffle(lost)
    rest: list[object] = [*lost[first:], *["ok"] * (items - len(lost))]
    chance.shuffle(rest)
    return lost[:first] + rest


def nobody() -> str:
    """An address at which nobody answers."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}"


def trial(folder: Path, items: int, seed: int, first: int) -> bool:
    told = answers(items, random.Random(seed), first)
    lost = sum(answer != "ok" for answer in told)
    with Emulator(folder / "bought.jsonl", "fal") as fal:
        home = _home(folder, fal.base_url)
        fal.control(create={"next": told}, run_seconds=1.0)
        home.drop("cars.yaml", _order(items))
        began = time.monotonic()
        with home.running() as daemon:
            while len(fal.creates()) < items and time.monotonic() - began < WITHIN + ENDS:
                assert daemon.poll() is None, "the program ended"
                time.sleep(0.1)
            took = time.monotonic() - began
            while set(home.states()) - {"completed", "in_doubt"} and time.monotonic() - began < WITHIN + ENDS:
                time.sleep(0.1)
        bought = Counter(create["input"]["prompt"] for create in fal.creates())
    return _tell(home, bought, took, items, lost)


def _home(folder: Path, address: str) -> TestHome:
    home = TestHome.make(folder / "home", fal_url=address)
    fal = {"enabled": True, "concurrency": 4, "platform_url": nobody(),
           **dict.fromkeys(("queue_url", "rest_url", "cdn_url"), address)}  # fmt: skip
    home.configure(providers={"fal": fal}, budget={"per_order": 10})
    return home


def _order(items: int) -> str:
    numbers = ",".join(map(str, range(items)))
    return f"provider: fal\nmodel: flux-schnell\nparameters: {{prompt: 'lost car [{numbers}]'}}\n"


def _tell(home: TestHome, bought: Counter[str], took: float, items: int, lost: int) -> bool:
    states = Counter(home.states())
    twice = [prompt for prompt, count in bought.items() if count > 1]
    words = home.call("order", "cars").stdout
    said = f"{lost} sent perhaps" in words
    print(f"{len(bought)} of {items} sent in {took:.1f} s, {len(twice)} twice; {lost} answers lost")
    print(f"items: {', '.join(f'{count} {state}' for state, count in sorted(states.items()))}")
    print(
        f"`order cars` says: {next((line.strip() for line in words.splitlines() if 'sent perhaps' in line), 'nothing')}"
    )
    return len(bought) == items and not twice and took <= WITHIN and said and states["in_doubt"] == lost


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak.lost_answers", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--seed", type=int, default=3, help="of which answers are lost")
    parser.add_argument("--first", type=int, default=0, help="so many answers are lost one after the other, at once")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lost-") as folder:
        well = trial(Path(folder), told.items, told.seed, told.first)
    print("ok" if well else "BROKEN")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
