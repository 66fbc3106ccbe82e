"""What stands on a file's label says what a person said of it; a change is the difference to what we wrote."""

from __future__ import annotations

import pytest

from artfactoryd.core.noticing.labels import Relabelled, labels, merged, relabelled


@pytest.mark.parametrize(
    ("liked", "rating", "tags", "shown"),
    [
        (False, None, [], []),
        (True, 3, ["city", "night"], ["Liked", "★★★", "city", "night"]),
        (False, 0, ["a,b", "liked", "★★", " x", "city", "city"], ["city"]),  # what would be read as something else
    ],
)
def test_what_is_said_is_shown_as_labels(liked: bool, rating: int | None, tags: list[str], shown: list[str]) -> None:
    assert labels(liked, rating, tags) == shown
    assert not relabelled(shown, shown)


@pytest.mark.parametrize(
    ("written", "now", "said"),
    [
        ([], ["Liked"], Relabelled(liked=True)),
        (["Liked", "city"], ["city"], Relabelled(liked=False)),
        (["★★"], ["★★★★"], Relabelled(rating=4)),
        (["★★"], [], Relabelled(rating=-1)),
        ([], ["★★", "★★★★★"], Relabelled(rating=5)),
        (["city"], ["night", "city"], Relabelled(tags=("+night",))),
        (["city"], ["Night"], Relabelled(tags=("+Night", "-city"))),
        ([], ["★★★★★★"], Relabelled(tags=("+★★★★★★",))),
        (["caf\u00e9"], ["cafe\u0301"], Relabelled()),  # as a Mac spells it
        ([], ["liked "], Relabelled(liked=True)),
    ],
)
def test_a_change_is_the_difference_to_what_was_written(written: list[str], now: list[str], said: Relabelled) -> None:
    assert relabelled(written, now) == said


def test_what_a_person_put_there_meanwhile_stays() -> None:
    assert merged(["old", "city"], ["city", "mine", "old"], ["city", "Liked"]) == ["city", "mine", "Liked"]
    assert merged([], [], []) == []
