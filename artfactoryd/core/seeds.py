"""Chance that can be had again: everything drawn or derived follows by SHA-256 from what it belongs to.

Nothing here depends on a place in the order, so adding a value elsewhere changes nothing.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

from artfactoryd.core.json_types import Schema

WHOLE = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
BITS = 64
LARGEST_SEED = 2**31 - 1  # when a model's schema does not say
LARGEST_KEPT = 2**63 - 1  # what the index can hold, whatever a provider says its model takes


@dataclass(frozen=True, slots=True)
class SeedRange:
    """The seeds that a model takes, both ends included."""

    least: int
    most: int

    @classmethod
    def of(cls, schema: Schema) -> SeedRange:
        """`schema`: of the model's seed parameter; an empty one for a model without."""
        least = int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
        most = int(schema.get("maximum", schema.get("exclusiveMaximum", LARGEST_SEED + 1) - 1))
        return cls(*sorted(max(-LARGEST_KEPT, min(end, LARGEST_KEPT)) for end in (least, max(least, most))))

    @property
    def size(self) -> int:
        return self.most - self.least + 1

    def derived(self, text: str) -> int:
        """The seed that follows from `text`."""
        return self.least + number_of(text) % self.size

    def counted_on(self, written: int, copy: int) -> int:
        """Of a copy, when a seed is written: that plus the copy, from the start again behind the last one."""
        if not self.least <= written <= self.most:
            return written + copy  # no range is known, or it is not asked to count
        return self.least + (written + copy - self.least) % self.size


def number_from(*parts: object) -> int:
    """Up to 63 bits, from values that JSON can hold."""
    return number_of(WHOLE.encode(parts))


def number_of(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


def sampled(values: Sequence[str], wanted: int, taken: Sequence[bool], *known: object) -> list[int]:
    """The places of `wanted` of the values, in their order; those not `taken` before are preferred."""

    def rank(number: int) -> tuple[bool, bytes]:
        return taken[number], sha256(WHOLE.encode((*known, values[number])).encode()).digest()

    return sorted(sorted(range(len(values)), key=rank)[:wanted])


def drawn(ends: Sequence[int], text: str) -> int:
    """A place in `ends`, which are the weights added up; decided by `text`."""
    point = int.from_bytes(sha256(text.encode()).digest()[:8], "big") * ends[-1] >> BITS
    return bisect_right(ends, point)


def weights(written: Sequence[str]) -> tuple[int, ...]:
    """Weights as written, in whole numbers of one scale, added up."""
    decimals = max((len(weight.partition(".")[2]) for weight in written), default=0)
    return tuple(accumulate(int(whole + (part + "0" * decimals)[:decimals]) for whole, part in map(_halves, written)))


def _halves(number: str) -> tuple[str, str]:
    whole, _, part = number.partition(".")
    return whole, part
