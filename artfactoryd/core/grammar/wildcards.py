"""Values as other tools' wildcard files have them: `{a|b}`, `2$$`, `__name__`, `2::value`, comments.

They are read in the random meaning: what varies inside a value is a draw. What they mean with the lookups they name is
`lookups`; how a draw is decided is `expansion`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

from artfactoryd.core.grammar.foreign_syntax import foreign_syntax

JOINER = ", "
MOST_SHOWN = 60  # characters of a value in a message
MOST_DEEP = 30  # variants inside variants
MOST_PICKED = 1000
_COMMENT = re.compile(r"(?:^|(?<=\s))(?:#(?![0-9a-fA-F]{3,8}\b|[0-9]+\b)|//).*|/\*.*?\*/")
_WEIGHT = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15})::\s*")
_NO_COUNT = re.compile(r"[^{}|]*\$\$")
_COUNT = re.compile(r"\s*(?:(?P<exact>[0-9]{1,4})|(?P<least>[0-9]{1,4})?-(?P<most>[0-9]{1,4})?)\$\$")
_JOINED = re.compile(r"([^${}]*)\$\$")
_WILD = re.compile(r"__~?([^\s_(){}$#|@!~][^(){}$#|]*?)__")
_SIGN = re.compile(r"\{|\}|\||__|\$\{|%\{")
# What no wildcard reader of this house understands; the first that is met is told.
_NOT_UNDERSTOOD = (
    (re.compile(r"\$\{"), "a variable"), (re.compile(r"%\{"), "a wrapping"),
    (re.compile(r"\{\{|\{%"), "a Jinja template"), (re.compile(r"\{\s*[!@]"), "a sampler of its own"),
    (re.compile(r"__[!@]"), "a sampler of its own"), (re.compile(r"[0-9]+#__"), "a repeated wildcard"),
    (re.compile(r"__[^\s_()]+\([^()]*\)__"), "a wildcard with variables"), (re.compile(r"\\[{}|]"), "an escape"),
    (re.compile(r"\$\$[^${}|]*__[^${}|]*\$\$"), "a draw between the values"),
    (re.compile(rf"(?:^|[{{|])(?!{_WEIGHT.pattern})\s*[-+]?[0-9.][0-9.,eE+\-]*::"), "a weight"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wild:
    """`__name__`: one of the values of a lookup."""

    token: str
    name: str


@dataclass(frozen=True, slots=True)
class Variant:
    """`{2$$a|3::b}`: some of the options. `token` as written."""

    token: str
    options: tuple[Recipe, ...]
    weights: tuple[str, ...]
    least: int = 1
    most: int = 1
    joiner: str = JOINER


Recipe = tuple["str | Wild | Variant", ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What of a value is not understood. `name`: what a model's `syntax` calls it; empty: no model has it."""

    message: str
    fix: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """`text` without weight and comment; `recipe` where it holds a draw. `number`: its line, or its place from 0."""

    text: str
    number: int
    weight: str = "1"
    recipe: Recipe | None = None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class Wildcards(Sequence[str]):
    """A lookup read so. As a sequence: its values as they are written, weights and all.

    `file`: where it lies; empty of one in an order.
    """

    written: tuple[str, ...]
    entries: tuple[Entry, ...]
    file: str = ""

    @property
    def is_plain(self) -> bool:
        """A list of values as any other."""
        plain = all(entry.recipe is None and entry.weight == "1" and not entry.doubts for entry in self.entries)
        return plain and self.written == tuple(entry.text for entry in self.entries)

    def __len__(self) -> int:
        return len(self.written)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        return self.written[place]


def read_wildcards(values: Sequence[tuple[int, str]], file: str = "") -> Wildcards:
    """`values`: each with its line."""
    entries = [entry for number, value in values if (entry := read_entry(value, number)) is not None]
    return Wildcards(tuple(value for _, value in values), tuple(entries), file)


def read_entry(value: str, number: int = 0) -> Entry | None:
    """None of a comment alone."""
    if _NO_SIGN.fullmatch(value):
        return Entry(value, number)
    if (recipe := _of_plain_parts(value)) is not None:
        return Entry(value, number, recipe=recipe)
    text = _COMMENT.sub("", value).strip() if "#" in value or "//" in value or "/*" in value else value
    if not text and value:
        return None
    weight = "1"
    if found := _WEIGHT.match(text):
        weight, text = found[1] if found[1][0] != "." else f"0{found[1]}", text[found.end() :]
    if text.isalnum():
        return Entry(text, number, weight)
    if doubt := _not_understood(text):
        return Entry(text, number, weight, doubts=(doubt,))
    try:
        recipe = _Reader(text).read()
    except _Unreadable as error:
        return Entry(text, number, weight, doubts=(_doubt(text, str(error)),))
    doubts = tuple(
        Doubt(message, fix, name) for part in _literals(recipe) for _, message, fix, name in foreign_syntax(part)
    )
    is_plain = all(isinstance(part, str) for part in recipe)
    return Entry("".join(map(str, recipe)) if is_plain else text, number, weight, None if is_plain else recipe, doubts)


# Lists may have a hundred thousand values, and what varies in them is mostly the same few variants and wildcards: each
# of these is read once. What holds any other sign is read as a whole.
_NO_SIGN = re.compile(r"[^{}|_$%\\\[\]()<>#@!:/*\0]*")
_PARTS = re.compile(rf"(\{{[^{{}}]*\}}|{_WILD.pattern.replace('(', '(?:', 1)})")


def _of_plain_parts(text: str) -> Recipe | None:
    """Of variants and wildcards among words without a sign, as reading it from left to right gives it; else None."""
    pieces = _PARTS.split(text)
    if len(pieces) == 1 or not _NO_SIGN.fullmatch("".join(pieces[::2])):
        return None
    parts: list[str | Wild | Variant] = []
    for place, piece in enumerate(pieces):
        part = _part_alone(piece) if place % 2 else piece
        if part is None:
            return None
        if part:
            parts.append(part)
    return tuple(parts)


@lru_cache(maxsize=10_000)
def _part_alone(token: str) -> Wild | Variant | None:
    """A variant or a wildcard; None where something in it is not understood."""
    if _not_understood(token) is not None:
        return None
    try:
        part, *more = _Reader(token).read()
    except _Unreadable:
        return None
    is_known = not any(True for literal in _literals((part,)) for _ in foreign_syntax(literal))
    return part if is_known and not more and not isinstance(part, str) else None


_BRACKETS = re.compile(r"(?<!\\)\[[^\[\]]*\]")


def _not_understood(text: str) -> Doubt | None:
    for form, what in _NOT_UNDERSTOOD:
        if form.search(text):
            return _doubt(text, f"{what} of another tool, and is not understood")
    if brackets := _BRACKETS.search(text):
        kind = "alternation" if "|" in brackets[0] else "editing" if ":" in brackets[0] else "weights"
        message = f"{brackets[0][:MOST_SHOWN]} is sent as it stands: nothing in brackets is read in a value."
        return Doubt(message, "For one of several write {a|b}; for a lookup __name__.", kind)
    return None


def _doubt(text: str, why: str) -> Doubt:
    fix = "Write it with {a|b} and __name__ alone, or take it out; approved, it is sent as it stands."
    return Doubt(f"{text[:MOST_SHOWN]} holds {why}.", fix)


def _literals(recipe: Recipe) -> Iterator[str]:
    """It, and its options, with a mark where a draw stands: what is around one counts as well."""
    yield "".join(part if isinstance(part, str) else "\0" for part in recipe)
    for part in recipe:
        if isinstance(part, Variant):
            for option in part.options:
                yield from _literals(option)


class _Unreadable(Exception):
    """Why a value cannot be read, as the end of a sentence."""


class _Reader:
    """Reads one value from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def read(self) -> Recipe:
        return self._parts(0)

    def _parts(self, depth: int) -> Recipe:
        """Up to the end, or of an option up to the | or } behind it."""
        parts: list[str | Wild | Variant] = []
        literal = ""
        while self._place < len(self._text):
            found = _SIGN.search(self._text, self._place)
            end = found.start() if found else len(self._text)
            literal, self._place = literal + self._text[self._place : end], end
            if found is None or (depth and found[0] in "|}"):
                break
            part = self._part(found[0], depth)
            if isinstance(part, str):
                literal += part
                continue
            parts += [*([literal] if literal else []), part]
            literal = ""
        return (*parts, literal) if literal or not parts else tuple(parts)

    def _part(self, sign: str, depth: int) -> str | Wild | Variant:
        if sign == "{":
            return self._variant(depth)
        wild = _WILD.match(self._text, self._place) if sign == "__" else None
        self._place = wild.end() if wild else self._place + len(sign)
        return Wild(wild[0], _name(wild[1])) if wild else sign

    def _variant(self, depth: int) -> Variant:
        if depth >= MOST_DEEP:
            raise _Unreadable("too many { inside each other")
        start, self._place = self._place, self._place + 1
        if found := re.compile(r"\s*~").match(self._text, self._place):
            self._place = found.end()
        least, most, joiner = self._count()
        options, weights = [], []
        while True:
            option, weight = self._option(depth)
            options.append(option)
            weights.append(weight)
            if self._place >= len(self._text):
                raise _Unreadable("a { that is not closed on its line")
            self._place += 1
            if self._text[self._place - 1] == "}":
                break
        return Variant(self._text[start : self._place], tuple(options), tuple(weights), least, most, joiner)

    def _count(self) -> tuple[int, int, str]:
        count = _COUNT.match(self._text, self._place)
        if count is None:
            return 1, 1, JOINER
        self._place = count.end()
        joined = _JOINED.match(self._text, self._place)
        self._place = joined.end() if joined else self._place
        least = int(count["exact"] or count["least"] or 1)
        most = int(count["exact"] or count["most"] or MOST_PICKED)
        return min(least, most), max(least, most), joined[1] if joined else JOINER

    def _option(self, depth: int) -> tuple[Recipe, str]:
        weight = _WEIGHT.match(self._text, self._place)
        blanks = re.compile(r"\s*").match(self._text, self._place)
        self._place = weight.end() if weight else blanks.end() if blanks else self._place
        if _NO_COUNT.match(self._text, self._place):
            raise _Unreadable("a number before $$ that is none")
        told = weight[1] if weight else "1"
        return self._parts(depth + 1), f"0{told}" if told.startswith(".") else told


def _name(written: str) -> str:
    """Of a lookup, as its file is called."""
    name = re.sub(r"[\\/]+", "/", written.strip()).strip("/")
    return re.sub(r"\.(txt|ya?ml|json)$", "", name, flags=re.IGNORECASE)
