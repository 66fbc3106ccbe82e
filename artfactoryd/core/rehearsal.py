"""What the free sketch is asked for in place of a paid call, so that a rehearsal shows what would come."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.pricing.sizes import NAMED_SIZES

SMALLEST, LARGEST = 64, 4096  # pixels a side that sketch draws
PIXELS = 512 * 512  # a quarter megapixel, when only a shape is known


def rehearsal_call(
    generation: Parameters, seed: int | None, asked: int, of_input: tuple[int, int] | None = None, model: str = ""
) -> dict[str, Value]:
    """The parameters of `sketch` for one item: its prompt, shape, seed and number of outputs.

    `of_input`: the size of the picture it works on, for a model that follows it; `model`: the one that it stands for,
    where an order has several.
    """
    width, height = rehearsal_size(generation, of_input)
    return {
        "prompt": _prompt(generation), "width": width, "height": height,
        "seed": seed or 0, "num_outputs": asked, **({"stands_for": model} if model else {}),
    }  # fmt: skip


def rehearsal_size(parameters: Parameters, of_input: tuple[int, int] | None = None) -> tuple[int, int]:
    """Width and height in pixels: as given, else the shape asked for at a quarter megapixel, else the input's."""
    named = parameters.get("image_size")
    for given in (parameters, named):
        if isinstance(given, Mapping) and (size := _given(given)):
            return size
    shape = _shape(parameters.get("aspect_ratio"), named)
    if shape is None and of_input:
        return _like_input(parameters, *of_input)
    return _at_quarter_megapixel(*(shape or (1, 1)))


def _like_input(parameters: Parameters, wide: int, high: int) -> tuple[int, int]:
    """The input's shape, at its size or at the one side that is given; no side longer than can be drawn."""
    width, height = parameters.get("width"), parameters.get("height")
    if _is_length(width):
        wide, high = int(width), round(high * int(width) / wide)  # type: ignore[arg-type]
    elif _is_length(height):
        wide, high = round(wide * int(height) / high), int(height)  # type: ignore[arg-type]
    longest = max(wide, high, LARGEST)
    return _drawable(wide * LARGEST // longest), _drawable(high * LARGEST // longest)


def _given(parameters: Parameters) -> tuple[int, int] | None:
    width, height = parameters.get("width"), parameters.get("height")
    if not (_is_length(width) and _is_length(height)):
        return None
    return _drawable(int(width)), _drawable(int(height))  # type: ignore[arg-type]


def _is_length(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1_000_000


def _drawable(length: int) -> int:
    return min(max(length, SMALLEST), LARGEST)


def _shape(ratio: object, named: object) -> tuple[int, int] | None:
    wide, _, high = str(ratio).partition(":")
    if _is_part(wide) and _is_part(high):
        return int(wide), int(high)
    return NAMED_SIZES.get(str(named))


def _is_part(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) > 0


def _at_quarter_megapixel(wide: int, high: int) -> tuple[int, int]:
    def side(one: int, other: int) -> int:
        return _drawable((isqrt(PIXELS * one // other) + 4) // 8 * 8)

    return side(wide, high), side(high, wide)


def _prompt(generation: Parameters) -> str:
    names = ["prompt", *(name for name in generation if name.endswith("prompt") and "negative" not in name)]
    texts = [generation[name] for name in [*names, *generation] if isinstance(generation.get(name), str)]
    return texts[0] if texts else ""
