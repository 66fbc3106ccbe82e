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

    @property
    def count(self) -> int:
        return self.asked if self.outputs is None else len(self.outputs)


@dataclass(frozen=True, slots=True)
class Reading:
    """Where an amount is read: `of` is the parameter that tells it, `rate` what that is divided by (a number, or a
    parameter's name), `size` the parameter whose values name sizes in `sizes`."""

    of: str | None = None
    rate: str | float | None = None
    size: str | None = None
    sizes: Mapping[str, Sequence[int]] | None = None

    @property
    def parameters(self) -> set[str]:
        return {name for name in (self.of, self.rate, self.size) if isinstance(name, str)}


def amounts(per: str, reading: Reading, call: Call) -> Amounts:
    return BY_UNIT[per](reading, call)


def _images(reading: Reading, call: Call) -> Amounts:
    return [Decimal(1)] * call.count


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
    seconds = _output_seconds(Reading(of=reading.of), call)
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
    return _number(call.parameters.get(reading.of)) if reading.of else _megapixels(_size(reading, call))


def _size(reading: Reading, call: Call) -> Size | None:
    parameters = call.parameters
    if reading.size is None:
        return next(iter(call.inputs), None) if call.follows else size_of(parameters)
    named = {name.casefold(): size for name, size in (reading.sizes or {}).items()}
    size = named.get(plain(parameters.get(reading.size)))
    return None if size is None else (size[0], size[1])


def _asked_seconds(reading: Reading, parameters: Parameters) -> Amount:
    seconds = _number(parameters.get(reading.of or ""))
    if seconds is None or reading.rate is None:
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
