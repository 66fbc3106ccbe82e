"""The query language: what is read as what, and where it says that something is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.query import EXAMPLE, QueryWrong, Term, read_query

READ = [
    ("", ()),
    ("red", (Term("", "red"),)),
    ('"red car"', (Term("", "red car"),)),
    ("-blue", (Term("", "blue", negated=True),)),
    ("liked", (Term("liked", "yes"),)),
    ('"liked"', (Term("", "liked"),)),
    ("-Liked", (Term("liked", "yes", negated=True),)),
    ("project:cars", (Term("project", "cars"),)),
    ('project:"my cars"', (Term("project", "my cars"),)),
    ("guidance:>3", (Term("guidance", "3", ">"),)),
    ("guidance:>=3.5", (Term("guidance", "3.5", ">="),)),
    ("num_inference_steps:=4", (Term("num_inference_steps", "4"),)),
    ("after:2026-11", (Term("after", "2026-11-01"),)),
    ("before:2026", (Term("before", "2026-01-01"),)),
    (r'"say \"hi\""', (Term("", 'say "hi"'),)),
    ("16:9", (Term("16", "9"),)),
    ("well-known", (Term("", "well-known"),)),
]


@pytest.mark.parametrize(("query", "terms"), READ, ids=[query or "nothing" for query, _ in READ])
def test_it_is_read_as_these_terms(query: str, terms: tuple[Term, ...]) -> None:
    assert read_query(query) == terms


def test_the_example_has_its_terms_each_with_its_column() -> None:
    found = read_query(EXAMPLE)
    assert [term.key for term in found] == ["liked", "project", "model", "guidance", "after", "", ""]
    assert [EXAMPLE[term.column - 1 :].split()[0][:4] for term in found] == [
        "like", "proj", "mode", "guid", "afte", '"red', "-blu",
    ]  # fmt: skip


WRONG = [
    ('red "car', 5, "no end"),
    ("project:", 9, "a value belongs after project:"),
    ("a - b", 3, "nothing follows"),
    ("-", 1, "nothing follows"),
    ("guidance:>many", 11, "compares numbers"),
    ("after:yesterday", 7, "no date"),
    ("x after:2026-13-01", 9, "no date"),
    ("liked:yes", 1, "stands alone"),
    (":cars", 1, "a key stands before a colon"),
    ('""', 1, "nothing stands between"),
    ("a " * 60, 101, "at most 50 terms"),
    ("a" * 2001, 1, "at most 2000 characters"),
]


@pytest.mark.parametrize(("query", "column", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_what_is_wrong_is_said_with_its_column(query: str, column: int, words: str) -> None:
    with pytest.raises(QueryWrong) as caught:
        read_query(query)
    assert caught.value.column == column and words in caught.value.message


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_column_inside_it(query: str) -> None:
    try:
        read_query(query)
    except QueryWrong as wrong:
        assert 1 <= wrong.column <= len(query) + 1
