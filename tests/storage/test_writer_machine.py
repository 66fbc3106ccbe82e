"""Any history at all: what a provider sold and what the books believe, whatever is lost, late, repeated or restarted.

The model knows what the provider accepted and what each wish was worth; everything else is asked of the books.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from artfactoryd.core.lifecycle import MOVES, ItemState
from artfactoryd.errors import IllegalMove
from artfactoryd.storage.rows import ATTEMPTS, ITEMS, ORDERS
from tests import accounts
from tests.accounts import (
    NOON,
    UPPER,
    LineBooks,
    acceptance,
    approval,
    cancel,
    command,
    expander,
    failure,
    hold,
    item_row,
    pause,
    release,
    result,
    retry,
    rows,
    settlement,
    wish,
)

S = ItemState
Line = dict[str, Any]
Item = tuple[str, int]
FATES = ("answered", "answered", "answer lost", "never came", "refused", "not sent", "killed before", "killed after")
INDEXES = ("kept", "deleted", "an older one", "kept, and the ledger torn")
any_one = st.integers(0, 1_000_000)


@dataclass
class Sent:
    """One wish that was written. `sold`: the provider accepted it. `failed`: ended by the provider without output."""

    item: Item
    nth: int
    reserved: int
    cost: int | None = None
    sold: bool = False
    failed: bool = False


def ticket(number: int, order: str, *, nth: int = 1) -> Line:
    """The provider gives each one once."""
    line = accounts.ticket(number, order, nth=nth)
    return {**line, "ticket": f"ticket of {line['attempt']}"}


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        (self.folder / "Ledger").mkdir()
        self.loop = asyncio.new_event_loop()
        self.now = NOON
        self.sent: dict[str, Sent] = {}
        self.at: dict[Item, str] = {}  # the attempt an item is at, or was last
        self.asked: Counter[Item] = Counter()  # a person's word to send again
        self.orders: list[str] = []
        self.commands = 0
        logging.getLogger(
            "artfactoryd.storage.ledger"
        ).disabled = True  # it would name every torn line of every history
        self.open()

    def teardown(self) -> None:
        self.restart("deleted", twice=False)
        logging.getLogger("artfactoryd.storage.ledger").disabled = False
        self.books.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    # --- the program ---

    def open(self) -> None:
        def clock() -> datetime:
            return self.now

        self.books = LineBooks(self.folder / "Ledger", self.folder / "index.sqlite3", expander, clock)
        self.expand()

    def expand(self) -> None:
        for row in self.books.index.orders():
            if row.held is None:
                self.loop.run_until_complete(self.books.expand(row))

    def do(self, *lines: Line) -> bool:
        """Is it legal?"""
        try:
            self.loop.run_until_complete(self.books.record(*lines))
        except IllegalMove:
            return False
        return True

    def any_of(self, *states: str) -> list[Item]:
        found = self.books.index.rows("SELECT order_id, number, state FROM item ORDER BY order_id, number")
        return [(row["order_id"], row["number"]) for row in found if row["state"] in states]

    def one(self, which: int, *states: str) -> Item:
        fit = self.any_of(*states)
        return fit[which % len(fit)]

    def last(self, item: Item) -> tuple[str, Sent]:
        return self.at[item], self.sent[self.at[item]]

    # --- orders and a person's words ---

    @initialize()
    def begin(self) -> None:
        self.accept(3, 1_000_000, False)

    @rule(items=st.integers(1, 3), cap=st.sampled_from([UPPER, 3 * UPPER, 1_000_000]), held=st.booleans())
    def accept(self, items: int, cap: int, held: bool) -> None:
        if len(self.orders) == 8:
            return
        order = f"0190000{len(self.orders)}-0000-7000-8000-000000000000"
        self.orders.append(order)
        assert self.do(acceptance(order, items=items, cap=cap), *([hold(order)] if held else []))
        assert not self.do(acceptance(order, items=items, cap=cap))
        self.expand()

    @rule(which=any_one, word=st.sampled_from(["approve", "approve", "cancel", "pause", "resume", "resume"]))
    def a_person_decides(self, which: int, word: str) -> None:
        held = [row.id for row in self.books.index.held_orders()]
        orders = held if held and word == "approve" else self.orders
        order = orders[which % len(orders)]
        line = {
            "approve": approval(order, cap=(which % 4 + 1) * UPPER), "cancel": cancel(order),
            "pause": {**pause(True), "by": "you"}, "resume": pause(False),
        }[word]  # fmt: skip
        self.say(line)
        self.expand()

    @rule(which=any_one, raised=st.sampled_from([0, UPPER]))
    @precondition(lambda self: self.any_of(*MOVES["retry"]))
    def retry(self, which: int, raised: int) -> None:
        order, number = item = self.one(which, *MOVES["retry"])
        assert self.say(retry(number, order, raised=raised))
        self.asked[item] += 1

    def say(self, *lines: Line) -> bool:
        """A command, handed in twice: the second time nothing happens at all."""
        self.commands += 1
        step = (*lines, command(f"command-{self.commands}"))
        done = self.do(*step)
        if done:
            before = rows(self.folder)
            assert not self.do(*step) and rows(self.folder) == before
        return done

    # --- buying ---

    @rule(which=any_one, fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=3))
    @precondition(lambda self: self.any_of(S.PLANNED))
    def send(self, which: int, fates: list[str]) -> None:
        for fate in fates[: len(self.any_of(S.PLANNED))]:
            self.send_one(*self.one(which, S.PLANNED), fate)

    def send_one(self, order: str, number: int, fate: str) -> None:
        item = (order, number)
        nth = item_row(self.books.index, order, number).attempts + 1
        line = wish(number, order, nth=nth)
        if not self.do(line):
            return
        row = self.books.index.order(order)
        assert row is not None and row.committed <= row.cap and row.held is None and not row.cancelled
        sent = self.sent[line["attempt"]] = Sent(item, nth, line["reserved"])
        self.at[item] = line["attempt"]
        sent.sold = fate in ("answered", "answer lost", "killed after")
        self.answer(sent, fate)

    def answer(self, sent: Sent, fate: str) -> None:
        (order, number), nth = sent.item, sent.nth
        if fate.startswith("killed"):
            self.restart("kept", twice=False)
        elif fate == "answered":
            assert self.do(ticket(number, order, nth=nth))
        elif fate == "refused":
            sent.cost = 0
            assert self.do(failure(number, "refused", order, nth=nth, cost=0))
        elif fate == "not sent":
            sent.cost = 0
            assert self.do(release(number, order, nth=nth))
        else:
            assert self.do(failure(number, "in_doubt", order, nth=nth))

    @rule(which=any_one)
    @precondition(lambda self: self.any_of(*set(S) - {S.PLANNED}))
    def wish_for_what_is_not_planned(self, which: int) -> None:
        order, number = self.one(which, *set(S) - {S.PLANNED})
        assert not self.do(wish(number, order, nth=100 + which))

    @rule(which=any_one)
    @precondition(lambda self: self.any_of(S.IN_DOUBT))
    def ask_what_became_of_it(self, which: int) -> None:
        """The provider's list, late or not: it is there, or surely never was."""
        order, number = item = self.one(which, S.IN_DOUBT)
        _, sent = self.last(item)
        answer = ticket if sent.sold else release
        assert self.do(answer(number, order, nth=sent.nth))
        sent.cost = None if sent.sold else 0

    @rule(which=any_one, costs=st.lists(st.integers(-1, 2 * UPPER), min_size=1, max_size=3))
    @precondition(lambda self: self.any_of(S.RUNNING, S.DELIVERING))
    def deliver(self, which: int, costs: list[int]) -> None:
        """A cost below zero: its outputs are known, and on their way for a while yet."""
        for cost in costs[: len(self.any_of(S.RUNNING, S.DELIVERING))]:
            item = self.one(which, S.RUNNING, S.DELIVERING)
            if item in self.any_of(S.RUNNING):
                assert self.do({**result(item[1], item[0]), "attempt": self.last(item)[0]})
            if cost >= 0:
                self.settle(item, cost)

    def settle(self, item: Item, cost: int) -> None:
        id, sent = self.last(item)
        line = settlement(item[1], item[0], cost=cost)
        products = [{**each, "id": f"{each['id']}-{sent.nth}"} for each in line["products"]]
        assert self.do({**line, "attempt": id, "products": products})
        sent.cost = cost

    @rule(which=any_one, verdict=st.sampled_from(["ended", "cancelled", "lost"]), charged=st.booleans())
    @precondition(lambda self: self.any_of(S.RUNNING, S.DELIVERING))
    def fail(self, which: int, verdict: str, charged: bool) -> None:
        order, number = item = self.one(which, S.RUNNING, S.DELIVERING)
        _, sent = self.last(item)
        cost = UPPER if charged else 0
        if self.do(failure(number, verdict, order, nth=sent.nth, cost=cost)):
            sent.cost, sent.failed = cost, verdict != "lost"

    @precondition(lambda self: self.over())
    @rule(which=any_one, kind=st.sampled_from(["answer", "result", "settlement", "in_doubt", "lost"]))
    def a_late_word_about_an_attempt_that_is_over(self, which: int, kind: str) -> None:
        """It may settle that attempt's doubt; the item, which is at another one, stays as it is.

        Only one that was to be sent again, and was not yet, takes what was bought instead.
        """
        over = self.over()
        id = over[which % len(over)]
        sent = self.sent[id]
        (order, number) = sent.item
        answer = ticket(number, order, nth=sent.nth) if sent.sold else release(number, order)
        line = {
            "answer": answer, "result": result(number, order), "settlement": settlement(number, order),
            "in_doubt": failure(number, "in_doubt", order), "lost": failure(number, "lost", order, cost=UPPER),
        }[kind]  # fmt: skip
        before = self.books.index.item(order, number)
        assert before is not None
        done = self.do({**line, "attempt": id})
        if done:
            assert kind == "answer" and sent.cost is None
            sent.cost = None if sent.sold else 0
        if done and sent.sold and before.state == S.PLANNED:
            before = replace(before, state=S.RUNNING, attempt=id, ticket=line["ticket"], reason=None)
            self.at[sent.item] = id
        assert self.books.index.item(order, number) == before

    def over(self) -> list[str]:
        return sorted(id for id, sent in self.sent.items() if self.last(sent.item)[0] != id)

    # --- time, and the end of the program ---

    @rule(hours=st.integers(-2000, 2000))
    def the_clock_jumps(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(index=st.sampled_from(INDEXES), twice=st.booleans())
    def restart(self, index: str, twice: bool) -> None:
        """Whatever has become of the index, it says the same as before."""
        before = rows(self.folder)
        self.books.close()
        self.spoil(index)
        self.open()
        after = rows(self.folder)
        for place in ("meta", "ledger_mark") if index.endswith("torn") else ():  # it goes on behind what was torn
            before[place] = after[place]
        assert after == before
        self.take_up()
        if twice:
            once = rows(self.folder)
            self.books.close()
            self.open()
            self.take_up()
            assert rows(self.folder) == once

    def spoil(self, index: str) -> None:
        file, older = self.folder / "index.sqlite3", self.folder / "older.sqlite3"
        if index == "an older one" and older.exists():
            shutil.copy(older, file)
        elif index == "kept":
            shutil.copy(file, older)
        elif index == "deleted":
            file.unlink()
        elif index.endswith("torn"):
            with max((self.folder / "Ledger").glob("*.jsonl")).open("ab") as ledger:
                ledger.write(b'{"kind":"wish","order":"0190')

    def take_up(self) -> None:
        """What was being sent when the program ended is in doubt."""
        for order, number in self.any_of(S.SUBMITTING):
            assert self.do(failure(number, "in_doubt", order, nth=self.last((order, number))[1].nth))

    # --- what holds at every moment ---

    @invariant()
    def money_is_counted_once_and_never_forgotten(self) -> None:
        for row in self.books.index.orders():
            mine = [sent for sent in self.sent.values() if sent.item[0] == row.id]
            assert row.committed == sum(sent.reserved if sent.cost is None else sent.cost for sent in mine)

    @invariant()
    def an_item_is_sold_once_unless_it_failed_or_a_person_asked(self) -> None:
        sold = Counter(sent.item for sent in self.sent.values() if sent.sold)
        failed = Counter(sent.item for sent in self.sent.values() if sent.failed)
        for item, count in sold.items():
            assert count <= 1 + failed[item] + self.asked[item]

    @invariant()
    def what_was_sold_has_a_ticket_or_is_in_doubt(self) -> None:
        for row in self.books.index.rows("SELECT * FROM generation_log"):
            if self.sent[row["id"]].sold:
                assert row["ticket"] is not None or (row["verdict"] == "in_doubt" and row["cost"] is None)

    @invariant()
    def what_is_remembered_is_what_the_file_holds(self) -> None:
        index = self.books.index
        for item in index.all(ITEMS, f"SELECT {ITEMS.select()} FROM item"):
            assert index.item(*item.item_key) == item
        for order in index.all(ORDERS, f"SELECT {ORDERS.select()} FROM orders"):
            assert index.order(order.id) == order
        for attempt in index.all(ATTEMPTS, f"SELECT {ATTEMPTS.select()} FROM generation_log"):
            assert index.attempt(attempt.id) == attempt


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
