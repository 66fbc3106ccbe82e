"""Documents: their bytes and places, and what the schemas say of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from artfactoryd.core.sidecar import sidecar
from artfactoryd.documents import Document, dump_yaml, read_documents
from artfactoryd.errors import Problem
from artfactoryd.schema import check, check_mapping, check_schema, check_value, schema_names, schema_text

SMALLEST = """\
provider: replicate
model: flux-schnell
project: summer-cars
parameters:
  prompt: "A [red,blue] car"
  num_inference_steps: "2,4"
  seed: 7
"""


def read(text: str | bytes, file: str = "cars.yaml") -> Document:
    [document] = read_documents(text.encode() if isinstance(text, str) else text, file)
    return document


def order_problems(text: str) -> list[tuple[str, str, int | None, int | None]]:
    return [(each.code, each.key, each.line, each.column) for each in check(read(text), "order")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_with_a_mark_and_all_line_ends_are_read_with_true_places(encoding: str, end: str) -> None:
    text = f"a: “é😀” [x]{end}parameters:{end}  prompt: x{end}---{end}b: 2{end}"
    documents = read_documents(text.encode(encoding), "cars.yaml")
    assert [document.value for document in documents] == [{"a": "“é😀” [x]", "parameters": {"prompt": "x"}}, {"b": 2}]
    problem = documents[0].locate(Problem("E", "m", path=("a",), column_in_value=6))
    assert (problem.line, problem.column) == (1, 9)
    assert [read(document.text).value for document in documents] == [document.value for document in documents]
    assert documents[1].locate(Problem("E", "m", path=("b",))).line == 5


def test_each_document_of_a_file_has_its_own_bytes() -> None:
    first, second = "# cars\na: 1\n# of the first\n", "---\n# hi\nb: 2\n...\n"
    third = "%YAML 1.2\n---\nc: 3\n"
    documents = read_documents((first + second + third).encode(), "cars.yaml")
    assert [document.text.decode() for document in documents] == [first, second, third]
    assert [(document.number, document.count) for document in documents] == [(1, 3), (2, 3), (3, 3)]


def test_documents_with_nothing_in_them_are_left_out() -> None:
    text = b"---\n---\na: 1\n---\n# end\n"
    [document] = read_documents(text, "cars.yaml")
    assert (document.value, document.text, document.count) == ({"a": 1}, text, 1)


def test_json_is_read_with_its_escapes_and_places() -> None:
    value = {"provider": "replicate", "parameters": {"prompt": 'a 😀 "car" \\ / é', "seed": 7, "x": [1.5, None, True]}}
    for text in (json.dumps(value), json.dumps(value, indent="\t"), json.dumps(value, ensure_ascii=False)):
        assert read(text, "cars.json").value == value
    document = read('{"a": "\\\\ud83d \\ud83d\\ude00 \\ud83d\\ude00", "b": 1}')
    assert document.value == {"a": "\\ud83d 😀 😀", "b": 1}
    assert document.locate(Problem("E", "m", path=("b",))).column == 49
    assert document.locate(Problem("E", "m", path=("a",), column_in_value=10)).column == 29


@pytest.mark.parametrize(
    ("text", "column_in_value", "place"),
    [
        ("p: a [x", 3, (1, 6)),
        ("p: 'it''s [x'", 6, (1, 11)),
        (r'p: "a\x41\u00e9\"[x"', 5, (1, 18)),
        ("p: &name a [x", 3, (1, 4)),
        ("p: >\n  a [x\n", 3, (1, 4)),
        ('p: "a\n  b [x"', 5, (1, 4)),
        ("q: 1\np: a [x", None, (2, 4)),
        ("q: 1", 3, (1, 1)),
    ],
)
def test_a_column_in_a_value_becomes_a_column_in_the_file(
    text: str, column_in_value: int | None, place: tuple[int, int]
) -> None:
    problem = read(text).locate(Problem("E_UNCLOSED", "m", path=("p",), column_in_value=column_in_value))
    assert (problem.line, problem.column, problem.file) == (*place, "cars.yaml")


def test_a_wrong_key_is_shown_where_the_key_stands() -> None:
    document = read("parameters:\n  stepps: 4\n")
    problem = document.locate(Problem("E_PARAMETER", "m", path=("parameters", "stepps")))
    assert (problem.line, problem.column) == (2, 3)


def test_scalars_are_kept_as_written() -> None:
    document = read("p: 007\nq: [1.10, 'x y', 0x10]\nr: {s: ~}\n")
    paths: list[tuple[str | int, ...]] = [("p",), ("q", 0), ("q", 1), ("q", 2), ("r", "s"), ("r",), ("nothing", 3)]
    assert [document.written(path) for path in paths] == ["007", "1.10", "x y", "0x10", "~", None, None]


def test_the_smallest_order_and_the_json_request_pass() -> None:
    assert check(read(SMALLEST), "order") == []
    request = {
        "provider": "replicate",
        "model": "flux-dev",
        "project_id": "cars",
        "parameters": {"prompt": "x", "seed": 7},
    }
    assert check(read(json.dumps(request)), "order") == []


def test_every_key_of_this_part_passes() -> None:
    extra = (
        "version: 1\nproject_id: summer-cars\nname: x\nseed: 0\nbudget: 0.5\nprice: {usd: 1, per: second, seconds: 2}\n"
    )
    extra += "priority: -10\ntags: [a]\nnotes: hi\nvalidate: false\nrehearse: true\nwarnings: ok\ncount: 2\nsample: 1\n"
    extra += "limit: 5\nproof: 2\nfile: '{index}.{ext}'\n"
    extra += "lookups: {colour: [red, 7]}\nraw: [prompt]\ncases: [{seed: 1}]\nreuse: never\nexclude: [{seed: 1}]\n"
    assert check(read(SMALLEST + extra), "order") == []


LATER = [
    "collection",
]


@pytest.mark.parametrize("key", LATER)
@pytest.mark.parametrize("value", ["5", "{a: 1}", "[x]"])
def test_keys_of_later_parts_are_refused_by_name_whatever_they_hold(key: str, value: str) -> None:
    [problem] = check(read(f"{SMALLEST}{key}: {value}\n"), "order")
    assert (problem.code, problem.key, problem.line, problem.column) == ("E_NOT_BUILT", key, 8, 1)
    assert problem.message == f"{key} is not built yet."


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("modle: x", ("E_UNKNOWN_KEY", "modle", 8, 1)),
        ("count: 0", ("E_RANGE", "count", 8, 8)),
        ("cases: []", ("E_VALUE", "cases", 8, 8)),
        ("lookups: {colour: []}", ("E_VALUE", "lookups.colour", 8, 19)),
        ("priority: 11", ("E_RANGE", "priority", 8, 11)),
        ("priority: 1.5", ("E_TYPE", "priority", 8, 11)),
        ("seed: -1", ("E_RANGE", "seed", 8, 7)),
        ("budget: '5'", ("E_TYPE", "budget", 8, 9)),
        ("version: 2", ("E_VALUE", "version", 8, 10)),
        ("tags: [a, 7]", ("E_TYPE", "tags.1", 8, 11)),
        ("validate: yes", ("E_TYPE", "validate", 8, 11)),
        ("name: ''", ("E_RANGE", "name", 8, 7)),
        ("project_id: other", ("E_VALUE", "project_id", 8, 13)),
        ("price: {per: image}", ("E_REQUIRED", "price", 8, 8)),
        ("price: {usd: 1, per: second}", ("E_REQUIRED", "price", 8, 8)),
        ("price: {usd: 1, pro: image}", ("E_UNKNOWN_KEY", "price.pro", 8, 17)),
    ],
)
def test_a_wrong_key_or_value_of_an_order_is_located(line: str, problem: tuple[str, str, int, int]) -> None:
    assert order_problems(SMALLEST + line + "\n") == [problem]


def test_schema_problems_come_all_at_once_in_the_order_of_the_file() -> None:
    assert order_problems("prompt: hi\nmodel: 7\ncollection: a\nproject: 2024\n") == [
        ("E_REQUIRED", "", 1, 1),
        ("E_REQUIRED", "", 1, 1),
        ("E_UNKNOWN_KEY", "prompt", 1, 1),
        ("E_TYPE", "model", 2, 8),
        ("E_NOT_BUILT", "collection", 3, 1),
        ("E_TYPE", "project", 4, 10),
    ]


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("modle", "Did you mean model?"),
        ("Project-ID", "Did you mean project_id?"),
        ("templat", "Did you mean template?"),
        ("prompt", "If it is a parameter of the model, it belongs under parameters."),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_right_name(key: str, fix: str) -> None:
    [problem] = check(read(f"{SMALLEST}{key}: x\n"), "order")
    assert problem.fix == fix


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 4}, 9, "must be a whole number from 1 to 4, not 9."),
        ({"type": "integer", "minimum": 1}, True, "must be a whole number of at least 1, not true."),
        ({"type": "number", "maximum": 1}, 1.5, "must be a number of at most 1, not 1.5."),
        ({"type": "number", "exclusiveMinimum": 0}, 0, "must be a number above 0, not 0."),
        (
            {"type": "integer", "minimum": 0, "maximum": 64, "multipleOf": 32},
            5,
            "must be a whole number from 0 to 64 divisible by 32, not 5.",
        ),
        ({"type": "string", "enum": ["1:1", "16:9"]}, "4:4", 'must be one of 1:1, 16:9, not "4:4".'),
        ({"type": "string", "maxLength": 3}, "abcd", 'must be text of at most 3 characters, not "abcd".'),
        ({"type": "array", "items": {"type": "integer"}}, [1, "x"], '[1] must be a whole number, not "x".'),
        ({"anyOf": [{"type": "integer"}, {"enum": ["auto"]}]}, 2.5, "must be a whole number or auto, not 2.5."),
        ({"type": "integer"}, 3.0, None),
        ({}, {"anything": 1}, None),
    ],
)
def test_a_parameters_value_is_answered_with_what_is_allowed(schema: Any, value: Any, sentence: str | None) -> None:
    assert check_value(schema, value) == sentence


def test_a_schema_that_is_none_or_points_elsewhere_is_refused() -> None:
    assert check_schema({"type": "object", "properties": {"a": {"type": "integer"}}}) is None
    assert "properties.a.type" in str(check_schema({"properties": {"a": {"type": "integr"}}}))
    assert "$ref" in str(check_schema({"properties": {"a": {"$ref": "https://example.com/schema"}}}))


@pytest.mark.parametrize("name", ["model", "order", "settings", "sidecar"])
def test_the_schemas_are_valid_and_say_what_each_key_is(name: str) -> None:
    assert name in schema_names()
    schema = json.loads(schema_text(name))
    Draft202012Validator.check_schema(schema)
    assert schema["title"] and schema["description"]
    for key, each in schema["properties"].items():
        assert each.get("title"), key
    assert check_schema(schema) is None or "$ref" in str(check_schema(schema))


def sidecar_of_a_red_car() -> dict[str, Any]:
    uuid, sha256 = "0190a0c4-7b1e-7c3a-9a51-3f5f0d6f2b11", "3f9ac2d1" * 8
    row = {
        "inputs": [],
        "project": "cars",
        "order_id": uuid,
        "order_name": "cars",
        "document_sha256": sha256,
        "git": None,
        "number": 0,
        "copy": 0,
        "seed": 7,
        "tokens": [{"parameter": "prompt", "token": "[red,blue]", "value": "red"}],
        "provider": "local",
        "model": {"id": "sketch", "version": None, "family": "sketch", "modality": "text-to-image"},
        "ticket": "{}",
        "base": {"prompt": "A [red,blue] car"},
        "base_of": {"sha256": sha256, "path": "Projects/p/2026-11-22/cars/order.yaml"},
        "generation": {"prompt": "A red car"},
        "actual": {"prompt": "A red car"},
        "returned": {},
        "asked": 1,
        "delivered": 1,
        "cost_usd": 0.0,
        "cost_estimated": False,
        "timings": {"seconds": 0.1},
        "parents": [],
        "stage": None,
        "tags": [],
        "notes": "",
        "rehearsal": False,
        "origin": {"file": "cars.yaml", "submission": {}},
        "software_version": "1",
    }
    file = {"name": "a.png", "index": 1, "sha256": sha256, "original_sha256": sha256, "bytes": 9, "mime": "image/png"}
    file |= {"width": 512, "height": 512, "duration": None}
    return sidecar(row, file, {"id": uuid, "created_at": "2026-11-22T10:00:00.123+01:00"})


def test_a_sidecar_as_it_is_written_fits_its_schema_and_one_with_a_hole_does_not() -> None:
    written = sidecar_of_a_red_car()
    assert check_mapping(written, "sidecar") == []
    for key in written.keys() - {"version"}:  # which the first version did not have
        problems = check_mapping({name: each for name, each in written.items() if name != key}, "sidecar")
        assert [problem.code for problem in problems] == ["E_REQUIRED"]
    assert check_mapping({**written, "rating": 6}, "sidecar")


def test_what_has_raw_before_it_is_known_by_its_key_path() -> None:
    text = "a: !raw [x]\nb: {c: !raw '1', d: 2}\ne: [x, !raw y]\nf: !raw 7\n"
    document = read(text)
    assert document.value == {"a": ["x"], "b": {"c": "1", "d": 2}, "e": ["x", "y"], "f": 7}
    assert document.raw == {("a",), ("b", "c"), ("e", 1), ("f",)}


def test_what_would_act_is_written_as_what_it_is_and_read_back_equal() -> None:
    texts = ["a\u202eb", "\u2066x\u2069", "a: \u200fb", "two\nlines \u202e", "\u202e", "x\u2028y", "\x1b[1m", "plain"]
    written = dump_yaml({"texts": texts, "\u202ekey": 1})
    assert not re.search("[\u200f\u2028-\u202e\u2066-\u2069\ufeff\x1b]", written)
    (read,) = read_documents(written.encode(), "x.yaml")
    assert read.value == {"texts": texts, "\u202ekey": 1}
