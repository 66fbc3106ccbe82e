"""The one query language: `liked project:cars guidance:>3 date:7d "red car" -blue`, read into terms.

Every term must hold. Not here: which parameters there are, and what a term means to the index (`storage/lists`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from artfactoryd.core.searching import values
from artfactoryd.core.searching.fields import BARE, BY_NAME, FLAGS, RANGES, TIMES, Kind, nearest, not_yet, parameter
from artfactoryd.core.searching.values import NoValue, Number, Period
from artfactoryd.errors import WrongUse

LONGEST = 2000  # characters of a query
MOST_TERMS = 50
EXAMPLE = 'liked project:cars model:flux-dev guidance:>3 after:2026-11-01 "red car" -blue'
PIXELS = "dimensions"  # key of a size that is written as 1024x768
_KEY = re.compile(r"([^\s\":]+):")
_PIXELS = re.compile(r"[1-9]\d{0,5}x[1-9]\d{0,5}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Term:
    """`key`: a field's first name, `is`, `has`, a parameter as it was written, or empty for words found anywhere.

    `number`: of what is compared as one; a parameter's may be one or a text. `exact`: the whole of a text is meant.
    """

    key: str
    value: str = ""
    number: Number | None = None
    period: Period | None = None
    exact: bool = False
    negated: bool = False
    column: int = 1  # of its first character, from 1

    @property
    def is_parameter(self) -> bool:
        return self.key not in ("", PIXELS) and parameter(self.key) is not None

    @property
    def names_parameter(self) -> bool:
        """Whether what is there to be named must be known."""
        return self.is_parameter or self.key == "has"


class QueryWrong(WrongUse):
    """`column`: where in the query."""

    def __init__(self, query: str, column: int, message: str) -> None:
        super().__init__(f"In the query, character {column}: {message}\n  {query}\n  {' ' * (column - 1)}^")
        self.column, self.message = column, message


def read_query(text: str) -> tuple[Term, ...]:
    """Raises QueryWrong. Nothing written finds everything."""
    if len(text) > LONGEST:
        raise QueryWrong(text[:80], 1, f"a query has at most {LONGEST} characters.")
    if (bad := next((n for n, letter in enumerate(text, 1) if "\ud800" <= letter <= "\udfff"), None)) is not None:
        raise QueryWrong(text, bad, "this is no letter: what was typed is no UTF-8.")
    terms = tuple(_terms(text))
    if len(terms) > MOST_TERMS:
        raise QueryWrong(text, terms[MOST_TERMS].column, f"a query has at most {MOST_TERMS} terms.")
    return terms


def unknown(text: str, term: Term, names: Iterable[str]) -> QueryWrong:
    """What is said of a name that is none of `names`."""
    behind_has = term.key == "has"
    name = term.value if behind_has else term.key
    near = nearest(name, names)
    fix = f"Did you mean {near}?" if near else f'Put quotes around words with a colon: "{term.key}:{term.value}".'
    column = term.column + term.negated + (len("has:") if behind_has else 0)
    return QueryWrong(text, column, f"{name} is no field, and no product has a parameter of that name. {fix}")


def _terms(text: str) -> Iterator[Term]:
    offset = 0
    while offset < len(text):
        if text[offset].isspace():
            offset += 1
            continue
        term, offset = _term(text, offset)
        yield term


def _term(text: str, start: int) -> tuple[Term, int]:
    negated = text[start] == "-"
    offset = start + negated
    if offset >= len(text) or text[offset].isspace():
        raise QueryWrong(text, start + 1, "- stands before what must not be there; nothing follows it.")
    key = _KEY.match(text, offset)
    if key is None:
        quoted = text[offset] == '"'
        value, end = _value(text, offset)
        if value.startswith(":"):
            raise QueryWrong(text, offset + 1, "a key stands before a colon; put quotes around words with one.")
        flag = not quoted and value.lower() in BARE
        return Term("is" if flag else "", value.lower() if flag else value, negated=negated, column=start + 1), end
    written = _Written(text, key[1], negated, start + 1)
    offset = key.end()
    sign = next((sign for sign in values.SIGNS if text.startswith(sign, offset)), "")
    offset += len(sign)
    if offset >= len(text) or text[offset].isspace():
        raise QueryWrong(text, offset + 1, f"a value belongs after {key[0]}{sign}")
    value, end = _value(text, offset)
    return written.term(sign, value, offset + 1, quoted=text[offset] == '"'), end


def _value(text: str, offset: int) -> tuple[str, int]:
    """To the next blank, or from quote to quote; inside them \\" is a quote."""
    if text[offset] != '"':
        match = re.compile(r"[^\s\"]+").match(text, offset)
        assert match is not None
        return match[0], match.end()
    match = re.compile(r'"((?:[^"\\]|\\.)*)"').match(text, offset)
    if match is None:
        raise QueryWrong(text, offset + 1, 'this quote has no end; write one more ".')
    if not match[1].strip():
        raise QueryWrong(text, offset + 1, "nothing stands between these quotes.")
    return re.sub(r"\\(.)", r"\1", match[1]), match.end()


@dataclass(frozen=True, slots=True)
class _Written:
    """The key of a term, as it is written in the text."""

    text: str
    key: str
    negated: bool
    column: int

    def term(self, sign: str, value: str, column: int, *, quoted: bool) -> Term:
        key = self.key.lower()
        if not_yet(key):
            raise QueryWrong(self.text, self.column, f"{self.key}: cannot be asked for yet.")
        try:
            return self._of_key(key, sign, value, quoted)
        except NoValue as error:
            raise QueryWrong(self.text, column, str(error)) from error

    def _of_key(self, key: str, sign: str, value: str, quoted: bool) -> Term:
        if key in FLAGS and key not in BY_NAME:
            raise QueryWrong(self.text, self.column, f"{self.key} stands behind is: write is:{key}, or -is:{key}.")
        if key in TIMES:
            return self._made("date", value, period=values.period(">=" if key == "after" else "<", value))
        if key in ("is", "has"):
            return self._named(key, sign, value)
        field = BY_NAME.get(key)
        if field is None:
            return self._of_parameter(sign, value, quoted)
        if field.kind is Kind.TIME:
            return self._made(field.name, value, period=values.period(sign, value))
        if field.kind is Kind.BYTES and _PIXELS.fullmatch(value) and sign in ("", "="):
            return self._made(PIXELS, value.lower())
        if field.kind in RANGES:
            return self._made(field.name, value, number=values.number(field.kind, sign, value))
        if field.kind is Kind.CHOICE and sign in ("", "="):
            return self._made(field.name, values.choice(value))
        if sign not in ("", "="):
            raise NoValue(f"{sign} compares numbers and dates, and {self.key} is neither.")
        return self._made(field.name, value, exact=sign == "=")

    def _named(self, key: str, sign: str, value: str) -> Term:
        if sign:
            raise NoValue(f"{sign} compares numbers; behind {key}: stands a name.")
        if key == "is" and value.lower() not in FLAGS:
            near = nearest(value, FLAGS)
            fix = f"Did you mean is:{near}?" if near else f"There are {_listed()}."
            raise NoValue(f"there is no is:{value}. {fix}")
        return self._made(key, value.lower() if key == "is" else value)

    def _of_parameter(self, sign: str, value: str, quoted: bool) -> Term:
        """Compared as a number where one is written; else as a text."""
        compares = sign not in ("", "=") or (not quoted and not sign and values.range_in(value) is not None)
        try:
            number = values.number(Kind.NUMBER, sign, value)
        except NoValue as error:
            if compares:
                what = f"{sign} compares numbers" if sign else "a range has numbers at its ends"
                raise NoValue(f"{what}, and {value!r} is none.") from error
            number = None
        return self._made(self.key, value, number=number, exact=sign == "=")

    def _made(
        self, key: str, value: str, *, number: Number | None = None, period: Period | None = None, exact: bool = False
    ) -> Term:
        return Term(key, value, number, period, exact, self.negated, self.column)


def _listed() -> str:
    return ", ".join(f"is:{flag}" for flag in FLAGS)
