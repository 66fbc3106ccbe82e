"""What shipped models cost, by figures worked out by hand: the most that is set aside, and the bill of what came."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.expansion.costs import priced_call
from artfactoryd.core.pricing.amounts import Call, Measured
from artfactoryd.planning.models import shipped_models

CATALOG = Catalog(shipped_models()[0])
HD, SQUARE = (1920, 1080), (1024, 1024)  # of 3 and of 2 megapixels that are begun
SIZES = {"hd.png": HD, "square.png": SQUARE, "small.png": (640, 480)}


@pytest.mark.parametrize(
    ("provider", "name", "parameters", "outputs", "upper", "bill"),
    [
        ("replicate", "flux-2-pro", {}, [SQUARE], 15_000 + 15_000, 15_000 + 2 * 15_000),
        ("replicate", "flux-2-pro", {"resolution": "2 MP", "input_images": ["hd.png", "square.png"]}, [SQUARE],
         15_000 + 2 * 15_000 + 5 * 15_000, 15_000 + 2 * 15_000 + 5 * 15_000),
        ("replicate", "flux-2-pro", {"resolution": "match_input_image", "input_images": ["hd.png"]}, [HD],
         15_000 + 5 * 15_000 + 3 * 15_000, 15_000 + 3 * 15_000 + 3 * 15_000),
        ("fal", "flux-2-pro", {}, [(1024, 768)], 30_000, 30_000),
        ("fal", "flux-2-pro-edit", {"image_urls": ["hd.png"]}, [HD], 8 * 30_000, 6 * 30_000),
        ("fal", "flux-2-max", {"image_size": "square_hd"}, [SQUARE], 70_000 + 30_000, 70_000 + 30_000),
        ("fal", "nano-banana-pro", {"num_images": 2}, [SQUARE, SQUARE], 300_000, 300_000),
        ("fal", "nano-banana-pro", {"resolution": "4K", "enable_web_search": True}, [HD], 315_000, 315_000),
        ("fal", "ideogram-v3", {}, [SQUARE], 60_000, 60_000),
        ("fal", "ideogram-v3", {"rendering_speed": "QUALITY"}, [SQUARE], 90_000, 90_000),
        ("replicate", "seedream-4", {"max_images": 15}, [HD] * 4, 450_000, 120_000),
        ("fal", "seedream-4.5", {"num_images": 2, "max_images": 3}, [HD] * 4, 240_000, 160_000),
        ("fal", "clarity-upscaler", {"image_url": "small.png"}, [(1280, 960)], 2 * 30_000, 2 * 30_000),
        ("fal", "clarity-upscaler", {"image_url": "hd.png", "upscale_factor": 4}, [(7680, 4320)], 34 * 30_000,
         34 * 30_000),
        ("fal", "topaz-image", {"image_url": "hd.png"}, [(3840, 2160)], 80_000, 80_000),
        ("fal", "seedvr-image", {"image_url": "hd.png", "upscale_mode": "target", "target_resolution": "2160p"},
         [(3840, 2160)], 19_000, 9_000),
        ("fal", "bria-rmbg", {"image_url": "hd.png"}, [HD], 18_000, 18_000),
        ("replicate", "rembg", {"image": "hd.png"}, [HD], 27_000, 27_000),
        ("fal", "minimax-speech-2.8-turbo", {"prompt": "a" * 1234}, [None], 74_040, 74_040),
        ("fal", "elevenlabs-v3", {"text": "a" * 500}, [None], 50_000, 50_000),
        ("fal", "elevenlabs-music", {"prompt": "a", "music_length_ms": 90_000}, [90.0], 1_200_000, 1_200_000),
        ("fal", "veo-3.1-fast", {"duration": "8s", "resolution": "1080p"}, [8.0], 1_200_000, 1_200_000),
        ("fal", "veo-3.1-fast", {"duration": "4s", "generate_audio": False, "resolution": "4k"}, [4.0], 1_200_000,
         1_200_000),
        ("fal", "kling-2.5-turbo-i2v", {"image_url": "hd.png", "duration": "10"}, [10.0], 420_000, 420_000),
        ("fal", "wan-2.2", {"num_frames": 80, "resolution": "480p"}, [5.0], 200_000, 200_000),
        ("fal", "luma-ray-2", {"resolution": "720p"}, [5.0], None, None),
        ("fal", "hailuo-2.3", {"duration": "10"}, [10.0], 560_000, 560_000),
    ],
)  # fmt: skip
def test_a_shipped_price_is_the_figure_worked_out_by_hand(
    provider: str, name: str, parameters: dict[str, Any], outputs: list[Any], upper: int | None, bill: int | None
) -> None:
    model = CATALOG.find(provider, name)
    assert model is not None and model.price is not None and parameters.keys() <= model.properties.keys()
    asked = parameters.get(model.batch or "", 1)
    before = priced_call(model, asked, parameters, SIZES)
    came = [Measured(*one) if isinstance(one, tuple) else Measured(seconds=one) for one in outputs]
    after = Call(asked, before.parameters, before.inputs, came, follows=before.follows)
    assert (model.price.cost(before), model.price.cost(after)) == (upper, bill)
