"""What an order combines, as a person reads it: `[red,blue,…] 5 x [mug,…] 4 x aspect_ratio 3 = 60`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.grammar.axes import Axis, TextAxis
from artfactoryd.core.json_types import Value
from artfactoryd.core.slug import text_of

MOST_VALUES = 12  # of one factor
MOST_TOKEN = 18  # characters of a token that stands whole


@dataclass(frozen=True, slots=True)
class Factor:
    """What has `size` values: a token, a list, the cases or the models. `first`: some of the values."""

    parameter: str
    size: int
    first: Sequence[Value]
    token: str = ""

    @property
    def name(self) -> str:
        return in_short(self.token) if self.token else self.parameter


def factors(plan: Plan) -> list[Factor]:
    """Of the first model and case, slowest first; what has one value is none."""
    models = [model.full for model in plan.models]
    cases = len(plan.sections) // len(models)
    of_axes = [factor for axis in plan.axes for factor in _of_axis(axis)]
    together = [Factor("models", len(models), models[:MOST_VALUES]), Factor("cases", cases, ()), *of_axes]
    return [factor for factor in together if factor.size > 1]


def formula(plan: Plan) -> str:
    """Empty where nothing is combined. No sum where the cases do not all have the same axes."""
    told = factors(plan)
    words = " x ".join(f"{factor.name} {factor.size}" for factor in told)
    if len(told) > 1 and math.prod(factor.size for factor in told) == plan.combinations:
        words += f" = {plan.combinations}"
    elif told and math.prod(factor.size for factor in told) != plan.combinations:
        words += f", in all {plan.combinations}"
    sample = plan.order.sample
    return f"{words}, {sample} of them taken" if told and sample and sample < plan.combinations else words


def ends(plan: Plan) -> tuple[str | None, str | None]:
    """The texts of the order's own first and last item; where they are equal, with what else differs. None of items
    without text."""
    items = [plan.item(1), plan.item(plan.own_items)]
    first, last = (text_of(item.parameters, plan.models[item.model]) or None for item in items)
    if first is None or first != last or plan.own_items == 1:
        return first, last
    one, other = (f"{first} ({', '.join(words)})" if words else first for words in _apart(plan, items))
    return one, other


def _apart(plan: Plan, items: Sequence[PlannedItem]) -> list[list[str]]:
    """Of each item, the model and the values that not all of them have."""
    seeds = {model.seed for model in plan.models}
    names = dict.fromkeys(name for item in items for name in item.parameters if name not in seeds)
    rows = [[plan.models[item.model].short, *(item.parameters.get(name) for name in names)] for item in items]
    differ = [place for place, column in enumerate(zip(*rows, strict=True)) if any(one != column[0] for one in column)]
    return [[str(row[place]) for place in differ if row[place] is not None] for row in rows]


def _of_axis(axis: Axis) -> Iterator[Factor]:
    """The tokens of a lone text, where each is free of the others; else the texts, as they come."""
    slots = axis.texts[0].slots if isinstance(axis, TextAxis) and len(axis.texts) == 1 else ()
    if slots and math.prod(len(slot.values) for slot in slots) == axis.size:
        yield from (Factor(axis.parameter, len(slot.values), slot.values[:MOST_VALUES], slot.token) for slot in slots)
    else:
        first = [axis.shown(number) for number in range(min(axis.size, MOST_VALUES))]
        yield Factor(axis.parameter, axis.size, first)


def in_short(token: str) -> str:
    """`[red,blue,…]`: whole options, as many as fit."""
    if len(token) <= MOST_TOKEN:
        return token
    shown = token[: MOST_TOKEN - 3]
    whole, comma, _ = shown.rpartition(",")
    return f"{whole},…]" if comma else f"{shown}…]"
