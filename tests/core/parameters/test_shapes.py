"""One shape for all models: what each is asked for, and how near that comes."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.catalog import Catalog
from artfactoryd.core.parameters.shapes import Shape, fitted, read_shape
from artfactoryd.planning.models import shipped_models

CATALOG = Catalog(shipped_models()[0])
TALL, THREE_TO_TWO = Shape(1024 / 1536, 1024 * 1536, (1024, 1536)), Shape(1.5)


@pytest.mark.parametrize(
    ("word", "value", "shape"),
    [
        ("size", "1024x1536", TALL), ("size", " 1024 X 1536 ", TALL), ("size", "1024\u00d71536", TALL),
        ("size", "2K", None), ("size", "0x5", None), ("size", 1024, None), ("size", True, None),
        ("aspect", "3:2", THREE_TO_TWO), ("aspect", "3/2", THREE_TO_TWO), ("aspect", 1.5, THREE_TO_TWO),
        ("aspect", "3:0", None), ("aspect", "wide", None), ("aspect", "nan", None), ("aspect", None, None),
        ("megapixels", 2, Shape(pixels=2e6)), ("megapixels", "0.25", Shape(pixels=250_000)), ("megapixels", -1, None),
    ],
)  # fmt: skip
def test_a_shape_is_read(word: str, value: Any, shape: Shape | None) -> None:
    assert read_shape(word, value) == shape


@pytest.mark.parametrize(
    ("provider", "name", "wanted", "parameters", "misses"),
    [
        ("fal", "flux-2-pro", TALL, {"image_size": {"width": 1024, "height": 1536}}, False),
        ("fal", "flux-2-pro", Shape(4 / 3), {"image_size": "landscape_4_3"}, False),
        ("fal", "flux-2-pro", Shape(1), {"image_size": "square_hd"}, False),
        ("fal", "flux-2-pro", THREE_TO_TWO, {"image_size": {"width": 1216, "height": 816}}, False),
        ("fal", "flux-2-pro", Shape(1.5, 2e6), {"image_size": {"width": 1728, "height": 1152}}, False),
        ("replicate", "flux-schnell", THREE_TO_TWO, {"aspect_ratio": "3:2"}, False),
        ("replicate", "flux-schnell", Shape(1.5, 1e6), {"aspect_ratio": "3:2", "megapixels": "1"}, False),
        ("replicate", "flux-schnell", TALL, {"aspect_ratio": "2:3", "megapixels": "1"}, True),
        ("replicate", "flux-schnell", Shape(2.0), {"aspect_ratio": "16:9"}, True),
        ("replicate", "flux-2-pro", TALL, {"width": 1024, "height": 1536, "aspect_ratio": "custom"}, False),
        ("replicate", "flux-2-pro", THREE_TO_TWO, {"aspect_ratio": "3:2"}, False),
        ("replicate", "flux-2-pro", Shape(pixels=4e6), {"width": 2000, "height": 2000, "aspect_ratio": "custom"},
         False),
        ("replicate", "seedream-4", TALL, {"width": 1024, "height": 1536, "size": "custom"}, False),
        ("replicate", "seedream-4.5", Shape(1.5, 4.2e6), {"aspect_ratio": "3:2", "size": "2K"}, False),
        ("fal", "nano-banana-pro", Shape(2 / 3, 1e6), {"aspect_ratio": "2:3", "resolution": "1K"}, False),
        ("fal", "kontext-pro", TALL, {"aspect_ratio": "2:3"}, True),
        ("replicate", "sdxl", TALL, {"width": 1024, "height": 1536}, False),
        ("fal", "bria-rmbg", TALL, None, None), ("fal", "elevenlabs-v3", THREE_TO_TWO, None, None),
    ],
)  # fmt: skip
def test_the_nearest_shape_that_a_model_takes(
    provider: str, name: str, wanted: Shape, parameters: dict[str, Any] | None, misses: bool | None
) -> None:
    model = CATALOG.find(provider, name)
    assert model is not None
    found = fitted(model.properties, wanted)
    assert (found and dict(found.parameters), found and found.misses(wanted, 0.1)) == (parameters, misses)
