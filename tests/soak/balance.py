"""The emulator's book against ours: every invariant, what was looked at, and what breaks it."""

from __future__ import annotations

import contextlib
import hashlib
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from artfactoryd.core.letters import place_among
from artfactoryd.core.money import dollars
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf import reading
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage.index import Index
from artfactoryd.storage.writer import catch_up
from tests.emulator.predictions import Prediction
from tests.homes import TestHome, leftovers
from tests.soak.account import FOUND_LATE, Account, Attempt

FAILED = {"failed", "nsfw", "aborted", "canceled"}  # outcomes without output, for which nothing is billed
NOT_DONE = "SELECT order_id, parent, parent_nth FROM item WHERE parent IS NOT NULL AND state <> 'completed'"
AT_REPLICATE = (
    "SELECT order_id, item.number FROM item JOIN orders ON orders.id = order_id "
    "WHERE item.provider = 'replicate' AND rehearsal = 0"
)
MAY_WAIT = {"stray", "loose"}  # what is no order is left in the inbox for a minute
BY_IMAGE = {"black-forest-labs/flux-schnell": 3_000, "black-forest-labs/flux-dev": 25_000}  # micro-dollars
BY_SECOND = {"stability-ai/sdxl": 975}
NOTHING_BOUGHT = {"released", "refused"}


@dataclass
class Finding:
    promise: str
    counted: str
    broken: list[str]

    def __str__(self) -> str:
        words = [f"{'BROKEN' if self.broken else 'ok':6}  {self.promise}: {self.counted}"]
        return "\n".join(words + [f"          {each}" for each in self.broken[:10]])


class Balance:
    """Of a home in which nothing runs. `bought`: what the emulator accepted. `dropped`: names and kinds."""

    def __init__(self, home: TestHome, bought: Sequence[Prediction], dropped: Mapping[str, str]) -> None:
        self.home, self.dropped, self.bought = home, dropped, sorted(bought, key=lambda one: one.accepted)
        self.account = Account(home.lines())
        ticketed = [one for one in self.bought if self.account.has_ticket(one)]
        others = [one for one in self.bought if one not in ticketed]
        self.astray = [one for one in (*ticketed, *others) if not self.account.assign(one)]
        index = home.index
        with contextlib.closing(index):
            self.items = {(row["order_id"], row["number"]): row["state"] for row in index.rows("SELECT * FROM item")}
            self.waiting = {
                (row["order_id"], row["parent"], row["parent_nth"]) for row in index.rows(NOT_DONE)
            }  # what feeds them
            self.at_replicate = {(row["order_id"], row["number"]) for row in index.rows(AT_REPLICATE)}
            self.orders = {row["id"]: row for row in index.rows("SELECT * FROM orders")}
            self.products = index.rows("SELECT * FROM product")

    def findings(self) -> list[Finding]:
        checks = (
            self.no_double_payment, self.nothing_lost, self.money_agrees, self.tickets_are_real, self.caps_are_kept,
            self.products_are_whole, self.nothing_lies_about, self.dropped_has_a_state, self.ledger_is_enough,
        )  # fmt: skip
        return [check() for check in checks]

    def no_double_payment(self) -> Finding:
        promise = "no item has two accepted creates, unless the first failed without output or a person asked"
        broken, repeated = [], 0
        for item, attempts in self.account.of_item.items():
            paid = [attempt for attempt in attempts if attempt.bought]
            repeated += len(paid) > 1
            broken += [_named(each, "was sent twice under one wish") for each in paid if len(each.bought) > 1]
            broken += [_named(two, "was bought again unasked") for one, two in pairwise(paid)
                       if not _failed(one) and not self._asked(item, one.place, two.place)]  # fmt: skip
        counted = (
            f"{len(self.bought)} creates accepted, {repeated} items with cause for more than one, {len(broken)} double"
        )
        return Finding(promise, counted, broken)

    def _asked(self, item: tuple[str, int], after: int, before: int) -> bool:
        return any(after < place < before for place in self.account.retried[item])

    def nothing_lost(self) -> Finding:
        where: Counter[str] = Counter()
        broken = [f"{one.id}: no wish was ever written for it" for one in self.astray]
        for attempt in self.account.attempts.values():
            for one in attempt.bought:
                place = self._place(attempt, one)
                where[place] += 1
                broken += [_named(attempt, f"{one.id}: {place}")] if place.startswith("LOST") else []
        promise = "every accepted create is on the shelf, in flight, in doubt, or ended with its ticket and cost"
        counted = ", ".join(f"{count} {place}" for place, count in sorted(where.items()))
        return Finding(promise, f"{counted or 'none'}; {len(broken)} lost", broken)

    def _place(self, attempt: Attempt, one: Prediction) -> str:
        if attempt.verdict == "in_doubt":
            return "in doubt" if attempt.cost is None else "LOST: in doubt, and its money was let go"
        if one.id not in attempt.ticket:
            return "LOST: taken for not bought" if attempt.verdict in NOTHING_BOUGHT else "LOST: without a ticket"
        if attempt.verdict == "settled":
            return "on the shelf"
        if attempt.verdict == FOUND_LATE:
            return FOUND_LATE if attempt.cost is None else "LOST: found late, and its money was let go"
        if not attempt.verdict:
            state = self.items.get(attempt.item)
            return "in flight" if state in ("running", "delivering") else f"LOST: its item is {state}"
        return f"ended as {attempt.verdict}" if attempt.cost is not None else "LOST: ended without a cost"

    def money_agrees(self) -> Finding:
        """Ours may be more than the bill (a failed output is counted at its upper price), never less."""
        billed = ours = short = 0
        broken = []
        for attempt in self.account.attempts.values():
            bill = sum(bill_of(one, attempt.reserved, _untold(attempt, one)) for one in attempt.bought)
            billed, ours = billed + bill, ours + attempt.counts
            if attempt.verdict == "settled" and attempt.cost is not None:
                missing = max(0, sum(one.count() for one in attempt.bought) - len(attempt.products))
                less = sum(
                    bill_of(one, attempt.reserved) - bill_of(one, attempt.reserved, missing) for one in attempt.bought
                )
                short += less
                if bill - less != attempt.cost:
                    broken.append(_named(attempt, f"billed {bill}, counted {attempt.cost}, {missing} outputs missing"))
            elif bill > attempt.counts:
                broken.append(_named(attempt, f"billed {bill}, counted {attempt.counts}"))
        counted = f"billed {dollars(billed)}; ours {self._ours()}, in all {dollars(ours)}"
        counted += f"; {dollars(short)} of the bill is for outputs that could not be had" if short else ""
        return Finding("the provider's bill is in our books", counted, broken)

    def _ours(self) -> str:
        sums: Counter[str] = Counter()
        for attempt in self.account.attempts.values():
            sums[attempt.verdict or "in flight"] += attempt.counts
        return ", ".join(f"{dollars(money)} {verdict}" for verdict, money in sorted(sums.items()) if money) or "nothing"

    def tickets_are_real(self) -> Finding:
        known = {one.id for one in self.bought}
        held = [each for each in self.account.attempts.values() if each.ticket and each.item in self.at_replicate]
        broken = [_named(each, each.ticket) for each in held if not any(id in each.ticket for id in known)]
        return Finding("every ticket is one that the provider gave", f"{len(held)} tickets", broken)

    def caps_are_kept(self) -> Finding:
        broken = list(self.account.over)
        if len(self.account.caps_in_force) > 1:  # those of the settings, which never change but vanish
            broken.append(f"wishes were made under other caps too: {sorted(self.account.caps_in_force)}")
        for order_id, row in self.orders.items():
            if row["committed"] != self.account.committed(order_id):
                lines = self.account.committed(order_id)
                broken.append(f"order {order_id}: the index counts {row['committed']}, the ledger's lines {lines}")
        promise = "at every wish, spent plus reserved within the cap"
        counted = f"{len(self.account.attempts)} wishes of {len(self.orders)} orders, {self.account.overruns} stopped"
        return Finding(f"{promise}, and none after a bill above what was set aside", counted, broken)

    def products_are_whole(self) -> Finding:
        settled = [each for attempt in self._attempts(shelved=True) for each in attempt.products] + self.account.beside
        broken = [words for each in settled if (words := _unlike(self.home.root, each))]
        broken += self._not_there()
        known = {each["path"] for each in settled}
        broken += [f"{row['path']}: only in the index" for row in self.products if row["path"] not in known]
        finished = {attempt.item for attempt in self.account.attempts.values() if attempt.products}
        broken += [f"item {item}: completed without a product" for item, state in self.items.items()
                   if state == "completed" and item not in finished]  # fmt: skip
        on_disk = {str(path.relative_to(self.home.root)) for path in self.home.products()}
        broken += [f"{path}: on the shelf, and in no book" for path in sorted(on_disk - known)]
        promise = "every completed item's file is there, with its sidecar's SHA-256"
        return Finding(promise, f"{len(settled)} files of {len(finished)} items", broken)

    def _attempts(self, *, shelved: bool) -> list[Attempt]:
        return [each for each in self.account.attempts.values() if each.shelved == shelved]

    def _not_there(self) -> Iterator[str]:
        """What is not shelved is there until everything made of it is."""
        for attempt in self._attempts(shelved=False):
            for each in attempt.products:
                needed = (attempt.item[0], each["index"], place_among(each.get("letter", ""))) in self.waiting
                if needed and not (self.home.root / each["path"]).is_file():
                    yield f"{each['path']}: gone, and not everything is made of it"

    def nothing_lies_about(self) -> Finding:
        home = self.home.home
        broken = leftovers(self.home)
        broken += [str(path) for path in reading.orphans(home.projects)]
        broken += [f"{path}" for path in (home.work / "outputs").glob("*")] if self._all_delivered else []
        sent_on = {each["path"] for attempt in self._attempts(shelved=False) for each in attempt.products}
        interim = [str(path.relative_to(self.home.root)) for path in (home.work / "interim").glob("*")]
        broken += [f"{path}: kept, and in no book" for path in interim if path not in sent_on and self._all_delivered]
        held = {row["claim"] for row in self.orders.values() if row["held"] is not None and not row["cancelled"]}
        claims = [path.name for path in home.claims.iterdir() if path.is_dir()]
        broken += [f"claim {name} is still open" for name in claims if name not in held]
        broken += [f"{path.name} was not carried out" for path in home.commands.glob("*.json")
                   if not path.name.endswith(".answer.json")]  # fmt: skip
        return Finding("no temporary file without an owner", f"{len(claims)} claims, of held orders", broken)

    @property
    def _all_delivered(self) -> bool:
        return "delivering" not in self.items.values()

    def dropped_has_a_state(self) -> Finding:
        states = {name: self._state(name) for name in self.dropped}
        broken = [f"{name} ({self.dropped[name]}): nobody knows of it" for name, state in states.items() if not state]
        waiting = [name for name, state in self.items.items() if state in ("submitting", "running", "delivering")]
        broken += [f"item {item} is {self.items[item]} though nothing runs" for item in waiting]
        counts = ", ".join(f"{count} {state}" for state, count in sorted(Counter(states.values()).items()))
        return Finding("everything dropped has a state", f"{len(states)} entries: {counts}", broken)

    def _state(self, name: str) -> str:
        home = self.home.home
        if lines := self.account.files.get(name):
            rows = [self.orders.get(line["order"]) for line in lines]
            if None in rows:
                return ""
            return self._order_states([row for row in rows if row])
        if (home.rejected / name).exists() and (home.rejected / f"{name}.error.txt").exists():
            return "rejected"
        if self.dropped[name] in MAY_WAIT and (home.inbox / name).exists():
            return "not quiet for long enough"
        used = any(each["value"] == name for row in self.orders.values() for each in row["inputs"])
        return "input of an order" if used else ""

    def _order_states(self, rows: Sequence[dict[str, Any]]) -> str:
        index = self.home.index
        with contextlib.closing(index):
            orders = [index.order(row["id"]) for row in rows]
            return "+".join(sorted({str(index.state(order)) for order in orders if order}))

    def ledger_is_enough(self) -> Finding:
        """An index made from the ledger alone is the one that is there; rows nobody needs yet may be missing."""
        with tempfile.TemporaryDirectory() as folder:
            again = Index.open(Path(folder) / "index.sqlite3")
            with contextlib.closing(again):
                catch_up(again, self.home.home.ledger, expander)
                broken = list(self._different(again))
        return Finding("the ledger alone gives the same index", f"{len(self.items)} items", broken)

    def _different(self, again: Index) -> Iterator[str]:
        for row in again.rows("SELECT * FROM item"):
            item = (row["order_id"], row["number"])
            if self.items.get(item) != row["state"]:
                yield f"item {item}: {row['state']} by the ledger, {self.items.get(item)} in the index"
        for row in again.rows("SELECT * FROM orders"):
            mine = self.orders.get(row["id"])
            if mine is None or mine["committed"] != row["committed"] or mine["cap"] != row["cap"]:
                yield f"order {row['id']}: {row['committed']} of {row['cap']} by the ledger"
        if len(again.rows("SELECT id FROM product")) != len(self.products):
            yield "products differ"


def _named(attempt: Attempt, words: str) -> str:
    return f"item {attempt.item[1]} of order {attempt.item[0]}, wish in line {attempt.place + 1}: {words}"


def _failed(attempt: Attempt) -> bool:
    return all(one.outcome in FAILED or one.canceled is not None for one in attempt.bought)


def bill_of(one: Prediction, reserved: int, missing: int = 0) -> int:
    """Micro-dollars: by output that came, and nothing for a run without any; by time, where a time was told that can
    be true; else what was set aside."""
    if _failed_one(one):
        return 0
    if one.model in BY_IMAGE:
        return BY_IMAGE[one.model] * max(0, one.count() - missing)
    told = one.ran if not one.number else 0.0
    return math.ceil(BY_SECOND[one.model] * told) or reserved


def _untold(attempt: Attempt, one: Prediction) -> int:
    """Files above what was asked for, of which nobody can know who was never told a result."""
    return max(0, one.count() - one.asked) if not attempt.told else 0


def _failed_one(one: Prediction) -> bool:
    return one.outcome in FAILED or one.canceled is not None


def _unlike(root: Path, product: Mapping[str, Any]) -> str:
    path = root / product["path"]
    card = sidecar_of(path)
    if not path.is_file() or card is None:
        return f"{product['path']}: the file or its sidecar is missing"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said = reading.read_sidecar(card)["file"]["sha256"]
    return "" if digest == said == product["sha256"] else f"{product['path']}: {digest}, sidecar {said}"
