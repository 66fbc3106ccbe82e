"""Chance that can be had again: everything drawn or derived follows by SHA-256 from what it belongs to.

Nothing here depends on a place in the order, so adding a value elsewhere changes nothing.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Any

WHOLE = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
BITS = 64


def number_from(*parts: Any) -> int:
    """Up to 63 bits, from values that JSON can hold."""
    return number_of(WHOLE.encode(parts))


def number_of(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


def sampled(values: Sequence[str], wanted: int, taken: Sequence[bool], *known: Any) -> list[int]:
    """The places of `wanted` of the values, in their order; those not `taken` before are preferred."""

    def rank(place: int) -> tuple[bool, bytes]:
        return taken[place], sha256(WHOLE.encode((*known, values[place])).encode()).digest()

    return sorted(sorted(range(len(values)), key=rank)[:wanted])


def drawn(ends: Sequence[int], text: str) -> int:
    """A place in `ends`, which are the weights added up; decided by `text`."""
    point = int.from_bytes(sha256(text.encode()).digest()[:8], "big") * ends[-1] >> BITS
    return bisect_right(ends, point)


def weights(written: Sequence[str]) -> tuple[int, ...]:
    """Weights as written, in whole numbers of one scale, added up."""
    places = max((len(each.partition(".")[2]) for each in written), default=0)
    return tuple(accumulate(int(whole + (part + "0" * places)[:places]) for whole, part in map(_halves, written)))


def _halves(number: str) -> tuple[str, str]:
    whole, _, part = number.partition(".")
    return whole, part
