"""`python -m tests.soak [--seconds N] [--seed N] [--lives N] [--sabotage resend] [--keep]`; exit 1 when a promise was
broken."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.homes import dump
from tests.soak import lost_answers, skies
from tests.soak.balance import Balance, Finding
from tests.soak.storm import Storm

FAL_ITEMS = 24  # of the storm at fal, whose answers are lost
DEFECT = "a defect of this program"
Say = Callable[[str], None]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="The program in bad weather.")
    parser.add_argument("--seconds", type=float, default=60, help="how long the storm lasts")
    parser.add_argument("--seed", type=int, default=None, help="of all chance; timing remains the machine's")
    parser.add_argument("--lives", type=int, default=None, help="end the storm after so many lives of the program")
    parser.add_argument("--sabotage", choices=["resend"], default="", help="a program that breaks its promise")
    parser.add_argument("--keep", action="store_true", help="the home and the emulator's book, though all is well")
    return parser.parse_args()


def soak(storm: Storm, seconds: float, say: Say = print, lives: int | None = None, first: Sequence[str] = ()) -> bool:
    """The storm, the calm, the balance. `first`: named places to be killed at before chance begins. Is all well?"""
    say(f"seed {storm.seed}")
    with storm.weathered():
        for place in first:
            storm.live(place)
        until = time.monotonic() + seconds
        while time.monotonic() < until and (lives is None or storm.tally["lives"] < lives):
            storm.live(last=storm.tally["lives"] + 1 == lives)
        storm.rest()
        once, waiting = dump(storm.home), sorted(path.name for path in storm.home.home.inbox.iterdir())
        storm.rest()
        twice = dump(storm.home)
        bought, came = storm.bought(), storm.emulator.came()
    findings = Balance(storm.home, bought, storm.person.names).findings()
    findings += [_restarts(once, twice, waiting), _on_the_way(storm), _answers(storm)]
    _tell(storm, findings, came, say)
    return not any(finding.broken for finding in findings)


def _restarts(once: dict[str, Any], twice: dict[str, Any], waiting: Sequence[str]) -> Finding:
    """`waiting`: what lay in the inbox between the two; a minute after it came it is answered, whoever starts."""
    changed = [f"{name} changed" for name in once if name != "files" and once[name] != twice[name]]
    files = {path for path, _ in once["files"].items() ^ twice["files"].items()}
    answered = {*waiting, *(f"{name}.error.txt" for name in waiting)}
    late = ".answer.json"  # which nobody waited for any more, and is taken away after two minutes
    places = {Path(path) for path in files}
    changed += [
        f"{path} changed"
        for path in sorted(places)
        if not (path.name in answered and path.parent.name in {"Inbox", "Rejected"}) and not path.name.endswith(late)
    ]
    return Finding(
        "restarting twice changes nothing more than restarting once", f"{len(once)} tables and trees", changed
    )


def _on_the_way(storm: Storm) -> Finding:
    logs = sorted(storm.home.home.logs.glob("application*"))
    defects = [line.strip() for log in logs for line in log.read_text(errors="replace").splitlines() if DEFECT in line]
    return Finding("no defect was met on the way", f"{storm.tally['lives']} lives", storm.broken + defects)


def _answers(storm: Storm) -> Finding:
    told = {line["id"] for line in storm.home.lines("command")}
    folder = storm.home.home.commands
    # the answer itself is taken away after a while, and not written for who has given up long ago
    silent = [each for each in storm.asked if each["id"] not in told and (folder / f"{each['id']}.json").exists()]
    carried = [line["id"] for line in storm.home.lines("command")]
    twice = sorted({id for id in carried if carried.count(id) > 1})
    broken = [f"{each['name']} {each['id']} was never answered" for each in silent]
    broken += [f"command {id} was carried out twice" for id in twice]
    return Finding("every command is carried out once, and answered", f"{len(storm.asked)} commands", broken)


def _tell(storm: Storm, findings: list[Finding], came: dict[str, int], say: Say) -> None:
    say(", ".join(f"{name}: {count}" for name, count in storm.tally.items()))
    say("weather: " + ", ".join(f"{name} {count}" for name, count in sorted(came.items())))
    say("did not come: " + (", ".join(skies.missed([*came, *storm.tally])) or "nothing"))
    say("named places: " + ", ".join(f"{name} {count}" for name, count in sorted(storm.places.items())))
    for finding in findings:
        say(str(finding))
    say(f"seed {storm.seed}")


def main() -> int:
    told = options()
    seed = random.SystemRandom().randrange(1_000_000) if told.seed is None else told.seed
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    storm = Storm(folder, seed, told.sabotage)
    well = soak(storm, told.seconds, lives=told.lives)
    if told.lives is None:
        print("fal loses answers, and its platform cannot be reached:")
        (folder / "fal").mkdir()
        well = lost_answers.trial(folder / "fal", FAL_ITEMS, seed, seed % 4) and well
    if well and not told.keep:
        storm.mishaps.clear()
        shutil.rmtree(folder)
    else:
        places = " and ".join(str(place) for place in (folder, storm.mishaps.elsewhere) if place)
        print(f"The home, the emulator's book and what the program said are kept in {places}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
