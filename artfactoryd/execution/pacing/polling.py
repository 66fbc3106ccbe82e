"""How long to wait between two questions about one ticket."""

from __future__ import annotations

from artfactoryd.core.measures import seconds_of_run

SHORTEST, LONGEST = 0.02, 10.0  # seconds between two questions about one ticket


EARLY = 0.9  # of the time that such calls took lately
RARER = 0.25  # of the time that has passed


class Pace:
    """When to ask about a ticket: shortly before such calls have ended lately, then ever more rarely. All of it is
    counted from the sending, so that a create that was answered late is asked about at once.

    `first` seconds while nothing is known of a model; 0 for a factory that answers at once.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self._took: dict[str, float] = {}

    def learn(self, model: str, seconds: float | None) -> None:
        """What the provider measured; half of it counts from each call, so that a change shows soon."""
        if seconds is not None and seconds_of_run(seconds) is not None:
            self._took[model] = (self._took.get(model, seconds) + seconds) / 2

    def first(self, model: str) -> float:
        """Seconds from the sending to the first question."""
        took = self._took.get(model)
        return self._first if took is None else min(max(took * EARLY, SHORTEST), LONGEST)

    def pause(self, passed: float) -> float:
        """Seconds to the next question, so long after the sending."""
        return min(max(passed * RARER, SHORTEST), LONGEST)
