"""How long a file that was uploaded may be used: by elapsed time where this process knows it, so that a clock which is
put right neither brings back what has expired nor throws away, again and again, what is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from artfactoryd.factories import Uploaded

SPARE = 600.0  # seconds of its life, so that a call made with it still finds it
PAST = datetime.fromtimestamp(0, UTC)
LONGEST = 100 * 365 * 86_400.0  # seconds; more is for ever


@dataclass(frozen=True, slots=True)
class Life:
    """`since`: when it began by the wall's clock, and by one that nobody sets (which stands while the machine sleeps).

    `seconds`: how long it is. Where an earlier release wrote down only its end, `since` is when that was first read.
    """

    since: datetime
    steady: float
    seconds: float

    @classmethod
    def of(cls, uploaded: Uploaded, now: datetime, steady: float) -> Life | None:
        """From now on. None: for ever."""
        seconds = uploaded.lives
        if seconds is None and uploaded.expires_at is not None:
            seconds = (_moment(uploaded.expires_at) - now).total_seconds()
        return None if seconds is None else cls(now, steady, max(0.0, min(seconds, LONGEST)))

    @classmethod
    def read(cls, text: str, now: datetime, steady: float) -> Life:
        """As an earlier run wrote it down. What began in the future was written by a clock that has been put right
        since: nobody knows how old it is."""
        begin, mark, end = text.rpartition("/")
        since = _moment(begin) if mark else now
        if since > now:
            return cls(now, steady, 0.0)
        return cls(since, steady - (now - since).total_seconds(), (_moment(end) - since).total_seconds())

    @property
    def written(self) -> str:
        """Its beginning and its end."""
        until = self.since + timedelta(seconds=self.seconds)
        return f"{self.since.isoformat(timespec='seconds')}/{until.isoformat(timespec='seconds')}"

    def lasts(self, now: datetime, steady: float) -> bool:
        """By whichever clock has gone further: one stands while the machine sleeps, the other may be set back."""
        elapsed = max(steady - self.steady, (now - self.since).total_seconds())
        return elapsed + SPARE < self.seconds


def _moment(text: str) -> datetime:
    """Long past where it cannot be read: then it is uploaded again."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return PAST
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
