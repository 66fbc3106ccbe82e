"""A picture enlarged piece by piece, so that memory follows the piece and not the picture. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PIL import Image

from artfactoryd.factories.local.upscaling.engine import FACTOR
from artfactoryd.factories.local.upscaling.network import Enlarge

PAD = 10  # pixels around a piece that are computed too, and cut off: else its edges would show
Box = tuple[int, int, int, int]


class Black(Exception):
    """What was made of something is nothing: a driver that ran out of memory does that without a word."""


def enlarged(
    pixels: Image.Image, enlarge: Enlarge, tile: int, scale: int, tell: Callable[[int, int], None]
) -> Image.Image:
    """`pixels`: L, LA, RGB, RGBA or CMYK. `scale`: 2 and 3 are made of 4. `tell`: how many pieces are done, and of
    how many."""
    size = pixels.width * scale, pixels.height * scale
    whole = _whole(pixels.convert("RGB"), enlarge, tile, tell)
    whole = whole if whole.size == size else whole.resize(size, Image.Resampling.LANCZOS)
    made = whole.convert("L") if pixels.mode in ("L", "LA") else whole
    if pixels.mode in ("LA", "RGBA"):
        made.putalpha(pixels.getchannel("A").resize(size, Image.Resampling.LANCZOS))
    return made


def _whole(pixels: Image.Image, enlarge: Enlarge, tile: int, tell: Callable[[int, int], None]) -> Image.Image:
    whole = Image.new("RGB", (pixels.width * FACTOR, pixels.height * FACTOR))
    boxes = list(_boxes(*pixels.size, tile))
    for done, box in enumerate(boxes):
        tell(done, len(boxes))
        padded = _padded(box, pixels.size)
        given = pixels.crop(padded)
        made = enlarge(given)
        if made.getextrema() == ((0, 0),) * 3 and _is_seen(given):
            raise Black
        inside = tuple(FACTOR * (edge - padded[at % 2]) for at, edge in enumerate(box))
        whole.paste(made.crop(inside), (box[0] * FACTOR, box[1] * FACTOR))  # type: ignore[arg-type]
    return whole


def _padded(box: Box, size: tuple[int, int]) -> Box:
    return max(0, box[0] - PAD), max(0, box[1] - PAD), min(size[0], box[2] + PAD), min(size[1], box[3] + PAD)


def _boxes(width: int, height: int, tile: int) -> Iterator[Box]:
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            yield left, top, min(left + tile, width), min(top + tile, height)


def _is_seen(pixels: Image.Image) -> bool:
    """It is not black itself, or nearly."""
    return max(high for _, high in pixels.getextrema()) > 32  # type: ignore[misc]
