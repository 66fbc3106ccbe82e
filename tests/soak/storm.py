"""Many lives of the program in one home: each begins with a mishap, has its own weather, and ends with a kill."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artfactoryd import schema
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OrderRow
from tests.emulator import book
from tests.emulator.client import CHECKOUT, Emulator
from tests.emulator.predictions import Prediction
from tests.homes import PATIENCE, TestHome
from tests.soak import skies
from tests.soak.drops import Person, command, hand_in
from tests.soak.mishaps import Mishaps
from tests.soak.points import points

STOPS_IN = 5.0  # seconds a stop may take
LIFE = 3.0  # seconds after which a life ends though nothing is being sent, from when it holds the home
SOUGHT = 1.0  # the same for a named place to be reached; what is known to pass it has more time
LAST = 600.0  # seconds for the clean runs at the end, each
SLACK = 5.0  # seconds, for a machine that is busy with other things
STRUCK = 4.0  # seconds that creates go on, at most, in a life in which the clock or the settings went wrong
WITHOUT = 0.04  # chance that a start without settings comes before a life
WRONG_USE = 2
ENOUGH = 20  # items waiting to be sent; fewer, and more is dropped
KILLED = -signal.SIGKILL

# What makes a place likely to be passed: a drop, a command or the weather. The others are passed by themselves.
STAGED = {
    "recorded_release": "throttled", "recorded_failure": "refused", "companions_copied": "loose",
    "before_upload": "bundle", "uploaded": "bundle", "hold_recorded": "dear", "hold_text": "dear",
    "hold_copied": "dear", "reject_text": "wrong", "reject_moved": "wrong", "order_approved": "approve",
}  # fmt: skip
WEATHER: dict[str, dict[str, Any]] = {
    "throttled": {"create": {"always": skies.SOON}},
    "refused": {"create": "close-after"},
}
ELSEWHERE = {"claim_hidden", "claim_copied", "claim_arrived"}  # only when the inbox is on another disk


class SoakHome(TestHome):
    __test__ = False

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tests.soak.child", "--home", str(self.root), *words]


@dataclass
class Child:
    """The program loaded, waiting for a word; and the named place at which it is to be killed, if any."""

    process: subprocess.Popen[bytes]
    place: str

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.close()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass
class Storm:
    folder: Path
    seed: int
    sabotage: str = ""
    tally: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)  # named places at which it was killed
    broken: list[str] = field(default_factory=list)  # what was seen on the way that must never be

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.emulator = Emulator(self.folder / "bought.jsonl", "replicate", **skies.QUIET)
        self._errors = self.folder / "stderr.txt"
        self._asked: list[dict[str, Any]] = []
        self._names = sorted(points() - ELSEWHERE)
        self._next: Child | None = None
        self._skies = skies.Skies(self.chance)
        self.mishaps = Mishaps(self.folder, self.chance, self.tally)

    @contextmanager
    def weathered(self) -> Iterator[None]:
        with self.emulator:
            self.home = SoakHome.make(self.folder / "home", self.emulator.base_url, **_settings(self.emulator.base_url))
            self.mishaps.move_in(self.home)
            if self.tally[skies.INBOX]:
                self._names = sorted(points())
            self.home.environ |= {"PYTHONPATH": str(CHECKOUT), "SOAK_SABOTAGE": self.sabotage}
            self.home.environ["SOAK_CLOCK"] = str(self.mishaps.clock)
            self.person = Person(self.home.home.inbox, self.chance)
            try:
                yield
            finally:
                if self._next is not None:
                    self._next.end()

    # --- one life ---

    def live(self, fault: str = "", *, last: bool = False) -> None:
        """`fault`: the named place to be killed at; else that is left to chance."""
        if not fault and self.chance.random() < WITHOUT:
            self._start_without_settings()
        child = self._ready(fault, f"{fault}:1") if fault else self._next or self._any_ready()
        begun = self.emulator.flights()["begun"]
        self._prepare(child.place)
        child.go()
        self._next = None if fault or last else self._any_ready()
        try:
            self._end(child.process, child.place, begun, PATIENCE if fault else 0.0)
        finally:
            child.end()
            self.mishaps.pass_by()
        self.tally["lives"] += 1

    def _start_without_settings(self) -> None:
        """It ends with words, and takes nothing."""
        before = self._untouched()
        self.mishaps.lose_settings()
        process = self._start("run")
        try:
            code: int | None = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        Child(process, "").end()
        if code != WRONG_USE or self._untouched() != before:
            self.broken.append(f"without its settings it ended with {code}, or took something")
        self.mishaps.put_settings_back()

    def _untouched(self) -> tuple[list[str], int]:
        home = self.home.home
        names = sorted(path.name for folder in (home.inbox, home.claims, home.commands) for path in folder.iterdir())
        return names, sum(file.stat().st_size for file in home.ledger.glob("*.jsonl"))

    def _any_ready(self) -> Child:
        place = self.chance.choice(self._names) if self.chance.random() < 0.3 else ""
        return self._ready(place, f"{place}:{self.chance.choice([1, 1, 2, 3])}")

    def _ready(self, place: str, fault: str) -> Child:
        """Loaded and waiting: the next life is made ready while this one is lived."""
        environ = {"ARTFACTORY_FAULT": fault} if place else {}
        return Child(self._start("run", SOAK_WAITS="1", **environ), place)

    def _prepare(self, place: str) -> None:
        """Mishaps and the person's doings while nothing runs."""
        self.mishaps.lose_index()
        wanted = STAGED.get(place)
        self.emulator.control(**{**self._skies.sky(), **WEATHER.get(wanted or "", {})})
        if wanted in ("approve", "dear", "wrong", "loose", "bundle"):
            self.person.drop("dear" if wanted == "approve" else wanted)
        waiting = self._steer(approving=wanted == "approve") + len(list(self.home.home.inbox.iterdir()))
        for _ in range(3 if waiting < ENOUGH else self.chance.choice([0, 0, 1])):
            self.person.drop("paid" if wanted in WEATHER else None)

    def _steer(self, *, approving: bool) -> int:
        """A command or two, and consent wherever trouble stopped something. The number of items waiting to be sent."""
        index = Index.if_made(self.home.home.index_file)
        if index is None:
            return 0
        try:
            orders, shut = index.orders(40), bool(index.stops() or index.pauses() or index.paused_orders())
            held = [row for row in index.held_orders() if any(reason.waivable for reason in row.reasons)]
            waiting = int(index.rows("SELECT count(*) AS n FROM item WHERE state = 'planned'")[0]["n"])
            running = index.rows("SELECT DISTINCT order_id AS id FROM item WHERE state = 'running'")
            doubtful = index.rows("SELECT DISTINCT order_id AS id FROM item WHERE state = 'in_doubt'")
        finally:
            index.close()
        if shut:
            self._ask("resume")
        for row in orders:
            if row.overrun and self.chance.random() < 0.5:
                self._ask("approve", order=row.id)
        if held and (approving or self.chance.random() < 0.3):
            self._decide(self.chance.choice(held), approving)
        if doubtful and self.chance.random() < 0.3:
            self._ask("retry", order=self.chance.choice(doubtful)["id"], in_doubt=True)
        if running and self.chance.random() < 0.3:
            self._ask("cancel", order=self.chance.choice(running)["id"])
        if orders and self.chance.random() < 0.3:
            self._meddle(self.chance.choice(orders).id)
        return waiting

    def _decide(self, row: OrderRow, approving: bool) -> None:
        """By moving it to the inbox, or by a command."""
        entry = self.home.home.held / row.entry
        if not approving and entry.exists() and self.chance.random() < 0.5:
            shutil.move(entry, self.home.home.inbox / entry.name)  # which may be on another volume
        else:
            self._ask("approve" if approving else self.chance.choice(["approve", "cancel"]), order=row.id)

    def _meddle(self, order_id: str) -> None:
        what = self.chance.choice(["cancel", "cancel", "retry", "pause", "pause provider", "again"])
        if what == "again" and self._asked:
            self.tally["commands given twice"] += 1
            hand_in(self.home.home.commands, self.chance.choice(self._asked))
        elif what == "pause provider":
            self._ask("pause", target=self.chance.choice(["replicate", "local"]))
        elif what == "pause":
            self._ask("pause", target=order_id)
        elif what != "again":
            self._ask(what, order=order_id)

    def _ask(self, name: str, **fields: Any) -> None:
        self.tally["commands"] += 1
        self._asked.append(command(self.home.home.commands, name, **fields))

    # --- and its end ---

    def _start(self, word: str, **environ: str) -> subprocess.Popen[bytes]:
        with self._errors.open("ab") as errors:
            return subprocess.Popen(
                self.home.command(word), env=self.home.environment(**environ), stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=errors, cwd=CHECKOUT,
            )  # fmt: skip

    def _end(self, process: subprocess.Popen[bytes], place: str, begun: int, patience: float) -> None:
        until = time.monotonic() + max(patience, PATIENCE)
        least, up, struck = patience or (SOUGHT if place else LIFE), False, False
        lasts = self.chance.choice([0.0, 0.0, 0.1, 0.5, 1.0])  # beyond the first create
        orderly = not place and self.chance.random() < 0.06
        while process.poll() is None and time.monotonic() < until:
            holder = self._holder(process)
            if holder and not up:
                up, until = True, time.monotonic() + least
            if holder.get("page") and not struck:  # its settings are read by then
                struck = True
                lasts = STRUCK if self.mishaps.strike() else lasts
            if self.emulator.flights(after=begun, seconds=0.1)["flying"] and not place:
                if lasts <= 0:
                    break
                time.sleep(lasts * self.chance.random())
                lasts = 0.0
                if self.chance.random() < 0.1:
                    self.person.drop()
        if process.poll() is not None:
            self._ended_itself(process.returncode, place)
        elif orderly:
            self._stop(process)
        else:
            self._kill(process, begun)

    def _holder(self, process: subprocess.Popen[bytes]) -> Mapping[str, Any]:
        """What it says of itself, once it holds the home."""
        holder = self.home.home.holder() or {}
        return holder if holder.get("pid") == process.pid else {}

    def _ended_itself(self, code: int, place: str) -> None:
        if place and code == KILLED:
            self.tally["killed at a named place"] += 1
            self.places[place] += 1
        else:
            self.broken.append(f"the program ended by itself with {code}")

    def _kill(self, process: subprocess.Popen[bytes], begun: int) -> None:
        time.sleep(self.chance.choice([0.0, 0.01, 0.03]))
        process.kill()
        process.wait()
        left = self.emulator.flights(after=begun)  # nobody is there any more to receive these answers
        self.tally["killed"] += 1
        self.tally["killed with creates in flight"] += bool(left["flying"])
        self.tally["creates in flight at a kill"] += left["flying"]
        self.tally["of them accepted"] += left["accepted"]

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_IN + SLACK)
        except subprocess.TimeoutExpired:
            self.broken.append(f"a stop took more than {STOPS_IN + SLACK:g} seconds")
        self.tally["stopped in order"] += 1
        self.tally["longest stop, ms"] = max(self.tally["longest stop, ms"], round(1000 * (time.monotonic() - began)))

    # --- the end of the storm ---

    def rest(self) -> None:
        """In calm weather, to where nothing goes on by itself."""
        self.emulator.control(**skies.calm())
        self.mishaps.put_right()
        if not self.tally["clean runs"]:
            self._ask("resume")
        process = self._start("once")
        try:
            code = process.wait(LAST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        self.tally["clean runs"] += 1
        if code not in (0, 1, 3):
            self.broken.append(f"in calm weather the program ended with {code} (None: not within {LAST:g} seconds)")

    def bought(self) -> list[Prediction]:
        """Every create that was accepted, by the emulator's own flushed file."""
        found: dict[str, Prediction] = {}
        for entry in book.entries(self.emulator.ledger):
            if "create" in entry:
                found[entry["create"]["id"]] = Prediction(**entry["create"])
            else:
                found[entry["cancel"]["id"]].canceled = entry["cancel"]["at"]
        return list(found.values())

    @property
    def asked(self) -> Sequence[dict[str, Any]]:
        return self._asked


def _settings(base_url: str) -> dict[str, Any]:
    """Quick, and with room for all that is spent: what is out of doubt only by a person's word adds up."""
    found: dict[str, Any] = {
        "providers": {"replicate": {"concurrency": 4, "base_url": base_url}},
        "inbox": {"settle_seconds": 0.02, "scan_seconds": 0.2},
    }
    budget = json.loads(schema.schema_text("settings"))["properties"]["budget"]["properties"]
    caps = [name for name in ("per_day", "per_month") if "x-not-built" not in budget.get(name, {"x-not-built": True})]
    return {**found, "budget": dict.fromkeys(caps, 1000)} if caps else found
