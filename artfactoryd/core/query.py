"""The one query language: `liked project:cars guidance:>3 after:2026-11-01 "red car" -blue`, read into terms.

Every term must hold. Not here: what a term means to the index (`searching`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from artfactoryd.errors import WrongUse

FLAGS = frozenset({"liked", "rehearsal"})
TIMES = frozenset({"after", "before"})
COMPARISONS = (">=", "<=", ">", "<", "=")
LONGEST = 2000  # characters of a query
MOST_TERMS = 50
EXAMPLE = 'liked project:cars model:flux-dev guidance:>3 after:2026-11-01 "red car" -blue'
_KEY = re.compile(r"([^\s\":]+):")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Term:
    """`key` is empty for words to be found anywhere. `sign`: one of COMPARISONS; `=` when none was written.

    Of `after` and `before` the value is a day, as YYYY-MM-DD.
    """

    key: str
    value: str = ""
    sign: str = "="
    negated: bool = False
    column: int = 1  # of its first character, from 1

    @property
    def number(self) -> float | None:
        try:
            return number if math.isfinite(number := float(self.value)) else None
        except ValueError:
            return None


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
        if not quoted and value.lower() in FLAGS:
            return Term(value.lower(), "yes", "=", negated, start + 1), end
        return Term("", value, "=", negated, start + 1), end
    sign, offset = _sign(text, key.end())
    if offset >= len(text) or text[offset].isspace():
        raise QueryWrong(text, offset + 1, f"a value belongs after {key[0]}{sign}")
    value, end = _value(text, offset)
    return _of_key(text, Term(key[1], value, sign or "=", negated, start + 1), offset + 1), end


def _sign(text: str, offset: int) -> tuple[str, int]:
    sign = next((sign for sign in COMPARISONS if text.startswith(sign, offset)), "")
    return sign, offset + len(sign)


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


def _of_key(text: str, term: Term, column: int) -> Term:
    if term.key.lower() in TIMES:
        return Term(term.key.lower(), _day(text, term.value, column), "=", term.negated, term.column)
    if term.key.lower() in FLAGS:
        raise QueryWrong(text, term.column, f"{term.key} stands alone: write {term.key}, or -{term.key}.")
    if term.sign in ("<", ">", "<=", ">=") and term.number is None:
        raise QueryWrong(text, column, f"{term.sign} compares numbers, and {term.value!r} is none.")
    return term


def _day(text: str, value: str, column: int) -> str:
    """The first day of what is written: a year, a month or a day."""
    match = _DATE.fullmatch(value)
    try:
        if match:
            return date(int(match[1]), int(match[2] or 1), int(match[3] or 1)).isoformat()
    except ValueError:
        pass
    raise QueryWrong(text, column, f"{value!r} is no date; write it as 2026-11-01, 2026-11 or 2026.")
