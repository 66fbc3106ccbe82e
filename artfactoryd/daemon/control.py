"""What a person may tell the program to do: approve, cancel, retry, pause, resume, like, tag.

A command has an id, recorded in the same durable step as its effect; seen again, it is only answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from artfactoryd.core.lifecycle import MOVES, UNFINISHED_ORDERS, ItemState, Verdict
from artfactoryd.core.money import dollars
from artfactoryd.daemon import importing
from artfactoryd.daemon.answers import Answer, go_on, label, no, retry_answer, still_held, waits, why, yes
from artfactoryd.daemon.marking import Marking
from artfactoryd.errors import ArtFactoryError, IllegalMove, NoSuchOrder, StorageFull, WrongUse
from artfactoryd.execution.assembly import Execution
from artfactoryd.home import Home
from artfactoryd.intake.acceptance import Intake
from artfactoryd.intake.claims import Claims
from artfactoryd.intake.outcomes import Accepted
from artfactoryd.medium import in_words
from artfactoryd.storage import budget, dependencies, naming
from artfactoryd.storage.events import Approval, Approved, Cancel, CommandDone, Failure, Pause, Restored, Retry
from artfactoryd.storage.marks import releasing
from artfactoryd.storage.rows import ItemRow, OrderRow
from artfactoryd.storage.safekeeping.holding import held_still, is_held_again, why_held_again
from artfactoryd.storage.writer import Books

RACES = 3  # times that what a command was read from may be gone when it is to be recorded


class Control:
    def __init__(
        self, home: Home, books: Books, claims: Claims, intake: Intake, execution: Execution,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._books, self._claims, self._intake, self._execution = books, claims, intake, execution
        self._home, self._marking = home, Marking(home, books, execution)
        self._one_at_a_time = asyncio.Lock()  # the page, Held/ and the mailbox may say the same in one moment

    async def carry_out(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        """The answer, and the orders that may now be worked on. Never raises for what a person did."""
        async with self._one_at_a_time:
            return await self._carry_out(command)

    async def _carry_out(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        known = self._books.index.answer(command["id"])
        if known is not None:
            return known, []
        acts = {"approve": self._approve, "cancel": self._cancel, "retry": self._retry, "pause": self._pause,
                "resume": self._resume, "import": self._import, **self._marking.acts}  # fmt: skip
        act = acts.get(str(command.get("name")))
        if act is None:
            return no(f"There is no command {command.get('name')!r}."), []
        try:
            for _ in range(RACES):
                with suppress(IllegalMove):  # an item went on between the look at it and the line: looked at again
                    return await act(command)
            return await act(command)
        except ArtFactoryError as error:
            return no(str(error)) | ({"wrong_use": True} if isinstance(error, WrongUse) else {}), []

    def _order(self, command: Mapping[str, Any]) -> OrderRow:
        """The one that is named. Raises NoSuchOrder and AmbiguousName, which are answers too (`carry_out`)."""
        return naming.order_named(self._books.index, str(command.get("order") or ""))

    def _open_order(self, command: Mapping[str, Any]) -> OrderRow:
        """The same, for what ends or stops one that is not over; money is spent by a name that is clear alone."""
        return naming.open_order_named(self._books.index, str(command.get("order") or ""))

    def _held_together(self, command: Mapping[str, Any]) -> list[OrderRow]:
        return naming.held_together(self._books.index, str(command.get("order") or ""))

    async def _approve(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        together = self._held_together(command)
        row = together[0] if together else self._order(command)
        if row.held is None and not row.cancelled and (price := self._waits_for_its_cap(row)):
            return await self._raise_cap(command, row, price)
        if row.held is None and not row.cancelled and (found := releasing.found(self._books.index, row.id)):
            return await self._marking.send_on(command, row, found)
        if row.held is None or row.cancelled:
            return no(f"{row.name} is not held; it is {self._books.index.state(row)}."), []
        held = [order for order in self._books.index.orders_of_claim(row.claim) if order.is_held]
        for reason in (reason for order in held for reason in order.reasons):
            if not reason.waivable:
                return waits(no(f"Approving is not enough: {reason.text}")), []
        names = " and ".join(order.name for order in held) if together else row.name
        answer = yes(f"{names} {'are' if together else 'is'} approved.", order_id=row.id)
        ready: Sequence[str] = ()
        try:
            outcome = await self._intake.approve(held, _line(command, answer))
            ready = outcome.ready if isinstance(outcome, Accepted) else ()
        except (StorageFull, OSError) as error:
            answer = self._cut_short(answer, row, error)
        self._free_stakes(held)
        return answer, list(ready)

    async def _cleared(self, answer: Answer, row: OrderRow) -> Answer:
        try:
            await self.clear_held(row)
        except (StorageFull, OSError) as error:
            return self._cut_short(answer, row, error)
        return answer

    def _cut_short(self, answer: Answer, row: OrderRow, error: Exception) -> Answer:
        """It is in the books, and what follows from it has still to be done: whoever takes what waits does it. Raises
        the error where the books have not taken it."""
        if any(order.is_held for order in self._books.index.orders_of_claim(row.claim)):
            raise error
        self._claims.owed.add(row.claim)
        return answer | {"text": f"{answer['text']} The rest of it waits: {in_words(error)}"}

    def _waits_for_its_cap(self, row: OrderRow) -> int:
        """What all of it may cost (micro-dollars), when it has begun and its own cap, or a bill above what was set
        aside, stops it; else 0."""
        names = dict.fromkeys(row.providers)
        first = [item for name in names for item in self._books.index.planned_items(row.id, name, 1)]
        first = first or self._books.index.items(row.id, (ItemState.PLANNED,))  # they wait for marks
        reserved = max((budget.set_aside(row, item.upper) for item in first), default=0)
        return budget.whole_price(self._books.index, row) if reserved and budget.stops(row, reserved) else 0

    async def _raise_cap(self, command: Mapping[str, Any], row: OrderRow, price: int) -> tuple[Answer, list[str]]:
        cap = max(row.cap, price)
        answer = yes(f"{row.name} goes on; all of it may cost up to {dollars(price)}.", order_id=row.id)
        raised = Approval(order=row.id, waived=[Approved.CAP], cap=cap, of=Approved.CAP)
        await self._books.record(raised, _line(command, answer))
        self._execution.lift_cap(row.id)
        self._execution.wake(row.id)
        return answer, [row.id]

    async def _cancel(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        if together := self._held_together(command):
            return await self._cancel_all(command, together)
        row = self._open_order(command)
        if (state := self._books.index.state(row)) not in UNFINISHED_ORDERS:
            return no(f"{row.name} is {state} already; there is nothing to cancel.") | {"order_id": row.id}, []
        running = self._books.index.items(row.id, (ItemState.RUNNING, ItemState.SUBMITTING))
        filing = self._books.index.counts(row.id).get(ItemState.DELIVERING, 0)
        answer = yes(self._cancel_words(row, len(running), filing), order_id=row.id)
        lingering = [item for item in self._books.index.noted_items(row.id, row.all_items) if item.outputs]
        ends = [self._end(item) for item in lingering if item.state == ItemState.DELIVERING]
        await self._books.record(Cancel(order=row.id), *ends, _line(command, answer))
        self._execution.unstick(row.id)
        self._execution.cancel(item.item_key for item in running)
        if row.held is not None:
            answer = await self._cleared(answer, row)
            self._free_stakes([row])
        self._execution.wake(row.id)
        return answer, []

    async def _cancel_all(self, command: Mapping[str, Any], rows: Sequence[OrderRow]) -> tuple[Answer, list[str]]:
        """All documents of a held file, as when it is binned: of none of them anything is on the way."""
        words = f"{' and '.join(row.name for row in rows)} are cancelled; nothing more of them is sent."
        answer = yes(words, order_id=rows[0].id)
        await self._books.record(*(Cancel(order=row.id) for row in rows), _line(command, answer))
        answer = await self._cleared(answer, rows[0])
        self._free_stakes(rows)
        for row in rows:
            self._execution.wake(row.id)
        return answer, []

    def _free_stakes(self, rows: Sequence[OrderRow]) -> None:
        """What they might have cost since a backup counts no more: others may wait for it."""
        for row in filter(is_held_again, rows):
            self._execution.money_came_back(row.id)

    def _end(self, item: ItemRow) -> Failure:
        """Of what was made and does not come, or is too large to be fetched: nobody waits for it any longer."""
        assert item.attempt is not None
        attempt = self._books.index.attempt(item.attempt)
        return Failure(
            order=item.order_id, item=item.number, attempt=item.attempt, verdict=str(Verdict.LOST),
            reason=f"Cancelled by you before it was fetched. {item.reason}", cost=attempt.at_stake if attempt else 0,
        )  # fmt: skip

    def _cancel_words(self, row: OrderRow, running: int, filing: int) -> str:
        stake = self._books.index.doubtful(row.id)
        words = [f"{row.name} is cancelled; nothing more of it is sent."]
        if running:
            words.append(f"{running} already running: the provider is told, what arrives is kept and may be charged.")
        if filing:
            words.append(f"{filing} made already: they are fetched and kept.")
        if stake:
            words.append(f"In doubt stays counted: up to {dollars(stake)}; if it is found, what arrives is kept.")
        return " ".join(words)

    async def clear_held(self, row: OrderRow) -> None:
        """A held order that ended: its entry, its words and its claim go, once nothing of the file is held."""
        rows = self._books.index.orders_of_claim(row.claim)
        if any(order.is_held for order in rows):
            return
        await self._intake.finish_claim(row.claim)
        await asyncio.to_thread(self._claims.drop_held, row.entry)

    async def _retry(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        row = self._order(command)
        if row.is_held:
            return waits(no(f"{row.name} is held. First `approve {row.short}` or `cancel {row.short}`.")), []
        items = self._items_to_retry(row)
        stuck = self._execution.unstick(row.id)
        if stuck and not items:
            answer = yes(f"{stuck} of {row.name}, stuck by a defect, are taken up where they were.", order_id=row.id)
            await self._books.record(_line(command, answer))
            return answer, [row.id]
        if not items:
            return no(f"There is nothing in {row.name} to send again; it is {self._books.index.state(row)}."), []
        stakes = {item.number: self._stake(item) for item in items}
        risky = {number: stake for number, stake in stakes.items() if stake is not None}
        chosen = [item for item in items if stakes[item.number] is None or command.get("in_doubt")]
        answer = retry_answer(row, [item.number for item in chosen], risky, bool(command.get("in_doubt")), why(items))
        lines = [
            Retry(
                order=row.id, item=item.number, fed=bool(item.waits),
                raised=budget.set_aside(row, item.upper) if stakes[item.number] is not None else 0,
            )
            for item in chosen
        ]  # fmt: skip
        holds = self._holds_still(row, chosen)
        answer = still_held(answer, row, why_held_again(row)) if holds else answer
        await self._books.record(*lines, *holds, _line(command, answer))
        self._execution.lift_cap(row.id)
        self._execution.wake(row.id)
        return answer, [row.id] if chosen and not holds else []

    def _holds_still(self, row: OrderRow, chosen: Sequence[ItemRow]) -> list[Restored]:
        """Nobody has said yet that what may have been bought is to be sent: to bring it back does not."""
        if not (chosen and row.cancelled and is_held_again(row)):
            return []
        return [held_still(row, sum(budget.set_aside(row, item.upper) for item in chosen), self._clock())]

    def _items_to_retry(self, row: OrderRow) -> list[ItemRow]:
        """What has ended otherwise than well; of later stages only what can still be fed."""
        index, items = self._books.index, []
        spans: list[tuple[int, int]] = []  # first and last output of what is sent again
        for item in index.items(row.id, sorted(MOVES["retry"])):
            if not item.waits or dependencies.alive(index, row.id, item.parent or 0, spans):
                spans.append((item.first_index, item.last_index))
                items.append(item)
        return items

    def _stake(self, item: ItemRow) -> int | None:
        """What an item's last attempt, and earlier ones still in doubt, may have cost; None when surely nothing.

        Micro-dollars. A cancel makes no difference: what was wished for and not released counts.
        """
        attempts = self._books.index.attempts(*item.item_key)
        counted = [attempt for attempt in attempts if attempt is attempts[-1] or attempt.cost is None]
        stake = sum(attempt.at_stake for attempt in counted)
        doubtful = any(attempt.verdict in ("in_doubt", "lost") for attempt in counted)
        return stake if stake or doubtful else None

    async def _import(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        answer = await importing.take_in(self._books, self._home, self._execution.later, command)
        await self._books.record(_line(command, {**answer, "products": []}))
        return answer, []

    # --- pause and resume ---

    async def _pause(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        target = self._target(command)
        row = target.order
        if row is not None and self._books.index.state(row) not in UNFINISHED_ORDERS:
            return no(f"{target.label} has ended; there is nothing to pause."), []
        if target.paused:
            return yes(f"{target.label} is paused already. To go on: `{target.lift}`."), []
        answer = yes(
            f"{target.label} is paused: nothing more is sent. What is on the way is still collected and delivered. "
            f"To go on: `{target.lift}`."
        )
        await self._books.record(target.pause(on=True, by="you"), _line(command, answer))
        self._follow([target.fields])
        return answer, []

    async def _resume(self, command: Mapping[str, Any]) -> tuple[Answer, list[str]]:
        """Exactly what is named; with nothing named, every pause and every stop. No stop for want of a key that is
        still not there."""
        target = self._target(command)
        named = self._to_lift(target)
        keyless = self._without_key(named)
        paused = self._books.index.pauses()
        lifted = [it for it in named if it.get("provider") not in keyless or it.get("provider") in paused]
        if not lifted:
            nothing = f"{target.label} is not stopped or paused." if target.fields else "Nothing is stopped or paused."
            words = self._still(target, keyless)
            return no(words.strip() if keyless else nothing + words), []
        names = [label(fields) for fields in lifted] if target.order is None else [target.label]
        order_ids = [fields["order"] for fields in lifted if "order" in fields]
        answer = yes(f"{go_on(names)}{self._still(target, keyless)}")
        lines = [Pause(order=fields.get("order"), provider=fields.get("provider"), on=False) for fields in lifted]
        await self._books.record(*lines, *self._stopped_again(lifted, keyless), _line(command, answer))
        for provider in {fields.get("provider", "") for fields in lifted} - keyless.keys():
            if provider in self._execution.gates:
                self._execution.gates[provider].lift()
        self._follow(lifted)
        return answer, order_ids

    def _target(self, command: Mapping[str, Any]) -> Target:
        """What `pause` or `resume` is about: a provider by its name, else an order, or with no name everything."""
        index = self._books.index
        name = str(next((command[key] for key in ("target", "provider", "order") if command.get(key)), ""))
        if command.get("target") == "":  # a variable of a script that was empty
            raise WrongUse("Name an order or a provider; without a name it is everything.")
        if not name:
            return Target({}, "Everything", "resume", "" in index.pauses())
        if name in self._execution.gates or name in {*index.stops(), *index.pauses()}:
            return Target({"provider": name}, name, f"resume {name}", name in index.pauses())
        try:
            row = naming.open_order_named(index, name)
        except NoSuchOrder as error:
            raise NoSuchOrder(f"{error} Providers: {', '.join(sorted(self._execution.gates))}.") from error
        lift = f"resume {row.short}"
        return Target({"order": row.id}, row.name, lift, row.paused is not None, row)

    def _to_lift(self, target: Target) -> list[dict[str, str]]:
        """What the lines that lift it are about."""
        index = self._books.index
        shut = sorted({*index.stops(), *index.pauses(), *index.outages()})
        if target.fields:
            return [target.fields] if target.paused or target.fields.get("provider") in shut else []
        orders = [{"order": row.id} for row in index.paused_orders()]
        return [{"provider": name} if name else {} for name in shut] + orders

    def _without_key(self, named: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """Those of the providers that are stopped for want of a key, and still have none: why, in words."""
        stops = self._books.index.stops()
        providers = [fields["provider"] for fields in named if "provider" in fields]
        words = {name: self._execution.health.want_of_key(name) for name in providers if name in stops}
        return {name: text for name, text in words.items() if text}

    def _stopped_again(self, lifted: Sequence[Mapping[str, str]], keyless: Mapping[str, str]) -> list[Pause]:
        """A line that lifts a person's pause lifts the stop, too."""
        stops = self._books.index.stops()
        again = [stops[fields["provider"]] for fields in lifted if fields.get("provider") in keyless]
        return [Pause(provider=stop.provider, on=True, reason=stop.reason, of_key=stop.of_key) for stop in again]

    def _still(self, target: Target, keyless: Mapping[str, str]) -> str:
        """What else keeps it, in words. `keyless`: what of it was to be lifted, and has no key."""
        index = self._books.index
        words = "".join(f" {name} is still stopped: {text}" for name, text in keyless.items())
        if not target.fields:
            return words
        if "" in index.pauses():
            return f"{words} Everything is paused: `resume`."
        shut = {*index.stops(), *index.pauses()}
        for provider in dict.fromkeys(target.order.providers if target.order else ()):
            if provider in shut:
                why = self._without_key([{"provider": provider}]).get(provider, f"`resume {provider}`.")
                return f"{words} {provider} is paused or stopped: {why}"
        return words

    def _follow(self, changed: Sequence[Mapping[str, str]]) -> None:
        """Gates, queues and receipts follow what was written."""
        for fields in changed:
            provider = fields.get("provider", "")
            waiting = {fields["order"]} if "order" in fields else self._books.index.waiting_orders(provider)
            self._execution.receipts.add_all(waiting)
        self._execution.dispatcher.heed_pauses()
        self._execution.wake()


@dataclass(frozen=True, slots=True)
class Target:
    """`fields`: what its ledger line says it is about. `lift`: the command that lifts it."""

    fields: dict[str, str]
    label: str
    lift: str
    paused: bool
    order: OrderRow | None = None

    def pause(self, *, on: bool, by: str | None = None) -> Pause:
        return Pause(order=self.fields.get("order"), provider=self.fields.get("provider"), on=on, by=by)


def _line(command: Mapping[str, Any], answer: Answer) -> CommandDone:
    return CommandDone(id=command["id"], name=command["name"], answer=answer)
