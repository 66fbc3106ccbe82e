"""How often an address may be asked: a bucket of tokens for each kind of address, for all visitors together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and so many at once after a rest."""

    per_second: float
    burst: int


class Pace(Enum):
    PICTURES = Rate(400, 2000)  # a wall of thumbnails asks for all of them at once
    READ = Rate(50, 200)
    WRITE = Rate(20, 100)  # culling with a key held down
    PLAN = Rate(4, 20)
    ORDER = Rate(2, 30)


class Buckets:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = {pace: (float(pace.value.burst), clock()) for pace in Pace}

    def take(self, pace: Pace) -> int:
        """0 where there was a token, else the seconds until there is one."""
        left, since = self._left[pace]
        now, rate = self._clock(), pace.value
        left = min(rate.burst, left + (now - since) * rate.per_second)
        enough = left >= 1
        self._left[pace] = (left - enough, now)
        return 0 if enough else math.ceil((1 - left) / rate.per_second)
