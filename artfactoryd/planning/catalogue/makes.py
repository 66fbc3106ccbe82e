"""What a plan brings, in words: `4 pictures`, `1 picture and 1 film of 5 s`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from artfactoryd.core.expansion import stages
from artfactoryd.core.expansion.costs import with_defaults
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.model import Model
from artfactoryd.core.names import LASTING, made_words
from artfactoryd.core.pricing.lengths import seconds_asked

MOST_ITEMS = 200  # whose lengths are added up


def made_by(plan: Plan) -> str:
    """By everything together, as far as that is planned."""
    kinds, own = Counter[str](), _kind(plan)
    kinds[own] += plan.own_products
    for stage in plan.stages:
        kinds[_kind(stage.plan)] += stages.products_of(plan, stage)
    return made_words(kinds, seconds=_seconds(plan) if not plan.stages else 0.0)


def made_by_stage(plan: Plan, stage: stages.Stage[Plan]) -> str:
    products = stages.products_of(plan, stage)
    seconds = _seconds(stage.plan) * products / max(1, stage.plan.total_products)
    return made_words({_kind(stage.plan): products}, seconds=seconds)


def _kind(plan: Plan) -> str:
    """Of what all of its models make; nothing that is known where they do not agree."""
    if plan.order.rehearse:
        return "image"
    kinds = {model.makes for model in plan.models}
    return kinds.pop() if len(kinds) == 1 else "other"


def _seconds(plan: Plan) -> float:
    """Of all that is asked for; 0 where a length is not said, or there are too many to be added up."""
    if _kind(plan) not in LASTING or plan.own_items > MOST_ITEMS:
        return 0.0
    lengths = list(_lengths(plan))
    return 0.0 if None in lengths else sum(filter(None, lengths))


def _lengths(plan: Plan) -> Iterator[float | None]:
    for item in plan.items():
        model: Model = plan.models[item.model]
        length = seconds_asked(with_defaults(model, item.parameters))
        yield None if length is None else length * item.asked
