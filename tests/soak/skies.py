"""The weather, by chance: each life of the program has its own at the provider, and some have one at home."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from tests.emulator.others import OTHERS
from tests.emulator.weather import NUMBERS, behaviour

SOON = {"do": "429", "retry_after": 0.3}
DOORS: dict[str, list[Any]] = {
    "create": [
        "close-before", "hang-before", "close-after", "hang-after", "500-after", "half", "stub", "garbage", "odd",
        "500", "502", {"do": "500-after", "status": 502}, SOON,
    ],
    "get": ["500", "502", "close", "garbage", "hang", SOON, "404", "403"],
    "cancel": ["500", "close"],
    "list": ["500", "close", "garbage"],
    "upload": ["500", "close", SOON, "close-after", "half", "404"],
    "outcome": ["failed", "nsfw", "fewer", "more", "empty", "aborted", "canceled"],
    "number": sorted(NUMBERS),
    "output": ["not-picture", "spoiled", "short", "slow", "close", "empty", "500", "404", "403", *OTHERS],
}  # fmt: skip
OFTEN = {"upload": (1, 2), "cancel": (1, 2)}  # every so many; else every one to four
STORM = {"next": [SOON] * 12}
REFUSED = {"next": ["402"]}  # stops the provider: a person must say `resume`
QUIET = {"latency": 0.0, "create_latency": 0.02, "run_seconds": 0.0, "pixels": 32, "hang_seconds": 1.5}


def calm() -> dict[str, Any]:
    return {"calm": True, **QUIET}


class Skies:
    """At each door no weather comes a second time before all have come."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._to_come: dict[str, list[Any]] = {door: [] for door in DOORS}

    def sky(self) -> dict[str, Any]:
        chance = self._chance
        told: dict[str, Any] = {
            **calm(), "latency": chance.choice([0.0, 0.01]), "create_latency": chance.choice([0.05, 0.15, 0.3]),
            "run_seconds": chance.choice([0.0, 0.1, 0.5, 3.0]), "list_lag": chance.choice([0.0, 0.0, 2.0]),
            "slow_seconds": 0.4,
        }  # fmt: skip
        for door in DOORS:
            if chance.random() < 0.6:
                told[door] = {"every": [chance.randint(*OFTEN.get(door, (1, 4))), self._next(door)]}
        if chance.random() < 0.1:
            told["create"] = chance.choice([STORM, REFUSED])
        return told

    def _next(self, door: str) -> Any:
        left = self._to_come[door]
        if not left:
            left += self._chance.sample(DOORS[door], len(DOORS[door]))
        return left.pop()


# --- at home ---

CLOCKS = (20, -20, 3600, -7200, 5 * 86_400, -400 * 86_400)  # seconds that the wall's clock is moved by
FORWARD, BACK = "the clock moved forward", "the clock moved back"
REMOVED, EMPTIED = "settings removed", "settings emptied"
WITHOUT, VOLUMES = "started without settings", "folders on another volume"
INBOX = "inbox on another volume"
AT_HOME = (FORWARD, BACK, REMOVED, EMPTIED, WITHOUT, VOLUMES, INBOX)


def missed(came: Iterable[str]) -> list[str]:
    """Weather that there is, and that did not come."""
    told = {f"{door} {behaviour(weather)['do']}" for door, weathers in DOORS.items() for weather in weathers}
    return sorted({*told, "create 402", *AT_HOME} - set(came))
