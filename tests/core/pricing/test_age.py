"""Which prices are to be looked up again."""

from __future__ import annotations

from datetime import date

import pytest

from artfactoryd.core.pricing.age import stale_days
from artfactoryd.core.pricing.price import Part, Price


@pytest.mark.parametrize(
    ("usd", "as_of", "days"),
    [("1", "2026-09-01", None), ("1", "2026-08-31", 91), ("0", "2020-01-01", None), ("1", None, None),
     ("1", "someday", None), ("1", "2027-01-01", None)],
)  # fmt: skip
def test_a_price_is_stale_after_ninety_days(usd: str, as_of: str | None, days: int | None) -> None:
    assert stale_days(Price((Part(usd),), as_of), date(2026, 11, 30)) == days


def test_no_price_is_not_stale() -> None:
    assert stale_days(None, date(2026, 11, 30)) is None
