"""How old a price is: providers change them, and tell nobody here."""

from __future__ import annotations

from datetime import date

from artfactoryd.core.pricing.price import Price

STALE = 90  # days after which a price is to be looked up again


def stale_days(price: Price | None, today: date) -> int | None:
    """The age of one that is older than that; None of any other, and of one that says no day or costs nothing."""
    if price is None or price.as_of is None or price.is_free:
        return None
    try:
        days = (today - date.fromisoformat(price.as_of)).days
    except ValueError:
        return None
    return days if days > STALE else None
