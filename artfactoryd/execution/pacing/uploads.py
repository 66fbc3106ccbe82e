"""What cannot be put where a provider reads it waits on its own, tried ever more rarely, while all else goes on.

The address that takes uploads may be another than the one that creates and collects: that it does not answer says
nothing of those. One try at a time then shows whether it is back, and brings back all that waits for it.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from artfactoryd.errors import AskAgain, Unreachable
from artfactoryd.storage.rows import ItemKey

AGAIN, LONGEST = 5.0, 300.0  # seconds until it is tried again, doubled with each that fails
AWAITED = 3  # tries for whose end whoever waits for an end (`once`) waits


@dataclass
class _Host:
    """Where a provider takes uploads. `until`: it is left alone after tries that it did not answer."""

    failures: int = 0
    until: float = 0.0
    trying: bool = False
    reason: str = ""

    def failed(self, now: float, reason: str) -> float:
        """Seconds until the next try. Those that were on the way together are one round."""
        if self.until <= now or not self.failures:
            self.failures, self.until, self.reason = self.failures + 1, now + _pause(self.failures + 1), reason
        return self.until - now


class UploadWaits:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, _Host] = defaultdict(_Host)
        self._tries: dict[str, Counter[ItemKey]] = defaultdict(Counter)  # by provider, of items that wait

    # --- the address that takes them ---

    @contextmanager
    def trying(self, provider: str) -> Iterator[None]:
        """Around one upload. Raises AskAgain, never Unreachable: also where that address is left alone just now."""
        host = self._hosts[provider]
        if host.failures and (host.trying or host.until > self._clock()):
            raise AskAgain(host.reason, max(AGAIN, host.until - self._clock()))
        host.trying = True
        try:
            yield
        except Unreachable as error:
            raise AskAgain(str(error), max(host.failed(self._clock(), str(error)), error.after or 0.0)) from error
        else:
            host.failures = 0
        finally:
            host.trying = False

    # --- the items that wait for it ---

    def failed(self, provider: str, key: ItemKey, after: float | None) -> tuple[float, int]:
        """One more of its tries: seconds until the next, and how many those are."""
        tries = self._tries[provider]
        tries[key] += 1
        return max(_pause(tries[key]), after or 0.0), tries[key]

    def went_well(self, provider: str, key: ItemKey) -> list[ItemKey]:
        """All of its files are there. Which others waited like it, and may be tried at once."""
        if key not in self._tries[provider]:
            return []
        others = self._tries.pop(provider)
        del others[key]
        return list(others)


def _pause(tries: int) -> float:
    return min(AGAIN * 2.0 ** min(tries - 1, 20), LONGEST)
