"""The states of an item, the one table of legal moves, and an order's state derived from its items."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ItemState(StrEnum):
    PLANNED = "planned"  # nobody was asked
    SUBMITTING = "submitting"  # the wish is durable, no ticket yet; lasts only as long as the sending
    RUNNING = "running"  # the ticket is durable
    DELIVERING = "delivering"  # outputs known, not all on the shelf; ids and times chosen
    COMPLETED = "completed"  # every output that came is on the shelf
    FAILED = "failed"  # ended without a product; the reason is in the row
    CANCELLED = "cancelled"  # a person ended it
    IN_DOUBT = "in_doubt"  # sent perhaps; the provider cannot say yet


class OrderState(StrEnum):
    HELD = "held"  # nothing sent, and a reason stands
    QUEUED = "queued"  # nothing begun
    PROCESSING = "processing"  # an item has not ended, doubt included
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED_ORDERS = frozenset({OrderState.HELD, OrderState.QUEUED, OrderState.PROCESSING})


class Verdict(StrEnum):
    """What is known about an attempt that did not end in products."""

    IN_DOUBT = "in_doubt"  # may have been bought
    REFUSED = "refused"  # surely not bought
    ENDED = "ended"  # bought, ended by the provider without output
    PASSING = "passing"  # the same, for a reason that passes: another attempt is made
    CANCELLED = "cancelled"  # ended because a person asked
    LOST = "lost"  # bought, made, and the output can no longer be had or used


S = ItemState

ENDED = frozenset({S.COMPLETED, S.FAILED, S.CANCELLED})
UNFINISHED = frozenset(S) - ENDED
NO_KEY = "There is no key for "  # how the reason of a stop begins that no key was ever given to
STUCK = "Stuck by a defect of this program"  # how the reason of an item begins that is left alone
# how the reason of an item begins whose files cannot be put where its provider reads them; then, after a few tries
UPLOAD_WAITS = "What it is made from cannot be uploaded just now"
UPLOAD_LASTS = "What it is made from could not be uploaded, and is tried again ever more rarely"
RESUMED = (S.DELIVERING, S.RUNNING, S.SUBMITTING)  # what a start takes up again, in this order

MOVES: Mapping[str, Mapping[ItemState, ItemState]] = {
    "wish": {S.PLANNED: S.SUBMITTING},
    # Cancelled: while in doubt. Planned: to be sent again, and found before it was. Failed: ended before it was.
    "ticket": {
        S.SUBMITTING: S.RUNNING,
        S.IN_DOUBT: S.RUNNING,
        S.CANCELLED: S.RUNNING,
        S.PLANNED: S.RUNNING,
        S.FAILED: S.RUNNING,
    },
    "release": {S.SUBMITTING: S.PLANNED, S.IN_DOUBT: S.PLANNED},
    "result": {S.RUNNING: S.DELIVERING},
    "reuse": {S.PLANNED: S.DELIVERING},
    "tombstone": {S.PLANNED: S.FAILED, S.DELIVERING: S.FAILED},  # delivering: what was to be copied
    "settlement": {S.DELIVERING: S.COMPLETED},
    "failure:in_doubt": {S.SUBMITTING: S.IN_DOUBT},
    "failure:refused": {S.SUBMITTING: S.FAILED},
    "failure:ended": {S.RUNNING: S.FAILED},
    "failure:passing": {S.RUNNING: S.PLANNED},
    "failure:cancelled": {S.RUNNING: S.CANCELLED},
    "failure:lost": {S.RUNNING: S.FAILED, S.DELIVERING: S.FAILED},
    "cancel": {S.PLANNED: S.CANCELLED, S.IN_DOUBT: S.CANCELLED},
    "retry": {S.FAILED: S.PLANNED, S.CANCELLED: S.PLANNED, S.IN_DOUBT: S.PLANNED},
}


def order_state(counts: Mapping[str, int], *, held: bool, cancelled: bool, expanded: bool) -> OrderState:
    """`counts`: items by state. `expanded`: every item of the order has its row.

    The items of a cancelled order that have no row yet will never get one, and are cancelled too.
    """
    if held:
        return OrderState.HELD
    present = {S(name) for name, count in counts.items() if count}
    if cancelled and not (expanded and present):
        present, expanded = present | {S.CANCELLED}, True
    if not present:
        return OrderState.QUEUED
    if not expanded or present & UNFINISHED:
        return OrderState.QUEUED if present == {S.PLANNED} else OrderState.PROCESSING
    return _ended(present)


def _ended(present: set[ItemState]) -> OrderState:
    if present == {S.COMPLETED}:
        return OrderState.COMPLETED
    if present == {S.CANCELLED}:
        return OrderState.CANCELLED
    return OrderState.PARTIAL if S.COMPLETED in present else OrderState.FAILED
