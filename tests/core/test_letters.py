from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.letters import MOST_SENT_ON, letter, place_among, steps, within

CHAINS = st.lists(st.integers(0, MOST_SENT_ON - 1), min_size=1, max_size=5)


def written(chain: list[int]) -> str:
    """The letters of the last of a chain: each is the nth output of what was made of the one before."""
    letters = ""
    for nth in chain:
        letters = within(place_among(letters), nth)
    return letters


@given(CHAINS, CHAINS)
def test_no_two_at_one_place_have_the_same_letters_or_number(one: list[int], other: list[int]) -> None:
    """A first output of a first has none, so that leading zeros tell nothing."""
    apart = _plain(one) != _plain(other)
    assert (written(one) != written(other)) == apart
    assert (place_among(written(one)) != place_among(written(other))) == apart


@given(CHAINS)
def test_the_steps_of_a_number_lead_back_through_what_it_was_made_of(chain: list[int]) -> None:
    assert steps(place_among(written(chain))) == _plain(chain)[::-1]


def test_what_came_with_it_is_called_b_and_what_is_made_of_that_ba() -> None:
    assert [letter(nth) for nth in (0, 1, 2, 25, 26)] == ["", "b", "c", "z", "zb"]
    assert (within(0, 1), within(place_among("b"), 0), within(place_among("b"), 1)) == ("b", "ba", "bb")


def _plain(chain: list[int]) -> list[int]:
    while chain and not chain[0]:
        chain = chain[1:]
    return chain
