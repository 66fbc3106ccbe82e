"""The index's questions, which are written in SQLite's words, as PostgreSQL takes them.

Only what this program asks is understood. Functions that PostgreSQL has not (json_each, julianday, instr, ...) stand in
`postgresql.sql` under SQLite's names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from artfactoryd.storage import tables
from artfactoryd.storage.marks import tables as of_marks
from artfactoryd.storage.noticing import tables as of_noticing

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_MARK = re.compile(r"\?(\d*)")
_PUT_BACK = re.compile("\0(\\d+)\0")
_REPLACE = re.compile(r"INSERT OR REPLACE INTO (\w+)(?: \(([^)]*)\))?")
_ONE = "\\?\\d*|\0\\d+\0"  # a value: a mark, or a text as it stands

_RULES: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r" INDEXED BY \w+", ""),
        (r"\bCROSS JOIN\b", "JOIN"),
        (r"\+(?=[A-Za-z])", ""),  # keeps SQLite from a lookup, and changes no value
        (rf"\bLIKE ({_ONE}) ESCAPE ({_ONE})", r'ILIKE \1 COLLATE "C" ESCAPE \2'),
        (rf"\bLIKE ({_ONE})(?! COLLATE)", r"""ILIKE \1 COLLATE "C" ESCAPE ''"""),
        (rf"= ({_ONE}|[\w.]+) COLLATE NOCASE", r"=* \1"),
        (r"([\w.]+) COLLATE NOCASE", r"nocase(\1)"),
        (r"\bIS NOT (?!NULL|DISTINCT|TRUE|FALSE)", "IS DISTINCT FROM "),
        (r"\bIS (?!NOT|NULL|DISTINCT|TRUE|FALSE)", "IS NOT DISTINCT FROM "),
        (r" WITHOUT ROWID", ""),
        (r"CAST\((.+?) AS NUMERIC\)", r"number_of(\1)"),
        (r"\bAS INTEGER\)", "AS BIGINT)"),
        (r"\bchar\(", "chr("),
        (r"\bLIMIT (\?\d*)", r"LIMIT nullif(\1::bigint, -1)"),
    )
]
_IN_TABLES: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\bREAL\b"), "DOUBLE PRECISION"),
    (re.compile(r"\bTEXT\b"), 'TEXT COLLATE "C"'),
]


@lru_cache(maxsize=2048)
def translated(sql: str) -> str:
    """With $1, $2, ... for its marks, in the order of the values that go with it."""
    literals: list[str] = []

    def aside(literal: re.Match[str]) -> str:
        literals.append(literal[0])
        return f"\0{len(literals) - 1}\0"

    text = _LITERAL.sub(aside, sql)
    text, ending = _conflicts(text)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    if text.startswith("CREATE TEMP TABLE"):
        for pattern, instead in _IN_TABLES:
            text = pattern.sub(instead, text)
    text = _MARK.sub(_counted(), text) + ending
    return _PUT_BACK.sub(lambda place: literals[int(place[1])], text)


def _counted() -> Callable[[re.Match[str]], str]:
    last = 0

    def numbered(mark: re.Match[str]) -> str:
        nonlocal last
        if mark[1]:
            return f"${mark[1]}"
        last += 1
        return f"${last}"

    return numbered


def _conflicts(text: str) -> tuple[str, str]:
    """Without what SQLite says of rows that are there already, and that as the end of the statement."""
    if "INSERT OR IGNORE INTO" in text:
        return text.replace("INSERT OR IGNORE INTO", "INSERT INTO"), " ON CONFLICT DO NOTHING"
    found = _REPLACE.search(text)
    if found is None:
        return text, ""
    keys, columns = _columns()[found[1]]
    columns = [name.strip() for name in found[2].split(",")] if found[2] else columns
    settings = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return (
        text.replace("INSERT OR REPLACE INTO", "INSERT INTO"),
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {settings}",
    )


@lru_cache(maxsize=1)
def _columns() -> Mapping[str, tuple[list[str], list[str]]]:
    """By table its key's columns, and all."""
    models: Sequence[type[tables.Table]] = (*tables.TABLES, *of_marks.TABLES, *of_noticing.TABLES)
    described: list[Any] = [model._meta for model in models]
    return {
        str(meta.table_name): (
            [field.column_name for field in meta.get_primary_keys()],
            [field.column_name for field in meta.sorted_fields],
        )
        for meta in described
    }
