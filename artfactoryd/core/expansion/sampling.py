"""Some of the combinations of an order, chosen by chance that can be had again."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random

from artfactoryd.core.expansion.combinations import Place
from artfactoryd.core.expansion.items import Maker
from artfactoryd.core.seeds import number_from

MOST_RANKED = 50_000  # combinations that are ranked by their values; of more a sample goes by their places


def choose(makers: Sequence[Maker], wanted: int, base: int) -> list[tuple[int, Place]]:
    """(place of the section, combination) in the order of the items.

    Of few combinations those with the lowest ranks: a value added elsewhere puts no other in their place but its own.
    """
    ends = list(accumulate(maker.section.combinations.total for maker in makers))
    if ends[-1] <= MOST_RANKED:
        ranked = heapq.nsmallest(wanted, _ranked(makers))
        return sorted((place, where) for _, place, where in ranked)
    chance = Random(number_from(base, "sample"))
    numbers: set[int] = set()
    while len(numbers) < wanted:
        numbers.add(chance.randrange(ends[-1]))
    return [_find(makers, ends, number) for number in sorted(numbers)]


def _ranked(makers: Sequence[Maker]) -> Iterator[tuple[bytes, int, Place]]:
    for place, maker in enumerate(makers):
        for rank, where in maker.ranked():
            yield rank, place, where


def _find(makers: Sequence[Maker], ends: Sequence[int], number: int) -> tuple[int, Place]:
    place = bisect_right(ends, number)
    return place, makers[place].section.combinations.find(number - (ends[place - 1] if place else 0))[0]
