from __future__ import annotations

from artfactoryd.execution.single_flight import SingleFlight
from tests.execution.hangar import A1, A2, B1


def test_of_equal_items_one_may_be_bought_however_often_it_asks() -> None:
    single = SingleFlight()
    assert [single.claim("k", A1), single.claim("k", A2), single.claim("k", A1)] == [True, False, True]


def test_different_items_do_not_know_each_other() -> None:
    single = SingleFlight()
    assert single.claim("k", A1) and single.claim("other", A2)


def test_those_that_wait_come_when_the_one_has_ended_and_the_next_may_be_bought() -> None:
    single = SingleFlight()
    single.claim("k", A1)
    for key in (A2, B1):
        assert not single.claim("k", key)
        single.wait("k", key)
    assert single.end("k", A1) == {A2, B1}
    assert single.claim("k", B1) and not single.claim("k", A2)


def test_the_end_of_one_that_waits_lets_nobody_come() -> None:
    single = SingleFlight()
    single.claim("k", A1)
    single.wait("k", A2)
    assert single.end("k", A2) == set()
    assert single.end("k", A1) == {A2}


def test_one_that_waits_gives_up_its_claim() -> None:
    single = SingleFlight()
    single.claim("k", A1)
    single.wait("k", A1)
    assert single.claim("k", A2)


def test_one_that_asks_again_waits_no_longer() -> None:
    single = SingleFlight()
    single.wait("k", A1)
    assert single.claim("k", A1)
    single.end("k", A1)
    assert single.claim("k", A2)  # its end was that of the one that may be bought


def test_an_item_without_a_key_has_no_equals() -> None:
    assert SingleFlight().end(None, A1) == set()


def test_the_end_of_one_that_did_not_buy_lets_those_come_that_wait_and_leaves_the_claim() -> None:
    """An equal that was bought before this run has no claim; those that waited for it come all the same."""
    single = SingleFlight()
    single.wait("k", A2)
    single.claim("k", B1)
    assert single.end("k", A1) == {A2}
    assert not single.claim("k", A2)
