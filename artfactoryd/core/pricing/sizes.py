"""How large a picture is asked for, by the parameters that say it."""

from __future__ import annotations

from collections.abc import Mapping

from artfactoryd.core.json_types import Parameters

SIZES = ("width", "height", "image_size")  # the parameters that say how large a picture is made
NAMED_SIZES = {  # the values of image_size, in pixels
    "square_hd": (1024, 1024), "square": (512, 512),
    "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576),
}  # fmt: skip

Size = tuple[int, int]  # pixels


def size_of(parameters: Parameters) -> Size | None:
    """Width and height in pixels, as given by `width` and `height` or by `image_size`, written out or by its name."""
    named = parameters.get("image_size")
    if isinstance(named, str):
        return NAMED_SIZES.get(named)
    given = named if isinstance(named, Mapping) else parameters
    width, height = given.get("width"), given.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None
