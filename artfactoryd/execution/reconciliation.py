"""What became of creates whose answer was lost: each provider that can tell is asked, until it tells or cannot.

    in doubt -> asked soon, then ever more rarely -> ticket: collected by the worker
                                                  -> absent: planned again, its turn comes
                                                  -> neither: a person's word

Nothing is sent from here. An answer goes through the same guarded lines as every other move.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from artfactoryd.clock import Age, iso
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.model import Model
from artfactoryd.core.parameters import secret_values
from artfactoryd.errors import AskAgain, IllegalMove, ProviderStopped, StorageFull, Throttled
from artfactoryd.execution.doubts import Doubts
from artfactoryd.execution.flights import Flights
from artfactoryd.execution.pacing.gate import Gate
from artfactoryd.execution.receipts_due import ReceiptsDue
from artfactoryd.execution.recorder import Recorder
from artfactoryd.execution.rows import item_now, order_of
from artfactoryd.factories import Absent, Attempt, Call, Factory, Reconciles, Ticket
from artfactoryd.printable import redact
from artfactoryd.storage import in_doubt
from artfactoryd.storage.in_doubt import Doubt
from artfactoryd.storage.rows import AttemptRow, ItemKey, ItemRow, QuestionRow
from artfactoryd.storage.writer import Books

log = logging.getLogger(__name__)

Told = Mapping[str, Ticket | Absent]
SOON = 0.2  # seconds in which doubts that arise together are asked about together
FIRST, LONGEST = 2.0, 60.0  # seconds between two questions
ROUND = 120.0  # seconds that one question may take
PATIENCE = timedelta(seconds=150)  # for which a run that ends by itself waits: two looks a minute apart fit well
YOUNG = timedelta(hours=1)  # asked about all the time
OLD = timedelta(hours=24)  # asked about a few times in each run
FEW = 3
BEFORE = timedelta(minutes=15)  # tickets from so long before the oldest doubt are told of too
NOT_BOUGHT = "The provider's own list shows that it was not bought."
UNTOLD = "The provider does not say what became of it."
SET_BACK = "The clock was set back after it was sent: that the provider's list lacks it proves nothing."
STRAIGHT = timedelta(seconds=2)  # by which moments may go back though nobody set the clock: lines overtake each other


class Reconciliation:
    def __init__(
        self, books: Books, factories: Mapping[str, Factory], gates: Mapping[str, Gate], flights: Flights,
        doubts: Doubts, recorder: Recorder, receipts: ReceiptsDue, put_back: Callable[[ItemRow], None],
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """`put_back`: what is planned again, and nobody works on."""
        self._books, self._index, self._factories, self._gates = books, books.index, factories, gates
        self._flights, self._doubts, self._recorder, self._receipts = flights, doubts, recorder, receipts
        self._put_back, self._clock = put_back, clock
        self._ages: dict[str, Age] = {}  # of attempts, by their ids
        self._told: dict[str, Age] = {}  # since a person could read of them in this run
        self._asked: Counter[str] = Counter()  # attempts asked about in this run
        self._models: dict[ItemKey, Model] = {}

    @property
    def providers(self) -> list[str]:
        """Those that can tell."""
        return self._doubts.providers

    def take_up(self) -> None:
        """What earlier runs left in doubt is asked about again."""
        for provider in self.providers:
            if in_doubt.open_doubts(self._index, provider):
                self._doubts.arise(provider)

    async def reconcile(self, provider: str, start: Callable[[ItemRow], None]) -> None:
        """For as long as the program is at work. `start` collects an item that turned out to be bought."""
        while True:
            await self._doubts.wait(provider)
            pause = FIRST / 2
            while pause:
                pause = FIRST if self._doubts.take_up(provider) else min(2 * pause, LONGEST)
                await asyncio.sleep(SOON)
                pause = await self._ask_once(provider, pause, start)
                if pause:
                    await self._doubts.wait(provider, pause)

    async def _ask_once(self, provider: str, pause: float, start: Callable[[ItemRow], None]) -> float:
        """One question about all that is in doubt there. Seconds until the next, 0 when asking tells nothing more."""
        doubts = in_doubt.open_doubts(self._index, provider)
        worth = [doubt for doubt in doubts if self._is_worth_asking(doubt.attempt)]
        asked = {doubt.attempt.id: doubt.attempt for doubt in worth}
        back = await asyncio.to_thread(self._sent_before, worth)
        answer = await self._answer(provider, list(asked.values()), back) if asked else Answer()
        answer = answer.without_absences(back)
        unsettled = [doubt for doubt in doubts if not await self._settle(doubt.attempt, answer.of(doubt), start)]
        self._asked.update(asked.keys())
        pause = max(pause, answer.after)
        questions = [self._question(doubt, answer, pause, doubt.attempt.id in asked) for doubt in unsettled]
        with contextlib.suppress(StorageFull):  # a person reads of it later
            await self._books.remember_questions(questions)
        self._tell(unsettled, questions)
        if not any(question.hopeful for question in questions):
            self._doubts.lose_hope(provider)
        return pause if any(question.next_at for question in questions) else 0.0

    def _sent_before(self, doubts: Sequence[Doubt]) -> dict[str, datetime]:
        """By attempt, when it was sent at the latest, of those that were sent before the clock was set back."""
        latest = in_doubt.sent_by(self._index, doubts, iso(self._clock()))
        moments = {
            doubt.attempt.id: (_when(doubt.attempt.asked_at), _when(latest[doubt.attempt.id])) for doubt in doubts
        }
        return {name: by for name, (told, by) in moments.items() if told - by > STRAIGHT}

    async def _answer(self, provider: str, attempts: Sequence[AttemptRow], back: Mapping[str, datetime]) -> Answer:
        """What the provider tells, or why it does not. Whatever goes wrong in asking is an answer too."""
        factory = self._factories[provider]
        assert isinstance(factory, Reconciles)
        asked, known = await asyncio.to_thread(self._attempts, provider, attempts)
        doubts = [replace(doubt, asked_at=back.get(doubt.id, doubt.asked_at)) for doubt in asked]
        try:
            async with asyncio.timeout(ROUND):
                return Answer(await factory.reconcile(doubts, known))
        except Throttled as error:
            self._gates[provider].slow_down(error.after)
            return Answer(words=str(error), after=error.after or 0.0)
        except AskAgain as error:
            return Answer(words=str(error), after=error.after or 0.0)
        except ProviderStopped as error:  # what it means for new creates, a create will tell
            return Answer(words=str(error), after=LONGEST, refused=True)
        except TimeoutError:
            return Answer(words="It did not answer in time.")
        except Exception as error:
            log.exception("asking %s what became of sendings failed: a defect of this program", provider)
            return Answer(words=f"A defect of this program ({error!r}); the log has the details.", refused=True)

    def _attempts(self, provider: str, doubtful: Sequence[AttemptRow]) -> tuple[list[Attempt], list[Attempt]]:
        oldest = min(_when(attempt.asked_at) for attempt in doubtful)
        known = in_doubt.known(self._index, provider, iso(oldest - BEFORE))
        return [self._attempt(attempt) for attempt in doubtful], [self._attempt(attempt) for attempt in known]

    def _attempt(self, row: AttemptRow) -> Attempt:
        key = row.item_key
        if key not in self._models:
            item = item_now(self._index, key)
            self._models[key] = order_of(self._index, row).model_of(item)
        model = self._models[key]
        call = Call(row.model, model.version, secret_values.hidden(model, row.actual), model.recipe, row.id)
        ticket = Ticket(row.ticket) if row.ticket else None
        return Attempt(row.id, call, _when(row.asked_at), ticket)

    # --- what follows from an answer ---

    async def _settle(self, row: AttemptRow, answer: Ticket | Absent | None, start: Callable[[ItemRow], None]) -> bool:
        """Whether nothing is left to ask."""
        if answer is None or (isinstance(answer, Ticket) and self._may_be_anothers(row)):
            return False
        item = item_now(self._index, row.item_key)
        try:
            if isinstance(answer, Ticket):
                self._go_on(await self._recorder.take_ticket(item, answer, row.id), start)
            else:
                self._send_again(await self._recorder.release(item, NOT_BOUGHT, row.id))
        except IllegalMove as error:
            log.warning("what became of attempt %s is not taken down: %s", row.id, error)
            return False
        return True

    def _go_on(self, item: ItemRow, start: Callable[[ItemRow], None]) -> None:
        """It was bought. Where it was about to be sent again just now, whoever works on it collects it."""
        if item.state == ItemState.RUNNING and not self._flights.adopt(item.item_key):
            self._gates[item.provider].hold()
            start(item)

    def _send_again(self, item: ItemRow) -> None:
        """It was not bought: its turn comes."""
        if item.state == ItemState.PLANNED and item.item_key not in self._flights:
            self._put_back(item)

    def _may_be_anothers(self, row: AttemptRow) -> bool:
        """A create on the way just now may be the one that was found: its ticket comes in a moment."""
        sent = row.actual
        others = in_doubt.on_the_way(self._index, row.provider)
        return any(all(other[name] == sent[name] for name in other.keys() & sent.keys()) for other in others)

    # --- how long it is asked, and what a person is told of it ---

    def _is_worth_asking(self, row: AttemptRow) -> bool:
        if row.id not in self._ages:
            self._ages[row.id] = Age(_when(row.asked_at), self._clock)
        age = timedelta(seconds=self._ages[row.id].seconds)
        return age < YOUNG or (age < OLD and self._asked[row.id] < FEW)

    def _tell(self, doubts: Sequence[Doubt], questions: Sequence[QuestionRow]) -> None:
        """Where the hope of a doubt has changed, its order's receipt says so: the receipt reads what was remembered."""
        for doubt, question in zip(doubts, questions, strict=True):
            if question.hopeful != (doubt.question is not None and doubt.question.hopeful):
                self._receipts.touch(doubt.attempt.order_id)

    def _question(self, doubt: Doubt, answer: Answer, pause: float, asked: bool) -> QuestionRow:
        """What is known of the doubt after this round."""
        now, attempt, before = self._clock(), doubt.attempt, doubt.question or _unasked(doubt.attempt)
        again = self._is_worth_asking(attempt)
        waited = self._told.setdefault(attempt.id, Age(now, lambda: now)).seconds
        hopeful = again and not answer.refused and waited < PATIENCE.total_seconds()
        words = (redact(answer.of_attempt(attempt.id)) or UNTOLD) if asked else before.words or UNTOLD
        return QuestionRow(
            attempt.id, min(before.since, iso(now)), before.times + asked, iso(now) if asked else before.last_at,
            iso(now + timedelta(seconds=pause)) if again else None, hopeful, words,
        )  # fmt: skip


def _unasked(attempt: AttemptRow) -> QuestionRow:
    return QuestionRow(attempt.id, attempt.asked_at, 0, None, None, False, "")


@dataclass(frozen=True, slots=True)
class Answer:
    """`refused`: asking again soon is no use. `after`: seconds that the provider wants to be left alone. `back`:
    attempts that were sent before the clock was set back."""

    told: Told = field(default_factory=dict)
    words: str = ""
    after: float = 0.0
    refused: bool = False
    back: frozenset[str] = frozenset()

    def without_absences(self, back: Mapping[str, datetime]) -> Answer:
        """Of what was sent before the clock was set back: the list was asked for by a moment that never was."""
        told = {name: each for name, each in self.told.items() if name not in back or isinstance(each, Ticket)}
        return replace(self, told=told, back=frozenset(back))

    def of_attempt(self, attempt: str) -> str:
        """In words."""
        return self.words or (SET_BACK if attempt in self.back else "")

    def of(self, doubt: Doubt) -> Ticket | Absent | None:
        return self.told.get(doubt.attempt.id)


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)
