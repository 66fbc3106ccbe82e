"""Which items of an order are made first for a person to look at: few, and spread over everything it varies."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random

from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.seeds import number_from

MOST_LOOKED_AT = 2000  # items, or eight for each one wanted
Trait = tuple[str, str]


def proof_numbers(plan: Plan) -> list[int]:
    """The numbers of the items, in their order; empty where there is no proof, or all would be in it.

    Each next one is the item whose tokens, values and model were chosen least so far. Of very many items
    those are looked at that chance gives for the order's base seed.
    """
    wanted = plan.order.proof or 0
    if not 0 < wanted < plan.total_items:
        return []
    return sorted(_spread({item.number: _traits(item) for item in _candidates(plan, wanted)}, wanted))


def _candidates(plan: Plan, wanted: int) -> Iterable[PlannedItem]:
    most = max(MOST_LOOKED_AT, 8 * wanted)
    if plan.total_items <= most:
        return plan.items()
    chance = Random(number_from(plan.base_seed, "proof"))
    return (plan.item(number) for number in sorted(chance.sample(range(1, plan.total_items + 1), most)))


def _traits(item: PlannedItem) -> list[Trait]:
    """A token tells more than the whole text, and a value more than that it is part of a list."""
    values = [(name, json.dumps(value, sort_keys=True)) for name, value in item.parameters.items()]
    tokens = [(f"{parameter} {token} {place}", value) for place, (parameter, token, value) in enumerate(item.tokens)]
    return [("model", str(item.model)), *values, *tokens]


def _spread(traits: dict[int, list[Trait]], wanted: int) -> Iterator[int]:
    """What an item weighs only grows, so the lightest one that still weighs the same is the lightest of all."""
    used: Counter[Trait] = Counter()
    heap = [(0, number) for number in sorted(traits)]
    while wanted:
        known, number = heapq.heappop(heap)
        weight = sum(used[trait] for trait in traits[number])
        if weight > known:
            heapq.heappush(heap, (weight, number))
            continue
        used.update(traits[number])
        wanted -= 1
        yield number
