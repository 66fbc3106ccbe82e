"""Prices in words."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.pricing.price import Price
from artfactoryd.core.pricing.words import price_in_words
from tests.core.pricing.test_price import BY_FIVE, FIRST, SPEECH, STEPS, TIERS


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"usd": 0.0, "per": "call"}, "free"),
        ({"usd": 2.0}, "$2 per image that comes"),
        ({"usd": 4e-7, "per": "call", "as_of": "2026-05-01"}, "$0.0000004 per call (as of 2026-05-01)"),
        ({"usd": 0.001, "per": "second", "seconds": 5.5}, "$0.001 per second that it runs (about 5.5 s a call)"),
        (FIRST, "$0.07 for the first megapixel worked on or made, $0.03 for each further"),
        (SPEECH, "$0.06 per 1000 characters of `text`"),
        (BY_FIVE, "$0.50 per 5 seconds that come (by `duration`)"),
        (STEPS, "$0.08 up to 24, $0.16 up to 48, $0.32 up to 96 for each megapixel that comes"),
        (TIERS, "$0.15 per image that comes with resolution 1K or 2K, or $0.30 per image that comes with resolution 4K"
                " + $0.015 per call with enable_web_search true"),
    ],
)  # fmt: skip
def test_a_price_is_told_in_plain_words(price: dict[str, Any], words: str) -> None:
    assert price_in_words(Price.from_mapping(price)) == words
