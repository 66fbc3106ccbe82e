"""What makes an order wait for a person, and lets it go on: the lines `hold`, `restored` and `approval`.

A ledger that was put back from a backup is older than what happened. An order that was not over in it waits, and what
may have been spent on it since counts until a person approves; what is on the way is collected all the same.
"""

from __future__ import annotations

from artfactoryd.errors import IllegalMove
from artfactoryd.storage.events import Approval, Approved, Hold, Restored
from artfactoryd.storage.index import Index
from artfactoryd.storage.reservations import count
from artfactoryd.storage.rows import OrderRow
from artfactoryd.storage.transitions import text
from artfactoryd.storage.writing import bought

DELETED = "deleted"  # waived by the approval of an order whose products were bought before, and are gone
PROOF = "proof"  # a reason to hold when work has begun
STAKE = "restored:"  # in meta, before an order's id: the day and the micro-dollars


def approved(row: OrderRow) -> Approved:
    """What a person approves, by the reasons shown."""
    codes = {reason.code for reason in row.reasons}
    if codes == {Approved.RESTORED}:
        return Approved.RESTORED
    return Approved.PROOF if codes - {Approved.RESTORED} == {PROOF} else Approved.ORDER


def hold(index: Index, event: Hold) -> None:
    sql = "UPDATE orders SET held = ?, held_entry = ?, held_fingerprint = ? WHERE id = ? AND cancelled = 0"
    if not index.run(sql, text(event.reasons), event.entry, event.fingerprint, event.order):
        raise IllegalMove(f"There is no order {event.order}, or it is cancelled.")


def approve(index: Index, event: Approval) -> None:
    if event.of == Approved.CAP:
        return _raised_cap(index, event)
    lift(index, event.order)
    if event.of == Approved.RESTORED:
        return _goes_on(index, event)
    if event.of == Approved.PROOF:
        return _proof_is_well(index, event)
    sql = (
        "UPDATE orders SET held = NULL, cap = ?, folder = ?, accepted_at = ?, buy_again = ? "
        "WHERE id = ? AND held IS NOT NULL AND cancelled = 0"
    )
    again = int(DELETED in event.waived)
    if not index.run(sql, event.cap, event.folder, event.at, again, event.order):
        raise IllegalMove(f"Order {event.order} is not held.")


def _proof_is_well(index: Index, event: Approval) -> None:
    """A person has looked at it: the rest may be made, for the price shown."""
    sql = (
        "UPDATE orders SET held = NULL, proof = NULL, cap = ?, overrun = 0 "
        "WHERE id = ? AND held IS NOT NULL AND cancelled = 0"
    )
    if not index.run(sql, event.cap, event.order):
        raise IllegalMove(f"Order {event.order} is not held.")


def _raised_cap(index: Index, event: Approval) -> None:
    """Of an order at work, by a person who saw what the rest may cost."""
    sql = "UPDATE orders SET cap = ?, overrun = 0 WHERE id = ? AND held IS NULL AND cancelled = 0"
    if not index.run(sql, event.cap, event.order):
        raise IllegalMove(f"Order {event.order} is held or cancelled.")


def hold_again(index: Index, event: Restored) -> None:
    """Whatever else it waits for stands in its reasons, too."""
    lift(index, event.order)
    sql = (
        "UPDATE orders SET held = ?, held_entry = ?, held_fingerprint = coalesce(held_fingerprint, ''), "
        "proof = coalesce(?, proof) "
        "WHERE id = ? AND cancelled = 0"
    )
    if not index.run(sql, text(event.reasons), event.entry, text(event.proof), event.order):
        raise IllegalMove(f"There is no order {event.order}, or it is cancelled.")
    _stake(index, event.order, event.day, event.stake)


def _stake(index: Index, order: str, day: str, stake: int) -> None:
    """What is proven to be bought counts as that already."""
    rest = max(0, stake - bought.of_order(index, order))
    count(index, day, rest, order)
    index.run("INSERT INTO meta (key, value) VALUES (?, ?)", f"{STAKE}{order}", f"{day} {rest}")


def credit(index: Index) -> None:
    """Once, when a new index has taken in what the shelf proves."""
    for row in index.rows("SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", (len(STAKE), STAKE)):
        order = row["key"].removeprefix(STAKE)
        day, stake = row["value"].split()
        lift(index, order)
        _stake(index, order, day, int(stake))


def lift(index: Index, order: str) -> None:
    """A person has looked, or ended it: from now on only its wishes count."""
    known = index.meta(f"{STAKE}{order}")
    if known:
        day, stake = known.split()
        count(index, day, -int(stake), order)
        index.run("DELETE FROM meta WHERE key = ?", f"{STAKE}{order}")


def _goes_on(index: Index, event: Approval) -> None:
    """It goes on where the backup had it, its proof too."""
    sql = "UPDATE orders SET held = NULL, cap = ? WHERE id = ? AND held IS NOT NULL AND cancelled = 0"
    if not index.run(sql, event.cap, event.order):
        raise IllegalMove(f"Order {event.order} is not held.")
