"""What kind of file comes, and what a picture's format cannot hold, known before the work on it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePosixPath

from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.json_types import Parameters
from artfactoryd.core.model import Model
from artfactoryd.errors import Problem
from artfactoryd.planning.accepted import LOCAL
from artfactoryd.planning.inputs import Input, of_item

FORMATS = ("output_format", "format")  # parameters that say what kind of file comes
DRAWN = "png"  # what is drawn here, or is of a kind that is not written here
ENDINGS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}
LONGEST_WEBP = 16_383  # pixels of a side: the limit of the format itself
MOST_LOOKED_AT = 1000  # items
WEBP = "image/webp"


def ending_of(plan: Plan, item: PlannedItem, fed_with: str, kinds: Mapping[str, str]) -> str:
    """As far as its parameters say it, or the picture that this machine works on; `*` where only the file that comes
    will tell. `fed_with`: the name of the product that a stage's item is fed with. `kinds`: of the order's own files,
    by what stands for them in parameters."""
    model = plan.all_models[item.model]
    for name in FORMATS:
        value = item.parameters.get(name, model.properties.get(name, {}).get("default"))
        if isinstance(value, str) and value.lower() in ENDINGS and not plan.order.rehearse:
            return ENDINGS[value.lower()]
    if plan.order.rehearse or (model.provider == LOCAL and not model.image):
        return DRAWN
    if model.provider != LOCAL or (item.parent and not all(later.keep for later in plan.order.then)):
        return "*"  # and what is not kept has no name
    if item.parent:
        known = PurePosixPath(fed_with).suffix[1:].lower()
    else:
        known = next((kinds.get(text, "") for _, text in model.places(item.parameters)), "").removeprefix("image/")
    return ENDINGS.get(known, DRAWN if known not in ("", "*") else "*")


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
            side = _longest(item.parameters, picture["width"], picture["height"]) * _times(item.parameters, model)
            if _is_webp(item.parameters, picture["mime"]) and side > LONGEST_WEBP and picture["value"] not in told:
                told.add(picture["value"])
                message = f"{picture['value']} would be {side:,} pixels long; a WebP holds at most {LONGEST_WEBP:,}."
                yield Problem("W_WEBP", message, "Choose png or jpg, or make it smaller.", ("parameters",))


def _times(parameters: Parameters, model: Model) -> int:
    """How many times as wide and high it becomes, where that is what a model does."""
    given = parameters.get("scale", model.properties.get("scale", {}).get("default", 1))
    return given if isinstance(given, int) else 1


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
