from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artfactoryd.core.lifecycle import (
    ENDED,
    MOVES,
    RESUMED,
    UNFINISHED,
    ItemState,
    OrderState,
    Verdict,
    order_state,
)

S = ItemState
STEPS = [(start, end) for move in MOVES.values() for start, end in move.items()]


def reached_from(start: ItemState) -> set[ItemState]:
    found = {start}
    while more := {end for begin, end in STEPS if begin in found} - found:
        found |= more
    return found


def test_every_state_is_reached_from_planned() -> None:
    assert reached_from(S.PLANNED) == set(S)


def test_nothing_leads_out_of_completed() -> None:
    assert reached_from(S.COMPLETED) == {S.COMPLETED}


def test_every_state_but_completed_can_still_come_to_completed() -> None:
    assert all(S.COMPLETED in reached_from(state) for state in S)


def test_only_a_wish_begins_a_sending_and_only_from_planned() -> None:
    assert [(move, start) for move, steps in MOVES.items() for start, end in steps.items() if end == S.SUBMITTING] == [
        ("wish", S.PLANNED)
    ]


def test_what_may_have_been_bought_goes_back_to_planned_only_by_release_a_retry_or_a_failure_that_passes() -> None:
    back = {(move, start) for move, steps in MOVES.items() for start, end in steps.items() if end == S.PLANNED}
    assert back == {
        ("release", S.SUBMITTING), ("release", S.IN_DOUBT), ("retry", S.FAILED), ("retry", S.CANCELLED),
        ("retry", S.IN_DOUBT), ("failure:passing", S.RUNNING),
    }  # fmt: skip


def test_a_ticket_is_never_lost_by_a_cancel() -> None:
    """What runs or is delivered is paid for: a person's cancel does not end it here."""
    assert set(MOVES["cancel"]) == {S.PLANNED, S.IN_DOUBT}


def test_each_verdict_has_its_move() -> None:
    assert {f"failure:{verdict}" for verdict in Verdict} == {move for move in MOVES if move.startswith("failure:")}


@pytest.mark.parametrize(
    ("state", "move", "end"),
    [
        ("planned", "wish", "submitting"), ("submitting", "ticket", "running"), ("running", "result", "delivering"),
        ("delivering", "settlement", "completed"), ("planned", "ticket", "running"),
        ("planned", "result", None), ("running", "wish", None),
        ("completed", "retry", None), ("running", "cancel", None), ("in_doubt", "wish", None),
        ("failed", "settlement", None),
    ],
)  # fmt: skip
def test_a_move_is_legal_only_from_its_states(state: str, move: str, end: str | None) -> None:
    assert MOVES[move].get(S(state)) == end


@given(st.lists(st.sampled_from(sorted(MOVES))))
@example(["wish", "ticket", "failure:passing", "wish"])
def test_no_row_of_moves_sends_twice_but_after_a_release_a_retry_or_a_passing_failure(moves: list[str]) -> None:
    state, sent = S.PLANNED, False
    for move in moves:
        end = MOVES[move].get(state)
        if end is None:
            continue
        assert not (move == "wish" and sent)
        sent = (sent or move == "wish") and move not in ("release", "retry", "failure:passing")
        state = end


def test_a_start_takes_up_what_is_paid_for_first_and_nothing_that_waits() -> None:
    assert RESUMED == (S.DELIVERING, S.RUNNING, S.SUBMITTING)
    assert set(ENDED) == {S.COMPLETED, S.FAILED, S.CANCELLED}
    assert set(S) == ENDED | UNFINISHED


# --- the order's state ---


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({}, "queued"), ({"planned": 4}, "queued"), ({"planned": 4, "running": 0}, "queued"),
        ({"planned": 3, "submitting": 1}, "processing"), ({"running": 1, "completed": 3}, "processing"),
        ({"planned": 1, "completed": 3}, "processing"), ({"delivering": 1}, "processing"),
        ({"in_doubt": 1}, "processing"),
        ({"in_doubt": 1, "completed": 3}, "processing"),
        ({"in_doubt": 1, "failed": 1, "cancelled": 2}, "processing"),
        ({"completed": 4}, "completed"), ({"cancelled": 4}, "cancelled"), ({"failed": 4}, "failed"),
        ({"failed": 1, "cancelled": 3}, "failed"), ({"completed": 1, "failed": 3}, "partial"),
        ({"completed": 3, "cancelled": 1}, "partial"), ({"completed": 1, "failed": 1, "cancelled": 1}, "partial"),
    ],
)  # fmt: skip
def test_an_orders_state_follows_from_its_items(counts: dict[str, int], state: str) -> None:
    assert order_state(counts, held=False, cancelled=False, expanded=True) == state


@pytest.mark.parametrize(
    ("counts", "flags", "state"),
    [
        ({}, {"held": True}, "held"), ({"planned": 4}, {"held": True}, "held"),
        ({}, {"cancelled": True}, "cancelled"), ({}, {"cancelled": True, "expanded": False}, "cancelled"),
        ({}, {"expanded": False}, "queued"), ({"planned": 2}, {"expanded": False}, "queued"),
        ({"completed": 2}, {"expanded": False}, "processing"), ({"failed": 2}, {"expanded": False}, "processing"),
        ({"completed": 2}, {"expanded": False, "cancelled": True}, "partial"),
        ({"cancelled": 2}, {"expanded": False, "cancelled": True}, "cancelled"),
        ({"running": 2}, {"expanded": False, "cancelled": True}, "processing"),
        ({"running": 1, "cancelled": 3}, {"cancelled": True}, "processing"),
        ({"completed": 4}, {"cancelled": True}, "completed"),
    ],
)  # fmt: skip
def test_an_order_held_cancelled_or_not_yet_expanded(counts: dict[str, int], flags: dict[str, Any], state: str) -> None:
    assert order_state(counts, **{"held": False, "cancelled": False, "expanded": True, **flags}) == state


@given(st.dictionaries(st.sampled_from([str(each) for each in S]), st.integers(0, 3)), st.booleans(), st.booleans())
def test_an_order_has_ended_exactly_when_all_its_items_have(
    counts: dict[str, int], cancelled: bool, expanded: bool
) -> None:
    state = order_state(counts, held=False, cancelled=cancelled, expanded=expanded)
    unfinished = any(counts.get(each) for each in UNFINISHED)
    waiting = not cancelled and (not expanded or not any(counts.values()))
    assert (state in (OrderState.QUEUED, OrderState.PROCESSING)) == (unfinished or waiting)
