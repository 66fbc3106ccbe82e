"""How much at once, and when: one gate and one pace a provider. Money's limits are asked of the index at each wish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]
BURST = 3.0  # seconds' worth of creates that may leave at once
WAIT, LONGEST_WAIT = 10.0, 300.0  # seconds after "slow down" without a word how long; doubled while it is said again
FEW = 3  # failures in a row that make an outage
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds between two tries during an outage
PROBES = 2  # tries during an outage after which whoever waits for an end (`once`) gives up
ASK_EVERY = 600.0  # seconds between free questions whether a stopped provider takes our key again


class TokenBucket:
    """Creates a minute, with a few seconds' worth of them at once. None: no limit."""

    def __init__(self, per_minute: int | None, clock: Clock) -> None:
        self._clock = clock
        self._rate = self._most = self._tokens = self._seen = 0.0
        self.use(per_minute)

    def use(self, per_minute: int | None) -> None:
        if per_minute == self._rate * 60:  # other settings changed: what was taken stays taken
            return
        self._rate = (per_minute or 0) / 60
        self._most = max(1.0, self._rate * BURST)
        self._tokens, self._seen = self._most, self._clock()

    @property
    def waits(self) -> float:
        """Seconds until there is one; 0 when there is."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._tokens, self._seen = min(self._most, self._tokens + (now - self._seen) * self._rate), now
        missing = 1.0 - self._tokens
        return missing / self._rate if missing > 1e-6 else 0.0

    def take(self) -> None:
        """One is sent."""
        self._tokens -= 1.0

    def give(self) -> None:
        """The one that was taken was not sent."""
        self._tokens = min(self._most, self._tokens + 1.0)


class Backoff:
    """Waits that a provider asked for (429). Asked for again after a wait, the next is longer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = 0.0
        self._rounds = 0

    @property
    def waits(self) -> float:
        return max(0.0, self._until - self._clock())

    def back_off(self, after: float | None) -> None:
        """`after`: seconds, when the provider said how many."""
        if not self.waits:  # what was on the way when the wait began says nothing new
            self._rounds = min(self._rounds + 1, 20)
        seconds = min(WAIT * 2 ** (self._rounds - 1), LONGEST_WAIT)
        if after is not None:  # a word too short for it is lengthened when it comes again and again
            seconds = max(after, 0.0 if self._rounds < 2 else min(2.0 ** (self._rounds - 2), LONGEST_WAIT))
        self._until = max(self._until, self._clock() + seconds)

    def relax(self) -> None:
        """It was not asked for this time: the next begins anew."""
        if not self.waits:
            self._rounds = 0

    def lift(self) -> None:
        self._until, self._rounds = 0.0, 0


class CircuitBreaker:
    """Whether a provider works, judged by what it did lately.

    After one failure tries are let through one at a time; after FEW in a row none, until a pause has
    passed that doubles with each try that fails after it. One try that goes well ends it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failures, self.rounds, self.reason, self._until = 0, 0, "", 0.0
        self._under_way = 0

    @property
    def open(self) -> bool:
        """Taken to be out of order: nothing is let through but one try after each pause."""
        return self.rounds > 0

    @property
    def given_up(self) -> bool:
        """It outlasts a few tries: nobody need wait for its end."""
        return self.rounds > PROBES

    @property
    def waits(self) -> float:
        return max(0.0, self._until - self._clock())

    @property
    def lets_through(self) -> bool:
        """Apart from `waits`, which passes by itself."""
        return not self.failures or not self._under_way

    @property
    def crowded(self) -> bool:
        """Of one that has begun: it should not be tried, since it is no longer alone, or a pause has begun."""
        return bool(self.failures and (self._under_way > 1 or self.waits))

    def begin(self) -> None:
        self._under_way += 1

    def end(self) -> None:
        """Whatever came of it; said for each `begin`."""
        self._under_way -= 1

    def failed(self, reason: str) -> None:
        """One more try did not go well; FEW in a row, and each that fails after a pause, open it for longer."""
        self.failures, self.reason = self.failures + 1, reason
        if self.failures >= FEW and not self.waits:  # those that were on the way together are one round
            self.rounds += 1
            self._until = self._clock() + min(FIRST_PAUSE * 2 ** min(self.rounds - 1, 20), LONGEST_PAUSE)

    def succeeded(self) -> None:
        """One try went well: it is over."""
        self.failures, self.rounds, self.reason, self._until = 0, 0, "", 0.0

    def hasten(self) -> None:
        """There is a reason to try at once."""
        self._until = 0.0


class Gate:
    """What stands between a provider and its items: slots, creates a minute, waits, outages, stops.

    A slot is held from before the wish until the provider has ended the call. Items taken up again
    after a start hold slots too, even more than there are: they were bought already.
    """

    def __init__(self, concurrency: int, clock: Clock, per_minute: int | None = None) -> None:
        self.concurrency = concurrency
        self.stopped: str | None = None  # why a person is needed
        self.paused = False  # by a person
        self._known_rounds = 0  # of an outage, that were made known
        self.creating, self.asking = CircuitBreaker(clock), CircuitBreaker(clock)
        self._clock = clock
        self._held = 0
        self._bucket = TokenBucket(per_minute, clock)
        self._creates, self._questions = Backoff(clock), Backoff(clock)
        self._ask_at: float | None = None  # whether it is still stopped
        self._is_changed = False
        self._changed, self._roused, self._turn = Bell(), Bell(), Bell()

    def use(self, concurrency: int, per_minute: int | None) -> None:
        """Other settings."""
        self.concurrency = concurrency
        self._bucket.use(per_minute)
        self._ask_at = self._ask_at and self._clock()

    # --- creating ---

    @property
    def free(self) -> bool:
        """Is there a slot, and a provider that works as far as is known?"""
        return self._held < self.concurrency and self.creating.lets_through and not self.asking.open

    @property
    def closed(self) -> bool:
        """Nothing new until a person lifts it."""
        return self.paused or self.stopped is not None

    @property
    def waits(self) -> float:
        """Seconds until the provider may be asked to create again; 0 when it may be now."""
        return max(self._creates.waits, self._questions.waits, self.creating.waits, self._bucket.waits)

    def enter(self) -> None:
        """A slot and a turn for a new item; `purchase` says what became of the sending, and ends it."""
        self._bucket.take()
        self.creating.begin()
        self.hold()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While an item's files are put where the provider reads them it is no try of a create: another may be one.

        It may find the gate `creating.crowded` afterwards, and is put back then.
        """
        self.creating.end()
        if self.creating.failures:
            self.wake()
        try:
            yield
        finally:
            self.creating.begin()

    def spare(self) -> None:
        """The turn of an item that needed no create."""
        self._bucket.give()

    def hold(self) -> None:
        self._held += 1

    def let_go(self) -> None:
        self._held -= 1
        self.wake()

    def hold_creates(self, seconds: float | None) -> None:
        """Creates were told to wait; None: not how long. A longer wait already asked for stays."""
        self._creates.back_off(seconds)
        self.wake()

    def create_answered(self) -> None:
        """As it should be. Who waits is woken where one has failed before: else nothing is otherwise now."""
        self._creates.relax()
        if self.creating.failures:
            self.creating.succeeded()
            self.wake()

    # --- asking ---

    async def may_ask(self) -> None:
        """Until the provider may be asked; `question_ended` ends the one that begins then."""
        while True:
            left = max(self._questions.waits, self.asking.waits)
            if not left and self.asking.lets_through:
                return self.asking.begin()
            await self._turn.wait(left or None)

    def question_ended(self) -> None:
        """Whatever came of it; said for each `may_ask`."""
        self.asking.end()
        self._turn.ring()

    def slow_down(self, seconds: float | None) -> None:
        """A question was told to wait: questions and creates both do."""
        self._questions.back_off(seconds)
        self.wake()

    def question_answered(self) -> None:
        """As it should be: where it was thought to be away, creates are tried at once."""
        self._questions.relax()
        if self.asking.open:
            self.creating.hasten()
        if self.asking.failures:
            self.asking.succeeded()
            self.wake()

    async def rest(self, seconds: float) -> None:
        """Between two questions; shorter when all are roused."""
        await self._roused.wait(seconds)

    def rouse(self) -> None:
        """Every question that waits looks again whether its time has come."""
        self._turn.ring()
        self._roused.ring()
        self.wake()

    # --- stops ---

    def pause(self, paused: bool) -> None:
        """As a person wants it; who waits behind the gate is woken by whoever tells it."""
        self.paused = paused

    def stop(self, reason: str, ask_in: float | None = None) -> None:
        """`ask_in`: seconds until it is asked whether it is over; None where nobody can be asked."""
        self.stopped = reason
        self._ask_at = None if ask_in is None else self._clock() + ask_in
        self.wake()

    @property
    def asks(self) -> float | None:
        """Seconds until it is to be asked whether it is still stopped; None: it is not asked."""
        return None if self._ask_at is None else max(0.0, self._ask_at - self._clock())

    def still_stopped(self) -> None:
        """As was just asked."""
        self._ask_at = self._ask_at and self._clock() + ASK_EVERY

    def lift(self) -> None:
        """By a person, or by an answer that shows it is over: everything is tried at once."""
        self.stopped, self._ask_at, self._known_rounds = None, None, 0
        for backoff in (self._creates, self._questions):
            backoff.lift()
        self.creating.succeeded()
        self.asking.succeeded()
        self.rouse()

    # --- the line behind it ---

    @property
    def reason(self) -> str:
        """Why it is taken to be out of order; empty when it is not."""
        return next((breaker.reason for breaker in (self.creating, self.asking) if breaker.open), "")

    @property
    def rounds(self) -> int:
        """Of an outage: how often it was found not to be over; 0 when there is none."""
        return self.creating.rounds + self.asking.rounds

    @property
    def has_news(self) -> bool:
        """An outage began, went on for another round, or is over, and that was not made known yet."""
        return self.rounds != self._known_rounds

    @property
    def outage_is_known(self) -> bool:
        return self._known_rounds > 0

    def made_known(self) -> None:
        self._known_rounds = self.rounds

    @property
    def given_up(self) -> bool:
        """The outage outlasts a few tries: nobody need wait for its end."""
        return self.creating.given_up or self.asking.given_up

    def wake(self) -> None:
        """Something changed that the line behind this gate should look at."""
        self._is_changed = True
        self._changed.ring()

    async def change(self, most: float | None = None) -> None:
        """Until something changes, or `most` seconds have passed."""
        if not self._is_changed:
            await self._changed.wait(most)
        self._is_changed = False


class Bell:
    """Heard by all who wait for it just now. Rung and waited for at each step of each item, so it costs little: no
    task is cancelled when the time is over."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    async def wait(self, most: float | None) -> None:
        """Until it is rung; for `most` seconds at the most."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        timer = None if most is None else loop.call_later(most, _end, waiter)
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
            if timer is not None:
                timer.cancel()

    def ring(self) -> None:
        for waiter in self._waiting:
            _end(waiter)


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
