"""The shape of a picture as everybody writes it, in the parameters of each model: the nearest that it takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.parameters.json_schema import enum_of
from artfactoryd.core.pricing.sizes import NAMED_SIZES

SHAPES = ("size", "aspect", "megapixels")  # words that may be said of any model
SIDES = re.compile(r"\s*(\d{1,5})\s*[x\u00d7*]\s*(\d{1,5})\s*", re.IGNORECASE)
RATIO = re.compile(r"\s*(\d{1,5}(?:\.\d+)?)\s*[:/]\s*(\d{1,5}(?:\.\d+)?)\s*")
CLASS = re.compile(r"(\d+(?:\.\d+)?)\s*(k|mp|p)?", re.IGNORECASE)
STEP = 16  # pixels that sides are whole multiples of, where nobody wrote them
PIXELS = 1_000_000  # of a picture of which only the ratio is said
CLASSES = ("resolution", "output_megapixels", "megapixels", "size")  # parameters whose values name a size
CUSTOM = "custom"  # a value that lets width and height count

Choice = tuple[str, Value, float]  # a parameter, a value of it, what that comes to


@dataclass(frozen=True, slots=True)
class Shape:
    """`ratio`: width to height; `pixels`: of the whole picture; None where it is not said. `sides`: as written."""

    ratio: float | None = None
    pixels: float | None = None
    sides: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """`parameters`: the model's own. What they come to is `ratio` and `pixels`, None where it does not tell."""

    parameters: Mapping[str, Value]
    ratio: float | None
    pixels: float | None

    def misses(self, wanted: Shape, by: float) -> bool:
        """Whether it is further from what is wanted than that, or nobody can tell."""
        pairs = ((self.ratio, wanted.ratio), (self.pixels, wanted.pixels))
        return any(asked is not None and (is_ is None or abs(is_ / asked - 1) > by) for is_, asked in pairs)


def read_shape(word: str, value: Value) -> Shape | None:
    """`size: 1024x1536`, `aspect: 3:2` or 1.5, `megapixels: 2`; None of what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    if word == "size":
        found = SIDES.fullmatch(text)
        width, height = (int(found[1]), int(found[2])) if found else (0, 0)
        return Shape(width / height, width * height, (width, height)) if width and height else None
    number = _positive(text)
    if word == "megapixels":
        return Shape(pixels=number * 1e6) if number else None
    ratio = ratio_of(text) or number
    return Shape(ratio=ratio) if ratio else None


def ratio_of(value: Value) -> float | None:
    """Of `3:2`."""
    found = RATIO.fullmatch(value) if isinstance(value, str) else None
    width, height = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    return width / height if width and height else None


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < math.inf else None


def fitted(properties: Mapping[str, Schema], wanted: Shape) -> Fitted | None:
    """The nearest that the model takes; None where it takes no shape."""
    known = [found for way in (_by_image_size, _by_sides, _by_ratio) if (found := way(properties, wanted))]
    return min(known, key=lambda found: _distance(found, wanted), default=None)


def _distance(found: Fitted, wanted: Shape) -> tuple[float, float]:
    pairs = ((found.ratio, wanted.ratio), (found.pixels, wanted.pixels))
    unknown = sum(asked is not None and is_ is None for is_, asked in pairs)
    return unknown, round(sum(abs(math.log(is_ / asked)) for is_, asked in pairs if is_ and asked), 3)


# --- the ways of models ---


def _by_image_size(properties: Mapping[str, Schema], wanted: Shape) -> Fitted | None:
    """A name, or width and height in one value."""
    schema = properties.get("image_size")
    if schema is None or (wanted.ratio is None and wanted.pixels is None):
        return None
    named = [name for name in _choices(schema) if name in NAMED_SIZES]
    exact = [name for name in named if wanted.sides is None and wanted.pixels is None
             and wanted.ratio and abs(_ratio(NAMED_SIZES[name]) / wanted.ratio - 1) < 0.001]  # fmt: skip
    if exact:
        best = max(exact, key=lambda name: math.prod(NAMED_SIZES[name]))
        return _of_sides({"image_size": best}, NAMED_SIZES[best])
    if any(part.get("type") == "object" for part in schema.get("anyOf", [])):
        width, height = _sides(wanted)
        return _of_sides({"image_size": {"width": width, "height": height}}, (width, height))
    found = [_of_sides({"image_size": name}, NAMED_SIZES[name]) for name in named]
    return min(found, key=lambda one: _distance(one, wanted), default=None)


def _by_sides(properties: Mapping[str, Schema], wanted: Shape) -> Fitted | None:
    """Width and height, and what has to be `custom` for them to count."""
    if not {"width", "height"} <= properties.keys():
        return None
    width, height = (
        _within(properties[name], side) for name, side in zip(("width", "height"), _sides(wanted), strict=True)
    )
    custom = {name: CUSTOM for name in ("aspect_ratio", "size") if CUSTOM in _choices(properties.get(name, {}))}
    return _of_sides({"width": width, "height": height, **custom}, (width, height))


def _by_ratio(properties: Mapping[str, Schema], wanted: Shape) -> Fitted | None:
    """A ratio of a list, and a class of sizes where there are such."""
    listed = ((value, ratio_of(value)) for value in _choices(properties.get("aspect_ratio", {})))
    ratios = [("aspect_ratio", value, ratio) for value, ratio in listed if ratio]
    chosen = [_nearest(ratios, wanted.ratio), _nearest(list(_classes(properties)), wanted.pixels)]
    if chosen == [None, None]:
        return None
    ratio, pixels = (one and one[2] for one in chosen)
    return Fitted({one[0]: one[1] for one in chosen if one}, ratio, pixels)


def _nearest(choices: Sequence[Choice], wanted: float | None) -> Choice | None:
    """By how many times it is larger or smaller."""
    if wanted is None:
        return None
    return min(choices, key=lambda choice: abs(math.log(choice[2] / wanted)), default=None)


def _classes(properties: Mapping[str, Schema]) -> Iterator[Choice]:
    """Values that name a size, with the pixels of each: `1K`, `0.5 MP`, and plain numbers of megapixels."""
    for name in CLASSES:
        for value in _choices(properties.get(name, {})):
            found = CLASS.fullmatch(str(value))
            unit = (found[2] or "").lower() if found else "p"
            if found and unit == "k":
                yield name, value, (float(found[1]) * 1024) ** 2
            elif found and (unit == "mp" or (not unit and "megapixels" in name)):
                yield name, value, float(found[1]) * 1e6


# --- sides ---


def _sides(wanted: Shape) -> tuple[int, int]:
    """As written; else of whole steps, and never more pixels than wanted."""
    if wanted.sides:
        return wanted.sides
    ratio, pixels = wanted.ratio or 1.0, wanted.pixels or PIXELS
    width, height = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
    return max(STEP, int(width // STEP * STEP)), max(STEP, int(height // STEP * STEP))


def _within(schema: Schema, side: int) -> int:
    choices = [one for one in _choices(schema) if isinstance(one, int)]
    if choices:
        return min(choices, key=lambda one: abs(one - side))
    return int(min(max(side, schema.get("minimum", side)), schema.get("maximum", side)))


def _of_sides(parameters: Mapping[str, Value], sides: tuple[int, int]) -> Fitted:
    return Fitted(parameters, _ratio(sides), math.prod(sides))


def _ratio(sides: tuple[int, int]) -> float:
    return sides[0] / sides[1]


def _choices(schema: Schema) -> list[Value]:
    return enum_of(schema) or []
