"""The query language: what is read as what, and where it says that something is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd.core.query import EXAMPLE, QueryWrong, Term, read_query
from artfactoryd.core.searching.fields import BY_NAME, FLAGS, SETS, not_yet
from artfactoryd.core.searching.values import Edge, Span

SCHEMA = Path(__file__).parents[2] / "schemas" / "sidecar.schema.json"
NOVEMBER = Span(Edge("2026-11-01"), Edge("2026-12-01"), below=True)
NOON = Edge("2026-11-01T12:30:00")
WEEK = Edge(ago=(7, "days"))

READ = [
    ("", ()),
    ("red", (Term("", "red"),)),
    ('"red car"', (Term("", "red car"),)),
    ("-blue", (Term("", "blue", negated=True),)),
    ("liked", (Term("is", "liked"),)),
    ("is:Liked", (Term("is", "liked"),)),
    ('"liked"', (Term("", "liked"),)),
    ("-Liked", (Term("is", "liked", negated=True),)),
    ("has:parent", (Term("has", "parent"),)),
    ("project:cars", (Term("project", "cars"),)),
    ("Project:=cars", (Term("project", "cars", exact=True),)),
    ('project:"my cars"', (Term("project", "my cars"),)),
    ("order.name:cars", (Term("order", "cars"),)),
    ("guidance:>3", (Term("guidance", "3", Span(3.0, None, above=True)),)),
    ("guidance:>=3.5", (Term("guidance", "3.5", Span(3.5, None)),)),
    ("guidance:2..4", (Term("guidance", "2..4", Span(2.0, 4.0)),)),
    ("guidance:..4", (Term("guidance", "..4", Span(None, 4.0)),)),
    ('guidance:"2..4"', (Term("guidance", "2..4", Span(2.0, 4.0)),)),
    ("num_inference_steps:=4", (Term("num_inference_steps", "4", Span(4.0, 4.0), exact=True),)),
    ("prompt:wait...", (Term("prompt", "wait..."),)),
    ("width:<=1024", (Term("width", "1024", Span(None, 1024.0)),)),
    ("size:1024x768", (Term("dimensions", "1024x768"),)),
    ("size:>2MB", (Term("bytes", "2MB", Span(2e6, None, above=True)),)),
    ("bytes:1KiB..1.5k", (Term("bytes", "1KiB..1.5k", Span(1024.0, 1500.0)),)),
    ("cost:<$0.01", (Term("cost", "$0.01", Span(None, 0.01, below=True)),)),
    ("after:2026-11", (Term("date", "2026-11", period=Span(Edge("2026-11-01"), None)),)),
    ("before:2026", (Term("date", "2026", period=Span(None, Edge("2026-01-01"), below=True)),)),
    ("date:2026-11", (Term("date", "2026-11", period=NOVEMBER),)),
    ("created:>2026-12", (Term("date", "2026-12", period=Span(Edge("2027-01-01"), None)),)),
    ("date:<=2026-12-31", (Term("date", "2026-12-31", period=Span(None, Edge("2027-01-01"), below=True)),)),
    ("date:2026-11..*", (Term("date", "2026-11..*", period=Span(Edge("2026-11-01"), None, below=True)),)),
    ("date:9999", (Term("date", "9999", period=Span(Edge("9999-01-01"), None, below=True)),)),
    ("date:today", (Term("date", "today", period=Span(Edge(days=0), Edge(days=1), below=True)),)),
    ("date:7d", (Term("date", "7d", period=Span(WEEK, None, below=True)),)),
    ("before:7d", (Term("date", "7d", period=Span(None, WEEK, below=True)),)),
    (
        "date:2026-11-01T12:30",
        (Term("date", "2026-11-01T12:30", period=Span(NOON, NOON, below=True)),),
    ),
    (r'"say \"hi\""', (Term("", 'say "hi"'),)),
    ("kind:Film", (Term("kind", "video"),)),
    ("duration:1m30s..2:00.5", (Term("duration", "1m30s..2:00.5", Span(90.0, 120.5)),)),
    ("duration:>5s", (Term("duration", "5s", Span(5.0, None, above=True)),)),
    ("16:9", (Term("16", "9", Span(9.0, 9.0)),)),
    ("well-known", (Term("", "well-known"),)),
]


@pytest.mark.parametrize(("query", "terms"), READ, ids=[query or "nothing" for query, _ in READ])
def test_it_is_read_as_these_terms(query: str, terms: tuple[Term, ...]) -> None:
    assert read_query(query) == terms


def test_the_example_has_its_terms_each_with_its_column() -> None:
    terms = read_query(EXAMPLE)
    assert [term.key for term in terms] == ["is", "project", "model", "guidance", "date", "", ""]
    assert [EXAMPLE[term.column - 1 :].split()[0][:4] for term in terms] == [
        "like", "proj", "mode", "guid", "afte", '"red', "-blu",
    ]  # fmt: skip


WRONG = [
    ('red "car', 5, "no end"),
    ("project:", 9, "a value belongs after project:"),
    ("a - b", 3, "nothing follows"),
    ("-", 1, "nothing follows"),
    ("guidance:>many", 11, "> compares numbers, and 'many' is none"),
    ("guidance:a..b", 10, "a range has numbers at its ends, and 'a..b' is none"),
    ("width:..", 7, "a number before or behind"),
    ("width:wide", 7, "'wide' is no number"),
    ("width:1e999", 7, "is no number"),
    ("size:>big", 7, "'big' is no size"),
    ("project:>3", 10, "compares numbers and dates, and project is neither"),
    ("after:yesteryear", 7, "no date"),
    ("x after:2026-13-01", 9, "no date"),
    ("date:2026..soon", 6, "'soon' is no date"),
    ("liked:yes", 1, "write is:liked"),
    ("is:lked", 4, "Did you mean is:liked?"),
    ("has:>3", 6, "behind has: stands a name"),
    ("a software:me", 3, "cannot be asked for yet"),
    ("duration:long", 10, "write it as 5, 5s, 1m30s or 1:30"),
    ("kind:vidoe", 6, "Did you mean video?"),
    ("kind:>video", 7, "compares numbers and dates"),
    (":cars", 1, "a key stands before a colon"),
    ('""', 1, "nothing stands between"),
    ("a " * 60, 101, "at most 50 terms"),
    ("a" * 2001, 1, "at most 2000 characters"),
]


@pytest.mark.parametrize(("query", "column", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_what_is_wrong_is_said_with_its_column(query: str, column: int, words: str) -> None:
    with pytest.raises(QueryWrong) as caught:
        read_query(query)
    assert words in caught.value.message and caught.value.column == column


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_column_inside_it(query: str) -> None:
    try:
        read_query(query)
    except QueryWrong as wrong:
        assert 1 <= wrong.column <= len(query) + 1


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        yield from leaves(part, inner) if "properties" in part else [inner]


def test_every_field_of_a_sidecar_can_be_asked_for_or_is_refused_by_name() -> None:
    """But for what the order's document has, and timings as a whole."""
    flags = {path for path in FLAGS.values() if path}
    asked = {*BY_NAME, *flags, *(f"parameters.{name}" for name in SETS)}
    paths = [path for path in leaves(json.loads(SCHEMA.read_text())) if not path.startswith("parameters.base")]
    assert {path for path in paths if path not in asked and not not_yet(path)} == {"timings", "cost.price"}
