"""What Replicate's list of recent predictions tells about creates whose answer was lost. No network here.

A create carries no mark of ours but its input, and the list shows that until about an hour after the end. So a doubt
is known again by its input and seed, among the predictions that none of our tickets names, one for one.

That it was *not* taken is believed only when the list shows a create of ours that came later, and still not this one,
twice, longer apart than a create may be on its way: a list that lags behind by the same time for all shows it by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from artfactoryd.core.json_types import JsonValue, Parameters, Value
from artfactoryd.core.parameters.secret_values import HIDDEN
from artfactoryd.factories import Attempt
from artfactoryd.factories.http.answer import fields, moment, objects

SKEW = timedelta(minutes=5)  # by which our clock and theirs may differ
TELLS = timedelta(minutes=55)  # inputs are erased an hour after the end
OLDEST = timedelta(hours=2)  # of what is looked for at all: a run that began late still shows its input
APART = 60.0  # seconds, at least, between two looks that show a create's absence
EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listed:
    """One prediction of the list. `parameters`: its input; None when it was erased or is not to be read."""

    id: str
    model: str
    made_at: datetime | None
    parameters: Parameters | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Newest first. `whole`: it reaches back to where it was asked to begin."""

    jobs: Sequence[Listed]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    jobs: Sequence[Listed]
    next: str | None

    def reaches(self, since: datetime) -> bool:
        """Back to before `since`: nothing further on is of interest, whatever the address asked for."""
        return any(job.made_at is not None and job.made_at < since for job in self.jobs)


def recent_of(doubts: Iterable[Attempt], now: datetime) -> list[Attempt]:
    """Those that the list may still show by their input."""
    return [doubt for doubt in doubts if now - doubt.asked_at < OLDEST]


def since(doubts: Iterable[Attempt]) -> datetime:
    """From when on the list is to be read."""
    return min(doubt.asked_at for doubt in doubts) - SKEW


def read_page(value: JsonValue) -> Page | None:
    """None when this is no page of a list. What was made on their website is none of ours."""
    page = fields(value)
    if not isinstance(page.get("results"), list):
        return None
    following = page.get("next")
    jobs = [_listed(job) for job in objects(page.get("results")) if job.get("source") != "web"]
    return Page([job for job in jobs if job.id], following if isinstance(following, str) else None)


def _listed(job: Mapping[str, JsonValue]) -> Listed:
    parameters = fields(job.get("input"))
    is_erased = bool(job.get("data_removed")) or not parameters
    name, model = str(job.get("id") or ""), str(job.get("model"))
    return Listed(name, model, moment(job.get("created_at")), None if is_erased else parameters)


class Search:
    """One listing, held against what is in doubt. `most`: seconds that a create may be on its way."""

    def __init__(self, doubts: Sequence[Attempt], known: Sequence[Attempt], listing: Listing, most: float) -> None:
        self._doubts, self._known, self._listing = doubts, known, listing
        self._most = timedelta(seconds=most)
        tickets = {attempt.ticket.text for attempt in known if attempt.ticket}
        free = [job for job in listing.jobs if job.id not in tickets]
        self._free = sorted(free, key=lambda job: job.made_at or EVER)
        self._models = {attempt.call.model for attempt in (*doubts, *known)}
        self.matches = self._matched()  # attempt id to prediction id

    def _matched(self) -> dict[str, str]:
        matches: dict[str, str] = {}
        # Who sent the most keys chooses first, then the oldest: an echo may hold more keys than were sent.
        for doubt in sorted(self._doubts, key=lambda doubt: (-len(doubt.call.parameters), doubt.asked_at, doubt.id)):
            job = next((job for job in self._free if self._is(job, doubt)), None)
            if job is not None:
                matches[doubt.id] = job.id
                self._free.remove(job)
        return matches

    def _is(self, job: Listed, doubt: Attempt) -> bool:
        others = self._models - {doubt.call.model}  # it may be listed by a name not ours, but not by another of ours
        return job.model not in others and self._in_time(job, doubt) and _holds(job.parameters, doubt.call.parameters)

    def _in_time(self, job: Listed, doubt: Attempt) -> bool:
        return job.made_at is not None and -SKEW <= job.made_at - doubt.asked_at <= self._most + SKEW

    def missing(self, now: datetime) -> list[str]:
        """Attempts that the list would show by now if they had been taken."""
        if not self._listing.whole or self._clocks_differ():
            return []
        latest = max((attempt.asked_at for attempt in self._shown()), default=None)
        if latest is None:
            return []
        return [
            doubt.id
            for doubt in self._doubts
            if doubt.id not in self.matches
            and doubt.asked_at < latest
            and now - doubt.asked_at < TELLS
            and not any(self._might_be(job, doubt) for job in self._free)
        ]

    def _might_be(self, job: Listed, doubt: Attempt) -> bool:
        return _holds(job.parameters, doubt.call.parameters) if job.parameters is not None else self._near(job, doubt)

    def _near(self, job: Listed, doubt: Attempt) -> bool:
        return job.made_at is None or self._in_time(job, doubt)

    def _shown(self) -> list[Attempt]:
        """Creates of ours that the list shows."""
        ids = {job.id for job in self._listing.jobs}
        return [attempt for attempt in self._known if attempt.ticket and attempt.ticket.text in ids]

    def _clocks_differ(self) -> bool:
        """By a create of which both moments are known: the list may begin too late, or our times be no use."""
        jobs = {job.id: job for job in self._listing.jobs}
        shown = ((jobs[attempt.ticket.text], attempt) for attempt in self._shown() if attempt.ticket)
        return any(not self._in_time(job, attempt) for job, attempt in shown)


def _holds(echo: Value, sent: Value) -> bool:
    """Whether all that was sent is in the echo, which may be in another order and hold defaults besides."""
    if sent is HIDDEN:
        return True
    if isinstance(sent, Mapping):
        return isinstance(echo, Mapping) and all(_holds(echo.get(name), value) for name, value in sent.items())
    if isinstance(sent, list | tuple):
        same = isinstance(echo, list) and len(echo) == len(sent)
        return same and all(_holds(*pair) for pair in zip(echo, sent, strict=True))
    return isinstance(sent, bool) == isinstance(echo, bool) and bool(echo == sent)


class Absences:
    """What was seen to be missing, and since when. A restart forgets it, and sees twice again."""

    def __init__(self, apart: float, clock: Callable[[], float]) -> None:
        self._apart, self._clock = max(apart, APART), clock
        self._first: dict[str, float] = {}

    def believed(self, missing: Iterable[str]) -> list[str]:
        """Those missing now that were missing long enough ago. What is not missing now begins anew."""
        now = self._clock()
        self._first = {attempt: self._first.get(attempt, now) for attempt in missing}
        return [attempt for attempt, first in self._first.items() if now - first >= self._apart]
