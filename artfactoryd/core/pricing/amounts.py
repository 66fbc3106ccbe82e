"""How much of a unit a call takes: at most, by what is asked for, and in truth, by what came."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.pricing.sizes import Size, size_of

MEGAPIXEL = 1_000_000
PIXELS_PER_TOKEN = 1024
SNAP = Decimal("0.25")  # seconds by which a film may miss what was asked for: a frame or two, and no other length
NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:s|sec|seconds|mp|megapixels?)?\s*", re.IGNORECASE)

Amount = Decimal | None  # None: not known
Amounts = Sequence[Amount]  # one for each output or input that counts


@dataclass(frozen=True, slots=True)
class Measured:
    """What one output is: pixels and seconds, None of what it has not, or what could not be read."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None

    @property
    def size(self) -> Size | None:
        return (self.width, self.height) if self.width and self.height else None


@dataclass(frozen=True, slots=True)
class Call:
    """`parameters` with the defaults of the model; `inputs`: the sizes of the pictures that it works on, None where
    not known; `outputs`: what came of it, None before it is sent; `run`: seconds of machine time, measured."""

    asked: int
    parameters: Parameters
    inputs: Sequence[Size | None] = ()
    outputs: Sequence[Measured] | None = None
    run: float | None = None
    follows: bool = False  # what is made of a picture is as large as that


@dataclass(frozen=True, slots=True)
class Reading:
    """Where an amount is read: `of` is the parameter that tells it, `rate` what that is divided by (a number, or a
    parameter's name), `size` the parameter whose values name sizes in `sizes`, `factor` the one by which each side of
    the picture worked on grows, `longest` the seconds of one output at most, where the parameter does not tell them."""

    of: str | None = None
    rate: str | float | None = None
    size: str | None = None
    sizes: Mapping[str, Sequence[int]] | None = None
    factor: str | None = None
    longest: float | None = None

    @property
    def parameters(self) -> set[str]:
        return {name for name in (self.of, self.rate, self.size, self.factor) if isinstance(name, str)}


def amounts(per: str, reading: Reading, call: Call) -> Amounts:
    return BY_UNIT[per](reading, call)


def _images(reading: Reading, call: Call) -> Amounts:
    """A model that decides how many it makes says with a parameter how many at most."""
    if call.outputs is not None:
        return [Decimal(1)] * len(call.outputs)
    return [_number(call.parameters.get(reading.of)) if reading.of else Decimal(1)] * call.asked


def _call(reading: Reading, call: Call) -> Amounts:
    return [Decimal(1)]


def _output_megapixels(reading: Reading, call: Call) -> Amounts:
    asked = _asked_megapixels(reading, call)
    if call.outputs is None:
        return [asked] * call.asked
    return [_megapixels(output.size) or asked for output in call.outputs]


def _input_megapixels(reading: Reading, call: Call) -> Amounts:
    return [_megapixels(size) for size in call.inputs]


def _processed_megapixels(reading: Reading, call: Call) -> Amounts:
    return [*_output_megapixels(reading, call), *_input_megapixels(reading, call)]


def _machine_seconds(reading: Reading, call: Call) -> Amounts:
    return [None if call.run is None else Decimal(str(call.run))]


def _output_seconds(reading: Reading, call: Call) -> Amounts:
    asked = _asked_seconds(reading, call.parameters)
    if call.outputs is None:
        return [asked] * call.asked
    return [_snapped(output.seconds, asked) for output in call.outputs]


def _characters(reading: Reading, call: Call) -> Amounts:
    text = call.parameters.get(reading.of or "")
    return [Decimal(len(text)) if isinstance(text, str) else Decimal(0) if text is None else None]


def _tokens(reading: Reading, call: Call) -> Amounts:
    """Of films: width * height * frames a second * seconds / 1024."""
    rate = _number(call.parameters.get(reading.rate) if isinstance(reading.rate, str) else reading.rate)
    asked = _size(reading, call)
    seconds = _output_seconds(Reading(of=reading.of, longest=reading.longest), call)
    sizes = [asked] * call.asked if call.outputs is None else [output.size or asked for output in call.outputs]
    return [
        None if size is None or rate is None or took is None
        else Decimal(size[0] * size[1]) * rate * took / PIXELS_PER_TOKEN
        for size, took in zip(sizes, seconds, strict=True)
    ]  # fmt: skip


BY_UNIT: Mapping[str, Callable[[Reading, Call], Amounts]] = {
    "image": _images,
    "call": _call,
    "megapixel": _output_megapixels,
    "input_megapixel": _input_megapixels,
    "processed_megapixel": _processed_megapixels,
    "second": _machine_seconds,
    "output_second": _output_seconds,
    "character": _characters,
    "token": _tokens,
}


# --- what parameters say ---


def _asked_megapixels(reading: Reading, call: Call) -> Amount:
    """The larger of both where a size is given beside the parameter that tells megapixels: only one of them counts."""
    by_size = _megapixels(_size(reading, call))
    if reading.of is None:
        return by_size
    told = _number(call.parameters.get(reading.of))
    return max(told, by_size) if told is not None and by_size is not None else told


def _size(reading: Reading, call: Call) -> Size | None:
    parameters = call.parameters
    if reading.factor is not None:
        return _grown(next(iter(call.inputs), None), _number(parameters.get(reading.factor)))
    if reading.size is None:
        return next(iter(call.inputs), None) if call.follows else size_of(parameters)
    named = {name.casefold(): size for name, size in (reading.sizes or {}).items()}
    size = named.get(plain(parameters.get(reading.size)))
    return None if size is None else (size[0], size[1])


def _grown(size: Size | None, factor: Amount) -> Size | None:
    return None if size is None or factor is None else (int(size[0] * factor), int(size[1] * factor))


def _asked_seconds(reading: Reading, parameters: Parameters) -> Amount:
    seconds = _number(parameters.get(reading.of or ""))
    if seconds is None:
        return None if reading.longest is None else Decimal(str(reading.longest))
    if reading.rate is None:
        return seconds
    rate = _number(parameters.get(reading.rate) if isinstance(reading.rate, str) else reading.rate)
    return None if not rate else seconds / rate


def _snapped(measured: float | None, asked: Amount) -> Amount:
    """The length asked for, where a film has it but for a frame or two."""
    if measured is None:
        return asked
    seconds = Decimal(str(measured))
    return asked if asked is not None and abs(seconds - asked) <= SNAP else seconds


def _megapixels(size: Size | None) -> Amount:
    return None if size is None else Decimal(size[0] * size[1]) / MEGAPIXEL


def _number(value: Value) -> Amount:
    """A number, also as a text with its unit behind it: `5`, `"5"`, `8s`, `0.5 MP`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = NUMBER.fullmatch(str(value))
    return Decimal(found[1]) if found else None


def plain(value: Value) -> str:
    """What a parameter's value is compared by: `4K` and `4k`, `5` and `"5"`, `true` and `"true"` are the same."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).casefold()
