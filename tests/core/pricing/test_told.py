"""Prices as providers tell them: a number, and a unit in words."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.pricing.told import price_told

TIMED: dict[str, Any] = {"properties": {"prompt": {}, "duration": {}}}
FRAMED: dict[str, Any] = {"properties": {"prompt": {}, "num_frames": {}, "frames_per_second": {}}}
SPOKEN: dict[str, Any] = {"properties": {"text": {}}}


@pytest.mark.parametrize(
    ("unit", "schema", "told"),
    [
        ("image", {}, {"per": "image"}), ("Megapixels", {}, {"per": "megapixel"}), ("requests", {}, {"per": "call"}),
        ("processed megapixels", {}, {"per": "processed_megapixel"}), ("videos", {}, {"per": "image"}),
        ("seconds", TIMED, {"per": "output_second", "of": "duration"}),
        ("5 seconds", TIMED, {"per": "output_second", "every": 5, "of": "duration"}),
        ("minutes", TIMED, {"per": "output_second", "every": 60, "of": "duration"}),
        ("seconds", FRAMED, {"per": "output_second", "of": "num_frames", "rate": "frames_per_second"}),
        ("1000 characters ", SPOKEN, {"per": "character", "every": 1000, "of": "text"}),
        ("seconds", SPOKEN, None), ("1000 characters", {}, None), ("compute seconds", {}, None), ("units", {}, None),
        ("credits", {}, None), ("1", {}, None), ("", {}, None), ("0 seconds", TIMED, None), ("10 images", {}, None),
        ("1m tokens", {}, None), ("steps", {}, None),
    ],
)  # fmt: skip
def test_a_unit_is_read_where_it_says_what_a_call_costs(
    unit: str, schema: dict[str, Any], told: dict[str, Any] | None
) -> None:
    found = price_told(0.025, unit, "2026-05-01", schema)
    assert found == (None if told is None else {"usd": 0.025, **told, "as_of": "2026-05-01"})


MAD = [float("inf"), float("nan"), -0.01, 1e30, 10**400, "nan", "inf", "1e400", "-1", True, 0, 0.0, "0"]


@pytest.mark.parametrize("told", MAD, ids=lambda told: f"{told!s:.5}")
def test_a_price_that_cannot_be_true_is_no_price(told: float | str) -> None:
    assert price_told(told, "image", "2026-05-01", {}) is None
