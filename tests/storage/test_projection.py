"""Each kind of line against a real index: what it changes, and that it changes nothing when it may not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artfactoryd.core.lifecycle import MOVES, ItemState
from artfactoryd.errors import IllegalMove, OverCap
from artfactoryd.storage import derived, transitions
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import OutageRow, StopRow
from tests.accounts import (
    ORDER,
    UPPER,
    acceptance,
    apply,
    approval,
    cancel,
    command,
    expander,
    failure,
    hold,
    order_row,
    pause,
    release,
    result,
    retry,
    reuse,
    settlement,
    ticket,
    tombstone,
    wish,
)

AT = "2026-11-22T12:00:00.000Z"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with contextlib.closing(Index.open(tmp_path / "index.sqlite3")) as opened:
        yield opened


def do(index: Index, *lines: dict[str, Any]) -> None:
    """All or none, as `books` does it."""
    with index.changing(), index.step():
        for line in lines:
            apply(index, {"at": AT, **line})


def expand(index: Index, order: str = ORDER) -> None:
    provider, items = expander(order_row(index, order))
    derived.add_items(index, order, provider, items)


def accepted(index: Index, items: int = 4, **other: Any) -> None:
    do(index, acceptance(items=items, **other))
    expand(index)


def state(index: Index, item: int = 1) -> str:
    row = index.item(ORDER, item)
    assert row is not None
    return str(row.state)


def committed(index: Index) -> int:
    row = index.order(ORDER)
    assert row is not None
    return int(row.committed)


LIFE = [wish(1), ticket(1), result(1), settlement(1)]


def test_an_item_goes_from_planned_to_completed(index: Index) -> None:
    accepted(index)
    seen = []
    for line in LIFE:
        do(index, line)
        seen.append(state(index))
    assert seen == ["submitting", "running", "delivering", "completed"]
    (product,) = index.products(ORDER)
    assert (product.path, product.place, product.number) == ("Projects/summer/1.png", 1, 1)
    (attempt,) = index.attempts(ORDER)
    assert (attempt.model, attempt.ticket, attempt.cost) == ("fake/painter", "ticket-1", UPPER)
    assert attempt.returned == {"parameters": {"seed": 7}, "seconds": 1.5}


def test_every_move_is_refused_from_every_state_the_table_does_not_name(index: Index) -> None:
    accepted(index, items=len(ItemState))
    lines = {
        "wish": wish, "ticket": ticket, "release": release, "result": result, "settlement": settlement, "retry": retry,
        "reuse": reuse, "tombstone": tombstone,
        **{f"failure:{v}": _failing(v) for v in ("in_doubt", "refused", "ended", "passing", "cancelled", "lost")},
    }  # fmt: skip
    assert lines.keys() == MOVES.keys() - {"cancel"}
    for number, each in enumerate(ItemState, 1):
        index.run("UPDATE item SET state = ? WHERE number = ?", str(each), number)
        for name in [name for name in lines if each not in MOVES[name]]:
            before = (index.item(ORDER, number), index.order(ORDER), index.attempts(ORDER))
            with pytest.raises(IllegalMove, match=f"is {each}"):
                do(index, lines[name](number))
            assert (index.item(ORDER, number), index.order(ORDER), index.attempts(ORDER)) == before


LATE = {
    "ticket": ticket(1), "release": release(1), "result": result(1), "settlement": settlement(1),
    **{f"failure:{verdict}": failure(1, verdict, cost=0) for verdict in ("in_doubt", "refused", "ended", "lost")},
}  # fmt: skip


@pytest.mark.parametrize("move", LATE)
def test_a_late_word_about_an_attempt_that_is_over_moves_nothing(index: Index, move: str) -> None:
    """Else a late "it was not bought" would have the attempt after it sent a third time."""
    accepted(index)
    do(index, wish(1), release(1), wish(1, nth=2))
    for source in MOVES[move]:
        index.run("UPDATE item SET state = ? WHERE number = 1", str(source))
        before = (index.item(ORDER, 1), index.order(ORDER), index.attempts(ORDER))
        with pytest.raises(IllegalMove, match=f"is {source} by attempt"):
            do(index, LATE[move])
        assert (index.item(ORDER, 1), index.order(ORDER), index.attempts(ORDER)) == before


def _failing(verdict: str) -> Any:
    return lambda number: failure(number, verdict, cost=0)


def test_a_line_about_an_item_without_a_row_asks_for_the_order_to_be_expanded(index: Index) -> None:
    do(index, acceptance())
    with pytest.raises(transitions.UnknownItem):
        do(index, wish(1))


# --- money ---


def test_money_is_counted_from_the_wish_and_settled_by_what_came(index: Index) -> None:
    accepted(index)
    do(index, wish(1, reserved=UPPER))
    assert committed(index) == UPPER
    do(index, ticket(1), result(1), settlement(1, cost=UPPER - 500))
    assert committed(index) == UPPER - 500 == index.spent(ORDER)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([release(1)], 0),
        ([failure(1, "refused", cost=0)], 0),
        ([failure(1, "in_doubt")], UPPER),
        ([ticket(1), failure(1, "ended", cost=UPPER)], UPPER),
        ([ticket(1), failure(1, "ended", cost=0)], 0),
        ([ticket(1), failure(1, "cancelled", cost=0)], 0),
        ([ticket(1), result(1), failure(1, "lost", cost=UPPER)], UPPER),
        ([failure(1, "in_doubt"), cancel()], UPPER),
        ([failure(1, "in_doubt"), release(1)], 0),
        ([failure(1, "in_doubt"), retry(1), wish(1, nth=2)], 2 * UPPER),
    ],
    ids=lambda value: "-".join(line.get("verdict", line["kind"]) for line in value) if isinstance(value, list) else "",
)
def test_what_may_have_been_charged_stays_counted(index: Index, lines: list[dict[str, Any]], left: int) -> None:
    accepted(index)
    do(index, wish(1), *lines)
    assert committed(index) == left


def test_doubt_is_counted_until_a_ticket_ends_it(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"))
    assert index.doubtful(ORDER) == UPPER
    do(index, ticket(1))
    assert (index.doubtful(ORDER), state(index)) == (0, "running")


def test_a_wish_that_would_pass_the_cap_changes_nothing(index: Index) -> None:
    accepted(index, cap=2 * UPPER)
    do(index, wish(1), wish(2))
    with pytest.raises(OverCap):
        do(index, wish(3))
    assert (state(index, 3), committed(index), len(index.attempts(ORDER))) == ("planned", 2 * UPPER, 2)
    do(index, release(1), wish(3))
    assert committed(index) == 2 * UPPER


def test_a_retry_of_what_may_have_been_charged_raises_the_cap_by_its_price(index: Index) -> None:
    accepted(index, cap=UPPER)
    do(index, wish(1), failure(1, "in_doubt"))
    do(index, retry(1))
    with pytest.raises(OverCap):
        do(index, wish(1, nth=2))
    do(index, cancel(), retry(1, raised=UPPER), wish(1, nth=2))
    assert committed(index) == 2 * UPPER


def test_a_wish_that_would_pass_the_cap_of_its_day_or_month_changes_nothing(index: Index) -> None:
    accepted(index, items=5)
    do(index, wish(1, day="2026-11-01"), wish(2, day="2026-11-30"))
    for caps in ({"day": 2 * UPPER - 1}, {"month": 3 * UPPER - 1}):
        with pytest.raises(OverCap) as caught:
            do(index, wish(3, day="2026-11-30", caps=caps))
        assert (caught.value.day, state(index, 3)) == ("2026-11-30", "planned")
        assert (committed(index), index.committed("2026-11-01", "2026-11-31")) == (2 * UPPER, 2 * UPPER)
    do(index, wish(3, day="2026-11-30", caps={"month": 3 * UPPER}), wish(4, day="2026-12-01", caps={"month": UPPER}))
    do(index, wish(5, day="2026-12-01", reserved=0, caps={"month": 0}))


def test_money_moves_on_the_day_of_its_wish(index: Index) -> None:
    accepted(index)
    do(index, wish(1, day="2026-11-22"), wish(2, day="2026-11-23"), wish(3, day="2026-11-23"))
    do(index, ticket(1), result(1), settlement(1, cost=500), release(2), failure(3, "in_doubt"))
    found = {row["day"]: row["committed"] for row in index.rows("SELECT * FROM spending")}
    assert found == {"2026-11-22": 500, "2026-11-23": UPPER}


def test_a_wish_of_an_older_ledger_counts_on_its_day_in_utc_and_heeds_no_day(index: Index) -> None:
    accepted(index)
    old = {key: value for key, value in wish(1).items() if key not in ("day", "caps")}
    do(index, {**old, "at": "2026-10-05T23:59:59.999Z"})
    assert index.committed("2026-10-05", "2026-10-05") == UPPER


DEAR = 2 * UPPER + 500  # the bill by a time more than twice as long as what was set aside for it


def test_a_bill_counts_from_the_result_and_far_above_what_was_set_aside_it_stops_the_order(index: Index) -> None:
    accepted(index)
    do(index, wish(1), ticket(1), result(1, cost=DEAR))
    assert committed(index) == DEAR == index.spent(ORDER) == index.committed("2026-11-22", "2026-11-22")
    with pytest.raises(OverCap):
        do(index, wish(2))
    do(index, settlement(1, cost=DEAR), approval() | {"waived": ["cap"]})
    row = index.order(ORDER)
    assert row is not None and (row.overrun, row.dearest, committed(index)) == (0, DEAR, DEAR)
    do(index, wish(2, reserved=DEAR), ticket(2), result(2, cost=DEAR), wish(3))


def test_a_bill_by_time_within_twice_what_was_set_aside_and_within_the_cap_stops_nothing(index: Index) -> None:
    accepted(index)
    do(index, wish(1), ticket(1), result(1, cost=UPPER + 500), wish(2))
    assert committed(index) == 2 * UPPER + 500


def test_a_settlement_above_what_was_set_aside_stops_the_order_too(index: Index) -> None:
    accepted(index)
    do(index, wish(1), ticket(1), result(1), wish(2), settlement(1, cost=UPPER + 500))
    assert committed(index) == 2 * UPPER + 500
    with pytest.raises(OverCap):
        do(index, wish(3))
    do(index, approval() | {"waived": ["cap"]}, ticket(2), result(2), settlement(2, cost=UPPER), wish(3))


def test_a_cap_is_raised_only_of_an_order_that_has_begun(index: Index) -> None:
    do(index, acceptance(), hold())
    with pytest.raises(IllegalMove, match="held"):
        do(index, approval() | {"waived": ["cap"]})


# --- doubts that outlive a cancel or a retry ---


def test_a_cancelled_doubt_takes_its_ticket_and_the_provider_is_to_be_told(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), cancel())
    assert state(index) == "cancelled"
    do(index, ticket(1))
    row = index.item(ORDER, 1)
    assert row is not None and (row.state, row.stop, row.ticket) == ("running", 1, "ticket-1")
    do(index, result(1), settlement(1))
    assert (state(index), committed(index), index.doubtful(ORDER)) == ("completed", UPPER, 0)


def test_a_cancelled_doubt_that_was_not_bought_gives_its_money_back_and_stays_cancelled(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), cancel(), release(1))
    assert (state(index), committed(index), index.attempts(ORDER)[0].verdict) == ("cancelled", 0, "released")


@pytest.mark.parametrize(
    "before",
    [
        [], [cancel()], [wish(1), release(1), cancel()], [wish(1), cancel(), release(1)],
        [wish(1), ticket(1), cancel(), failure(1, "cancelled", cost=0)],
        [wish(1), failure(1, "in_doubt"), release(1)], [wish(1), failure(1, "in_doubt"), cancel(), release(1)],
        [wish(1), failure(1, "in_doubt"), retry(1), ticket(1)], [wish(1), failure(1, "refused", cost=0)],
    ],
    ids=lambda lines: "-".join(line.get("verdict", line["kind"]) for line in lines) or "nothing",
)  # fmt: skip
def test_only_an_attempt_in_doubt_takes_a_ticket_or_gives_money_back_afterwards(
    index: Index, before: list[dict[str, Any]]
) -> None:
    accepted(index)
    do(index, *before)
    was = (index.item(ORDER, 1), index.order(ORDER), index.attempts(ORDER))
    for line in (ticket(1), release(1)):
        with pytest.raises(IllegalMove):
            do(index, line)
    assert (index.item(ORDER, 1), index.order(ORDER), index.attempts(ORDER)) == was


def test_an_attempt_that_was_sent_again_is_told_of_apart_from_its_item(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), retry(1), wish(1, nth=2), {**ticket(1, nth=2), "ticket": "second"})
    do(index, ticket(1))
    row, [old, new] = index.item(ORDER, 1), index.attempts(ORDER)
    assert row is not None and (row.state, row.ticket) == ("running", "second")
    assert (old.ticket, old.verdict, old.cost, new.ticket) == ("ticket-1", "in_doubt", None, "second")
    assert committed(index) == 2 * UPPER, "it was bought, so it counts"


def test_money_of_an_attempt_that_was_sent_again_comes_back_when_it_was_not_bought(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), retry(1), wish(1, nth=2), release(1))
    assert (state(index), committed(index)) == ("submitting", UPPER)


def test_a_ticket_found_for_two_attempts_belongs_to_the_first(index: Index) -> None:
    accepted(index)
    do(index, wish(1), wish(2), failure(1, "in_doubt"), failure(2, "in_doubt"), ticket(1))
    with pytest.raises(IllegalMove, match="belongs to another"):
        do(index, {**ticket(2), "ticket": "ticket-1"})
    assert [row.state for row in index.items(ORDER)][:2] == ["running", "in_doubt"]


def test_what_is_in_doubt_when_its_order_was_cancelled_is_cancelled_and_counted(index: Index) -> None:
    accepted(index)
    do(index, wish(1), cancel(), failure(1, "in_doubt"))
    assert (state(index), committed(index), index.doubtful(ORDER)) == ("cancelled", UPPER, UPPER)


# --- orders ---


def test_a_document_of_a_claim_is_accepted_once(index: Index) -> None:
    do(index, acceptance())
    for again in (acceptance(), acceptance("other", claim=ORDER)):
        with pytest.raises(IllegalMove, match="accepted before"):
            do(index, again)


def test_a_held_order_is_approved_once_and_not_after_a_cancel(index: Index) -> None:
    do(index, acceptance(), hold())
    do(index, approval(cap=5))
    row = index.order(ORDER)
    assert row is not None and (row.held, row.cap, row.accepted_at) == (None, 5, AT)
    with pytest.raises(IllegalMove, match="not held"):
        do(index, approval())
    do(index, hold(), cancel())
    with pytest.raises(IllegalMove, match="not held"):
        do(index, approval())


def test_nothing_of_a_held_order_is_sent(index: Index) -> None:
    accepted(index)
    do(index, hold())
    with pytest.raises(IllegalMove, match="held or cancelled"):
        do(index, wish(1))
    assert committed(index) == 0


@pytest.mark.parametrize("line", [hold("no"), cancel("no"), {"kind": "folder", "order": "no", "folder": "x"}])
def test_a_line_about_no_order_is_refused(index: Index, line: dict[str, Any]) -> None:
    with pytest.raises(IllegalMove):
        do(index, line)


def test_cancelling_ends_what_was_not_sent_and_marks_what_runs(index: Index) -> None:
    accepted(index, items=5)
    do(index, wish(1), ticket(1), wish(2), wish(3), failure(3, "in_doubt"), wish(4), ticket(4), result(4), cancel())
    found = {row.number: (row.state, row.stop) for row in index.items(ORDER)}
    assert found == {
        1: ("running", 1), 2: ("submitting", 1), 3: ("cancelled", 0), 4: ("delivering", 0), 5: ("cancelled", 0),
    }  # fmt: skip
    assert index.working_orders("fake") == []


def test_what_was_surely_not_sent_when_its_order_was_cancelled_is_not_sent_later(index: Index) -> None:
    accepted(index)
    do(index, wish(1), cancel(), release(1))
    assert (state(index), committed(index)) == ("cancelled", 0)
    do(index, retry(1), wish(1, nth=2), release(1, nth=2))
    assert state(index) == "planned"


def test_items_that_get_their_rows_after_a_cancel_are_cancelled(index: Index) -> None:
    do(index, acceptance(items=3000))
    first = expander(order_row(index))[1]
    derived.add_items(index, ORDER, ["fake"], [next(first) for _ in range(1000)])
    do(index, cancel())
    derived.add_items(index, ORDER, ["fake"], first)
    assert index.counts(ORDER) == {"cancelled": 3000}


@pytest.mark.parametrize("early", [True, False])
def test_it_makes_no_difference_when_the_rows_came(index: Index, early: bool) -> None:
    """Whether rows were there before a cancel and a retry is not in the ledger."""
    do(index, acceptance(items=4))
    if early:
        expand(index)
    do(index, cancel())
    if not early:
        expand(index)
    do(index, retry(2))
    assert [row.state for row in index.items(ORDER)] == ["cancelled", "planned", "cancelled", "cancelled"]
    assert {row.reason for row in index.items(ORDER, ["cancelled"])} == {"cancelled by you"}


def test_an_order_is_expanded_without_gaps_and_twice_is_once(index: Index) -> None:
    do(index, acceptance(items=6))
    items = list(expander(order_row(index))[1])
    with pytest.raises(IllegalMove, match="before 3"):
        derived.add_items(index, ORDER, ["fake"], items[2:])
    for some in (items[:2], items[:4], items[:2], items):
        derived.add_items(index, ORDER, ["fake"], some)
    row = index.order(ORDER)
    assert row is not None and (row.expanded_items, row.expanded_products) == (6, 6)
    assert index.counts(ORDER) == {"planned": 6}


# --- providers and commands ---


def test_a_provider_is_stopped_and_lifted(index: Index) -> None:
    do(index, {**pause(True), "at": "a"})
    do(index, {**pause(True, "no money"), "at": "b"})
    assert index.stops() == {"fake": StopRow("fake", "stopped", "no money", "b", of_key=False)}
    do(index, pause(False))
    assert index.stops() == {}


def test_a_stop_lifted_by_an_answer_leaves_a_persons_pause_and_a_stop_elsewhere(index: Index) -> None:
    do(index, {**pause(True), "of_key": True}, {**pause(True), "by": "you"}, {**pause(True), "provider": "other"})
    assert index.stops()["fake"].of_key and not index.stops()["other"].of_key
    do(index, {**pause(False), "by": "answer"})
    assert index.stops().keys() == {"other"} and index.pauses().keys() == {"fake"}
    do(index, pause(False))
    assert index.pauses() == {}


def test_an_outage_is_noted_over_the_one_before_and_goes_with_a_resume(index: Index) -> None:
    note = OutageRow("fake", "away", AT, AT, given_up=False)
    for reason in ("away", "still away"):
        derived.note_outage(index, "fake", replace(note, reason=reason))
    derived.note_outage(index, "other", note)
    assert index.outages()["fake"] == replace(note, reason="still away")
    derived.note_outage(index, "other", None)
    assert index.outages().keys() == {"fake"}
    do(index, pause(False))
    assert index.outages() == {}


def test_a_failure_that_passes_plans_the_item_anew_with_its_cost_counted(index: Index) -> None:
    accepted(index)
    do(index, wish(1, reserved=UPPER), ticket(1), failure(1, "passing", cost=500))
    item = index.item(ORDER, 1)
    assert item is not None
    assert (item.state, item.attempt, item.ticket, item.attempts) == ("planned", None, None, 1)
    assert committed(index) == 500 == index.spent(ORDER)


@pytest.mark.parametrize(
    ("lines", "reason", "left"),
    [
        ([failure(1, "in_doubt")], "cancelled by you; it was in_doubt", UPPER),
        ([release(1)], "cancelled by you", 0),
        ([ticket(1), failure(1, "passing", cost=500)], "cancelled by you; it was passing", 500),
    ],
    ids=["in doubt", "unsent", "passing"],
)
def test_cancelled_while_it_was_sent_it_is_cancelled_when_that_has_come_to_nothing(
    index: Index, lines: list[dict[str, Any]], reason: str, left: int
) -> None:
    accepted(index)
    do(index, wish(1, reserved=UPPER), cancel(), *lines)
    item = index.item(ORDER, 1)
    assert item is not None and (item.state, item.reason) == ("cancelled", reason)
    assert committed(index) == left and index.doubtful(ORDER) == (UPPER if left == UPPER else 0)


def test_the_effect_of_a_command_seen_again_is_undone_with_it(index: Index) -> None:
    accepted(index)
    do(index, pause(True), command("c1", "resume"))
    with pytest.raises(IllegalMove, match="before"):
        do(index, pause(False), command("c1", "resume"))
    assert index.stops().keys() == {"fake"}
    assert index.answer("c1") == {"done": True, "text": "Done."}
    assert index.answer("c2") is None


def test_half_a_surrogate_from_a_provider_is_kept_as_its_escape(index: Index) -> None:
    accepted(index)
    do(index, wish(1), ticket(1), {**result(1), "returned": {"text": "\ud800"}})
    do(index, {**failure(1, "lost", cost=0), "reason": "no \ud800"})
    (attempt,) = index.attempts(ORDER)
    assert (attempt.returned, attempt.reason) == ({"text": "\ud800"}, "no \\ud800")


# --- whatever happens ---

LINES = st.sampled_from([
    wish, ticket, result, lambda n: result(n, cost=UPPER + 1), settlement, release, retry, reuse, tombstone,
    lambda n: approval(cap=4 * UPPER) | {"waived": ["cap"]}, lambda n: cancel(), lambda n: retry(n, raised=UPPER),
    lambda n: failure(n, "in_doubt"), lambda n: failure(n, "refused", cost=0),
    lambda n: failure(n, "ended", cost=UPPER), lambda n: failure(n, "cancelled", cost=0),
    lambda n: failure(n, "lost", cost=UPPER),
])  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(LINES, st.integers(1, 2)), max_size=25))
def test_the_money_of_an_order_is_always_what_its_attempts_may_have_cost(index: Index, steps: list[Any]) -> None:
    for table in ("orders", "item", "generation_log", "product", "spending"):
        index.run(f"DELETE FROM {table}")
    accepted(index, items=2, cap=3 * UPPER)
    nth = {1: 0, 2: 0}
    for make, number in steps:
        line = make(number)
        nth[number] += line["kind"] in ("wish", "reuse") and state(index, number) == "planned"
        if "attempt" in line:
            line["attempt"] = f"{number}-{nth[number]}"
        with contextlib.suppress(IllegalMove):
            do(index, line)
    attempts = index.attempts(ORDER)
    assert committed(index) == sum(a.reserved if a.cost is None else a.cost for a in attempts)
    order = index.order(ORDER)
    assert order is not None and committed(index) <= order.cap + 2  # a bill above what was set aside
    assert index.committed("2026-11-01", "2026-11-31") == committed(index)
    assert all(index.item(ORDER, a.number) for a in attempts)


def test_what_is_found_before_it_is_sent_again_is_taken_instead(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), retry(1, raised=UPPER), ticket(1))
    row = index.item(ORDER, 1)
    assert row is not None and (row.state, row.attempt) == ("running", index.attempts(ORDER)[0].id)
    with pytest.raises(IllegalMove):
        do(index, wish(1, nth=2))
    do(index, result(1), settlement(1))
    assert (state(index), committed(index), len(index.attempts(ORDER))) == ("completed", UPPER, 1)


@pytest.mark.parametrize("end", [cancel, lambda: tombstone(1)], ids=["cancelled", "what equals it is gone"])
def test_what_is_asked_about_and_found_is_taken_though_it_was_ended_before_it_was_sent_again(
    index: Index, end: Callable[[], dict[str, Any]]
) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), retry(1, raised=UPPER), end(), {**ticket(1), "asked": True})
    do(index, result(1), settlement(1))
    assert (state(index), committed(index), len(index.attempts(ORDER))) == ("completed", UPPER, 1)


def test_a_line_of_an_earlier_release_that_found_it_so_leaves_it_ended_as_it_did_then(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "in_doubt"), retry(1, raised=UPPER), cancel(), ticket(1))
    assert (state(index), committed(index), index.attempts(ORDER)[0].ticket) == ("cancelled", UPPER, "ticket-1")
    do(index, retry(1), wish(1, nth=2))  # what a person did then still fits


def test_what_failed_by_its_own_attempt_takes_no_ticket_afterwards(index: Index) -> None:
    accepted(index)
    do(index, wish(1), failure(1, "refused", cost=0))
    with pytest.raises(IllegalMove):
        do(index, {**ticket(1), "asked": True})


MAD = (
    '{"kind":"settlement","at":"2026-11-22T12:00:00.000Z","order":"%s","item":1,"attempt":"a1","cost":-5000,'
    '"estimated":true,"products":[],"note":""}'
)


@pytest.mark.parametrize("cost", ["-5000", "-Infinity", "Infinity", "NaN", "-0.5"])
@pytest.mark.parametrize("kind", ["settlement", "failure", "result"])
def test_less_than_nothing_in_an_old_ledger_counts_as_nothing(index: Index, kind: str, cost: str) -> None:
    """As releases wrote it that took a provider's time as it came: no cap is widened by it."""
    do(index, acceptance())
    expand(index)
    do(index, wish(1), ticket(1))
    line = json.loads((MAD % ORDER).replace("-5000", cost))
    if kind == "settlement":
        do(index, result(1))
    line |= {"attempt": index.rows("SELECT attempt FROM item WHERE number = 1")[0]["attempt"], "kind": kind}
    line |= {"failure": {"verdict": "ended", "reason": "no"}, "result": {"outputs": [], "returned": {}}}.get(kind, {})
    do(index, line)
    assert index.spent_in_all() == 0 and index.committed("2000", "9999") == index.committed(AT[:10], AT[:10]) == 0
    assert order_row(index).committed == 0
