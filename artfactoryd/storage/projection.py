"""What each kind of ledger line does to the index: the one guarded write path.

`apply` is used for new lines (before they are written, inside the transaction that is committed
after they are) and for old ones at start. It raises IllegalMove and changes nothing when an item
cannot go that way, so a line that is not legal never reaches the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from artfactoryd.core.lifecycle import MOVES, ItemState
from artfactoryd.errors import IllegalMove, OverCap
from artfactoryd.storage import budget, dependencies
from artfactoryd.storage.index import Index
from artfactoryd.storage.transitions import Line, UnknownItem, log, move, text, why_not

ORDER_COLUMNS = (
    "id", "claim", "number", "submission", "name", "project", "folder", "model", "document", "document_sha256",
    "fingerprint", "file", "git", "accepted_at", "base_seed", "priority", "rehearsal", "provider", "tags", "notes",
    "cap", "price", "total_items", "total_products", "inputs", "library", "models", "proof",
)  # fmt: skip
FROM_ZERO = (
    "expanded_items", "expanded_products", "cancelled", "was_cancelled", "committed", "overrun", "dearest", "buy_again",
)  # fmt: skip
FED = (
    "settlement",
    "failure",
    "release",
    "retry",
    "tombstone",
)  # after these, what is fed with the item may begin or end
BY_YOU = "cancelled by you"
FOUND_LATE = "It was bought after all, and found when the item had been sent again: look at it in the provider's list."
DELETED = "deleted"  # waived by the approval of an order whose products were bought before, and are gone
PROOF = "proof"  # a reason to hold when work has begun
CAP = "cap"  # waived by the approval of an order that has begun


def apply(index: Index, line: Line) -> None:
    _KINDS[line["kind"]](index, line)
    if line["kind"] in FED:
        dependencies.follow(index, line["order"], line["item"])


# --- orders ---


def _acceptance(index: Index, line: Line) -> None:
    values = [
        text({"inputs": [], "library": {}, "models": [], "proof": None, **line, "id": line["order"]}[name])
        for name in ORDER_COLUMNS
    ]
    columns = ",".join([*ORDER_COLUMNS, *FROM_ZERO])
    marks = ",".join(["?"] * len(values) + ["0"] * len(FROM_ZERO))
    sql = f"INSERT INTO orders ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    if not index.run(sql, *values):
        raise IllegalMove(f"Document {line['number']} of claim {line['claim']} was accepted before.")


def _hold(index: Index, line: Line) -> None:
    sql = "UPDATE orders SET held = ?, held_entry = ?, held_fingerprint = ? WHERE id = ? AND cancelled = 0"
    if not index.run(sql, text(line["reasons"]), line["entry"], line["fingerprint"], line["order"]):
        raise IllegalMove(f"There is no order {line['order']}, or it is cancelled.")


def _approval(index: Index, line: Line) -> None:
    if line["waived"] == [CAP]:
        return _raised_cap(index, line)
    if line["waived"] == [PROOF]:
        return _proof_is_well(index, line)
    sql = (
        "UPDATE orders SET held = NULL, cap = ?, folder = ?, accepted_at = ?, buy_again = ? "
        "WHERE id = ? AND held IS NOT NULL AND cancelled = 0"
    )
    again = int(DELETED in line["waived"])
    if not index.run(sql, line["cap"], line["folder"], line["at"], again, line["order"]):
        raise IllegalMove(f"Order {line['order']} is not held.")


def _proof_is_well(index: Index, line: Line) -> None:
    """A person has looked at it: the rest may be made, for the price shown."""
    sql = (
        "UPDATE orders SET held = NULL, proof = NULL, cap = ?, overrun = 0 "
        "WHERE id = ? AND held IS NOT NULL AND cancelled = 0"
    )
    if not index.run(sql, line["cap"], line["order"]):
        raise IllegalMove(f"Order {line['order']} is not held.")


def _raised_cap(index: Index, line: Line) -> None:
    """Of an order at work, by a person who saw what the rest may cost."""
    sql = "UPDATE orders SET cap = ?, overrun = 0 WHERE id = ? AND held IS NULL AND cancelled = 0"
    if not index.run(sql, line["cap"], line["order"]):
        raise IllegalMove(f"Order {line['order']} is held or cancelled.")


def _folder(index: Index, line: Line) -> None:
    _one(index.run("UPDATE orders SET folder = ? WHERE id = ?", line["folder"], line["order"]), line)


def _cancel(index: Index, line: Line) -> None:
    """A whole order: what was not sent or is in doubt ends; of what runs, the wish to stop is noted.

    Items that have no rows yet are cancelled too: `add_items` will say so in theirs.
    """
    _one(index.run("UPDATE orders SET cancelled = 1, was_cancelled = 1 WHERE id = ?", line["order"]), line)
    ending = sorted(MOVES["cancel"])
    marks = ",".join("?" * len(ending))
    sql = f"UPDATE item SET state = 'cancelled', reason = ? WHERE order_id = ? AND state IN ({marks})"
    index.run(sql, BY_YOU, line["order"], *ending)
    sql = "UPDATE item SET stop = 1 WHERE order_id = ? AND state IN ('submitting', 'running')"
    index.run(sql, line["order"])


def _retry(index: Index, line: Line) -> None:
    if line.get("fed"):  # it may have come back with what it is fed with
        _item(index, line)
        sql = "UPDATE item SET state = 'planned', reason = NULL WHERE order_id = ? AND number = ?"
        index.run(f"{sql} AND state = 'cancelled' AND waits > 0", line["order"], line["item"])
        index.run("UPDATE orders SET cancelled = 0 WHERE id = ?", line["order"])
        dependencies.joined(index, line["order"], line["item"], line["item"])
        return
    move(index, line, "retry", reason=None, ticket=None, outputs=None, attempt=None, stop=0)
    ended = "CASE WHEN cancelled = 1 AND held IS NOT NULL THEN NULL ELSE"  # what ended it was no approval of its proof
    raised = (
        f"UPDATE orders SET proof = {ended} proof END, held = {ended} held END, cancelled = 0, cap = cap + ? "
        "WHERE id = ?"
    )
    index.run(raised, line.get("raise", 0), line["order"])


def _one(changed: int, line: Line) -> None:
    if not changed:
        raise IllegalMove(f"There is no order {line['order']}.")


# --- items ---


def _wish(index: Index, line: Line) -> None:
    _heed_pauses(index, line)
    _heed_proof(index, line)
    move(index, line, "wish", attempt=line["attempt"], attempts=line["nth"], reason=None)
    _begin(index, line, line.get("day") or line["at"][:10])


def _begin(index: Index, line: Line, day: str) -> None:
    """An attempt, with the money it may cost."""
    _reserve(index, line, day)
    sql = (
        "INSERT INTO generation_log (id, order_id, number, nth, provider, model, actual, asked_at, reserved, day,"
        " estimated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
    )
    values = (line["attempt"], line["order"], line["item"], line["nth"], line["provider"], line["model"])
    index.run(sql, *values, text(line["actual"]), line["at"], line["reserved"], day)


def _reuse(index: Index, line: Line) -> None:
    """An attempt that buys nothing: its outputs lie on the shelf."""
    _heed_pauses(index, line)
    attempts = {"attempt": line["attempt"], "attempts": line["nth"]}
    move(index, line, "reuse", **attempts, outputs=line["outputs"], reason=None)
    _begin(index, {**line, "reserved": 0}, line["at"][:10])
    log(index, line, returned=line["returned"], ended_at=line["at"], verdict="reused", cost=0, estimated=0)


def _tombstone(index: Index, line: Line) -> None:
    """What equals it was bought before, and a person deleted or edited it: sent again, it is bought."""
    move(index, line, "tombstone", reason=line["reason"], buy_again=1)


def _reserve(index: Index, line: Line, day: str) -> None:
    """The guard of every cap, of day and month as the wish itself brings them. What is free always passes."""
    reserved = line["reserved"]
    sql = (
        "UPDATE orders SET committed = committed + ? WHERE id = ? AND held IS NULL AND cancelled = 0 "
        "AND (? = 0 OR (committed + ? <= cap AND overrun = 0))"
    )
    if not index.run(sql, reserved, line["order"], reserved, reserved):
        raise _why_no_wish(index, line)
    if reserved:
        budget.heed_days(index, reserved, day, line.get("caps", {}))
        _count(index, day, reserved)


def _why_no_wish(index: Index, line: Line) -> IllegalMove:
    order = index.order(line["order"])
    if order is None or order.held is not None or order.cancelled:
        return IllegalMove(f"Order {line['order']} is held or cancelled; nothing of it is sent.")
    return OverCap("Its cap is reached; nothing more of it is sent.")


def _count(index: Index, day: str, change: int) -> None:
    sql = (
        "INSERT INTO spending (day, committed) VALUES (?, ?) "
        "ON CONFLICT (day) DO UPDATE SET committed = spending.committed + excluded.committed"
    )
    index.run(sql, day, change)


def _heed_pauses(index: Index, line: Line) -> None:
    """What a person paused is not sent, though its turn had come in the same moment."""
    sql = (
        "SELECT 1 FROM orders WHERE id = ? AND paused IS NOT NULL UNION ALL "
        "SELECT 1 FROM provider_stop WHERE kind = 'paused' AND provider IN (?, '')"
    )
    if index.row(sql, (line["order"], line["provider"])):
        raise IllegalMove(f"Order {line['order']} or what it needs is paused; nothing of it is sent.")


def _heed_proof(index: Index, line: Line) -> None:
    proof = index.proof(line["order"])
    if proof and line["item"] not in proof:
        raise IllegalMove(f"Item {line['item']} of order {line['order']} waits for what a person says to its proof.")


def _settle(index: Index, line: Line, cost: int) -> None:
    """What was reserved, or known of its cost so far, becomes what it cost: to the order and to its day.

    More than that, as a bill by time or a larger picture than was asked for, stops the order's next wishes.
    """
    sql = "SELECT coalesce(cost, reserved) AS counted, day FROM generation_log WHERE id = ?"
    attempt = index.row(sql, (line["attempt"],))
    if attempt is None:
        raise LookupError(line["attempt"])
    if change := cost - attempt["counted"]:
        index.run("UPDATE orders SET committed = committed + ? WHERE id = ?", change, line["order"])
        _count(index, attempt["day"], change)
    if change > 0:
        sql = "UPDATE orders SET overrun = 1, dearest = CASE WHEN dearest < ? THEN ? ELSE dearest END WHERE id = ?"
        index.run(sql, cost, cost, line["order"])


def _ticket(index: Index, line: Line) -> None:
    """Of an attempt that its item no longer waits for, only the attempt takes it down: a person sent the item again.

    Where it was to be sent again and was not yet, what was bought is taken instead.
    """
    item = _item(index, line)
    found = {"ticket": line["ticket"], "answered_at": line["at"]}
    if item["state"] != ItemState.SUBMITTING:
        _nobody_elses(index, line)
    if item["state"] == ItemState.PLANNED and item["attempt"] is None:
        _doubt_ends(index, line, reason=None)
        sql = "UPDATE item SET attempt = ? WHERE order_id = ? AND number = ?"
        index.run(sql, line["attempt"], line["order"], line["item"])
    elif item["attempt"] != line["attempt"]:
        _doubt_ends(index, line, reason=FOUND_LATE, **found)
        return
    if item["state"] == ItemState.CANCELLED:  # what was in doubt when it was cancelled was bought: it is told to stop
        _doubt_ends(index, line, reason=None)
        index.run("UPDATE item SET stop = 1 WHERE order_id = ? AND number = ?", line["order"], line["item"])
    move(index, line, "ticket", ticket=line["ticket"], reason=None)
    log(index, line, verdict=None, reason=None, **found)


def _item(index: Index, line: Line) -> dict[str, Any]:
    sql = "SELECT state, attempt FROM item WHERE order_id = ? AND number = ?"
    row = index.row(sql, (line["order"], line["item"]))
    if row is None:
        raise UnknownItem(line["order"])
    return row


def _doubt_ends(index: Index, line: Line, **columns: object) -> None:
    """Only of an attempt that is in doubt."""
    settings = ", ".join(f"{name} = ?" for name in columns)
    sql = (
        f"UPDATE generation_log SET {settings} WHERE id = ? AND order_id = ? AND number = ? "
        "AND verdict = 'in_doubt' AND cost IS NULL AND ticket IS NULL"
    )
    values = map(text, columns.values())
    if not index.run(sql, *values, line["attempt"], line["order"], line["item"]):
        raise why_not(index, line, line["kind"])


def _nobody_elses(index: Index, line: Line) -> None:
    sql = (
        "SELECT 1 FROM generation_log WHERE ticket = ? AND id <> ? "
        "AND provider = (SELECT provider FROM generation_log WHERE id = ?)"
    )
    if index.row(sql, (line["ticket"], line["attempt"], line["attempt"])):
        raise IllegalMove(f"Ticket {line['ticket']} belongs to another attempt than {line['attempt']}.")


def _result(index: Index, line: Line) -> None:
    move(index, line, "result", outputs=line["outputs"])
    log(index, line, returned=line["returned"], ended_at=line["at"])
    if "cost" in line:  # the bill by the time measured, before anything is fetched
        _settle(index, line, line["cost"])
        log(index, line, cost=line["cost"], estimated=1)


def _settlement(index: Index, line: Line) -> None:
    move(index, line, "settlement", reason=line.get("note") or None)
    _settle(index, line, line["cost"])
    log(index, line, cost=line["cost"], estimated=int(line["estimated"]))
    table = "interim" if line.get("interim") else "product"  # interim: not shelved, only sent on
    sql = (
        f"INSERT INTO {table} (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    for each in line["products"]:
        values = [each[key] for key in ("index", "path", "sha256", "bytes", "mime", "width", "height", "created_at")]
        index.run(sql, each["id"], line["order"], line["item"], *values)


def _release(index: Index, line: Line) -> None:
    """Back to planned, unless a person ended the order while this was being sent.

    Of an item that was cancelled in doubt, or sent again since, only the money comes back.
    """
    free = {"cost": 0, "estimated": 0, "verdict": "released", "reason": line["reason"], "ended_at": line["at"]}
    item = _item(index, line)
    if item["attempt"] != line["attempt"] or item["state"] == ItemState.CANCELLED:
        _doubt_ends(index, line, reason=line["reason"])
        _settle(index, line, 0)
        log(index, line, **free)
        return
    move(index, line, "release", attempt=None, reason=line["reason"])
    _heed_stop(index, line, BY_YOU)
    _settle(index, line, 0)
    log(index, line, **free)


def _heed_stop(index: Index, line: Line, reason: str) -> None:
    """A person ended the order while this was on the way, and now it has come to a rest."""
    ended = "UPDATE item SET state = 'cancelled', reason = ? WHERE order_id = ? AND number = ? AND stop = 1"
    index.run(ended, reason, line["order"], line["item"])


def _failure(index: Index, line: Line) -> None:
    verdict = line["verdict"]
    again: dict[str, object] = {"attempt": None, "ticket": None} if verdict == "passing" else {}
    move(index, line, f"failure:{verdict}", reason=line["reason"], **again)
    if verdict in ("passing", "in_doubt"):
        _heed_stop(index, line, f"{BY_YOU}; {line['reason']}")
    known: dict[str, object] = {}
    if verdict == "in_doubt":  # what may have been charged stays reserved, also when a person cancelled
        asked = "INSERT INTO question (attempt, since, times, hopeful, words) VALUES (?, ?, 0, 1, '')"
        if line.get("ask"):
            index.run(f"{asked} ON CONFLICT (attempt) DO NOTHING", line["attempt"], line["at"])
    else:
        known = {"cost": line["cost"], "estimated": int(line["cost"] > 0), "ended_at": line["at"]}
        _settle(index, line, line["cost"])
    log(index, line, verdict=verdict, reason=line["reason"], **known)


# --- providers and commands ---


def _pause(index: Index, line: Line) -> None:
    """Of an order, of a provider (by a person, or stopped by trouble), or with neither, of everything."""
    if "order" in line:
        since = line["at"] if line["on"] else None
        _one(index.run("UPDATE orders SET paused = ? WHERE id = ?", since, line["order"]), line)
        return
    provider = line.get("provider", "")
    if not line["on"]:
        only = " AND kind = 'stopped'" if line.get("by") == "answer" else ""
        index.run(f"DELETE FROM provider_stop WHERE provider = ?{only}", provider)
        index.run("DELETE FROM outage WHERE provider = ?", provider)
        return
    kind = "paused" if line.get("by") == "you" else "stopped"
    sql = (
        "INSERT INTO provider_stop (provider, kind, reason, since, of_key) VALUES (?, ?, ?, ?, ?) ON CONFLICT "
        "(provider, kind) DO UPDATE SET reason = excluded.reason, since = excluded.since, of_key = excluded.of_key"
    )
    of_key = int(bool(line.get("of_key")))
    index.run(sql, provider, kind, line.get("reason", "paused by you"), line["at"], of_key)


def _mark(index: Index, line: Line) -> None:
    """What a person says of a product; one that is not known here any more has nothing to be said of."""
    product = index.product(line["product"])
    if product is None:
        return
    values = (int(line["liked"]), text(line["tags"]), line["product"])
    index.run("UPDATE product SET liked = ?, tags = ? WHERE id = ?", *values)
    dependencies.follow(index, product.order_id, product.number)


def _command(index: Index, line: Line) -> None:
    """In the same step as its effect: a second time the whole step is undone."""
    sql = "INSERT INTO command (id, name, answer, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    if not index.run(sql, line["id"], line["name"], text(line["answer"]), line["at"]):
        raise IllegalMove(f"Command {line['id']} was carried out before.")


_KINDS: Mapping[str, Callable[[Index, Line], None]] = {
    "acceptance": _acceptance, "hold": _hold, "approval": _approval, "folder": _folder, "cancel": _cancel,
    "retry": _retry, "wish": _wish, "reuse": _reuse, "tombstone": _tombstone, "ticket": _ticket, "result": _result,
    "settlement": _settlement, "release": _release, "failure": _failure, "pause": _pause, "mark": _mark,
    "command": _command,
}  # fmt: skip
