"""What a wish reserves of an order, its day and its caps, and what becomes of that: only `projection` calls it."""

from __future__ import annotations

from collections.abc import Mapping

from artfactoryd.errors import IllegalMove, OverCap
from artfactoryd.storage import budget
from artfactoryd.storage.events import (
    OfAttempt,
    Reuse,
    Wish,
)
from artfactoryd.storage.index import Index


def reserve(index: Index, event: Wish, day: str, caps: Mapping[str, int]) -> None:
    """The guard of every cap, of day and month by `caps`, as the wish has them. What is free always passes."""
    guard_order(index, event, event.reserved)
    if event.reserved:
        budget.heed_days(index, event.reserved, day, caps)
        count(index, day, event.reserved, event.order)


def guard_order(index: Index, event: Wish | Reuse, reserved: int) -> None:
    """The order is open, and its own cap has room."""
    sql = (
        "UPDATE orders SET committed = committed + ? WHERE id = ? AND held IS NULL AND cancelled = 0 "
        "AND (? = 0 OR (committed + ? <= cap AND overrun = 0))"
    )
    if not index.run(sql, reserved, event.order, reserved, reserved):
        raise _why_no_wish(index, event)


def _why_no_wish(index: Index, event: Wish | Reuse) -> IllegalMove:
    order = index.order(event.order)
    if order is None or order.held is not None or order.cancelled:
        return IllegalMove(f"Order {event.order} is held or cancelled; nothing of it is sent.")
    return OverCap("Its cap is reached; nothing more of it is sent.")


def count(index: Index, day: str, change: int, order: str = "") -> None:
    """So much more (or less) counts against the caps of that local day and its month; where the order is an agent's,
    against that of agents, too."""
    sql = (
        "INSERT INTO spending (day, committed, agents) "
        "VALUES (?1, ?2, CASE WHEN (SELECT agent FROM orders WHERE id = ?3) <> '' THEN ?2 ELSE 0 END) "
        "ON CONFLICT (day) DO UPDATE SET committed = spending.committed + excluded.committed, "
        "agents = spending.agents + excluded.agents"
    )
    index.run(sql, day, change, order)


def settle(index: Index, event: OfAttempt, cost: int, *, by_time: bool = False) -> None:
    """What was reserved, or known of its cost so far, becomes what it cost: to the order and to its day.

    More than that, as for more or larger pictures than were asked for, stops the order's next wishes; of a bill by
    time, only more than twice that, or more than the order's cap.
    """
    row = index.first("SELECT coalesce(cost, reserved), day FROM generation_log WHERE id = ?", (event.attempt,))
    if row is None:
        raise LookupError(event.attempt)
    counted, day = row
    if change := cost - counted:
        index.run("UPDATE orders SET committed = committed + ? WHERE id = ?", change, event.order)
        count(index, day, change, event.order)
    if change > 0:
        stops = not by_time or cost > 2 * counted
        sql = (
            "UPDATE orders SET overrun = CASE WHEN ? = 1 OR committed > cap THEN 1 ELSE overrun END, "
            "dearest = CASE WHEN dearest < ? THEN ? ELSE dearest END WHERE id = ?"
        )
        index.run(sql, int(stops), cost, cost, event.order)
