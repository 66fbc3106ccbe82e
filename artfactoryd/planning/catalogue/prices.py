"""What a plan tells of its models and their prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.model import DEPRECATED, Model
from artfactoryd.core.pricing.age import stale_days
from artfactoryd.core.pricing.price import Price
from artfactoryd.core.pricing.words import price_in_words


def told_with_price(plan: Plan, place: int) -> dict[str, Any]:
    """One that the order's items are made by, and what one of it costs."""
    model, price = plan.all_models[place], plan.price_of(place)
    known = price and {"as_of": price.as_of, "text": price_in_words(price)}
    return {
        "provider": model.provider, "model": model.full, "short": model.short, "price": known,
        "status": model.status, "takes_seed": model.seed is not None,
    }  # fmt: skip


def stale_prices(plan: Plan, today: date) -> list[dict[str, Any]]:
    """Those that were looked up long ago, each with its model, its day and its age."""
    aged = [(model, price, stale_days(price, today)) for model, price in _priced(plan)]
    return [
        {"provider": model.provider, "model": model.short, "as_of": price.as_of, "days": days}
        for model, price, days in aged if price and days and not plan.order.rehearse
    ]  # fmt: skip


def notes(plan: Plan, today: date) -> Iterator[dict[str, str]]:
    """What nothing is held for and a person should know: `about` is a warning, or seeds."""
    if plan.order.rehearse:
        return
    for model in plan.all_models:
        if model.status == DEPRECATED:
            words = f"{model.provider} gives up {model.full}: choose another one while it still answers."
            yield {"about": "warning", "text": words}
    yield from ({"about": "warning", "text": words} for words in _aged(stale_prices(plan, today)))
    if names := [model.short for model, price in _priced(plan) if model.seed is None and not (price and price.is_free)]:
        takes = "takes" if len(names) == 1 else "take"
        words = f"{', '.join(names)} {takes} no seed: not repeatable; a second call for the same comes out another way"
        yield {"about": "seeds", "text": words}


def _priced(plan: Plan) -> Sequence[tuple[Model, Price | None]]:
    return [(model, plan.price_of(place)) for place, model in enumerate(plan.all_models)]


def _aged(prices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Those of one day together."""
    for day in dict.fromkeys(price["as_of"] for price in prices):
        of_day = [price for price in prices if price["as_of"] == day]
        names = ", ".join(dict.fromkeys(f"{price['model']} ({price['provider']})" for price in of_day))
        ago = f"{of_day[0]['days']} days ago, {day}"
        yield f"The price of {names} was looked up {ago}. `artfactoryd models --stale` says how to do so again."
