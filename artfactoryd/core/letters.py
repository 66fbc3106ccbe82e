"""Letters of what came at one place of an order after the first: b, c, … as its name shows them.

What is made of such a one has its letters, and one more: `ba` is the first that was made of `b`.
"""

from __future__ import annotations

MANY = 26
MOST_SENT_ON = 25  # behind z the letters of one item would read as those of what is made of it


def letter(nth: int) -> str:
    """Of the nth output of an item, 0 the first, which has none: b, c, … z, zb, zc, … in the order of the alphabet."""
    if not nth:
        return ""
    return chr(ord("a") + nth) if nth < MANY else "z" + letter(nth - MANY + 1)


def within(parent: int, nth: int) -> str:
    """Of the nth output of an item that is made of the `parent`th at its place."""
    return _written(parent) + (letter(nth) or "a") if parent else letter(nth)


def place_among(letters: str) -> int:
    """Tells what lies at one place apart: 0 of the first, 1 of b, 26 of ba."""
    number = 0
    for one in letters:
        number = number * MANY + ord(one) - ord("a")
    return number


def steps(number: int) -> list[int]:
    """Of a `place_among`: which of its item's outputs it is, and which of theirs what that is made of, backwards."""
    return [number % MANY, *steps(number // MANY)] if number else []


def _written(number: int) -> str:
    return (_written(number // MANY) if number >= MANY else "") + chr(ord("a") + number % MANY)
