"""How a text is written: sub-prompts, tokens, the backslash. What the tokens mean with lookups is `texts`.

Columns count code points from 1 inside the value. Reading goes on after a mistake, so that all are told.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from artfactoryd.core.grammar.foreign_syntax import foreign_syntax, understood
from artfactoryd.errors import Path, Problem

BLANKS = " \t\n"
_SIGN = re.compile(r"\\[\[\]|\\]|\[|\]|\|\|")  # what is not a literal in a text
_BRACKET = re.compile(r"\\.|\[|\]", re.DOTALL)
_WEIGHT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
LONGEST_COUNT = 15  # digits; no token has as many values


@dataclass(frozen=True, slots=True)
class Option:
    """`place`: index in the value. `plain`: a lookup may have this name."""

    text: str
    place: int
    plain: bool = True
    weight: str = "1"


@dataclass(frozen=True, slots=True)
class Choice:
    """`[a,b:1]`; of a draw, `[~a,b*2]`, one option is taken for each item. `token` is the text as written."""

    token: str
    place: int
    options: tuple[Option, ...]
    drawn: bool = False
    count: int | None = None
    count_place: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """`[=color]`"""

    token: str
    place: int
    name: str


Part = str | Choice | Reference


@dataclass
class _Sub:
    """A sub-prompt while it is read."""

    start: int
    parts: list[Part] = field(default_factory=list)
    has_token: bool = False  # also one that could not be read

    def add(self, literal: str) -> None:
        if self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] += literal
        elif literal:
            self.parts.append(literal)

    def trim(self, first: bool, last: bool) -> None:
        """Blanks around each || go."""
        if not first and self.parts and isinstance(self.parts[0], str):
            self.parts[0] = self.parts[0].lstrip(BLANKS)
        if not last and self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] = self.parts[-1].rstrip(BLANKS)
        self.parts = [part for part in self.parts if part != ""]


class TextReader:
    """Reads one text; everything wrong with it is in `problems`, not only the first.

    `syntax`: other tools' syntax that the model understands.
    """

    def __init__(self, value: str, path: Path, syntax: Sequence[str] = ()) -> None:
        self.value = value
        self.path = path
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._syntax = syntax
        self._pairs, self._opened, self._closed = _brackets(value)
        self._tokens: list[tuple[int, int]] = []

    def read(self) -> tuple[tuple[Part, ...], ...]:
        """The parts of each sub-prompt."""
        subs = [_Sub(0)]
        place = 0
        while found := _SIGN.search(self.value, place):
            subs[-1].add(self.value[place : found.start()])
            if found[0] == "[":
                place = self._token(found.start(), subs[-1])
                continue
            place = found.end()
            if found[0] == "||":
                subs.append(_Sub(place))
            else:
                self._sign(found[0], found.start(), subs[-1])
        subs[-1].add(self.value[place:])
        self._finish(subs)
        return tuple(tuple(sub.parts) for sub in subs)

    def _sign(self, sign: str, place: int, sub: _Sub) -> None:
        if sign == "]":
            self._problem("E_UNOPENED", place, "there is a ] without a [ before it.", r"Write \] for a plain bracket.")
        sub.add(sign[-1])

    def _finish(self, subs: Sequence[_Sub]) -> None:
        for number, sub in enumerate(subs):
            sub.trim(number == 0, number == len(subs) - 1)
            if len(subs) > 1 and not sub.parts and not sub.has_token:
                fix = "Write a text on both sides of each ||, or take the || away."
                self._problem("E_EMPTY_SUBPROMPT", sub.start, "a sub-prompt is empty.", fix)
        for place, message, fix, name in foreign_syntax(self._without_tokens()):
            if not understood(name, self._syntax):
                self.warnings.append(self._say("W_FOREIGN", place, message, fix, holds=True))

    def _without_tokens(self) -> str:
        """What stands in tokens is our own syntax, and is blotted out."""
        pieces, place = [], 0
        for start, end in self._tokens:
            pieces += [self.value[place:start], "\0" * (end - start)]
            place = end
        return "".join([*pieces, self.value[place:]])

    # --- one token ---

    def _token(self, start: int, sub: _Sub) -> int:
        """Reads the token that begins at `start` into `sub`; the place after it."""
        end = self._end(start)
        body = self.value[start + 1 : end]
        inside = self._opened[bisect_right(self._opened, start) : bisect_left(self._opened, end)]
        sub.has_token = True
        self._tokens.append((start, min(end + 1, len(self.value))))
        if end < len(self.value) and len(bars := split_raw(body, "||")) > 1:
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
            self._read_body(body, start, sub)
        return end + 1

    def _end(self, start: int) -> int:
        """The place of the token's closing bracket, or the end of the text.

        Brackets opened and closed inside belong to it, so that one mistake is told once; where they
        do not come out even, the next ] closes it.
        """
        if start in self._pairs:
            return self._pairs[start]
        following = bisect_right(self._closed, start)
        return self._closed[following] if following < len(self._closed) else len(self.value)

    def _read_body(self, body: str, start: int, sub: _Sub) -> None:
        token, sign = f"[{body}]", body.lstrip(BLANKS)[:1]
        if not body.strip(BLANKS):
            self._empty(start)
        elif sign == "=":
            sub.parts.append(Reference(token, start, body.strip(BLANKS)[1:].strip(BLANKS)))
        elif (foreign := _foreign(body, sign == "~")) is not None:
            self._pass_through(start, start + 1 + foreign, token, sub)
        elif sign == "~":
            self._draw(body, start, token, sub)
        else:
            self._choice(body, start, token, sub)

    def _empty(self, start: int) -> None:
        self._problem("E_EMPTY_TOKEN", start, "this token is empty.", "Write choices in it: [red,blue].")

    def _pass_through(self, start: int, place: int, token: str, sub: _Sub) -> None:
        """Another tool's token, kept as it is."""
        name = "alternation" if self.value[place] == "|" else "editing"
        message = f"{token} is another tool's syntax, and is sent as it stands."
        fix = r"Write commas to make every choice: [a,b]. Write \| and \: for plain signs."
        holds = not understood(name, self._syntax)
        self.warnings.append(self._say("W_PASSTHROUGH", place, message, fix, holds=holds))
        sub.add(token)

    def _draw(self, body: str, start: int, token: str, sub: _Sub) -> None:
        sign = body.index("~")
        options = [_weighed(part, place) for part, place in _parts(body[sign + 1 :], start + sign + 2)]
        if len(options) == 1 and not body[sign + 1 :].strip(BLANKS):
            self._empty(start)
        else:
            sub.parts.append(Choice(token, start, tuple(options), drawn=True))

    def _choice(self, body: str, start: int, token: str, sub: _Sub) -> None:
        body, colon, digits = _counted(body)
        options = tuple(_option(part, place) for part, place in _parts(body, start + 1))
        place = start + 2 + len(body) + len(digits) - len(digits.lstrip(BLANKS))
        count = _number(digits) if colon else None
        if len(options) == 1 and not body.strip(BLANKS):
            self._empty(start)
        elif count == 0:
            fix = f"Take at least 1, or leave :{digits.strip(BLANKS)} away to make them all."
            self._problem("E_SAMPLE_ZERO", place, "a sample of none makes nothing.", fix)
        else:
            sub.parts.append(Choice(token, start, options, count=count, count_place=place))

    def _problem(self, code: str, place: int, message: str, fix: str) -> None:
        self.problems.append(self._say(code, place, message, fix))

    def _say(self, code: str, place: int, message: str, fix: str, holds: bool = False) -> Problem:
        return Problem(code, message, fix, path=self.path, column_in_value=place + 1, holds=holds)


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


def _foreign(body: str, is_draw: bool) -> int | None:
    """The place in the body of the sign that makes it another tool's token; None when it is ours."""
    if len(bars := split_raw(body, "|")) > 1:
        return len(bars[0])
    colons = split_raw(body, ":")
    if len(colons) == 1 or (len(colons) == 2 and not is_draw and _is_count(colons[1])):
        return None
    return len(colons[0])


def _is_count(text: str) -> bool:
    return re.fullmatch("[0-9]+", text.strip(BLANKS)) is not None


def _counted(body: str) -> tuple[str, bool, str]:
    """The body without `:N`, whether it had one, and what stood behind the colon."""
    colons = split_raw(body, ":")
    return (body, False, "") if len(colons) == 1 else (colons[0], True, colons[1])


def _number(digits: str) -> int:
    plain = digits.strip(BLANKS).lstrip("0")
    return int(plain or "0") if len(plain) <= LONGEST_COUNT else 10**LONGEST_COUNT


def _parts(body: str, start: int) -> list[tuple[str, int]]:
    """The pieces between commas, each with the place at which its text begins."""
    found: list[tuple[str, int]] = []
    for piece in split_raw(body, ","):
        found.append((piece, start + len(piece) - len(piece.lstrip(BLANKS))))
        start += len(piece) + 1
    return found


def _option(piece: str, place: int, weight: str = "1") -> Option:
    trimmed = _trimmed(piece)
    plain = re.match(r"\\[^\W_]", trimmed) is None
    return Option(_unescaped(trimmed), place, plain, weight)


def _weighed(piece: str, place: int) -> Option:
    """`a*3`; a `*` without a positive number behind it is text."""
    stars = split_raw(piece, "*")
    weight = stars[-1].strip(BLANKS)
    if len(stars) > 1 and _WEIGHT.fullmatch(weight) and float(weight) > 0:
        return _option("*".join(stars[:-1]), place, weight)
    return _option(piece, place)


def split_raw(body: str, sign: str) -> list[str]:
    """Split at unescaped `sign`s; escapes are kept."""
    if sign not in body:
        return [body]
    if "\\" not in body:
        return body.split(sign)
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
    if "\\" not in option:
        return option
    plain = re.sub(r"^\\([^\W_])", r"\1", option)  # a "\" before the first letter or digit makes it a literal
    return re.sub(r"\\([\[\],:|=~* \\])", r"\1", plain)
