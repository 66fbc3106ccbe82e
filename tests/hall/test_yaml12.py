"""YAML 1.2: what a scalar means, what is refused and where, and whether what is written is read back equal."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd import yaml12
from artfactoryd.documents import Document, dump_yaml, read_documents
from artfactoryd.errors import Problem, Refusal
from artfactoryd.schema import check

STEPS = [" " * level + "a:" for level in range(2, 1100)]


def read(text: str | bytes, file: str = "cars.yaml") -> Document:
    [document] = read_documents(text.encode() if isinstance(text, str) else text, file)
    return document


def refused(text: str | bytes, file: str = "cars.yaml") -> tuple[Problem, ...]:
    with pytest.raises(Refusal) as caught:
        read_documents(text.encode() if isinstance(text, str) else text, file)
    assert all(problem.fix for problem in caught.value.problems if problem.code != "E_MORE")
    assert all(problem.file == file for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("16:9", "16:9"),
        ("12:30:45", "12:30:45"),
        ("2026-11-22", "2026-11-22"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("", None),
        ("~", None),
        ("NULL", None),
        ("true", True),
        ("FALSE", False),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-3", -3),
        ("+3", 3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.5e-1", -0.05),
        ("3.", 3.0),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        ("0o8", "0o8"),
        ("'010'", "010"),
        ('"true"', "true"),
        ("!!str 010", "010"),
        ("! 010", "010"),
        ("!!int '5'", 5),
        ("A [red,blue] car", "A [red,blue] car"),
        ("[1, a]", [1, "a"]),
        ("{a: no}", {"a": "no"}),
        ("'<<'", "<<"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, value: Any) -> None:
    found = read(f"key: {written}").value["key"]
    assert found == value
    assert type(found) is type(value)


UNREADABLE: list[tuple[str | bytes, str, int | None, int | None, str]] = [
    ("prompt: [red,blue] car\n", "E_YAML", 1, 9, 'prompt: "[red,blue] car"'),
    ("parameters:\n  prompt: [red,blue] car\n  seed: 7\n", "E_YAML", 2, 11, 'prompt: "[red,blue] car"'),
    ("prompt:\n  - [red,blue] car\n", "E_YAML", 2, 5, '"[red,blue] car"'),
    ("prompt: {red|blue} car\n", "E_YAML", 1, 9, 'prompt: "{red|blue} car"'),
    ("api_key: [r8_abc] x\n", "E_YAML", 1, 10, "double quotes around the whole text."),
    ("prompt: a car: red\n", "E_YAML", 1, 9, 'prompt: "a car: red"'),
    ("prompt: *bold* car\n", "E_YAML", 1, 9, 'prompt: "*bold* car"'),
    ("prompt: *bold\n", "E_ALIAS", 1, 9, "quotes"),
    ("prompt: @home\n", "E_YAML", 1, 9, 'prompt: "@home"'),
    ('prompt: "a car" by night\n', "E_YAML", 1, 9, "other kind of quote"),
    ("prompt: 'don't'\n", "E_YAML", 1, 9, "other kind of quote"),
    ("provider:replicate\nmodel: x\n", "E_YAML", 1, 1, "key: value"),
    ("provider:replicate\n", "E_NOT_MAPPING", 1, 1, "blank after it"),
    ("prompt: “a car”\n", "E_QUOTES", 1, 9, "straight quotes"),
    ("“prompt”: a car\n", "E_QUOTES", 1, 1, "straight quotes"),
    ("prompt: “a car: red”\n", "E_QUOTES", 1, 9, "straight quotes"),
    ("a:\n\tb: 1\n", "E_TAB", 2, 1, "spaces"),
    ("a:\n  b: 1\n\tc: 1\n", "E_TAB", 3, 1, "spaces"),
    ('prompt: "a car\nseed: 7\n', "E_YAML", 1, 9, "Close it"),
    ("prompt: [red, blue\nseed: 7\n", "E_YAML", 1, 9, "Close it"),
    (r'prompt: "\[x\]"', "E_YAML", 1, 10, "backslash twice"),
    (r'prompt: "\xZZ"', "E_YAML", 1, 12, "backslash twice"),
    ("a: 1\nprompt: 'a car\n---\nb: don't\n", "E_YAML", 2, 9, "Close it"),
    ("prompt: [red] @home\n", "E_YAML", 1, 9, 'prompt: "[red] @home"'),
    ("prompt: [a, @home]\n", "E_YAML", 1, 13, "double quotes"),
    ("a: [b, ,]\n", "E_YAML", 1, 8, "Close it"),
    ("a: ,\n", "E_YAML", 1, 4, "same column"),
    ('"a": 1\nb: 2\n  c: 3\n', "E_YAML", 3, 4, "same column"),
    ("'a':\n  b: 1\n c: 2\n", "E_YAML", 3, 2, "same column"),
    ("{a: 1}\nb: 2\n", "E_YAML", 2, 1, "double quotes"),
    ("a: [!x!y z]\n", "E_YAML", 1, 5, "double quotes"),
    ("a: 1\n  b: 2\n", "E_YAML", 2, 4, "same column"),
    ("a:\n  b: 2\n c: 3\n", "E_YAML", 3, 2, "same column"),
    ("a: &x 1\nb:\n  c: 2\n d: 3\n", "E_YAML", 4, 2, "same column"),
    ("a: 0x" + "f" * 200 + "\n", "E_NUMBER", 1, 4, "quotes"),
    ("", "E_EMPTY", 1, 1, "keys"),
    (" \n\n", "E_EMPTY", 1, 1, "keys"),
    ("# only a remark\n", "E_EMPTY", 1, 1, "keys"),
    ("---\n---\n", "E_EMPTY", 1, 1, "keys"),
    ("- provider: local\n", "E_NOT_MAPPING", 1, 1, "---"),
    ("7\n", "E_NOT_MAPPING", 1, 1, "key: value"),
    ("{\\rtf1\\ansi hello}", "E_ENCODING", None, None, "Plain Text"),
    (b"a: caf\xe9\n", "E_ENCODING", 1, 7, "UTF-8"),
    (b"a: 1\nb\x00c: 2\n", "E_ENCODING", None, None, "text"),
    (b"\x00" * 64, "E_ENCODING", None, None, "again"),
    ("a: 1\n".encode("utf-16-le"), "E_ENCODING", None, None, "UTF-8"),
    (b"\xff\xfea", "E_ENCODING", 1, 1, "UTF-8"),
    ("a: x\x07y\n", "E_ENCODING", 1, 5, "Delete"),
    ("a: 1\n\ufeffb: 2\n", "E_ENCODING", 2, 1, "Delete"),
    ("a: !wow x\n", "E_TAG", 1, 4, "tag"),
    ("a: !!set {x}\n", "E_TAG", 1, 4, "tag"),
    ("a: !!int x\n", "E_TAG", 1, 4, "tag"),
    ("a: 1\nb: &x {c: 1}\nd:\n  <<: *x\n", "E_MERGE", 4, 3, "Write the keys out"),
    ("1: a\n", "E_KEY", 1, 1, "quotes"),
    ("? [a]\n: 1\n", "E_KEY", 1, 3, "quotes"),
    ("a: .inf\n", "E_NUMBER", 1, 4, "quotes"),
    ("a: -.INF\n", "E_NUMBER", 1, 4, "quotes"),
    ("a: .nan\n", "E_NUMBER", 1, 4, "quotes"),
    ("a: 1e999\n", "E_NUMBER", 1, 4, "quotes"),
    ("a: " + "9" * 5000 + "\n", "E_NUMBER", 1, 4, "quotes"),
    ("a: &a [*a]\n", "E_ALIAS", 1, 8, "out"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "says"), UNREADABLE)
def test_a_file_that_cannot_be_read_says_where_and_what_to_do(
    text: str | bytes, code: str, line: int | None, column: int | None, says: str
) -> None:
    [problem] = refused(text)
    assert (problem.code, problem.line, problem.column) == (code, line, column)
    assert says in problem.fix
    assert "r8_abc" not in str(problem)


@pytest.mark.parametrize("text", [text for text, code, *_ in UNREADABLE if code in ("E_YAML", "E_TAB", "E_QUOTES")])
def test_the_parser_of_another_release_with_other_words_is_retold_alike(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = refused(text)
    monkeypatch.setattr(yaml12, "_Loader", yaml.SafeLoader)  # PyYAML's own, which says everything in words of its own
    second = refused(text)
    assert [(one.code, one.line, one.fix) for one in second] == [(one.code, one.line, one.fix) for one in first]


@pytest.mark.parametrize(
    "text", ["prompt: don\u2019t stop \u2019til dawn", "prompt: “Yes” and “no”", "prompt: the “best” car"]
)
def test_curly_quotes_inside_a_text_are_left_alone(text: str) -> None:
    assert read(text).value["prompt"] == text.removeprefix("prompt: ")


def test_a_name_ending_in_yaml_txt_is_named() -> None:
    [problem] = refused("a: 1", "cars.yaml.txt")
    assert problem.code == "E_NAME" and "cars.yaml " in problem.fix


def test_a_duplicate_key_names_both_places() -> None:
    [problem] = refused("parameters:\n  seed: 1\n  prompt: x\n  seed: 2\n")
    assert (problem.code, problem.key, problem.line, problem.column) == ("E_DUPLICATE_KEY", "parameters.seed", 4, 3)
    assert "line 2, column 3" in problem.message


def test_all_problems_of_a_file_are_told_at_once_across_documents() -> None:
    text = "a: .inf\na: 1\n---\nb: !wow 1\n1: 2\n---\nc: [x\n"
    assert [problem.code for problem in refused(text)] == ["E_NUMBER", "E_DUPLICATE_KEY", "E_TAG", "E_KEY", "E_YAML"]


def test_a_thousand_problems_are_counted_and_not_all_written_out() -> None:
    problems = refused("".join("a: 1\n" for _ in range(1001)))
    assert len(problems) == 101
    assert problems[-1].code == "E_MORE" and "900 more" in problems[-1].message


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "a: [", "? "])
def test_a_hundred_thousand_nested_brackets_are_refused_and_the_process_lives(opening: str) -> None:
    read_it = (
        "import sys; from artfactoryd.documents import read_documents; from artfactoryd.errors import Refusal\n"
        "try: read_documents(sys.stdin.buffer.read(), 'deep.yaml')\n"
        "except Refusal as refusal: print(refusal.problems[0].code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", read_it], input=opening.encode() * 100_000, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, b"E_TOO_DEEP"), done.stderr


@pytest.mark.parametrize("before", ["a:\n ", "- a\n-\n ", "a: .inf\nb:\n "])
@pytest.mark.parametrize("levels", ["[" * 1100, "{a: " * 1100, "- " * 1100, "? " * 1100, "\n".join(STEPS)])
def test_a_thousand_levels_of_any_kind_are_too_deep_whatever_stands_before_them(before: str, levels: str) -> None:
    [problem] = refused(before + levels)
    assert problem.code == "E_TOO_DEEP"


@pytest.mark.parametrize("count", [990, 999, 1000, 1001, 1010, 1024, 1100, 20_000])
@pytest.mark.parametrize("opening", ["[", "{", "[{"])
def test_brackets_around_what_a_parser_may_refuse_by_itself_are_too_deep(opening: str, count: int) -> None:
    [problem] = refused("a: " + opening * count)
    assert (problem.code, problem.line, problem.column) == ("E_TOO_DEEP", 1, 43)


def test_forty_levels_are_read_and_forty_one_are_not() -> None:
    assert read("a: " + "[" * 39 + "]" * 39).value
    [problem] = refused("a: " + "[" * 40 + "]" * 40)
    assert (problem.code, problem.column) == ("E_TOO_DEEP", 43)


@pytest.mark.parametrize("text", ['a: "' + "[" * 2000, "a: |\n " + "[" * 2000 + "\nb: *", "a: '" + "{[" * 1500])
def test_brackets_inside_a_text_that_breaks_off_are_no_depth(text: str) -> None:
    [problem] = refused(text)
    assert problem.code == "E_YAML"


def bomb(levels: int, times: int, leaf: str = "x") -> str:
    lines = [f"a0: &a0 [{','.join([leaf] * times)}]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * times)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(9, 9),
        bomb(30, 2),
        "a: &a " + "x" * 500_000 + "\nb: [" + ",".join(["*a"] * 50) + "]",
        "a: &a {b: 1}\nc: [" + ",".join(["*a"] * 190_000) + "]",
    ],
)
def test_aliases_that_stand_for_too_much_are_refused_before_they_are_followed(text: str) -> None:
    [problem] = refused(text)
    assert problem.code == "E_ALIAS"


def test_aliases_count_towards_the_depth() -> None:
    chain = "\n".join(f"a{n}: &a{n} [[[[[[[[[[{f'*a{n - 1}' if n else 'x'}]]]]]]]]]]" for n in range(5))
    assert refused(chain)[0].code == "E_TOO_DEEP"


def test_few_aliases_are_read_as_what_they_name() -> None:
    document = read("a: &a {x: [1, 2]}\nb: *a\nc: &s no\nd: *s\n")
    assert document.value == {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}, "c": "no", "d": "no"}
    assert document.locate(Problem("E", "m", path=("b", "x", 0))).line == 1
    assert document.locate(Problem("E", "m", path=("b",))).line == 2


def test_a_large_file_without_aliases_is_read() -> None:
    assert len(read("a: [" + "xxxx," * 190_000 + "]").value["a"]) == 190_000


def test_too_many_parts_and_too_many_bytes_are_refused() -> None:
    assert refused("a: [" + "[]," * 150_000 + "]")[0].code == "E_TOO_LARGE"
    assert refused("a: " + "x" * (1 << 20))[0].code == "E_TOO_LARGE"
    with pytest.raises(Refusal, match="at most 10 are read"):
        read_documents(b"a: 12345678", "cars.yaml", most_bytes=10)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "no",
        "16:9",
        "1e3",
        "0o10",
        "010",
        "2026-11-22",
        "~",
        "",
        "y",
        "<<",
        "=",
        ".5",
        "0x1",
        "a: b",
        "# x",
        "“x”",
        "- a",
        "1_0",
        "[a,b] c",
        "line\nline\n",
        " x\ny",
        "x \n",
        "😀\n\n",
        "\ufeff",
        "\x85",
        "\u2028",
        "1:20.5",
        "é",
        "*a",
        "!raw",
        "12e03",
        "+1",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_what_is_written_is_read_back_equal(value: dict[str, Any]) -> None:
    assert read(dump_yaml(value)).value == value


@given(texts)
def test_written_texts_are_texts_to_readers_of_yaml_1_1_too(text: str) -> None:
    assert yaml.safe_load(dump_yaml({"key": text}))["key"] == text


def test_written_yaml_is_readable() -> None:
    shared = {"a": 1}
    value = {"z": "A [red,blue] car, é 😀", "a": [shared, shared], "notes": "one\ntwo\n", "ratio": "16:9", "none": {}}
    assert dump_yaml(value) == (
        'z: A [red,blue] car, é 😀\na:\n- a: 1\n- a: 1\nnotes: |\n  one\n  two\nratio: "16:9"\nnone: {}\n'
    )


@given(st.text("ab:-[]{}#&*!|>'\"%@`, \n\t01.e~<\\“", max_size=40))
def test_any_text_is_read_or_refused_with_a_place_and_never_more(text: str) -> None:
    try:
        for document in read_documents(text.encode(), "any.yaml"):
            assert check(document, "order")
    except Refusal as refusal:
        lines = text.count("\n") + 1
        assert all(problem.line and 1 <= problem.line <= lines + 1 for problem in refusal.problems)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_documents(data, "any.yaml")
    except Refusal as refusal:
        assert refusal.problems


def test_floats_that_are_no_numbers_never_get_in() -> None:
    for written in (".inf", "-.inf", ".NaN", "1e400", "!!float .inf"):
        assert refused(f"a: [{written}]")[0].code == "E_NUMBER"
    assert math.isfinite(read("a: 1e308").value["a"])
