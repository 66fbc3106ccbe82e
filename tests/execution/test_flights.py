from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from artfactoryd.execution.flights import Flights, Phase
from tests.execution.hangar import A1, A2, B1, item


@contextmanager
def in_phase(phase: Phase) -> Iterator[Flights]:
    """One item in this phase."""
    flights = Flights()
    flights.begin(item(A1))
    entered: dict[Phase, AbstractContextManager[None]] = {
        Phase.SENDING: flights.sending(A1), Phase.ASKING: flights.asking(A1),
    }  # fmt: skip
    enters = {
        Phase.WAITS_FOR_PERSON: flights.waits_for_person, Phase.DELIVERING: flights.delivers,
        Phase.WAITS_FOR_ROOM: flights.waits_for_room, Phase.WAITS_FOR_BOUND: flights.waits_for_bound,
        Phase.WAITS_FOR_SCAN: flights.waits_for_scan,
    }  # fmt: skip
    if phase in enters:
        enters[phase](A1)
    with entered.get(phase, nullcontext()):
        assert flights.phase(A1) is phase
        yield flights


def at_work(phase: Phase, *unreachable: str) -> bool:
    with in_phase(phase) as flights:
        return flights.at_work(unreachable)


def test_an_item_is_in_flight_from_its_beginning_to_its_end() -> None:
    flights = Flights()
    known: list[object] = [A1 in flights, len(flights)]
    flights.begin(item(A1))
    known += [A1 in flights, len(flights), flights.phase(A1)]
    flights.end(A1)
    assert [*known, A1 in flights, len(flights), flights.phase(A1)] == [False, 0, True, 1, "opening", False, 0, None]


def test_beginning_again_changes_nothing() -> None:
    flights = Flights()
    flights.begin(item(A1), owed=True)
    flights.asks(A1)
    flights.begin(item(A1))
    assert flights.phase(A1) is Phase.ASKING and flights.is_owed(A1)


def test_ending_what_is_not_in_flight_is_fine() -> None:
    Flights().end(A1)


def test_a_create_is_on_the_way_only_while_it_is_sent_also_when_the_sending_fails() -> None:
    flights = Flights()
    flights.begin(item(A1))
    seen = [flights.is_sending]
    try:
        with flights.sending(A1):
            seen.append(flights.is_sending)
            raise KeyError
    except KeyError:
        seen.append(flights.is_sending)
    assert seen == [False, True, False] and flights.phase(A1) is Phase.OPENING


def test_a_ticket_is_out_while_it_is_asked_about_and_while_its_provider_waits_for_a_person() -> None:
    flights = Flights()
    for row in (item(A1), item(A2), item(B1, "other")):
        flights.begin(row)
    with flights.asking(A1), flights.asking(B1):
        asking = [flights.orders_asking("acme"), flights.orders_asking("other")]
        flights.waits_for_person(A1)
        asking.append(flights.orders_asking("acme"))
    assert [*asking, flights.orders_asking("acme")] == [{"a"}, {"b"}, {"a"}, set()]


# --- adopted, cancelled, stuck ---


def test_an_adopted_item_is_still_in_flight_after_its_end_and_begins_anew() -> None:
    flights = Flights()
    flights.begin(item(A1), owed=True)
    flights.cancel(A1)
    assert flights.adopt(A1)
    flights.end(A1)
    assert flights.phase(A1) is Phase.OPENING and not flights.is_owed(A1) and not flights.is_cancelled(A1)
    flights.end(A1)
    assert A1 not in flights


def test_what_nobody_works_on_is_not_adopted() -> None:
    flights = Flights()
    assert not flights.adopt(A1) and A1 not in flights


def test_a_provider_is_told_of_a_cancel_until_it_has_heard() -> None:
    flights = Flights()
    flights.begin(item(A1))
    flights.cancel(A1)
    with flights.asking(A1):
        before = flights.is_cancelled(A1)
        flights.cancel_told(A1)
    assert before and not flights.is_cancelled(A1)


def test_a_cancel_of_what_has_ended_stops_no_later_attempt() -> None:
    flights = Flights()
    flights.cancel(A1)
    flights.begin(item(A1))
    before = flights.is_cancelled(A1)
    flights.cancel(A1)
    flights.end(A1)
    flights.begin(item(A1))
    assert not before and not flights.is_cancelled(A1)


def test_what_is_stuck_stays_so_when_its_flight_has_ended_and_says_why() -> None:
    flights = Flights()
    flights.begin(item(A1))
    flights.stick(A1, "a defect")
    flights.end(A1)
    assert A1 not in flights and flights.is_stuck(A1) and flights.stuck == {A1: "a defect"}


# --- what is owed from before ---


def test_a_provider_owes_until_each_item_was_asked_about_or_has_ended() -> None:
    flights = Flights()
    for row in (item(A1), item(A2), item(B1, "other")):
        flights.begin(row, owed=True)
    owes = [flights.owes("acme")]
    flights.asked_about(A1)
    owes.append(flights.owes("acme"))
    flights.end(A2)
    assert [*owes, flights.owes("acme"), flights.owes("other")] == [True, True, False, True]


def test_what_is_owed_is_forgiven_at_one_provider_alone() -> None:
    flights = Flights()
    for row in (item(A1), item(B1, "other")):
        flights.begin(row, owed=True)
    flights.forgive("acme")
    assert not flights.owes("acme") and flights.owes("other")


def test_after_a_sleep_exactly_the_tickets_that_are_out_are_owed() -> None:
    for phase in Phase:
        with in_phase(phase) as flights:
            flights.owe_tickets()
            assert flights.owes("acme") is (phase in (Phase.ASKING, Phase.WAITS_FOR_PERSON)), phase


def test_an_item_that_ended_meanwhile_is_asked_about_in_vain() -> None:
    flights = Flights()
    flights.asked_about(A1)
    assert A1 not in flights


# --- can it go on by itself? ---


def test_whatever_waits_for_a_person_or_for_room_is_not_at_work() -> None:
    waiting = {phase for phase in Phase if not at_work(phase)}
    assert waiting == {Phase.WAITS_FOR_PERSON, Phase.WAITS_FOR_ROOM, Phase.WAITS_FOR_BOUND, Phase.WAITS_FOR_SCAN}


def test_a_ticket_at_a_provider_that_is_away_is_not_at_work_and_a_delivery_is() -> None:
    working = {phase for phase in Phase if at_work(phase, "acme")}
    assert working == {Phase.OPENING, Phase.SENDING, Phase.DELIVERING} and at_work(Phase.ASKING, "other")


def test_one_that_goes_on_is_enough() -> None:
    with in_phase(Phase.WAITS_FOR_ROOM) as flights:
        flights.begin(item(A2))
        assert flights.at_work(unreachable=()) and not Flights().at_work(unreachable=())
