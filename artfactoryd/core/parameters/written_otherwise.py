"""Values as people write them elsewhere, and what is meant here: `1-3`, `80%`, `yes`, `1920x1080`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.parameters.json_schema import enum_of, types_of

MOST_READ = 200  # characters of a wrong value that is looked at
NUMBERS = frozenset({"integer", "number"})
_N = r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?"
_RANGE = re.compile(
    rf"({_N})\s*(?:-|\u2013|\u2014|\u2026|\.\.\.|:|~|to|until|bis)\s*({_N})(?:\s*(?:by|step|:|\.\.|/)\s*({_N}))?", re.I
)
_LIST = re.compile(rf"[\[({{]?\s*({_N}(?: ?[,;| ] ?{_N})+)\s*[\])}}]?")
_UNIT = re.compile(rf"[$\u20ac\u00a3]?\s*({_N})\s*(?:%|[$\u20ac\u00a3]|[A-Za-z]{{1,12}})?")
_COMMA = re.compile(r"([0-9]{1,12}),([0-9]{1,2})")
_SIZE = re.compile(r"([0-9]{1,5})\s*[x\u00d7*:/]\s*([0-9]{1,5})", re.I)
_YES, _NO = frozenset({"yes", "y", "on", "1"}), frozenset({"no", "n", "off", "0"})
_SHAPES = {
    "square": 1.0, "landscape": 16 / 9, "wide": 16 / 9, "widescreen": 16 / 9, "horizontal": 16 / 9,
    "portrait": 9 / 16, "vertical": 9 / 16, "tall": 9 / 16, "story": 9 / 16,
}  # fmt: skip


def written_here(text: str, schema: Schema, lists: bool = True) -> str:
    """What to write for a value that is wrong; empty where nobody can tell. `lists`: whether commas and ranges are
    read there."""
    text = " ".join(text[:MOST_READ].split())
    types = types_of(schema)
    if (enum := enum_of(schema)) is not None:
        return _shape(text, enum)
    if types & NUMBERS:
        return _number(text, lists)
    if "boolean" in types and text.casefold() in _YES | _NO:
        return f"Write {'true' if text.casefold() in _YES else 'false'}."
    return ""


def _number(text: str, lists: bool) -> str:
    if lists and (ends := _RANGE.fullmatch(text)):
        step = f"..{ends[3]}" if ends[3] else "..0.1" if "." in ends[1] + ends[2] else ""
        return f"Write {ends[1]}..{ends[2]}{step} for all from {ends[1]} to {ends[2]}."
    if lists and (written := _LIST.fullmatch(text)):
        return f"Write {', '.join(re.findall(_N, written[1]))}."
    if lists and text.casefold() in ("random", "rand", "auto"):
        return "Leave it out: then each item has its own."
    if not lists and (decimal := _COMMA.fullmatch(text)):
        return f"Write {decimal[1]}.{decimal[2]}."
    if (number := _UNIT.fullmatch(text)) and (lists or "%" not in text):
        return f"Write {number[1]}."
    return ""


def _shape(text: str, enum: Sequence[Value]) -> str:
    """`1920x1080` and `widescreen` as the ratio that is nearest, of those there are."""
    size = _SIZE.fullmatch(text)
    wanted = int(size[1]) / int(size[2]) if size and int(size[2]) else _SHAPES.get(text.casefold())
    ratios = {str(one): int(found[1]) / int(found[2]) for one in enum if (found := _SIZE.fullmatch(str(one)))}
    if not wanted or not ratios:
        return ""
    near = min(ratios, key=lambda one: abs(math.log(ratios[one] / wanted)))
    return f"Did you mean {near}?" if abs(math.log(ratios[near] / wanted)) < 0.05 else ""


def size_here(text: str, schema: Schema) -> str:
    """`1024x768` where a parameter takes keys with values."""
    size = _SIZE.fullmatch(text.strip()[:MOST_READ])
    return f"Write {{width: {size[1]}, height: {size[2]}}}." if size and "object" in types_of(schema) else ""


def as_list(text: str) -> str:
    """A list that was given as one text: `red, blue` as `[red, blue]`."""
    parts = [part.strip() for part in re.split(r"[,;\n|]", text.strip("[](){} \n")[:MOST_READ]) if part.strip()]
    words = [part if re.fullmatch(r"[^\W\d][\w ./-]*", part) else f'"{part}"' for part in parts]
    return f"[{', '.join(words)}]"
