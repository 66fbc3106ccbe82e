"""What calls cost: figures worked out by hand, of prices as providers have them."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd import schema
from artfactoryd.core.pricing.amounts import Call, Measured
from artfactoryd.core.pricing.price import Price

HD_SIDES = {"width": 1920, "height": 1080}
HD, SQUARE, FOUR_K = (1920, 1080), (1024, 1024), (4096, 4096)

RUN_OUT_IN = {  # a run, and megapixels that come and that are worked on, at prices of their own
    "parts": [
        {"usd": 0.015, "per": "call"},
        {"usd": 0.015, "per": "megapixel", "of": "resolution", "at_most": 4},
        {"usd": 0.015, "per": "input_megapixel", "at_most": 4},
    ]
}
FIRST = {"first": 0.07, "usd": 0.03, "per": "processed_megapixel"}
TIERS = {
    "parts": [
        {"usd": 0.15, "per": "image", "when": {"resolution": ["1K", "2K"]}},
        {"usd": 0.30, "per": "image", "when": {"resolution": "4K"}},
        {"usd": 0.015, "per": "call", "surcharge": True, "when": {"enable_web_search": True}},
    ]
}
SPEED = {
    "parts": [
        {"usd": usd, "per": "image", "when": {"rendering_speed": speed}}
        for speed, usd in {"TURBO": 0.03, "BALANCED": 0.06, "QUALITY": 0.09}.items()
    ]
}
STYLE = {
    "parts": [{"usd": 0.04, "when": {"style": ["any", "realistic"]}}, {"usd": 0.08, "when": {"style": "vector_*"}}]
}
BY_TWO = {
    "parts": [{"usd": 0.07, "when": {"quality": "high", "size": 1024}}, {"usd": 0.02, "when": {"quality": "low"}}]
}
STEPS = {
    "per": "megapixel",
    "steps": [{"up_to": 24, "usd": 0.08}, {"up_to": 48, "usd": 0.16}, {"up_to": 96, "usd": 0.32}],
}
SPEECH = {"usd": 0.06, "per": "character", "every": 1000, "of": "text"}
VIDEO = {
    "parts": [
        {"usd": 0.40, "per": "output_second", "of": "duration", "when": {"generate_audio": True}},
        {"usd": 0.20, "per": "output_second", "of": "duration", "when": {"generate_audio": False}},
    ]
}
BY_FIVE = {"usd": 0.5, "per": "output_second", "every": 5, "of": "duration"}
MINUTES = {"usd": 0.8, "per": "output_second", "every": 60, "of": "seconds_total", "round": "exact"}
FRAMES = {"usd": 0.04, "per": "output_second", "of": "num_frames", "rate": "frames_per_second"}
TOKENS = {
    "usd": 2.5, "per": "token", "every": 1_000_000, "of": "duration", "rate": 24, "size": "resolution",
    "sizes": {"480p": [864, 480], "1080p": [1920, 1088]},
}  # fmt: skip
SCALED = {"usd": 0.03, "per": "megapixel", "factor": "upscale_factor"}
MANY = {"usd": 0.03, "per": "image", "of": "max_images"}
UP_TO_15 = {"usd": 0.1, "per": "output_second", "of": "duration", "longest": 15}
AUTO = {"usd": 0.1, "per": "output_second", "of": "duration", "at_most": 15}


def wrong_in_model_file(price: dict[str, Any]) -> list[str]:
    entry = {"provider": "local", "model": "m", "schema": {"properties": {}}, "price": price}
    return [problem.message for problem in schema.check_mapping(entry, "model") if price.get("per") != "second"]


@pytest.mark.parametrize(
    ("price", "call", "upper"),
    [
        ({"usd": 0.003}, Call(4, {}), 12_000),
        ({"usd": 0.02, "per": "call"}, Call(4, {}), 20_000),
        ({"usd": 0.01, "per": "megapixel"}, Call(1, {"width": 1000, "height": 1000}), 10_000),
        ({"usd": 0.01, "per": "megapixel"}, Call(2, {"width": 1000, "height": 1001}), 40_000),
        ({"usd": 0.01, "per": "megapixel", "round": "exact"}, Call(1, {"width": 1500, "height": 1000}), 15_000),
        ({"usd": 0.01, "per": "megapixel"}, Call(2, {"width": 1000}), None),
        ({"usd": 0.01, "per": "megapixel"}, Call(1, {}, [HD], follows=True), 30_000),
        ({"usd": 0.01, "per": "megapixel"}, Call(1, {}, [None], follows=True), None),
        ({"usd": 0.001, "per": "second", "seconds": 5.5}, Call(4, {}), 5_500),
        ({"usd": 0.001, "per": "second"}, Call(4, {}), None),
        (RUN_OUT_IN, Call(1, {"resolution": "1 MP"}), 30_000),
        (RUN_OUT_IN, Call(1, {"resolution": "0.5 MP"}), 30_000),
        (RUN_OUT_IN, Call(1, {"resolution": "2 MP"}, [SQUARE, HD]), 15_000 + 30_000 + 15_000 * (2 + 3)),
        (RUN_OUT_IN, Call(1, {"resolution": "match_input_image"}, [None]), 15_000 + 60_000 + 60_000),
        (FIRST, Call(1, {"image_size": "square_hd"}), 70_000 + 30_000),
        (FIRST, Call(1, {"image_size": "square"}), 70_000),
        (FIRST, Call(1, {"image_size": "square"}, [HD]), 70_000 + 3 * 30_000),
        (TIERS, Call(2, {"resolution": "2K"}), 300_000),
        (TIERS, Call(1, {"resolution": "4k", "enable_web_search": True}), 315_000),
        (TIERS, Call(1, {"resolution": "8K"}), None),
        (TIERS, Call(1, {}), None),
        (SPEED, Call(1, {"rendering_speed": "QUALITY"}), 90_000),
        (STYLE, Call(1, {"style": "vector_illustration/line"}), 80_000),
        (STYLE, Call(1, {"style": "pixel"}), None),
        (BY_TWO, Call(1, {"quality": "high", "size": "1024"}), 70_000),
        (BY_TWO, Call(1, {"quality": "high", "size": "2048"}), None),
        (STEPS, Call(1, {"width": 6000, "height": 4000}), 80_000),
        (STEPS, Call(2, {"width": 8000, "height": 6000}), 320_000),
        (STEPS, Call(1, {"width": 12000, "height": 12000}), None),
        (SPEECH, Call(1, {"text": "a" * 1234}), 74_040),
        (SPEECH, Call(1, {"text": ["a"]}), None),
        (VIDEO, Call(1, {"duration": "8s", "generate_audio": True}), 3_200_000),
        (VIDEO, Call(1, {"duration": 5, "generate_audio": "false"}), 1_000_000),
        (BY_FIVE, Call(1, {"duration": "6"}), 1_000_000),
        (MINUTES, Call(1, {"seconds_total": 90}), 1_200_000),
        (FRAMES, Call(1, {"num_frames": 81, "frames_per_second": 16}), 202_500),
        (FRAMES, Call(1, {"num_frames": 81, "frames_per_second": 0}), None),
        (TOKENS, Call(1, {"duration": 5, "resolution": "1080p"}), 612_000),
        (TOKENS, Call(1, {"duration": 5, "resolution": "720p"}), None),
        (AUTO, Call(1, {"duration": "auto"}), 1_500_000),
        (UP_TO_15, Call(1, {"duration": "auto"}), 1_500_000),
        (UP_TO_15, Call(1, {}), 1_500_000),
        ({**TOKENS, "longest": 15}, Call(1, {"duration": "auto", "resolution": "480p"}), 365_000 - 500),
        (SCALED, Call(1, {"upscale_factor": 2}, [(1500, 1000)]), 180_000),
        (SCALED, Call(1, {"upscale_factor": 2}, [None]), None),
        (MANY, Call(2, {"max_images": 15}), 900_000),
        ({"usd": 0.02, "per": "megapixel", "of": "megapixels"}, Call(1, {"megapixels": "1", **HD_SIDES}), 60_000),
        (AUTO, Call(1, {"duration": "5"}), 500_000),
    ],
)  # fmt: skip
def test_the_most_that_a_call_may_cost(price: dict[str, Any], call: Call, upper: int | None) -> None:
    read = Price.from_mapping(price)
    assert read.cost(call) == upper
    assert Price.from_mapping(read.to_mapping()) == read  # as an acceptance line keeps it
    assert wrong_in_model_file(price) == []


def film(seconds: float | None, size: tuple[int, int] = HD) -> Measured:
    return Measured(*size, seconds)


@pytest.mark.parametrize(
    ("price", "call", "bill"),
    [
        ({"usd": 0.003}, Call(4, {}, outputs=[Measured()] * 3), 9_000),
        ({"usd": 0.01, "per": "megapixel"}, Call(2, {}, outputs=[Measured(*SQUARE), Measured(*HD)]), 50_000),
        ({"usd": 0.01, "per": "megapixel"}, Call(1, {}, outputs=[Measured()]), None),
        ({"usd": 0.001, "per": "second", "seconds": 5.5}, Call(1, {}, outputs=[Measured()], run=2.5), 2_500),
        (RUN_OUT_IN, Call(1, {"resolution": "match_input_image"}, [SQUARE], [Measured(*SQUARE)]), 75_000),
        (FIRST, Call(1, {}, [HD], [Measured(*HD)]), 70_000 + 5 * 30_000),
        (STEPS, Call(1, {}, outputs=[Measured(*FOUR_K)]), 80_000),
        (MANY, Call(1, {"max_images": 15}, outputs=[Measured()] * 4), 120_000),
        (SPEECH, Call(1, {"text": "a" * 1234}, outputs=[film(80.0)]), 74_040),
        (VIDEO, Call(1, {"duration": 5, "generate_audio": True}, outputs=[film(5.04)]), 2_000_000),
        (VIDEO, Call(1, {"duration": 8, "generate_audio": True}, outputs=[film(5.0)]), 2_000_000),
        (VIDEO, Call(1, {"duration": 5, "generate_audio": True}, outputs=[film(None)]), 2_000_000),
        (AUTO, Call(1, {"duration": "auto"}, outputs=[film(7.5)]), 750_000),
        (TOKENS, Call(1, {"duration": 5, "resolution": "720p"}, outputs=[film(5.0, (1280, 720))]), 270_000),
    ],
)  # fmt: skip
def test_a_bill_goes_by_what_came(price: dict[str, Any], call: Call, bill: int | None) -> None:
    assert Price.from_mapping(price).cost(call) == bill


def test_no_dollars_are_free_where_a_model_file_says_it() -> None:
    assert Price.from_mapping({"usd": 0}).is_free and Price.from_mapping({"usd": 0}).cost(Call(3, {})) == 0
    assert not Price.from_mapping(FIRST).is_free and not Price.from_mapping(STEPS).is_free


def test_what_a_price_depends_on() -> None:
    assert Price.from_mapping(TIERS).parameters == {"resolution", "enable_web_search"}
    assert Price.from_mapping(FRAMES).parameters == {"num_frames", "frames_per_second"}
    assert Price.from_mapping(FIRST).parameters == {"width", "height", "image_size"}
    assert Price.from_mapping({"usd": 1}).is_constant and not Price.from_mapping(SPEECH).is_constant
