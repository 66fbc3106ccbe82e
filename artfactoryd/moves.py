"""What each kind of ledger line does to the index: the one guarded write path.

`apply` is used for new lines (before they are written, inside the transaction that is committed
after they are) and for old ones at start. It raises IllegalMove and changes nothing when an item
cannot go that way, so a line that is not legal never reaches the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from artfactoryd.core.lifecycle import MOVES
from artfactoryd.core.plan import PlannedItem
from artfactoryd.errors import IllegalMove, OverCap
from artfactoryd.index import Index

Line = Mapping[str, Any]
ORDER_COLUMNS = (
    "id", "claim", "number", "submission", "name", "project", "folder", "model", "document", "document_sha256",
    "fingerprint", "file", "git", "accepted_at", "base_seed", "priority", "rehearsal", "provider", "tags", "notes",
    "cap", "price", "total_items", "total_products", "inputs", "library",
)  # fmt: skip
BY_YOU = "cancelled by you"


class UnknownItem(LookupError):
    """The line speaks of an item whose row is not there: the order must be expanded first."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


def apply(index: Index, line: Line) -> None:
    _KINDS[line["kind"]](index, line)


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _move(index: Index, line: Line, move: str, **columns: object) -> None:
    """The guard: one row, by a legal move from the state it is in. A move has one target, whatever its source."""
    sources = MOVES[move]
    (columns["state"],) = set(map(str, sources.values()))
    settings = ", ".join(f"{name} = ?" for name in columns)
    marks = ",".join("?" * len(sources))
    sql = f"UPDATE item SET {settings} WHERE order_id = ? AND number = ? AND state IN ({marks})"
    if not index.run(sql, *map(_text, columns.values()), line["order"], line["item"], *map(str, sources)):
        raise _why_not(index, line, move)


def _why_not(index: Index, line: Line, move: str) -> Exception:
    row = index.item(line["order"], line["item"])
    if row is None:
        return UnknownItem(line["order"])
    return IllegalMove(f"Item {line['item']} of order {line['order']} is {row['state']}: {move} is not possible.")


def _log(index: Index, line: Line, **columns: object) -> None:
    settings = ", ".join(f"{name} = ?" for name in columns)
    index.run(f"UPDATE generation_log SET {settings} WHERE id = ?", *map(_text, columns.values()), line["attempt"])


# --- orders ---


def _acceptance(index: Index, line: Line) -> None:
    values = [_text({"inputs": [], "library": {}, **line, "id": line["order"]}[name]) for name in ORDER_COLUMNS]
    marks = ",".join("?" * len(values))
    columns = f"{','.join(ORDER_COLUMNS)}, expanded_items, expanded_products, cancelled, was_cancelled, committed"
    sql = f"INSERT INTO orders ({columns}) VALUES ({marks}, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
    if not index.run(sql, *values):
        raise IllegalMove(f"Document {line['number']} of claim {line['claim']} was accepted before.")


def _hold(index: Index, line: Line) -> None:
    sql = "UPDATE orders SET held = ?, held_entry = ?, held_fingerprint = ? WHERE id = ?"
    _one(index.run(sql, _text(line["reasons"]), line["entry"], line["fingerprint"], line["order"]), line)


def _approval(index: Index, line: Line) -> None:
    sql = (
        "UPDATE orders SET held = NULL, cap = ?, folder = ?, accepted_at = ? "
        "WHERE id = ? AND held IS NOT NULL AND cancelled = 0"
    )
    if not index.run(sql, line["cap"], line["folder"], line["at"], line["order"]):
        raise IllegalMove(f"Order {line['order']} is not held.")


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
    _move(index, line, "retry", reason=None, ticket=None, outputs=None, attempt=None, stop=0)
    raised = "UPDATE orders SET cancelled = 0, cap = cap + ? WHERE id = ?"
    index.run(raised, line.get("raise", 0), line["order"])


def _one(changed: int, line: Line) -> None:
    if not changed:
        raise IllegalMove(f"There is no order {line['order']}.")


# --- items ---


def _wish(index: Index, line: Line) -> None:
    _heed_pauses(index, line)
    _move(index, line, "wish", attempt=line["attempt"], attempts=line["nth"], reason=None)
    reserve = (
        "UPDATE orders SET committed = committed + ? "
        "WHERE id = ? AND committed + ? <= cap AND held IS NULL AND cancelled = 0"
    )
    if not index.run(reserve, line["reserved"], line["order"], line["reserved"]):
        raise _why_no_wish(index, line)
    sql = (
        "INSERT INTO generation_log (id, order_id, number, nth, provider, model, actual, asked_at, reserved,"
        " estimated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
    )
    values = (line["attempt"], line["order"], line["item"], line["nth"], line["provider"], line["model"])
    index.run(sql, *values, _text(line["actual"]), line["at"], line["reserved"])


def _why_no_wish(index: Index, line: Line) -> IllegalMove:
    order = index.order(line["order"])
    if order is None or order["held"] is not None or order["cancelled"]:
        return IllegalMove(f"Order {line['order']} is held or cancelled; nothing of it is sent.")
    return OverCap("Its cap is reached; nothing more of it is sent.")


def _heed_pauses(index: Index, line: Line) -> None:
    """What a person paused is not sent, though its turn had come in the same moment."""
    sql = (
        "SELECT 1 FROM orders WHERE id = ? AND paused IS NOT NULL UNION ALL "
        "SELECT 1 FROM provider_stop WHERE kind = 'paused' AND provider IN (?, '')"
    )
    if index.row(sql, (line["order"], line["provider"])):
        raise IllegalMove(f"Order {line['order']} or what it needs is paused; nothing of it is sent.")


def _settle(index: Index, line: Line, cost: int) -> None:
    """What was reserved becomes what it cost."""
    reserved = "(SELECT reserved FROM generation_log WHERE id = ?)"
    sql = f"UPDATE orders SET committed = committed + ? - {reserved} WHERE id = ?"
    index.run(sql, cost, line["attempt"], line["order"])


def _ticket(index: Index, line: Line) -> None:
    _move(index, line, "ticket", ticket=line["ticket"])
    _log(index, line, ticket=line["ticket"], answered_at=line["at"], verdict=None, reason=None)


def _result(index: Index, line: Line) -> None:
    _move(index, line, "result", outputs=line["outputs"])
    _log(index, line, returned=line["returned"], ended_at=line["at"])


def _settlement(index: Index, line: Line) -> None:
    _move(index, line, "settlement", reason=line.get("note") or None)
    _settle(index, line, line["cost"])
    _log(index, line, cost=line["cost"], estimated=int(line["estimated"]))
    sql = (
        "INSERT INTO product (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    for each in line["products"]:
        values = [each[key] for key in ("index", "path", "sha256", "bytes", "mime", "width", "height", "created_at")]
        index.run(sql, each["id"], line["order"], line["item"], *values)


def _release(index: Index, line: Line) -> None:
    """Back to planned, unless a person ended the order while this was being sent."""
    _move(index, line, "release", attempt=None, reason=line["reason"])
    ended = "UPDATE item SET state = 'cancelled', reason = ? WHERE order_id = ? AND number = ? AND stop = 1"
    index.run(ended, BY_YOU, line["order"], line["item"])
    _settle(index, line, 0)
    _log(index, line, cost=0, estimated=0, verdict="released", reason=line["reason"], ended_at=line["at"])


def _failure(index: Index, line: Line) -> None:
    _move(index, line, f"failure:{line['verdict']}", reason=line["reason"])
    known: dict[str, object] = {}
    if line["verdict"] != "in_doubt":  # what may have been charged stays reserved
        known = {"cost": line["cost"], "estimated": int(line["cost"] > 0), "ended_at": line["at"]}
        _settle(index, line, line["cost"])
    _log(index, line, verdict=line["verdict"], reason=line["reason"], **known)


# --- providers and commands ---


def _pause(index: Index, line: Line) -> None:
    """Of an order, of a provider (by a person, or stopped by trouble), or with neither, of everything."""
    if "order" in line:
        since = line["at"] if line["on"] else None
        _one(index.run("UPDATE orders SET paused = ? WHERE id = ?", since, line["order"]), line)
        return
    provider = line.get("provider", "")
    if not line["on"]:
        index.run("DELETE FROM provider_stop WHERE provider = ?", provider)
        return
    kind = "paused" if line.get("by") == "you" else "stopped"
    sql = (
        "INSERT INTO provider_stop (provider, kind, reason, since) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (provider, kind) DO UPDATE SET reason = excluded.reason, since = excluded.since"
    )
    index.run(sql, provider, kind, line.get("reason", "paused by you"), line["at"])


def _command(index: Index, line: Line) -> None:
    """In the same step as its effect: a second time the whole step is undone."""
    sql = "INSERT INTO command (id, name, answer, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    if not index.run(sql, line["id"], line["name"], _text(line["answer"]), line["at"]):
        raise IllegalMove(f"Command {line['id']} was carried out before.")


_KINDS: Mapping[str, Callable[[Index, Line], None]] = {
    "acceptance": _acceptance, "hold": _hold, "approval": _approval, "folder": _folder, "cancel": _cancel,
    "retry": _retry, "wish": _wish, "ticket": _ticket, "result": _result, "settlement": _settlement,
    "release": _release, "failure": _failure, "pause": _pause, "command": _command,
}  # fmt: skip


# --- rows that follow from the order alone and need no line ---

CHUNK = 2000


def add_items(index: Index, order_id: str, provider: str, items: Iterable[PlannedItem]) -> None:
    """The rows of an order's next items; the order remembers how far it is expanded. Those it has are passed over.

    Of an order that was ever cancelled they come in cancelled: whether a cancel fell before or after
    an item had its row is not in the ledger, so it must make no difference.
    """
    order = index.row("SELECT expanded_items, was_cancelled FROM orders WHERE id = ?", (order_id,))
    if order is None:
        raise IllegalMove(f"There is no order {order_id}.")
    coming = [item for item in items if item.number > order["expanded_items"]]
    if not coming:
        return
    if coming[0].number != order["expanded_items"] + 1:
        raise IllegalMove(f"Items of order {order_id} before {coming[0].number} are not there yet.")
    state, reason = ("cancelled", BY_YOU) if order["was_cancelled"] else ("planned", None)
    sql = (
        "INSERT INTO item (order_id, number, state, reason, provider, first_index, asked, copy, seed, generation,"
        " tokens, upper, attempts, stop) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)"
    )
    rows = [
        (order_id, item.number, state, reason, provider, item.first_index, item.asked, item.copy, item.seed,
         _text(dict(item.parameters)), json.dumps(item.tokens, ensure_ascii=False), item.upper)
        for item in coming
    ]  # fmt: skip
    index.add(sql, rows)
    last = coming[-1]
    sql = "UPDATE orders SET expanded_items = ?, expanded_products = ? WHERE id = ?"
    index.run(sql, last.number, last.first_index + last.asked - 1, order_id)


def remember_upload(index: Index, known: tuple[str, str, str, str | None]) -> None:
    """Free to make again, so it has no line."""
    sql = (
        "INSERT INTO upload (provider, sha256, address, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (provider, sha256) "
        "DO UPDATE SET address = excluded.address, expires_at = excluded.expires_at"
    )
    index.run(sql, *known)
