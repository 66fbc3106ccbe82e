"""What kind of file comes, and what a picture's format cannot hold, known before the work on it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.json_types import Parameters
from artfactoryd.core.model import Model
from artfactoryd.errors import Problem
from artfactoryd.planning.inputs import Input, of_item

FORMATS = ("output_format", "format")  # parameters that say what kind of file comes
ENDINGS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}
LONGEST_WEBP = 16_383  # pixels of a side: the limit of the format itself
MOST_LOOKED_AT = 1000  # items
WEBP = "image/webp"


def ending_of(item: PlannedItem, model: Model) -> str:
    """As far as the parameters say it; `*` where only the file that comes will tell."""
    for name in FORMATS:
        value = item.parameters.get(name, model.properties.get(name, {}).get("default"))
        if isinstance(value, str) and value.lower() in ENDINGS:
            return ENDINGS[value.lower()]
    return "*"


def too_long_for_webp(plan: Plan, pictures: Sequence[Input]) -> Iterator[Problem]:
    """One warning for each picture of which work on this machine is to make a WebP that cannot be."""
    long = [picture.as_json() for picture in pictures if picture.width and picture.height]
    if not long or not any(model.provider == "local" for model in plan.models):
        return
    told = set()
    for item in islice(plan.own(), MOST_LOOKED_AT):
        model = plan.models[item.model]
        if model.provider != "local":
            continue
        for picture in of_item(item.parameters, long, model).values():
            side = _longest(item.parameters, picture["width"], picture["height"])
            if _is_webp(item.parameters, picture["mime"]) and side > LONGEST_WEBP and picture["value"] not in told:
                told.add(picture["value"])
                message = f"{picture['value']} would be {side:,} pixels long; a WebP holds at most {LONGEST_WEBP:,}."
                yield Problem("W_WEBP", message, "Choose png or jpg, or make it smaller.", ("parameters",))


def _is_webp(parameters: Parameters, mime: str) -> bool:
    return (parameters.get("format") or ("webp" if mime == WEBP else "")) == "webp"


def _longest(parameters: Parameters, width: int, height: int) -> int:
    """The longer side of what comes; of one side that is given the other follows."""
    across, down = parameters.get("width"), parameters.get("height")
    if isinstance(across, int) and isinstance(down, int):
        if parameters.get("fit", "contain") != "contain":
            return max(across, down)
        scale = min(across / width, down / height)
        return max(round(width * scale), round(height * scale))
    if isinstance(across, int):
        return max(across, round(height * across / width))
    if isinstance(down, int):
        return max(down, round(width * down / height))
    return max(width, height)
