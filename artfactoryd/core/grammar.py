"""Tokens in texts, lists in everything else: how a written value becomes an axis of values.

Read in this part of the program: `[a,b]` tokens and the backslash in texts; commas and YAML lists
elsewhere. The rest of the language is recognised and refused by name (E_NOT_BUILT), because sent
as plain text it would cost money for pictures nobody asked for.
Columns count code points from 1 inside the value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artfactoryd.errors import Path, Problem

BLANKS = " \t\n"
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_RANGE = re.compile(r"\s*-?\d+(\.\d+)?\s*\.\.")


@dataclass(frozen=True, slots=True)
class Choice:
    """One token: exactly one of `options` stands in its place. `token` is the text as written."""

    token: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """One text read for tokens: literals and choices in turn, the leftmost choice slowest."""

    parts: tuple[str | Choice, ...]

    def __len__(self) -> int:
        return math.prod(len(part.options) for part in self.parts if isinstance(part, Choice))

    def at(self, place: int) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The text at `place` and the (token, value) pairs it took."""
        pieces: list[str] = []
        taken: list[tuple[str, str]] = []
        for part in reversed(self.parts):
            if isinstance(part, Choice):
                place, chosen = divmod(place, len(part.options))
                pieces.append(part.options[chosen])
                taken.append((part.token, part.options[chosen]))
            else:
                pieces.append(part)
        return "".join(reversed(pieces)), tuple(reversed(taken))


class TextReader:
    """Reads one text; everything wrong with it is in `problems`, not only the first."""

    def __init__(self, value: str, path: Path) -> None:
        self.value = value
        self.path = path
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def read(self) -> Text:
        parts: list[str | Choice] = []
        literal = ""
        place = 0
        while place < len(self.value):
            char = self.value[place]
            if char == "\\" and self.value[place + 1 : place + 2] in tuple("[]|\\"):
                literal, place = literal + self.value[place + 1], place + 2
            elif char == "[":
                end = self._end_of_token(place)
                parts += [literal] if literal else []
                parts += self._token(place, end)
                literal, place = "", end + 1
            else:
                self._look_at(char, place)
                literal, place = literal + char, place + (2 if self.value.startswith("||", place) else 1)
        return Text((*parts, literal) if literal or not parts else tuple(parts))

    def _look_at(self, char: str, place: int) -> None:
        if char == "]":
            self._problem("E_UNOPENED", place, "there is a ] without a [ before it.", r"Write \] for a plain bracket.")
        if self.value.startswith("||", place):
            self._problem("E_NOT_BUILT", place, "sub-prompts (||) are not built yet.", "Write one order for each.")

    def _end_of_token(self, start: int) -> int:
        """The place of the closing bracket, or the end of the text; nesting and openness are named."""
        place = start + 1
        while place < len(self.value) and self.value[place] != "]":
            if self.value[place] == "[":
                message = "a [ stands inside another token."
                self._problem("E_NESTED", place, message, r"Tokens cannot hold tokens; write \[ for a plain bracket.")
            place += 2 if self.value[place] == "\\" else 1
        if place >= len(self.value):
            message = "this [ is never closed."
            self._problem("E_UNCLOSED", start, message, r"Add the ], or write \[ for a plain bracket.")
        return place

    def _token(self, start: int, end: int) -> list[Choice]:
        body = self.value[start + 1 : end]
        if not body.strip(BLANKS):
            self._problem("E_EMPTY_TOKEN", start, "this token is empty.", "Write choices in it: [red,blue].")
            return []
        unread = _not_built(body)
        if unread:
            column, message, fix = unread
            self._problem("E_NOT_BUILT", start + column, message, fix)
            return []
        options = [_unescaped(option) for option in _split(body, ",")]
        return [Choice(f"[{body}]", self._without_repeats(options, start))]

    def _without_repeats(self, options: Sequence[str], start: int) -> tuple[str, ...]:
        kept = tuple(dict.fromkeys(options))
        if len(kept) < len(options):
            self.warnings.append(self._say("W_DUP", start, "repeated options were dropped.", ""))
        return kept

    def _problem(self, code: str, place: int, message: str, fix: str) -> None:
        self.problems.append(self._say(code, place, message, fix))

    def _say(self, code: str, place: int, message: str, fix: str) -> Problem:
        return Problem(code, message, fix, path=self.path, column_in_value=place + 1)


def _not_built(body: str) -> tuple[int, str, str] | None:
    """What a token means that is not read yet: (place from the bracket, message, way out)."""
    if "||" in body:
        return body.index("||") + 1, "sub-prompts (||) are not built yet.", "Write one order for each."
    first = body.lstrip(BLANKS)[:1]
    if first == "~":
        return 0, "draws ([~a,b]) are not built yet.", "List the choices to make all of them: [a,b]."
    if first == "=":
        return 0, "references ([=name]) are not built yet.", "Write the words out."
    for sign, name in (("|", "alternatives ([a|b])"), (":", "samples and counts ([x,y:2])")):
        if len(_split(body, sign)) > 1:
            place = 1 + len(_split_raw(body, sign)[0])
            return place, f"{name} are not built yet.", f"Write \\{sign} for a plain {sign} inside a token."
    if len(_split(body, ",")) == 1:
        fix = r"Write at least two choices, [red,blue], or \[ and \] for plain brackets."
        return 0, f"a token with one option ([{body.strip(BLANKS)}]) may name a lookup; lookups are not built yet.", fix
    return None


def _split_raw(body: str, sign: str) -> list[str]:
    """Split at unescaped `sign`s; escapes are kept."""
    parts, current, place = [], "", 0
    while place < len(body):
        if body[place] == "\\":
            current, place = current + body[place : place + 2], place + 2
        elif body[place] == sign:
            parts.append(current)
            current, place = "", place + 1
        else:
            current, place = current + body[place], place + 1
    return [*parts, current]


def _split(body: str, sign: str) -> list[str]:
    return [part.strip(BLANKS) if not part.endswith("\\ ") else part.lstrip(BLANKS) for part in _split_raw(body, sign)]


def _unescaped(option: str) -> str:
    plain = re.sub(r"^\\(\w)", r"\1", option)  # a "\" before the first letter makes it a literal
    return re.sub(r"\\([\[\],:|=~* \\])", r"\1", plain)


# --- everything that is not a text -------------------------------------------------------------


def kind_of(name: str, schema: Mapping[str, Any], text: Sequence[str]) -> str:
    """text, list (integer, number, boolean, enum), array, or plain."""
    if name in text:
        return "text"
    if enum_of(schema) is not None or types_of(schema) & {"integer", "number", "boolean"}:
        return "list"
    return "array" if "array" in types_of(schema) else "plain"


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types a schema allows, looking into allOf, anyOf and oneOf."""
    found = schema.get("type")
    types = {found} if isinstance(found, str) else set(found or ())
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key) or ():
            types |= types_of(part)
    return types - {"null"}


def enum_of(schema: Mapping[str, Any]) -> list[Any] | None:
    if "enum" in schema:
        return list(schema["enum"])
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key) or ():
            if "enum" in part:
                return list(part["enum"])
    return None


def split_list(value: str, path: Path) -> tuple[list[tuple[str, int]], list[Problem]]:
    """The items of `4, 8` with the column each begins at; ranges and draws are refused by name."""
    items: list[tuple[str, int]] = []
    problems: list[Problem] = []
    column = 1
    for part in _split_raw(value, ","):
        problem = _list_item_problem(part, column, path)
        if problem:
            problems.append(problem)
        else:
            lead = len(part) - len(part.lstrip(BLANKS))
            items.append((re.sub(r"\\([,|.\\])", r"\1", part.strip(BLANKS)), column + lead))
        column += len(part) + 1
    return items, problems


def _list_item_problem(part: str, column: int, path: Path) -> Problem | None:
    if not part.strip(BLANKS):
        fix = "Take the extra comma away."
        return Problem("E_EMPTY_ITEM", "an item of this list is empty.", fix, path=path, column_in_value=column)
    start = column + len(part) - len(part.lstrip(BLANKS))
    if len(_split_raw(part, "|")) > 1:
        fix = "Write the values with commas to make all of them."
        return Problem("E_NOT_BUILT", "draws (4|8) are not built yet.", fix, path=path, column_in_value=start)
    if _RANGE.match(part):
        fix = "Write the values out with commas."
        return Problem("E_NOT_BUILT", "ranges (1..8) are not built yet.", fix, path=path, column_in_value=start)
    return None


def typed(text: str, schema: Mapping[str, Any]) -> Any:
    """`text` as the schema's type; raises ValueError where it cannot be read as one."""
    enum = enum_of(schema)
    if enum is not None:
        return _of_enum(text, enum)
    types = types_of(schema)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & {"integer", "number"} and _NUMBER.fullmatch(text):
        return _number(text, "number" in types)
    raise ValueError(text)


def _of_enum(text: str, enum: Sequence[Any]) -> Any:
    for value in enum:
        if text == (value if isinstance(value, str) else json.dumps(value)):
            return value
    raise ValueError(text)


def _number(text: str, fractions: bool) -> int | float:
    """`3`, `3.0` and `3e0` are all 3; a fraction only where the schema takes one."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    if value.is_integer():
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else int(value)
    if not fractions:
        raise ValueError(text)
    return value
