"""What a plan tells of the prices of its models."""

from __future__ import annotations

from datetime import date
from typing import Any

from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.pricing.age import stale_days
from artfactoryd.core.pricing.words import price_in_words


def told_with_price(plan: Plan, place: int) -> dict[str, Any]:
    """One that the order's items are made by, and what one of it costs."""
    model, price = plan.all_models[place], plan.price_of(place)
    known = price and {"as_of": price.as_of, "text": price_in_words(price)}
    return {
        "provider": model.provider, "model": model.full, "short": model.short, "price": known,
        "status": model.status, "takes_seed": model.seed is not None, "free": price is not None and price.is_free,
    }  # fmt: skip


def stale_prices(plan: Plan, today: date) -> list[dict[str, Any]]:
    """Those that were looked up long ago, each with its model, its day and its age."""
    prices = [(model, plan.price_of(place)) for place, model in enumerate(plan.all_models)]
    aged = [(model, price, stale_days(price, today)) for model, price in prices]
    return [
        {"provider": model.provider, "model": model.short, "as_of": price.as_of, "days": days}
        for model, price, days in aged if price and days and not plan.order.rehearse
    ]  # fmt: skip
