"""Some of the combinations of an order, chosen by chance that can be had again."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

from artfactoryd.core.expansion.combinations import Position
from artfactoryd.core.expansion.items import ItemMaker
from artfactoryd.core.seeds import number_from

MOST_RANKED = 50_000  # combinations that are ranked by their values; of more a sample goes by their places


class Chosen(NamedTuple):
    """A combination of a sample. `section`: the place of its section among the plan's."""

    section: int
    position: Position


def choose(makers: Sequence[ItemMaker], wanted: int, base: int) -> list[Chosen]:
    """`makers`: of the sections. The combinations in the order of the items.

    Of few combinations those with the lowest ranks: a value added elsewhere puts no other in their place but its own.
    """
    ends = list(accumulate(maker.section.combinations.total for maker in makers))
    if ends[-1] <= MOST_RANKED:
        ranked = heapq.nsmallest(wanted, _ranked(makers))
        return sorted(chosen for _, chosen in ranked)
    chance = Random(number_from(base, "sample"))
    numbers: set[int] = set()
    while len(numbers) < wanted:
        numbers.add(chance.randrange(ends[-1]))
    return [_find(makers, ends, number) for number in sorted(numbers)]


def _ranked(makers: Sequence[ItemMaker]) -> Iterator[tuple[bytes, Chosen]]:
    for section, maker in enumerate(makers):
        for rank, position in maker.ranked():
            yield rank, Chosen(section, position)


def _find(makers: Sequence[ItemMaker], ends: Sequence[int], number: int) -> Chosen:
    section = bisect_right(ends, number)
    position, _ = makers[section].section.combinations.find(number - (ends[section - 1] if section else 0))
    return Chosen(section, position)
