from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artfactoryd.core.grammar.tokens import BLANKS, Choice, Part, Reference, TextReader
from tests.orders import PAINTER, model, plan, prompts, sets, told

CASES = json.loads((Path(__file__).parents[2] / "data" / "grammar_cases.json").read_text(encoding="utf-8"))
PATH = ("parameters", "prompt")
Subs = tuple[tuple[Part, ...], ...]


def read(text: str, *syntax: str) -> tuple[Subs, TextReader]:
    reader = TextReader(text, PATH, syntax)
    return reader.read(), reader


def wrong(text: str) -> list[tuple[str, int | None]]:
    return [(problem.code, problem.column_in_value) for problem in read(text)[1].problems]


def warned(text: str, *syntax: str) -> list[tuple[str, int | None, bool]]:
    return [(each.code, each.column_in_value, each.holds) for each in read(text, *syntax)[1].warnings]


def choice(text: str) -> Choice:
    ((found,),) = read(text)[0]
    assert isinstance(found, Choice)
    return found


# --- the worked cases ---


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_worked_case_gives_its_items_or_its_error(case: dict[str, Any]) -> None:
    of = model(schema={**PAINTER["schema"], "required": []})
    found = plan(case["parameters"], of=of, lookups=case["lookups"], **case.get("options", {}))
    expect = case["expect"]
    if "error" in expect:
        error = expect["error"]
        assert told(found.problems) == [(error["code"], f"parameters.{error['param']}", error["column"])]
        return
    assert found.problems == ()
    assert sorted({warning.code for warning in found.warnings}) == sorted(case.get("warnings", []))
    got: list[Any] = prompts(found) if isinstance(expect, list) and isinstance(expect[0], str) else sets(found)
    assert found.total_items == len(got)
    if isinstance(expect, list):
        assert got == expect
    else:
        are_as_expected(got, **expect)


def are_as_expected(
    got: list[dict[str, Any]], count: int, distinct: bool = False, each_in: Any = None, includes: Any = ()
) -> None:
    assert len(got) == count
    assert not distinct or len({json.dumps(each) for each in got}) == count
    assert all(each[name] in values for each in got for name, values in (each_in or {}).items())
    assert all(each in got for each in includes)


# --- what is wrong ---


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a [red,blue dog", [("E_UNCLOSED", 3)]),
        ("[", [("E_UNCLOSED", 1)]),
        ("[a,b\\]", [("E_UNCLOSED", 1)]),
        ("a] b]", [("E_UNOPENED", 2), ("E_UNOPENED", 5)]),
        ("[] [ \t]", [("E_EMPTY_TOKEN", 1), ("E_EMPTY_TOKEN", 4)]),
        ("[~] [ ~ ] [:2]", [("E_EMPTY_TOKEN", 1), ("E_EMPTY_TOKEN", 5), ("E_EMPTY_TOKEN", 11)]),
        ("🎨é []", [("E_EMPTY_TOKEN", 4)]),
        ("[a,[b,c],d] [", [("E_NESTED", 4), ("E_UNCLOSED", 13)]),
        ("[a,[b", [("E_NESTED", 4)]),
        ("[a [b] and [c,d]", [("E_NESTED", 4)]),
        ("[[a]] ]", [("E_NESTED", 2), ("E_UNOPENED", 7)]),
        ("[a||b,c] x]", [("E_SUBPROMPT_IN_TOKEN", 3), ("E_UNOPENED", 11)]),
        ("[a [b||c] d]", [("E_SUBPROMPT_IN_TOKEN", 6)]),
        ("[=a||b] [~a||b]", [("E_SUBPROMPT_IN_TOKEN", 4), ("E_SUBPROMPT_IN_TOKEN", 12)]),
        ("[a || b", [("E_UNCLOSED", 1)]),
        ("a || ", [("E_EMPTY_SUBPROMPT", 5)]),
        ("|| a |||| b||", [("E_EMPTY_SUBPROMPT", 1), ("E_EMPTY_SUBPROMPT", 8), ("E_EMPTY_SUBPROMPT", 14)]),
        ("[] || a", [("E_EMPTY_TOKEN", 1)]),
        ("[a,b: 0 ] [a:00]", [("E_SAMPLE_ZERO", 7), ("E_SAMPLE_ZERO", 14)]),
    ],
)
def test_everything_wrong_in_a_text_is_told_once_with_its_column(text: str, problems: list[tuple[str, int]]) -> None:
    assert sorted(wrong(text), key=lambda each: each[1] or 0) == problems


# --- sub-prompts ---


@pytest.mark.parametrize(
    ("text", "subs"),
    [
        ("a||b", [("a",), ("b",)]), (" a || b ", [(" a",), ("b ",)]), ("a\t||\n b", [("a",), ("b",)]),
        ("a\\|\\|b", [("a||b",)]), ("a\\||b", [("a||b",)]), ("a\\|||b", [("a|",), ("b",)]), ("a|b", [("a|b",)]),
    ],
)  # fmt: skip
def test_blanks_around_double_bars_are_trimmed_and_nothing_else_is(text: str, subs: list[tuple[str, ...]]) -> None:
    assert read(text)[0] == tuple(subs)


def test_a_sub_prompt_that_becomes_empty_is_none_that_was_written_empty() -> None:
    subs, reader = read("[,a] || b")
    assert (len(subs), reader.problems) == (2, [])


# --- options ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a,b]", ("a", "b")), ("[ a\t,\nb c ]", ("a", "b c")), ("[a,]", ("a", "")), ("[,a]", ("", "a")),
        ("[red\\, white,blue]", ("red, white", "blue")), ("[\\[a\\],b\\|c]", ("[a]", "b|c")),
        ("[16\\:9,1\\:1]", ("16:9", "1:1")), ("[\\~a,\\=b,c\\*2]", ("~a", "=b", "c*2")),
        ("[a*2,b~c,d=e]", ("a*2", "b~c", "d=e")), ("[a\\ ,\\ b]", ("a ", " b")), ("[a\\  ,b]", ("a ", "b")),
        ("[a\\\\ ,b]", ("a\\", "b")), ("[a\\\\,b]", ("a\\", "b")),
        ("[\\red,\\2,\\é,\\_x]", ("red", "2", "é", "\\_x")), ("[x\\y,b]", ("x\\y", "b")),
        ('["red","blue"]', ('"red"', '"blue"')), ("[,]", ("", "")), ("[\\ ]", (" ",)),
    ],
)  # fmt: skip
def test_options_are_read_with_their_blanks_and_escapes(text: str, found: tuple[str, ...]) -> None:
    assert wrong(text) == []
    assert tuple(option.text for option in choice(text).options) == found


def test_a_backslash_before_the_first_letter_makes_an_option_a_literal() -> None:
    assert [option.plain for option in choice("[\\red,blue,a\\,b]").options] == [False, True, True]


def test_options_know_where_their_text_begins() -> None:
    assert [option.place for option in choice("[a, bb ,,c]").options] == [1, 4, 8, 9]


@pytest.mark.parametrize(("text", "count"), [("[a,b:1]", 1), ("[a,b: 02\t]", 2), ("[a:999999999999999999999]", 10**15)])
def test_a_count_stands_behind_one_final_colon(text: str, count: int) -> None:
    assert choice(text).count == count


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("[~a,b]", [("a", "1"), ("b", "1")]), ("[~a*3, b * 0.5 ]", [("a", "3"), ("b", "0.5")]),
        ("[~a*b,c*0,d*-1,e*]", [("a*b", "1"), ("c*0", "1"), ("d*-1", "1"), ("e*", "1")]),
        ("[ ~a\\*3,b*2*3]", [("a*3", "1"), ("b*2", "3")]), ("[~,a]", [("", "1"), ("a", "1")]),
    ],
)  # fmt: skip
def test_a_draw_weighs_its_options(text: str, options: list[tuple[str, str]]) -> None:
    assert choice(text).drawn
    assert [(option.text, option.weight) for option in choice(text).options] == options


@pytest.mark.parametrize(("text", "name"), [("[=color]", "color"), ("[ = a b ]", "a b"), ("[=a,b|c]", "a,b|c")])
def test_all_behind_the_equals_sign_is_the_name(text: str, name: str) -> None:
    ((found,),) = read(text)[0]
    assert isinstance(found, Reference) and found.name == name


# --- other tools' syntax ---


@pytest.mark.parametrize(
    ("text", "column"),
    [("a [cat:dog:0.5]", 7), ("[a|b]", 3), ("[dog:]", 5), ("[a\\||b]", 5), ("[~a,b:2]", 6), ("[1:2,3]", 3)],
)
def test_other_tools_tokens_are_kept_verbatim_and_hold_unless_the_model_knows_them(text: str, column: int) -> None:
    subs, reader = read(text)
    assert (subs, reader.problems) == (((text,),), [])
    assert warned(text) == [("W_PASSTHROUGH", column, True)]
    assert warned(text, "editing", "alternation") == [("W_PASSTHROUGH", column, False)]


@pytest.mark.parametrize(
    ("text", "column", "syntax"),
    [
        ("a __colour__ car", 3, ""), ("{red|blue} car", 1, ""), ("a (word:1.2)", 3, "weights"),
        ("((very))", 1, "weights"), ("a <lora:x:0.8>", 3, "lora"), ("a ([red,blue] hat: 1.2)", 3, "weights"),
        ("(x:3)", 1, "weights"),
    ],
)  # fmt: skip
def test_other_tools_syntax_sent_as_plain_text_holds(text: str, column: int, syntax: str) -> None:
    assert warned(text) == [("W_FOREIGN", column, True)]
    if syntax:
        assert warned(text, syntax) == []


@pytest.mark.parametrize(
    "text", ["(word)", "(ratio:16)", "\\(x:1.2\\)", "a ____ b", "{a}", "1..3, 4,8 and 5|6", "BREAK AND", '{"c": [a,b]}']
)
def test_prose_is_no_other_tools_syntax(text: str) -> None:
    assert [code for code, _, _ in warned(text)] == []


# --- any text ---

PIECES = st.one_of(st.text(max_size=4), st.sampled_from([*"[]|\\,:=~* ", "||", "[a,b]", "\\[", "a", "1", "\t", "\n"]))
TANGLES = st.lists(PIECES, max_size=20).map("".join)


@given(TANGLES)
@example("[a,b]" * 200)
@example("[" * 300 + "]" * 299)
@example("\ud800[\ud800,\udfff]")
@example("(:" + "1" * 400 + "(:" * 200 + "{|" * 200)
def test_any_text_is_read_and_its_problems_lie_in_it(value: str) -> None:
    _, reader = read(value)
    found = [each.column_in_value or 0 for each in (*reader.problems, *reader.warnings)]
    assert all(1 <= column <= len(value) + 1 for column in found)


@given(st.text())
@example("[a||b]\\")
def test_every_text_can_be_written_with_escapes(literal: str) -> None:
    written = "".join("\\" + char if char in "[]|\\" else char for char in literal)
    subs, reader = read(written)
    assert (reader.problems, subs) == ([], ((literal,) if literal else (),))


@given(st.lists(st.text().filter(lambda each: each == each.strip("\t\n")), min_size=2, max_size=5, unique=True))
@example(["\\", " "])
@example(["\\ ", "\\\\"])
def test_every_option_can_be_written_with_escapes(wanted: list[str]) -> None:
    written = ["".join("\\" + char if char in "[],:|=~* \\" else char for char in each) for each in wanted]
    text = f"[{','.join(written)}]"
    if not text.strip("[]" + BLANKS):
        return
    assert wrong(text) == []
    assert [option.text for option in choice(text).options] == wanted
