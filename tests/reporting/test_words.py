"""Values as a person reads them."""

from __future__ import annotations

import pytest

from artfactoryd.reporting.words import ended_words, items_words, parameter_words, ticket_words


@pytest.mark.parametrize(
    ("ticket", "words"),
    [
        ("abc123", "abc123"), ('{"request_id": "r-1", "endpoint": "fal-ai/x"}', "r-1"), ('{"prompt": "a car"}', ""),
        (None, ""), ("123", "123"), ("{half", "{half"),
    ],
)  # fmt: skip
def test_a_ticket_is_named_by_its_jobs_id_and_never_as_a_document(ticket: str | None, words: str) -> None:
    assert ticket_words(ticket) == words


def test_parameters_are_told_as_they_would_be_written() -> None:
    assert parameter_words({"prompt": "a car", "hd": True, "sizes": [1, None]}) == (
        "prompt: a car; hd: true; sizes: [1, null]"
    )


@pytest.mark.parametrize(
    ("counts", "by_person", "words"),
    [
        ({"completed": 3, "cancelled": 2}, True, "3 made, 2 cancelled by you"),
        ({"failed": 1, "cancelled": 2, "in_doubt": 1}, False, "1 failed, 2 cancelled, 1 in doubt"), ({}, True, ""),
    ],
)  # fmt: skip
def test_what_became_of_the_items_is_told_with_who_ended_them(
    counts: dict[str, int], by_person: bool, words: str
) -> None:
    assert ended_words(counts, by_person=by_person) == words


def test_items_that_share_a_reason_are_told_together() -> None:
    assert [items_words([3]), items_words([2, 5, 9])] == ["Item 3", "3 items, the first of them 2"]
