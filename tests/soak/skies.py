"""The weather at the provider, by chance: each life of the program has its own."""

from __future__ import annotations

import random
from typing import Any

SOON = {"do": "429", "retry_after": 0.3}
DOORS: dict[str, list[Any]] = {
    "create": [
        "close-before", "hang-before", "close-after", "hang-after", "500-after", "half", "stub", "garbage", "odd",
        "500", "502", {"do": "500-after", "status": 502}, SOON,
    ],
    "get": ["500", "502", "close", "garbage", "hang", SOON],
    "cancel": ["500", "close"],
    "list": ["500", "close", "garbage"],
    "upload": ["500", "close", SOON],
    "outcome": ["failed", "nsfw", "fewer", "empty", "aborted", "canceled"],
    "output": ["not-picture", "short", "slow", "close", "empty", "500", "404"],
}  # fmt: skip
STORM = {"next": [SOON] * 12}
REFUSED = {"next": ["402"]}  # stops the provider: a person must say `resume`
QUIET = {"latency": 0.0, "create_latency": 0.02, "run_seconds": 0.0, "pixels": 32, "hang_seconds": 1.5}


def calm() -> dict[str, Any]:
    return {"calm": True, **QUIET}


def sky(chance: random.Random) -> dict[str, Any]:
    told: dict[str, Any] = {
        **calm(), "latency": chance.choice([0.0, 0.01]), "create_latency": chance.choice([0.05, 0.15, 0.3]),
        "run_seconds": chance.choice([0.0, 0.1, 0.5]), "list_lag": chance.choice([0.0, 0.0, 2.0]), "slow_seconds": 0.4,
    }  # fmt: skip
    for door, weathers in DOORS.items():
        if chance.random() < 0.5:
            told[door] = {"every": [chance.randint(2, 6), chance.choice(weathers)]}
    if chance.random() < 0.1:
        told["create"] = chance.choice([STORM, REFUSED])
    return told
