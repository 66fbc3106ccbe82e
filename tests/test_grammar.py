from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artfactoryd import documents
from artfactoryd.core.grammar import (
    BLANKS,
    Choice,
    Text,
    TextReader,
    enum_of,
    kind_of,
    kind_without_schema,
    split_list,
    typed,
    types_of,
)
from tests.orders import PAINTER, model, order, plan, prompts, sets, told

CASES = json.loads((Path(__file__).parent / "data" / "grammar_cases.json").read_text(encoding="utf-8"))
PATH = ("parameters", "prompt")


def read(text: str) -> tuple[Text, TextReader]:
    reader = TextReader(text, PATH)
    return reader.read(), reader


def wrong(text: str) -> list[tuple[str, int | None]]:
    return [(problem.code, problem.column_in_value) for problem in read(text)[1].problems]


def options(text: str) -> tuple[str, ...]:
    (choice,) = read(text)[0].parts
    assert isinstance(choice, Choice)
    return choice.options


# --- the worked cases: complete where everything in them is built, else refused by name ---


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_worked_case_gives_its_items_or_all_its_errors(case: dict[str, Any]) -> None:
    keys = dict(case["order"])
    parameters = keys.pop("parameters")
    schema = {**PAINTER["schema"], "required": []}
    found = plan(parameters, of=model(schema=schema), **keys)
    problems = [*documents.check_mapping(order(parameters, **keys), "order"), *found.problems]
    expect = case["expect"]
    if "errors" in expect:
        assert told(problems) == [tuple(each) for each in expect["errors"]]
        return
    assert problems == []
    assert sorted({warning.code for warning in found.warnings}) == case.get("warnings", [])
    if isinstance(expect, list):
        assert (prompts(found) if isinstance(expect[0], str) else sets(found)) == expect
    else:
        assert found.total_items == expect["count"] == len({json.dumps(each) for each in sets(found)})


def test_the_worked_cases_speak_of_all_that_is_not_built() -> None:
    errors = [each for case in CASES if "errors" in case["expect"] for each in case["expect"]["errors"]]
    assert {"E_NOT_BUILT", "E_UNCLOSED", "E_UNOPENED", "E_EMPTY_ITEM", "E_SUBPROMPT_IN_TOKEN"} == {e[0] for e in errors}
    assert sum("errors" not in case["expect"] for case in CASES) > 20


# --- texts ---


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a [red,blue dog", [("E_UNCLOSED", 3)]),
        ("[", [("E_UNCLOSED", 1)]),
        ("[a,b\\]", [("E_UNCLOSED", 1)]),
        ("a] b]", [("E_UNOPENED", 2), ("E_UNOPENED", 5)]),
        ("[] [ \t]", [("E_EMPTY_TOKEN", 1), ("E_EMPTY_TOKEN", 4)]),
        ("🎨é []", [("E_EMPTY_TOKEN", 4)]),
        ("[a,[b,c],d] [", [("E_NESTED", 4), ("E_UNCLOSED", 13)]),
        ("[a,[b", [("E_NESTED", 4)]),
        ("[a [b] and [c,d]", [("E_NESTED", 4)]),
        ("[[a]] ]", [("E_NESTED", 2), ("E_UNOPENED", 7)]),
        ("[a||b,c] x]", [("E_SUBPROMPT_IN_TOKEN", 3), ("E_UNOPENED", 11)]),
        ("[a [b||c] d]", [("E_SUBPROMPT_IN_TOKEN", 6)]),
        ("[a || b", [("E_UNCLOSED", 1)]),
        ("a || b||c", [("E_NOT_BUILT", 3), ("E_NOT_BUILT", 7)]),
        ("[x,y:2] [=c] [~a,b] [one]", [("E_NOT_BUILT", 6), ("E_NOT_BUILT", 9), ("E_NOT_BUILT", 14),
        ("E_NOT_BUILT", 21)]),
        ("[x,y: 2 ]", [("E_NOT_BUILT", 7)]),
        ("[cat:dog:0.5] [a|b] [dog:]", [("E_NOT_BUILT", 5), ("E_NOT_BUILT", 17), ("E_NOT_BUILT", 25)]),
        ("[a\\||b]", [("E_NOT_BUILT", 5)]),
        ("[ ~a,b]", [("E_NOT_BUILT", 1)]),
        ("[\\ ]", [("E_NOT_BUILT", 1)]),
    ],
)  # fmt: skip
def test_everything_wrong_in_a_text_is_told_once_with_its_column(text: str, problems: list[tuple[str, int]]) -> None:
    assert wrong(text) == problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a||b", "||"), ("[x,y:2]", "samples"), ("[dog:10]", "[dog:10]"), ("[~a,b]", "draws"),
        ("[=color]", "references"),
        ("[color]", "lookups"), ("[color]", "[color]"), ("[a|b]", "alternation"),
        ("[cat:dog:0.5]", "prompt editing"),
    ],
)  # fmt: skip
def test_grammar_that_is_not_built_is_refused_by_its_name(text: str, words: str) -> None:
    (problem,) = read(text)[1].problems
    assert words in problem.message
    assert "not built yet" in problem.message
    assert problem.fix


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a,b]", ("a", "b")),
        ("[ a\t,\nb c ]", ("a", "b c")),
        ("[a,]", ("a", "")),
        ("[,a]", ("", "a")),
        ("[,]", ("",)),
        ("[red\\, white,blue]", ("red, white", "blue")),
        ("[\\[a\\],b\\|c]", ("[a]", "b|c")),
        ("[16\\:9,1\\:1]", ("16:9", "1:1")),
        ("[\\~a,\\=b,c\\*2]", ("~a", "=b", "c*2")),
        ("[a*2,b~c,d=e]", ("a*2", "b~c", "d=e")),
        ("[a\\ ,\\ b]", ("a ", " b")),
        ("[a\\  ,b]", ("a ", "b")),
        ("[a\\\\ ,b]", ("a\\", "b")),
        ("[a\\\\,b]", ("a\\", "b")),
        ("[\\red,\\2,\\é,\\_x]", ("red", "2", "é", "\\_x")),
        ("[x\\y,b]", ("x\\y", "b")),
        ('["red","blue"]', ('"red"', '"blue"')),
    ],
)
def test_options_are_read_with_their_blanks_and_escapes(text: str, found: tuple[str, ...]) -> None:
    assert wrong(text) == []
    assert options(text) == found


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("", ""), ("1..3, 4,8 and 5|6", "1..3, 4,8 and 5|6"), ("a\\[b\\]", "a[b]"), ("a\\|\\|b", "a||b"),
        ("a\\||b", "a||b"),
        ("\\(x\\) \\n \\", "\\(x\\) \\n \\"), ("(word:1.2) <lora:x:0.8> BREAK", "(word:1.2) <lora:x:0.8> BREAK"),
    ],
)  # fmt: skip
def test_outside_tokens_only_brackets_bars_and_backslashes_mean_anything(text: str, literal: str) -> None:
    assert wrong(text) == []
    assert read(text)[0].at(0) == (literal, ())


def test_repeated_options_are_dropped_with_a_warning_and_the_first_stays() -> None:
    text, reader = read("x [b,a,b, a]")
    assert [text.at(place)[0] for place in range(text.size)] == ["x b", "x a"]
    assert told(reader.warnings) == [("W_DUP", "parameters.prompt", 3)]


def test_the_leftmost_token_is_slowest_and_each_text_knows_what_it_took() -> None:
    text, _ = read("[a,b] and [c,d]")
    assert [text.at(place) for place in range(text.size)] == [
        ("a and c", (("[a,b]", "a"), ("[c,d]", "c"))),
        ("a and d", (("[a,b]", "a"), ("[c,d]", "d"))),
        ("b and c", (("[a,b]", "b"), ("[c,d]", "c"))),
        ("b and d", (("[a,b]", "b"), ("[c,d]", "d"))),
    ]


def test_extremes_are_a_shortest_and_a_longest_text() -> None:
    assert read("x[,bb,a] [cc,ddd]")[0].extremes() == ("x cc", "xbb ddd")


PIECES = st.one_of(st.text(max_size=4), st.sampled_from([*"[]|\\,:=~* ", "||", "[a,b]", "\\[", "a", "1", "\t", "\n"]))
TANGLES = st.lists(PIECES, max_size=20).map("".join)


@given(TANGLES)
@example("[a,b]" * 200)
@example("[" * 300 + "]" * 299)
@example("\ud800[\ud800,\udfff]")
def test_any_text_expands_or_has_problems_in_it(value: str) -> None:
    text, reader = read(value)
    assert all(1 <= (p.column_in_value or 0) <= len(value) for p in (*reader.problems, *reader.warnings))
    assert text.size >= 1
    if not reader.problems:
        assert len(text.at(0)[0]) <= len(value)
        assert text.at(text.size - 1)


@given(st.text())
@example("[a||b]\\")
def test_every_text_can_be_written_with_escapes(literal: str) -> None:
    written = "".join("\\" + char if char in "[]|\\" else char for char in literal)
    text, reader = read(written)
    assert (reader.problems, text.size, text.at(0)[0]) == ([], 1, literal)


@given(st.lists(st.text().filter(lambda each: each == each.strip("\t\n")), min_size=2, max_size=5, unique=True))
@example(["\\", " "])
@example(["\\ ", "\\\\"])
def test_every_option_can_be_written_with_escapes(wanted: list[str]) -> None:
    written = ["".join("\\" + char if char in "[],:|=~* \\" else char for char in each) for each in wanted]
    text = f"[{','.join(written)}]"
    if not text.strip("[]" + BLANKS):
        return
    assert wrong(text) == []
    assert options(text) == tuple(wanted)


# --- lists ---


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("4,8", [("4", 1), ("8", 3)]),
        (" 4 , 8 ", [("4", 2), ("8", 6)]),
        ("a\\,b,c\\|d,1\\..3,\\\\", [("a,b", 1), ("c|d", 6), ("1..3", 11), ("\\", 17)]),
        ("16:9", [("16:9", 1)]),
        ("-1,.5,1e-4", [("-1", 1), (".5", 4), ("1e-4", 7)]),
    ],
)
def test_the_items_of_a_list_come_with_their_columns(value: str, items: list[tuple[str, int]]) -> None:
    assert split_list(value, PATH) == (items, [])


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("", [("E_EMPTY_ITEM", 1)]),
        (",4,, ,", [("E_EMPTY_ITEM", 1), ("E_EMPTY_ITEM", 4), ("E_EMPTY_ITEM", 5), ("E_EMPTY_ITEM", 7)]),
        ("1..8, 4|8", [("E_NOT_BUILT", 1), ("E_NOT_BUILT", 7)]),
        ("-1..1", [("E_NOT_BUILT", 1)]),
        ("0.1..0.3..0.1", [("E_NOT_BUILT", 1)]),
        (".5 ..1", [("E_NOT_BUILT", 1)]),
    ],
)
def test_empty_items_ranges_and_draws_of_a_list_are_told_with_their_columns(
    value: str, problems: list[tuple[str, int]]
) -> None:
    assert [(each.code, each.column_in_value) for each in split_list(value, PATH)[1]] == problems


INTEGER, NUMBER, BOOLEAN = {"type": "integer"}, {"type": "number"}, {"type": "boolean"}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("3", INTEGER, 3), ("3.0", INTEGER, 3), ("3e0", INTEGER, 3), ("+3", INTEGER, 3), ("-3", INTEGER, -3),
        ("010", INTEGER, 10), ("9007199254740993", INTEGER, 9007199254740993),
        ("3", NUMBER, 3), ("1e-4", NUMBER, 0.0001), (".5", NUMBER, 0.5), ("5.", NUMBER, 5), ("2.50", NUMBER, 2.5),
        ("true", BOOLEAN, True), ("False", BOOLEAN, False),
        ("1", {"enum": ["1", "0.25"]}, "1"), ("2.0", {"enum": [1, 2]}, 2), ("true", {"enum": [True]}, True),
        ("b", {"anyOf": [{"enum": ["a"]}, {"const": "b"}]}, "b"),
        ("5", {"anyOf": [{"enum": ["auto"]}, INTEGER, {"type": "null"}]}, 5),
        ("other", {"anyOf": [{"enum": ["auto"]}, {"type": "string"}]}, "other"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_the_type_its_schema_says(text: str, schema: dict[str, Any], value: Any) -> None:
    found = typed(text, schema)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("3.5", INTEGER), ("", INTEGER), ("three", INTEGER), ("0x10", INTEGER), ("1_000", INTEGER), ("٣", INTEGER),
        ("true", INTEGER), ("nan", NUMBER), ("inf", NUMBER), ("1e999", NUMBER), ("1" * 5000, NUMBER),
        ("1,5", NUMBER),
        ("yes", BOOLEAN), ("1", BOOLEAN), ("c", {"enum": ["a", "b"]}), ("null", {"enum": ["a", None]}), ("x", {}),
        ("1", {"enum": [True]}),
    ],
)  # fmt: skip
def test_what_is_not_of_the_type_is_no_value(text: str, schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        typed(text, schema)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (INTEGER, "list"), (NUMBER, "list"), (BOOLEAN, "list"), ({"type": ["integer", "null"]}, "list"),
        ({"type": "string", "enum": ["a"]}, "list"), ({"allOf": [{"enum": ["a"]}], "default": "a"}, "list"),
        ({"anyOf": [{"type": "object"}, {"enum": ["a"]}]}, "list"), ({"type": "string"}, "plain"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "plain"), ({"type": ["string", "number"]}, "plain"),
        ({"type": "array"}, "array"), ({"type": "object"}, "plain"),
    ],
)  # fmt: skip
def test_the_kind_of_a_parameter_follows_from_its_schema(schema: dict[str, Any], kind: str) -> None:
    assert kind_of("x", schema, ()) == kind
    assert kind_of("x", schema, ("x",)) == "text"


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("prompt", "a", "text"), ("edit_prompt", 7, "text"), ("steps", "2,4", "list"), ("steps", "1..8", "list"),
        ("steps", "4|8", "list"), ("hires", "true, false", "list"), ("steps", "4", "plain"), ("steps", 4, "plain"),
        ("caption", "Hello, world", "plain"), ("caption", "1, two", "plain"), ("file", "../a.png", "plain"),
        ("caption", "a|b", "plain"), ("caption", "", "plain"),
    ],
)  # fmt: skip
def test_without_a_schema_the_kind_follows_from_name_and_value(name: str, value: Any, kind: str) -> None:
    assert kind_without_schema(name, value) == kind


def test_types_and_enums_are_found_inside_alternatives() -> None:
    schema = {"anyOf": [{"enum": ["a"]}, {"oneOf": [INTEGER, {"const": "b"}]}, {"type": "null"}]}
    assert types_of(schema) == {"integer"}
    assert enum_of(schema) == ["a", "b"]
    assert enum_of({"enum": ["a", None]}) == ["a"]
    assert enum_of(INTEGER) is None
