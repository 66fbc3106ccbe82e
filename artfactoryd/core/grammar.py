"""Tokens in texts, lists in everything else: how a written value becomes an axis of values.

Read in this part of the program: `[a,b]` tokens and the backslash in texts; commas and YAML lists
elsewhere. The rest of the language is recognised and refused by name (E_NOT_BUILT), because sent
as plain text it would cost money for pictures nobody asked for.
Columns count code points from 1 inside the value.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artfactoryd.errors import Path, Problem

BLANKS = " \t\n"
SCALARS: Mapping[str, Any] = {"type": ["boolean", "number"]}  # what a list may hold where no schema says it
_SIGN = re.compile(r"\\[\[\]|\\]|\[|\]|\|\|")  # what is not a literal in a text
_BRACKET = re.compile(r"\\.|\[|\]", re.DOTALL)
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_RANGE = re.compile(r"[-+]?[0-9.]*[0-9][ \t\n]*\.\.")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


@dataclass(frozen=True, slots=True)
class Choice:
    """One token: exactly one of `options` stands in its place. `token` is the text as written."""

    token: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """One text read for tokens: literals and choices in turn, the leftmost choice slowest."""

    parts: tuple[str | Choice, ...]

    @property
    def size(self) -> int:
        """How many texts it stands for; may be more than `len` can say."""
        return math.prod(len(part.options) for part in self.parts if isinstance(part, Choice))

    def extremes(self) -> tuple[str, str]:
        """A shortest and a longest of them."""
        shortest = (part if isinstance(part, str) else min(part.options, key=len) for part in self.parts)
        longest = (part if isinstance(part, str) else max(part.options, key=len) for part in self.parts)
        return "".join(shortest), "".join(longest)

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
        self._pairs, self._opened, self._closed = _brackets(value)

    def read(self) -> Text:
        parts: list[str | Choice] = []
        literal: list[str] = []
        place = 0
        while found := _SIGN.search(self.value, place):
            literal.append(self.value[place : found.start()])
            if found[0] == "[":
                choice, place = self._token(found.start())
                parts += ["".join(literal), *choice]
                literal = []
            else:
                literal.append(self._sign(found[0], found.start()))
                place = found.end()
        return Text(tuple(part for part in (*parts, "".join(literal) + self.value[place:]) if part != ""))

    def _sign(self, sign: str, place: int) -> str:
        """What a sign outside tokens stands for."""
        if sign == "]":
            self._problem("E_UNOPENED", place, "there is a ] without a [ before it.", r"Write \] for a plain bracket.")
        elif sign == "||":
            self._problem("E_NOT_BUILT", place, "sub-prompts (||) are not built yet.", "Write one order for each.")
        return sign[-1]

    def _token(self, start: int) -> tuple[list[Choice], int]:
        """The token that begins at `start` (nothing where it cannot be read), and the place after it."""
        end = self._end(start)
        body = self.value[start + 1 : end]
        inside = self._opened[bisect_right(self._opened, start) : bisect_left(self._opened, end)]
        choice: list[Choice] = []
        if end < len(self.value) and len(bars := _split_raw(body, "||")) > 1:
            fix = r"Write \|\| for plain bars."
            self._problem("E_SUBPROMPT_IN_TOKEN", start + 1 + len(bars[0]), "|| stands inside a token.", fix)
        elif inside:
            fix = r"Tokens cannot hold tokens; write \[ for a plain bracket."
            for place in inside:
                self._problem("E_NESTED", place, "a [ stands inside another token.", fix)
        elif end == len(self.value):
            fix = r"Add the ], or write \[ for a plain bracket."
            self._problem("E_UNCLOSED", start, "this [ is never closed.", fix)
        else:
            choice = self._choice(body, start)
        return choice, end + 1

    def _end(self, start: int) -> int:
        """The place of the token's closing bracket, or the end of the text.

        Brackets opened and closed inside belong to it, so that one mistake is told once; where they
        do not come out even, the next ] closes it.
        """
        if start in self._pairs:
            return self._pairs[start]
        following = bisect_right(self._closed, start)
        return self._closed[following] if following < len(self._closed) else len(self.value)

    def _choice(self, body: str, start: int) -> list[Choice]:
        if not body.strip(BLANKS):
            self._problem("E_EMPTY_TOKEN", start, "this token is empty.", "Write choices in it: [red,blue].")
            return []
        if unread := _not_built(body):
            column, message, fix = unread
            self._problem("E_NOT_BUILT", start + column, message, fix)
            return []
        options = [_unescaped(_trimmed(option)) for option in _split_raw(body, ",")]
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


def _brackets(value: str) -> tuple[dict[int, int], list[int], list[int]]:
    """Places of the unescaped brackets: pairs, all that open, all that close."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    closed: list[int] = []
    waiting: list[int] = []
    for found in _BRACKET.finditer(value):
        if found[0] == "[":
            opened.append(found.start())
            waiting.append(found.start())
        elif found[0] == "]":
            closed.append(found.start())
            if waiting:
                pairs[waiting.pop()] = found.start()
    return pairs, opened, closed


def _not_built(body: str) -> tuple[int, str, str] | None:
    """What a token means that is not read yet: (place from the bracket, message, way out)."""
    first = body.lstrip(BLANKS)[:1]
    if first == "~":
        return 0, "draws ([~a,b]) are not built yet.", "List the choices to make all of them: [a,b]."
    if first == "=":
        return 0, "references ([=name]) are not built yet.", "Write the words out."
    if len(bars := _split_raw(body, "|")) > 1:
        message = "other tools' alternation ([a|b]) is not built yet."
        return 1 + len(bars[0]), message, r"Write commas to make all of them: [a,b], or \| for a plain |."
    if len(colons := _split_raw(body, ":")) > 1:
        return _not_built_colon(body, colons)
    if len(_split_raw(body, ",")) == 1:
        fix = r"Write at least two choices, [red,blue], or \[ and \] for plain brackets."
        return 0, f"lookups, and tokens with one option such as [{_shown(body)}], are not built yet.", fix
    return None


def _not_built_colon(body: str, colons: Sequence[str]) -> tuple[int, str, str]:
    fix = r"Write \: for a plain : inside a token."
    count = colons[1]
    if len(colons) == 2 and re.fullmatch("[0-9]+", count.strip(BLANKS)):
        place = 1 + len(body) - len(count.lstrip(BLANKS))
        return place, f"samples ([x,y:2]) are not built yet, and [{_shown(body)}] is one.", fix
    return 1 + len(colons[0]), "other tools' prompt editing ([cat:dog:0.5]) is not built yet.", fix


def _shown(text: str) -> str:
    plain = text.strip(BLANKS)
    return plain if len(plain) <= 40 else plain[:40] + "…"


def _split_raw(body: str, sign: str) -> list[str]:
    """Split at unescaped `sign`s; escapes are kept."""
    parts, start = [], 0
    for found in re.finditer(r"\\.|" + re.escape(sign), body, re.DOTALL):
        if found[0] == sign:
            parts.append(body[start : found.start()])
            start = found.end()
    return [*parts, body[start:]]


def _trimmed(option: str) -> str:
    """Without the blanks around it, but for an escaped one at its end."""
    bare = option.strip(BLANKS)
    after = option.lstrip(BLANKS)[len(bare) :]
    escaping = (len(bare) - len(bare.rstrip("\\"))) % 2 == 1
    return bare + " " if escaping and after.startswith(" ") else bare


def _unescaped(option: str) -> str:
    plain = re.sub(r"^\\([^\W_])", r"\1", option)  # a "\" before the first letter or digit makes it a literal
    return re.sub(r"\\([\[\],:|=~* \\])", r"\1", plain)


# --- everything that is not a text -------------------------------------------------------------


def kind_of(name: str, schema: Mapping[str, Any], text: Sequence[str]) -> str:
    """text, list (integer, number, boolean, enum), array, or plain; for a schema that says a type."""
    if name in text:
        return "text"
    types = types_of(schema)
    if enum_of(schema) is not None or (types & {"integer", "number", "boolean"} and "string" not in types):
        return "list"
    return "array" if "array" in types else "plain"


def kind_without_schema(name: str, value: Any) -> str:
    """Where nothing is known of a parameter but its name and what was written for it."""
    if name == "prompt" or name.endswith("_prompt"):
        return "text"
    return "list" if isinstance(value, str) and _is_list_of_scalars(value) else "plain"


def _is_list_of_scalars(value: str) -> bool:
    """It has a comma, a range or a draw, and every part of it reads as a number or boolean."""
    parts = [part for item in _split_raw(value, ",") for bar in _split_raw(item, "|") for part in bar.split("..")]
    return len(parts) > 1 and all(_of_type(part.strip(BLANKS), SCALARS) for part in parts)


def branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema and the alternatives inside it (allOf, anyOf, oneOf): each says its own type or enum."""
    yield schema
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key) or ():
            if isinstance(part, Mapping):
                yield from branches(part)


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types a schema allows, but for null; of a branch with an enum, the enum says it."""
    types: set[str] = set()
    for branch in branches(schema):
        found = () if _values_of(branch) is not None else branch.get("type") or ()
        types |= {found} if isinstance(found, str) else set(found)
    return types - {"null"}


def enum_of(schema: Mapping[str, Any]) -> list[Any] | None:
    """All values that the enums in a schema name; None when it has no enum."""
    found = [values for branch in branches(schema) if (values := _values_of(branch)) is not None]
    return [value for values in found for value in values if value is not None] if found else None


def _values_of(branch: Mapping[str, Any]) -> list[Any] | None:
    if "const" in branch:
        return [branch["const"]]
    return list(branch["enum"]) if "enum" in branch else None


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
    if _RANGE.match(part.lstrip(BLANKS)):
        fix = "Write the values out with commas."
        return Problem("E_NOT_BUILT", "ranges (1..8) are not built yet.", fix, path=path, column_in_value=start)
    return None


def typed(text: str, schema: Mapping[str, Any]) -> Any:
    """`text` as the schema's type; raises ValueError where it cannot be read as one."""
    for value in enum_of(schema) or ():
        if _is_written(text, value):
            return value
    for value in _of_type(text, schema):
        return value
    raise ValueError(text)


def _is_written(text: str, value: Any) -> bool:
    if isinstance(value, bool):
        return text in (_TRUE if value else _FALSE)
    if isinstance(value, int | float):
        return _NUMBER.fullmatch(text) is not None and float(text) == value
    return bool(text == value)


def _of_type(text: str, schema: Mapping[str, Any]) -> list[Any]:
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
