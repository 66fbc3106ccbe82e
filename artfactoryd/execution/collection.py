"""Collecting one item: its ticket is asked about until the provider has ended it. Asking is free.

running -> result: delivering
        -> ended:  failed, cancelled, lost, or planned again where the reason passes
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from artfactoryd.core import strict_json
from artfactoryd.core.lifecycle import Verdict
from artfactoryd.core.measures import seconds_of_run
from artfactoryd.core.parameters.secret_values import scrubbed
from artfactoryd.errors import AskAgain, OutputLost, ProviderStopped, RunFailed, Throttled, Unreachable
from artfactoryd.execution.choosing import Choosing, bounded, shown
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.pacing.health import Health
from artfactoryd.execution.pacing.polling import Pace
from artfactoryd.execution.queue import Queues
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.rows import at_stake, last_attempt, order_of
from artfactoryd.factories import Factory, Outputs, TellsProgress, Ticket
from artfactoryd.printable import redact, without_secrets
from artfactoryd.storage import budget
from artfactoryd.storage.events import Result
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemRow

log = logging.getLogger(__name__)

ASK_AGAIN = 0.5  # seconds, at least, after a question that failed
STOPPED_AGAIN = 10.0  # seconds between questions while the provider refuses our key
GONE_LASTS = 180.0  # seconds, at least, that a ticket is asked about which the provider says it does not know
NOTED_AFTER = 3  # questions that failed, one after the other
ATTEMPTS = 3  # at most, of what the provider ended for a passing reason
ATTEMPT_AGAIN = (5.0, 30.0)  # seconds until the second and the third


@dataclass
class _Trouble:
    """Of questions about one ticket that failed one after the other. `refusals`: of our key; one may be passing."""

    times: int = 0
    refusals: int = 0
    since: float | None = None  # when it was first said to be gone

    def lasts(self, now: float) -> float:
        """Seconds since it was first said to be gone."""
        self.since = now if self.since is None else self.since
        return now - self.since

    def forget(self) -> None:
        self.times, self.refusals, self.since = 0, 0, None


class Collection:
    def __init__(
        self, index: Index, factories: Mapping[str, Factory], gates: Mapping[str, Gate], queues: Queues,
        flights: Flights, recorder: Recorder, health: Health, choosing: Choosing,
    ) -> None:  # fmt: skip
        self._index, self._factories, self._gates, self._queues = index, factories, gates, queues
        self._flights, self._recorder, self._health, self._choosing = flights, recorder, health, choosing
        self._telling = {name: factory for name, factory in factories.items() if isinstance(factory, TellsProgress)}
        self._paces = {name: Pace(factory.first_ask) for name, factory in factories.items()}

    async def collect(self, row: ItemRow) -> ItemRow:
        """Of a running item: asked about until it has ended; a run that takes long is no failure.

        The row as it is then: delivering, failed, cancelled, or planned again.
        """
        with self._flights.asking(row.item_key):
            await self._recorder.hide_secrets(row)
            if row.stop:
                self._flights.cancel(row.item_key)
            try:
                return await self._record_result(row, await self._ask_to_the_end(row))
            except RunFailed as error:
                return await self._run_failed(row, error)
            except OutputLost as error:
                return await self._recorder.fail(row, Verdict.LOST, str(error), cost=at_stake(self._index, row))

    # --- questions ---

    async def _ask_to_the_end(self, row: ItemRow) -> Outputs:
        """What the run gave. Raises RunFailed or OutputLost when it has ended without."""
        provider, clock = row.provider, time.monotonic
        gate, pace, model = self._gates[provider], self._paces[provider], last_attempt(self._index, row).model
        began, trouble = self._flights.sent_at(row.item_key) or clock(), _Trouble()
        rest = began + pace.first(model) - clock()
        if rest > 0 and not self._flights.is_owed(row.item_key):
            await gate.rest(rest)
        while True:
            pause = pace.pause(clock() - began)
            try:
                outputs = await self._ask(row)
                if outputs is not None:
                    pace.learn(model, outputs.seconds)
                    return outputs
                await self._answered(row, trouble)
                await self._tell_progress(row)
            except OutputLost as error:
                if not error.passing or trouble.lasts(clock()) > GONE_LASTS:
                    if not (error.refused and await self._is_refused_all(row, trouble)):
                        raise
                    pause = STOPPED_AGAIN
                pause = max(pause, ASK_AGAIN)
                await self._note(row, trouble, error)
            except (Throttled, AskAgain, ProviderStopped) as error:
                trouble.refusals += isinstance(error, ProviderStopped)
                is_passing = isinstance(error, ProviderStopped) and trouble.refusals == 1
                pause = max(pause, ASK_AGAIN) if is_passing else await self._pause_after(row, error, pause)
                await self._note(row, trouble, error)
            if self._flights.is_owed(row.item_key):  # what is new waits for it
                self._flights.asked_about(row.item_key)
                gate.wake()
            await gate.rest(pause)

    async def _is_refused_all(self, row: ItemRow, trouble: _Trouble) -> bool:
        """A question about this one was refused for some minutes. Whether its account is, which is no loss: it waits.

        Only a refused create or a question about the account stops a provider.
        """
        is_well = self._gates[row.provider].stopped is None and await self._health.probe(row.provider)
        if not is_well:
            trouble.since = None
            self._flights.waits_for_person(row.item_key)
        return not is_well

    async def _answered(self, row: ItemRow, trouble: _Trouble) -> None:
        if trouble.times >= NOTED_AFTER:
            await self._recorder.note(row, None)
        trouble.forget()

    async def _tell_progress(self, row: ItemRow) -> None:
        factory = self._telling.get(row.provider)
        if factory and row.ticket is not None and (words := factory.progress(Ticket(row.ticket))):
            await self._recorder.note(row, words)

    async def _note(self, row: ItemRow, trouble: _Trouble, error: Exception) -> None:
        """For receipt and status, once it has failed a few times."""
        trouble.times += 1
        if trouble.times >= NOTED_AFTER:
            await self._recorder.note(row, f"It cannot be asked about just now, and is asked about again: {error}")

    async def _pause_after(self, row: ItemRow, error: Throttled | AskAgain | ProviderStopped, pause: float) -> float:
        """A question failed: seconds until the next, where an answer would have been followed by `pause`."""
        if isinstance(error, Throttled):
            self._gates[row.provider].slow_down(error.after)
            return pause
        if isinstance(error, ProviderStopped):
            await self._health.stop(row.provider, error)
            self._flights.waits_for_person(row.item_key)
            return STOPPED_AGAIN
        return max(pause, ASK_AGAIN, error.after or 0.0)

    async def _ask(self, row: ItemRow) -> Outputs | None:
        """One question, when the provider may be asked. What its answer says about the provider is heeded."""
        provider = row.provider
        gate = self._gates[provider]
        await gate.may_ask()
        self._flights.asks(row.item_key)
        stopped = gate.stopped
        try:
            outputs = await self._question(row)
        except Unreachable as error:
            await self._health.question_failed(provider, str(error))
            raise
        except (RunFailed, OutputLost) as error:  # one that is refused does not show that the key is taken again
            refused = isinstance(error, OutputLost) and error.refused
            await self._health.question_answered(provider, None if refused else stopped)
            raise
        else:
            await self._health.question_answered(provider, stopped)
            return outputs
        finally:
            gate.question_ended()

    async def _question(self, row: ItemRow) -> Outputs | None:
        """Where a person cancelled, the provider is told first, once. Whatever comes anyway is kept."""
        assert row.ticket is not None  # that it has one is what running means
        ticket, factory = Ticket(row.ticket), self._factories[row.provider]
        if self._flights.is_cancelled(row.item_key):
            await factory.cancel(ticket)
            self._flights.cancel_told(row.item_key)
        return await factory.collect(ticket)

    # --- what comes of it ---

    async def _record_result(self, row: ItemRow, outputs: Outputs) -> ItemRow:
        """Ids and times of the products are chosen here, once: a redo files the same.

        A bill by the time measured counts from here, before the slot is free for the next wish.
        """
        chosen = await self._choosing.choose(row, outputs, last_attempt(self._index, row).actual)
        order, stake = order_of(self._index, row), at_stake(self._index, row)
        seconds = seconds_of_run(outputs.seconds)  # also of a factory that did not look
        used = scrubbed(order.model_of(row), strict_json.told(bounded(dict(outputs.returned))))
        told = {"parameters": used, "seconds": seconds, "note": redact(outputs.note)}
        returned = json.loads(without_secrets(json.dumps(told, ensure_ascii=False)))
        count = budget.by_count(order, row, sum(not output.byproduct for output in chosen))
        by_count = count is not None and count > stake  # else it is known when they have come
        bill = count if by_count else budget.by_time(order, row, seconds)
        if bill is not None and bill > stake:
            log.warning("item %s costs more than was set aside", row.number)
        assert row.attempt is not None
        result = Result(
            order=row.order_id,
            item=row.number,
            attempt=row.attempt,
            outputs=chosen,
            returned=returned,
            cost=bill,
            by_count=by_count,
        )
        return await self._recorder.advance(result)

    async def _run_failed(self, row: ItemRow, error: RunFailed) -> ItemRow:
        """Another attempt where the reason passes: it is planned again, and rests for a while."""
        cost = at_stake(self._index, row) if error.charged else 0
        if error.cancelled:
            return await self._recorder.fail(row, Verdict.CANCELLED, str(error), cost=cost)
        before = self._attempts_before(row) if error.passing else 0
        if error.passing and before + 1 < ATTEMPTS:
            self._queues[row.provider].rest(row.item_key, ATTEMPT_AGAIN[before])
            return await self._recorder.fail(row, Verdict.PASSING, str(error), cost=cost)
        words = f"{error} After {ATTEMPTS} attempts it is not tried again by itself." if error.passing else str(error)
        if error.answer:
            words += f" It answered: {shown(error.answer)}"
        return await self._recorder.fail(row, Verdict.ENDED, words, cost=cost, answer=error.answer)

    def _attempts_before(self, row: ItemRow) -> int:
        """How many ended for a passing reason, one after the other; a person's retry of a failure begins anew."""
        attempts = self._index.attempts(*row.item_key)
        verdicts = [attempt.verdict for attempt in attempts if attempt.verdict != "released"
                    and attempt.id != row.attempt]  # fmt: skip
        latest_first = enumerate(reversed(verdicts))
        return next((count for count, verdict in latest_first if verdict != Verdict.PASSING), len(verdicts))
