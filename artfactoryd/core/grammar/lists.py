"""Everything that is not a text: kinds of parameters, lists, ranges, draws, and how a value is typed."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import overload

from artfactoryd.core.grammar.tokens import BLANKS, split_raw
from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.parameters.json_schema import enum_of, types_of
from artfactoryd.core.parameters.written_otherwise import size_here, written_here
from artfactoryd.errors import Path, Problem

SCALARS: Schema = {"type": ["boolean", "number"]}  # what a list may hold where no schema says it
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_PLAIN = r"-?[0-9]{1,19}(?:\.[0-9]{1,9})?"
MOST_STEPS = 10**18
MOST_SHOWN = 80  # characters of a wrong value in a message
_RANGE = re.compile(rf"({_PLAIN})[ \t\n]*\.\.[ \t\n]*({_PLAIN})(?:[ \t\n]*\.\.[ \t\n]*({_PLAIN}))?")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list: the texts of its values. `column` from 1, where it begins."""

    column: int
    texts: tuple[str, ...]
    drawn: str | None = None  # a draw, as written: one of the texts for each item and copy


@dataclass(frozen=True, slots=True)
class Steps(Sequence[Value]):
    """A range: never written out. Whole numbers are int, others float."""

    column: int
    first: Decimal
    step: Decimal  # with its direction
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, place: int) -> Value: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Value]: ...
    def __getitem__(self, place: int | slice) -> Value:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self.length))]
        if not -self.length <= place < self.length:
            raise IndexError(place)
        return self.text(place % self.length)

    def text(self, place: int) -> Value:
        value = self.first + self.step * place
        return int(value) if value == value.to_integral_value() else float(value)

    def __hash__(self) -> int:
        return id(self)


def kind_of(name: str, schema: Schema, text: Sequence[str]) -> str:
    """text, list (integer, number, boolean, enum), array, or plain; for a schema that says a type."""
    if name in text:
        return "text"
    types = types_of(schema)
    if enum_of(schema) is not None or (types & {"integer", "number", "boolean"} and "string" not in types):
        return "list"
    return "array" if "array" in types else "plain"


def kind_without_schema(name: str, value: Value) -> str:
    """Where nothing is known of a parameter but its name and what was written for it."""
    if name == "prompt" or name.endswith("_prompt"):
        return "text"
    return "list" if isinstance(value, str) and _is_list_of_scalars(value) else "plain"


def _is_list_of_scalars(value: str) -> bool:
    """It has a comma, a range or a draw, and every part of it reads as a number or boolean."""
    parts = [part for item in split_raw(value, ",") for bar in split_raw(item, "|") for part in bar.split("..")]
    return len(parts) > 1 and all(_of_type(part.strip(BLANKS), SCALARS) for part in parts)


# --- reading a list ---


def read_list(value: str, path: Path, words: Sequence[Value]) -> tuple[list[Item | Steps], list[Problem]]:
    """The items of `4, 8..12, 1|2` in their order. `words`: values that are taken whole, whatever is in them."""
    items: list[Item | Steps] = []
    problems: list[Problem] = []
    column = 1
    for part in split_raw(value, ","):
        item = _item(part, column, path, words)
        if isinstance(item, Problem):
            problems.append(item)
        else:
            items.append(item)
        column += len(part) + 1
    return items, problems


def _item(part: str, column: int, path: Path, words: Sequence[Value]) -> Item | Steps | Problem:
    text = part.strip(BLANKS)
    start = column + len(part) - len(part.lstrip(BLANKS))
    if text in words:
        return Item(start, (text,))
    bars = split_raw(part, "|")
    dotted = len(split_raw(part, "..")) > 1
    for bar in bars:
        if not bar.strip(BLANKS):
            fix = "Take the extra comma away." if len(bars) == 1 else "Write a value on both sides of each |."
            return Problem("E_EMPTY_ITEM", "an item of this list is empty.", fix, path, column)
        column += len(bar) + 1
    if dotted:
        return _steps(text, start, path) if len(bars) == 1 else _no_range(text, start, path)
    texts = tuple(_plain(bar.strip(BLANKS)) for bar in bars)
    return Item(start, texts, None if len(bars) == 1 else text)


def _plain(text: str) -> str:
    return re.sub(r"\\([,|.\\])", r"\1", text)


def _no_range(text: str, start: int, path: Path) -> Problem:
    fix = "Write first..last or first..last..step, with plain numbers and no draw in it."
    return Problem("E_RANGE", f"{text[:60]} is not a range.", fix, path, start)


def _steps(text: str, start: int, path: Path) -> Steps | Problem:
    match = _RANGE.fullmatch(text)
    if match is None:
        return _no_range(text, start, path)
    first, last = Decimal(match[1]), Decimal(match[2])
    step = Decimal(match[3] or 1)
    if step <= 0:
        fix = f"Write a step above 0; the direction follows from the ends: {match[1]}..{match[2]}..1"
        return Problem("E_RANGE_STEP", f"the step {match[3]} leads nowhere.", fix, path, start)
    if match[3] is None and ("." in match[1] or "." in match[2]):
        fix = f"Add a step: {match[1]}..{match[2]}..0.1"
        return Problem("E_RANGE_STEP", "a range of decimal numbers needs a step.", fix, path, start)
    count = int(abs(last - first).scaleb(9)) // int(step.scaleb(9)) + 1
    if count > MOST_STEPS:
        message = f"this range has {count} values, more than can be made."
        return Problem("E_TOO_LARGE", message, "Write a smaller one.", path, start)
    return Steps(start, first, step if last >= first else -step, count)


# --- typing ---


def typed(text: str, schema: Schema) -> Value:
    """`text` as the schema's type; raises ValueError where it cannot be read as one."""
    for value in enum_of(schema) or ():
        if _is_written(text, value):
            return value
    for value in _of_type(text, schema):
        return value
    raise ValueError(text)


def _is_written(text: str, value: Value) -> bool:
    if isinstance(value, bool):
        return text in (_TRUE if value else _FALSE)
    if isinstance(value, int | float):
        return _NUMBER.fullmatch(text) is not None and float(text) == value
    return bool(text == value)


def _of_type(text: str, schema: Schema) -> list[Value]:
    """The value in a list; an empty one where the text is none of the schema's types."""
    types = types_of(schema)
    if "boolean" in types and text in _TRUE + _FALSE:
        return [text in _TRUE]
    if types & {"integer", "number"} and _NUMBER.fullmatch(text):
        return _number(text, "number" in types)
    return [text] if "string" in types else []


def _number(text: str, fractions: bool) -> list[int | float]:
    """`3`, `3.0` and `3e0` are all 3; a fraction only where the schema takes one."""
    value = float(text)
    if not math.isfinite(value):
        return []
    if value.is_integer():
        return [int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else int(value)]
    return [value] if fractions else []


def plain_number(value: Value, text: str) -> str:
    """YAML's own forms (0x10, 010) are numbers already: their value counts, not their characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and not _reads_as(text, value):
        return json.dumps(value)
    return text


def _reads_as(text: str, value: float) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False


def wrong_type(name: str, text: str, schema: Schema) -> tuple[str, str]:
    enum = enum_of(schema)
    text = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    if enum is not None:
        near = difflib.get_close_matches(text, [str(allowed) for allowed in enum], n=1)
        nearest = f"Did you mean {near[0]}?" if near else "Take one of them."
        fix = size_here(text, schema) or written_here(text, schema) or nearest
        return f"{name} is one of {', '.join(str(allowed) for allowed in enum)}; {text!r} is not.", fix
    wanted = " or ".join(sorted(types_of(schema)))
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    fix = written_here(text, schema) or "Correct the value."
    return f"{name} must be {words.get(wanted, wanted)}; {text!r} is not.", fix
