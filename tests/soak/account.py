"""Our side of the balance: the ledger's lines, read once more without the program's own tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.emulator.predictions import Prediction

Line = dict[str, Any]
Item = tuple[str, int]
FOUND_LATE = "found late"  # when the item had been sent again, by a person's word: its money stays counted
CLOCKS = 0.002  # seconds that the stamp of a line may differ from the emulator's


@dataclass
class Attempt:
    """One wish, and what its lines say became of it. `bought`: what the emulator accepted for it."""

    item: Item
    place: int  # of the wish, among all lines
    at: float
    reserved: int  # micro-dollars
    verdict: str = ""  # of a failure; "settled"; "released"; FOUND_LATE; empty on the way
    ticket: str = ""
    known: int | None = None  # its bill, where the result told it (it is not repeated where it is what was set aside)
    told: bool = False  # whether a result came
    cost: int | None = None
    products: list[Line] = field(default_factory=list)
    shelved: bool = True  # or only sent on to the stages after it
    bought: list[Prediction] = field(default_factory=list)

    @property
    def counts(self) -> int:
        known = self.reserved if self.known is None else self.known
        return known if self.cost is None else self.cost


class Account:
    def __init__(self, lines: Iterable[Line]) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.beside: list[Line] = []  # products that were laid beside damaged ones
        self.copies: set[str] = set()  # attempts that copied what an equal item had made
        self.of_item: dict[Item, list[Attempt]] = defaultdict(list)
        self.of_order: dict[str, list[Attempt]] = defaultdict(list)
        self.retried: dict[Item, list[int]] = defaultdict(list)  # places of a person's word
        self.files: dict[str, list[Line]] = defaultdict(list)  # acceptances by the name of what was dropped
        self.over: list[str] = []  # wishes beyond their order's cap
        self._of_input: dict[str, list[Attempt]] = defaultdict(list)
        self._caps: dict[str, int] = {}
        self._overrun: set[str] = set()  # orders of which an item cost more than was set aside, until a person approves
        self.overruns = 0
        self.caps_in_force: set[tuple[tuple[str, int], ...]] = set()  # that wishes were made under
        for place, line in enumerate(lines):
            self._take(place, line)

    def _take(self, place: int, line: Line) -> None:
        match line["kind"]:
            case "acceptance":
                self._caps[line["order"]] = line["cap"]
                self.files[line["file"]].append(line)
            case "approval":
                self._caps[line["order"]] = line["cap"]
                self._overrun.discard(line["order"])
            case "retry":
                self._caps[line["order"]] += line.get("raise", 0)
                self.retried[line["order"], line["item"]].append(place)
            case "wish":
                self._wish(place, line)
            case "look":
                self.beside += line["instead"]
            case "reuse":
                self.copies.add(line["attempt"])
            case "settlement" | "failure" if line["attempt"] in self.copies:
                if line["cost"]:
                    self.over.append(f"a copy of what was made before costs {line['cost']} in line {place + 1}")
            case "ticket" | "result" | "settlement" | "release" | "failure":
                self._follow(self.attempts[line["attempt"]], line)

    def _follow(self, attempt: Attempt, line: Line) -> None:
        """By more than was set aside an order is stopped; where it is paid by time, by more than twice that."""
        before, order = attempt.counts, attempt.item[0]
        _follow(attempt, line, attempt is self.of_item[attempt.item][-1])
        bears = 2 if line["kind"] == "result" and not line.get("by_count") else 1
        if attempt.counts > bears * before or (before < attempt.counts and self.committed(order) > self._caps[order]):
            self.overruns += order not in self._overrun
            self._overrun.add(order)

    def _wish(self, place: int, line: Line) -> None:
        order, item = line["order"], (line["order"], line["item"])
        attempt = Attempt(item, place, _moment(line), line["reserved"])
        if order in self._overrun and line["reserved"]:
            self.over.append(f"order {order}: sent in line {place + 1} after a bill above what was set aside")
        self.attempts[line["attempt"]] = attempt
        for found in (self.of_item[item], self.of_order[order], self._of_input[_canonical(line["actual"])]):
            found.append(attempt)
        self.caps_in_force.add(tuple(sorted(line["caps"].items())))
        if (committed := self.committed(order)) > self._caps[order]:
            self.over.append(f"order {order}: {committed} of {self._caps[order]} micro-dollars after line {place}")

    def committed(self, order_id: str) -> int:
        """Spent, perhaps spent, and reserved."""
        return sum(attempt.counts for attempt in self.of_order[order_id])

    def assign(self, one: Prediction) -> bool:
        """To the attempt that bought it: by its ticket (all those that have one come first), else the last one of the
        same input before it that bought nothing yet: equal creates cannot be told apart."""
        same = [each for each in self._same(one) if each.at <= one.accepted + CLOCKS]
        free = [each for each in same if not each.bought]
        for attempt in (self._ticketed(one) or free or same)[-1:]:
            attempt.bought.append(one)
            return True
        return False

    def has_ticket(self, one: Prediction) -> bool:
        return bool(self._ticketed(one))

    def _ticketed(self, one: Prediction) -> list[Attempt]:
        return [attempt for attempt in self._same(one) if attempt.ticket and one.id in attempt.ticket]

    def _same(self, one: Prediction) -> list[Attempt]:
        return self._of_input.get(_canonical(one.input), [])


def _moment(wish: Line) -> float:
    """When it really was: its stamp may be of a clock that was put wrong, the machine's time in its id is not."""
    try:
        return (UUID(wish["attempt"]).int >> 80) / 1000
    except ValueError:  # no id of this program's
        return datetime.fromisoformat(wish["at"]).timestamp()


def _follow(attempt: Attempt, line: Line, newest: bool) -> None:
    match line["kind"]:
        case "ticket":
            attempt.ticket, attempt.verdict = line["ticket"], "" if newest else FOUND_LATE
        case "result":
            attempt.known, attempt.told = line.get("cost"), True
        case "settlement":
            attempt.verdict, attempt.cost, attempt.products = "settled", line["cost"], line["products"]
            attempt.shelved = not line.get("interim")
        case "release":
            attempt.verdict, attempt.cost = "released", 0
        case "failure":
            attempt.verdict, attempt.cost = line["verdict"], line["cost"]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
