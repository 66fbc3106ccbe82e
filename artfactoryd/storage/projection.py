"""What each kind of ledger line does to the index: the one guarded write path.

`apply` is used for new lines (before they are written, inside the transaction that is committed
after they are) and for old ones at start. It raises IllegalMove and changes nothing when an item
cannot go that way, so a line that is not legal never reaches the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from artfactoryd.core.letters import place_among
from artfactoryd.core.lifecycle import MOVES, ItemState, Verdict
from artfactoryd.core.line_values import Filed
from artfactoryd.errors import IllegalMove
from artfactoryd.storage import dependencies, looks
from artfactoryd.storage.dependencies import BY_YOU
from artfactoryd.storage.events import (
    Acceptance,
    Approval,
    Bin,
    Cancel,
    CommandDone,
    Emptied,
    Event,
    Failure,
    Folder,
    Hold,
    Look,
    Mark,
    OfAttempt,
    OfItem,
    OfOrder,
    Pause,
    ProductGone,
    Release,
    Restored,
    Result,
    Retry,
    Reuse,
    Settlement,
    TicketTaken,
    Tombstone,
    Wish,
)  # fmt: skip
from artfactoryd.storage.index import Index
from artfactoryd.storage.marks import applied, binned
from artfactoryd.storage.noticing import applied as noticed
from artfactoryd.storage.reservations import guard_order, reserve, settle
from artfactoryd.storage.rows import ATTEMPTS, ITEMS, ORDERS
from artfactoryd.storage.transitions import UnknownItem, log, move, moved, text, why_not
from artfactoryd.storage.writing import holds

ORDER_COLUMNS = (
    "id", "claim", "number", "submission", "name", "project", "folder", "model", "document", "document_sha256",
    "fingerprint", "file", "git", "accepted_at", "base_seed", "priority", "rehearsal", "provider", "tags", "notes",
    "cap", "price", "total_items", "total_products", "inputs", "library", "models", "proof",
    "agent", "content",
)  # fmt: skip
FROM_ZERO = (
    "expanded_items", "expanded_products", "cancelled", "was_cancelled", "committed", "overrun", "dearest", "buy_again",
    "grown_items",
)  # fmt: skip
FED = (Settlement, Failure, Release, Retry, Tombstone)  # after these, what is fed with the item may begin or end
UNSENT_ENDS = (ItemState.CANCELLED, ItemState.FAILED)  # in which an item may end that was to be sent again
FOUND_LATE = "It was bought after all, and found when the item had been sent again: look at it in the provider's list."


def apply_again(index: Index, event: Event) -> None:
    """What the ledger tells. The caps of its day were heeded when it was sent: of a ledger that was put back together
    with another's lines, a day may hold more than they allow."""
    if isinstance(event, Wish):
        _wish_again(index, event, {})
    else:
        _apply(index, event)


def apply(index: Index, event: Event) -> frozenset[Hashable] | None:
    """By what keys `index` remembers the rows that this changed; None: perhaps any."""
    is_wide = _apply(index, event)
    return _own_rows(event) if isinstance(event, OfAttempt) and not is_wide else None


def _apply(index: Index, event: Event) -> bool:
    """Whether it also changed what is fed with its item."""
    _KINDS[type(event)](index, event)
    return isinstance(event, FED) and dependencies.follow(index, event.order, event.item)


def _own_rows(event: OfAttempt) -> frozenset[Hashable]:
    """What is said of an attempt changes its row, its item's and its order's."""
    item, attempt, order = (ITEMS, (event.order, event.item)), (ATTEMPTS, (event.attempt,)), (ORDERS, (event.order,))
    return frozenset((item, attempt) if isinstance(event, TicketTaken) else (item, attempt, order))


# --- orders ---


def _acceptance(index: Index, event: Acceptance) -> None:
    values = [text(event.order if name == "id" else getattr(event, name)) for name in ORDER_COLUMNS]
    columns = ",".join([*ORDER_COLUMNS, *FROM_ZERO])
    marks = ",".join(["?"] * len(values) + ["0"] * len(FROM_ZERO))
    sql = f"INSERT INTO orders ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    if not index.run(sql, *values):
        raise IllegalMove(f"Document {event.number} of claim {event.claim} was accepted before.")


def _folder(index: Index, event: Folder) -> None:
    _one(index.run("UPDATE orders SET folder = ? WHERE id = ?", event.folder, event.order), event)


def _cancel(index: Index, event: Cancel) -> None:
    """A whole order: what was not sent or is in doubt ends; of what runs, the wish to stop is noted.

    Items that have no rows yet are cancelled too: `add_items` will say so in theirs.
    """
    _one(index.run("UPDATE orders SET cancelled = 1, was_cancelled = 1 WHERE id = ?", event.order), event)
    holds.lift(index, event.order)
    ending = sorted(MOVES["cancel"])
    marks = ",".join("?" * len(ending))
    sql = f"UPDATE item SET state = 'cancelled', reason = ? WHERE order_id = ? AND state IN ({marks})"
    index.run(sql, BY_YOU, event.order, *ending)
    sql = "UPDATE item SET stop = 1 WHERE order_id = ? AND state IN ('submitting', 'running')"
    index.run(sql, event.order)


def _retry(index: Index, event: Retry) -> None:
    if event.fed:  # it may have come back with what it is fed with
        _at(index, event)
        sql = "UPDATE item SET state = 'planned', reason = NULL WHERE order_id = ? AND number = ?"
        index.run(f"{sql} AND state = 'cancelled' AND waits > 0", event.order, event.item)
        index.run("UPDATE orders SET cancelled = 0 WHERE id = ?", event.order)
        dependencies.joined(index, event.order, event.item, event.item)
        return
    move(index, event, "retry", reason=None, ticket=None, outputs=None, attempt=None, stop=0)
    ended = "CASE WHEN cancelled = 1 AND held IS NOT NULL THEN NULL ELSE"  # what ended it was no approval of its proof
    raised = (
        f"UPDATE orders SET proof = {ended} proof END, held = {ended} held END, cancelled = 0, cap = cap + ? "
        "WHERE id = ?"
    )
    index.run(raised, event.raised, event.order)


def _one(changed: int, event: OfOrder | Pause) -> None:
    if not changed:
        raise IllegalMove(f"There is no order {event.order}.")


# --- items ---


def _wish(index: Index, event: Wish) -> None:
    _heed_person(index, event)
    _wish_again(index, event, event.caps)


def _wish_again(index: Index, event: Wish, caps: Mapping[str, int]) -> None:
    """Of one that was sent: what a person had paused was heeded then."""
    move(index, event, "wish", attempt=event.attempt, attempts=event.nth, reason=None)
    day = event.day or event.at[:10]
    reserve(index, event, day, caps)
    _begin(index, event, event.reserved, day)


def _begin(index: Index, event: Wish | Reuse, reserved: int, day: str) -> None:
    """An attempt, with the money it may cost."""
    sql = (
        "INSERT INTO generation_log (id, order_id, number, nth, provider, model, actual, asked_at, reserved, day,"
        " estimated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
    )
    values = (event.attempt, event.order, event.item, event.nth, event.provider, event.model)
    index.run(sql, *values, text(event.actual), event.at, reserved, day)


def _reuse(index: Index, event: Reuse) -> None:
    """An attempt that buys nothing: its outputs lie on the shelf."""
    _heed_person(index, event)
    attempts = {"attempt": event.attempt, "attempts": event.nth}
    move(index, event, "reuse", **attempts, outputs=event.outputs, reason=None)
    guard_order(index, event, 0)
    _begin(index, event, 0, event.at[:10])
    log(index, event, returned=event.returned, ended_at=event.at, verdict="reused", cost=0, estimated=0)


def _tombstone(index: Index, event: Tombstone) -> None:
    """What equals it was bought before, and a person deleted or edited it: sent again, it is bought."""
    move(index, event, "tombstone", reason=event.reason, buy_again=1)


def _heed_person(index: Index, event: Wish | Reuse) -> None:
    """What a person paused is not sent, though its turn had come in the same moment; and until they approve it, only
    the items of the proof may be wished for: kept where the caps are kept."""
    sql = (
        "SELECT proof, paused IS NOT NULL OR EXISTS (SELECT 1 FROM provider_stop WHERE kind = 'paused' "
        "AND provider IN (?, '')) AS is_paused FROM orders WHERE id = ?"
    )
    row = index.row(sql, (event.provider, event.order))
    if row and row["is_paused"]:
        raise IllegalMove(f"Order {event.order} or what it needs is paused; nothing of it is sent.")
    if isinstance(event, Wish) and row and row["proof"] and event.item not in row["proof"]:
        raise IllegalMove(f"Item {event.item} of order {event.order} waits for what a person says to its proof.")


def _ticket(index: Index, event: TicketTaken) -> None:
    """Of an attempt that its item no longer waits for, only the attempt takes it down: a person sent the item again.

    Where it was to be sent again and was not yet, what was bought is taken instead; also where it was ended before it
    was sent again, by a person or because what equals it is gone.
    """
    known = {"ticket": event.ticket, "answered_at": event.at}
    if moved(index, event, "ticket", ItemState.SUBMITTING, ticket=event.ticket, reason=None):  # as nearly each
        log(index, event, verdict=None, reason=None, **known)
        return
    state, attempt = _at(index, event)
    if state != ItemState.SUBMITTING:
        _nobody_elses(index, event)
    unsent = {ItemState.PLANNED, *(UNSENT_ENDS if event.asked else ())}
    if state in unsent and attempt is None:
        _doubt_ends(index, event, reason=None)
        sql = "UPDATE item SET attempt = ? WHERE order_id = ? AND number = ?"
        index.run(sql, event.attempt, event.order, event.item)
    elif attempt != event.attempt:
        _doubt_ends(index, event, reason=FOUND_LATE, **known)
        return
    if state == ItemState.FAILED:  # only of a doubt: what failed by its own attempt is over
        _doubt_ends(index, event, reason=None)
    if state == ItemState.CANCELLED:  # what was in doubt when it was cancelled was bought: it is told to stop
        _doubt_ends(index, event, reason=None)
        index.run("UPDATE item SET stop = 1 WHERE order_id = ? AND number = ?", event.order, event.item)
    move(index, event, "ticket", ticket=event.ticket, reason=None)
    log(index, event, verdict=None, reason=None, **known)


def _at(index: Index, event: OfItem) -> tuple[str, str | None]:
    """Its state, and the attempt it is at."""
    row = index.first("SELECT state, attempt FROM item WHERE order_id = ? AND number = ?", (event.order, event.item))
    if row is None:
        raise UnknownItem(event.order)
    state, attempt = row
    return state, attempt


def _doubt_ends(index: Index, event: OfAttempt, **columns: object) -> None:
    """Only of an attempt that is in doubt."""
    settings = ", ".join(f"{name} = ?" for name in columns)
    sql = (
        f"UPDATE generation_log SET {settings} WHERE id = ? AND order_id = ? AND number = ? "
        "AND verdict = 'in_doubt' AND cost IS NULL AND ticket IS NULL"
    )
    values = map(text, columns.values())
    if not index.run(sql, *values, event.attempt, event.order, event.item):
        raise why_not(index, event, event.kind)


def _nobody_elses(index: Index, event: TicketTaken) -> None:
    sql = (
        "SELECT 1 FROM generation_log WHERE ticket = ? AND id <> ? "
        "AND provider = (SELECT provider FROM generation_log WHERE id = ?)"
    )
    if index.row(sql, (event.ticket, event.attempt, event.attempt)):
        raise IllegalMove(f"Ticket {event.ticket} belongs to another attempt than {event.attempt}.")


def _result(index: Index, event: Result) -> None:
    move(index, event, "result", outputs=event.outputs, reason=None)  # a note of asking has done its part
    log(index, event, returned=event.returned, ended_at=event.at)
    if event.cost is not None:  # before anything is fetched
        settle(index, event, event.cost, by_time=not event.by_count)
        log(index, event, cost=event.cost, estimated=1)


def _settlement(index: Index, event: Settlement) -> None:
    move(index, event, "settlement", reason=event.note or None)
    settle(index, event, event.cost)
    log(index, event, cost=event.cost, estimated=int(event.estimated))
    for filed in event.products:
        _file(index, event, filed)


def _file(index: Index, event: Settlement, filed: Filed) -> None:
    columns = "id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at, nth, original_sha256"
    values = (
        filed.id, event.order, event.item, filed.index, filed.path, filed.sha256, filed.bytes, filed.mime, filed.width,
        filed.height, filed.created_at, place_among(filed.letter), filed.original_sha256,
    )  # fmt: skip
    if event.interim:  # not shelved, only sent on
        index.run(f"INSERT INTO interim ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *values)
    else:
        sql = f"INSERT INTO product ({columns}, looked, duration, codec) VALUES ({','.join('?' * 16)})"
        index.run(sql, *values, filed.looked, filed.duration, filed.codec)


def _look(index: Index, event: Look) -> None:
    _at(index, event)
    looks.mark_damaged(index, event)


def _release(index: Index, event: Release) -> None:
    """Back to planned, unless a person ended the order while this was being sent.

    Of an item that was cancelled in doubt, or sent again since, only the money comes back.
    """
    free = {"cost": 0, "estimated": 0, "verdict": "released", "reason": event.reason, "ended_at": event.at}
    state, attempt = _at(index, event)
    if attempt != event.attempt or state == ItemState.CANCELLED:
        _doubt_ends(index, event, reason=event.reason)
        settle(index, event, 0)
        log(index, event, **free)
        return
    move(index, event, "release", attempt=None, reason=event.reason)
    _heed_stop(index, event, BY_YOU)
    settle(index, event, 0)
    log(index, event, **free)


def _heed_stop(index: Index, event: OfItem, reason: str) -> None:
    """A person ended the order while this was on the way, and now it has come to a rest."""
    ended = "UPDATE item SET state = 'cancelled', reason = ? WHERE order_id = ? AND number = ? AND stop = 1"
    index.run(ended, reason, event.order, event.item)


def _failure(index: Index, event: Failure) -> None:
    verdict = event.verdict
    again: dict[str, object] = {"attempt": None, "ticket": None} if verdict == "passing" else {}
    move(index, event, f"failure:{verdict}", reason=event.reason, **again)
    if verdict in ("passing", "in_doubt"):
        _heed_stop(index, event, f"{BY_YOU}; {event.reason}")
    known: dict[str, object] = {}
    if verdict == Verdict.IN_DOUBT:  # what may have been charged stays reserved, also when a person cancelled
        asked = "INSERT INTO question (attempt, since, times, hopeful, words) VALUES (?, ?, 0, 1, '')"
        if event.ask:
            index.run(f"{asked} ON CONFLICT (attempt) DO NOTHING", event.attempt, event.at)
    else:
        cost = event.cost or 0
        known = {"cost": cost, "estimated": int(cost > 0), "ended_at": event.at}
        settle(index, event, cost)
    if event.answer:
        known["returned"] = {"answer": event.answer}
    log(index, event, verdict=verdict, reason=event.reason, **known)


# --- providers and commands ---


def _pause(index: Index, event: Pause) -> None:
    """Of an order, of a provider (by a person, or stopped by trouble), or with neither, of everything."""
    if event.order is not None:
        since = event.at if event.on else None
        _one(index.run("UPDATE orders SET paused = ? WHERE id = ?", since, event.order), event)
        return
    provider = event.provider or ""
    if not event.on:
        only = " AND kind = 'stopped'" if event.by == "answer" else ""
        index.run(f"DELETE FROM provider_stop WHERE provider = ?{only}", provider)
        index.run("DELETE FROM outage WHERE provider = ?", provider)
        return
    kind = "paused" if event.by == "you" else "stopped"
    sql = (
        "INSERT INTO provider_stop (provider, kind, reason, since, of_key) VALUES (?, ?, ?, ?, ?) ON CONFLICT "
        "(provider, kind) DO UPDATE SET reason = excluded.reason, since = excluded.since, of_key = excluded.of_key"
    )
    of_key = int(bool(event.of_key))
    index.run(sql, provider, kind, event.reason or "paused by you", event.at, of_key)


def _command(index: Index, event: CommandDone) -> None:
    """In the same step as its effect: a second time the whole step is undone."""
    sql = "INSERT INTO command (id, name, answer, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    if not index.run(sql, event.id, event.name, text(event.answer), event.at):
        raise IllegalMove(f"Command {event.id} was carried out before.")


_KINDS: Mapping[type[Event], Callable[[Index, Any], None]] = {
    Acceptance: _acceptance, Hold: holds.hold, Restored: holds.hold_again, Approval: holds.approve, Folder: _folder,
    Cancel: _cancel, Retry: _retry, Wish: _wish, Reuse: _reuse, Tombstone: _tombstone, TicketTaken: _ticket,
    Result: _result, Settlement: _settlement, Release: _release, Failure: _failure, Pause: _pause, Mark: applied.mark,
    Look: _look, Bin: binned.put, Emptied: binned.empty, ProductGone: noticed.gone, CommandDone: _command,
}  # fmt: skip
