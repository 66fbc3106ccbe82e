"""What the models of this machine take: their parameters with defaults, and what is no value for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.errors import CallRefused


@dataclass(frozen=True, slots=True)
class Sketch:
    """Pictures of width x height pixels; the second has the next seed, and so on. `stands_for`: the model in place of
    which it draws, told in the strip."""

    prompt: str
    width: int = 512
    height: int = 512
    seed: int = 0
    num_outputs: int = 1
    stands_for: str | None = None


@dataclass(frozen=True, slots=True)
class Resize:
    """`width` and/or `height` in pixels; `fit` says what happens when both are given and the shape differs."""

    image: str
    width: int | None = None
    height: int | None = None
    fit: str = "contain"
    background: str | None = None
    resample: str = "lanczos"


@dataclass(frozen=True, slots=True)
class Convert:
    """To another `format`, `quality` or number of `colours`; `strip_metadata` leaves the camera data out."""

    image: str
    format: str | None = None
    quality: int = 92
    colours: int | None = None
    strip_metadata: bool = False


@dataclass(frozen=True, slots=True)
class Upscale:
    """`scale` times as wide and high, by the network `model`, in pieces of `tile` pixels a side."""

    image: str
    scale: int = 4
    model: str = "photo"
    tile: int | None = None


LocalCall = Sketch | Resize | Convert | Upscale
MODELS: Mapping[str, type[LocalCall]] = {"sketch": Sketch, "resize": Resize, "convert": Convert, "upscale": Upscale}
WHOLE = {
    "width": (1, 16384), "height": (1, 16384), "num_outputs": (1, 4), "quality": (1, 100), "colours": (2, 256),
    "seed": (None, None), "scale": (2, 4), "tile": (32, 512),
}  # fmt: skip
SKETCH_SIDES = (64, 4096)
CHOICES = {
    "fit": ("contain", "cover", "pad", "stretch"),
    "resample": ("lanczos", "bicubic", "bilinear", "box", "nearest"),
    "format": ("jpg", "png", "webp"),
    "model": ("photo", "small"),
}


def checked(model: str, parameters: Parameters) -> dict[str, Value]:
    """The parameters with their defaults, without those that are nothing. Raises CallRefused.

    Checked here too, because an order may say `validate: false`.
    """
    kind = MODELS.get(model)
    if kind is None:
        raise CallRefused(f"The provider local has no model {model!r}; it has {', '.join(MODELS)}.")
    defaults = {field.name: field.default for field in fields(kind)}
    unknown = sorted(set(parameters) - set(defaults))
    if unknown:
        raise CallRefused(f"{model} has no parameter {unknown[0]!r}; it has {', '.join(defaults)}.")
    first = next(iter(defaults))  # the only one without a default
    if not isinstance(parameters.get(first), str):
        raise CallRefused(f"{model} needs {first}, and it must be text.")
    for name, value in parameters.items():
        _check(model, name, value)
    whole = {name: parameters.get(name, default) for name, default in defaults.items()}
    return {name: value for name, value in whole.items() if value is not None}


def call_of(model: str, parameters: Parameters) -> LocalCall:
    """Of parameters that were checked when the ticket was given: by another version of this program, perhaps."""
    kind = MODELS[model]
    known = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in parameters.items() if name in known})


def _check(model: str, name: str, value: object) -> None:
    if name in WHOLE:
        least, most = SKETCH_SIDES if model == "sketch" and name in ("width", "height") else WHOLE[name]
        _check_whole(model, name, value, least, most)
    elif name == "stands_for" and not isinstance(value, str | None):
        raise CallRefused(f"{model} takes text as {name}, not {value!r}.")
    elif name in CHOICES and value not in CHOICES[name]:
        raise CallRefused(f"{model} takes {', '.join(CHOICES[name])} as {name}, not {value!r}.")


def _check_whole(model: str, name: str, value: object, least: int | None, most: int | None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or (least is not None and most is not None and not least <= int(str(value)) <= most):
        bounds = f" from {least} to {most}" if least is not None else ""
        raise CallRefused(f"{model} needs a whole number{bounds} as {name}, not {value!r}.")
