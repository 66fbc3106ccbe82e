from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from artfactoryd.core.grammar.lists import Item, Steps, kind_of, kind_without_schema, read_list, typed
from artfactoryd.core.parameters.json_schema import enum_of, types_of

PATH = ("parameters", "steps")


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("4,8", [Item(1, ("4",)), Item(3, ("8",))]),
        (" 4 , 8 ", [Item(2, ("4",)), Item(6, ("8",))]),
        ("a\\,b,c\\|d,1\\..3,\\\\", [Item(1, ("a,b",)), Item(6, ("c|d",)), Item(11, ("1..3",)), Item(17, ("\\",))]),
        ("-1,.5,1e-4", [Item(1, ("-1",)), Item(4, (".5",)), Item(7, ("1e-4",))]),
        ("4, 8 | 9", [Item(1, ("4",)), Item(4, ("8", "9"), "8 | 9")]),
        ("../a,b", [Item(1, ("../a",)), Item(6, ("b",))]),
    ],
)
def test_the_items_of_a_list_come_with_their_columns(value: str, items: list[Item]) -> None:
    assert read_list(value, PATH, ["../a"]) == (items, [])


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("1..4", [1, 2, 3, 4]), ("4..1", [4, 3, 2, 1]), ("1..6..2", [1, 3, 5]), ("6..1..2", [6, 4, 2]), ("5..5", [5]),
        ("-1..1", [-1, 0, 1]), ("0.1..0.3..0.1", [0.1, 0.2, 0.3]), ("0..1..0.25", [0, 0.25, 0.5, 0.75, 1]),
        (" 1 .. 3 ", [1, 2, 3]), ("1.0..2.0..0.5", [1, 1.5, 2]), ("1..0.9..0.05", [1, 0.95, 0.9]),
        ("9223372036854775806..9223372036854775807", [2**63 - 2, 2**63 - 1]),
    ],
)  # fmt: skip
def test_a_range_has_both_ends_and_no_drift(value: str, values: list[Any]) -> None:
    ((steps,), problems) = read_list(value, PATH, ())
    assert isinstance(steps, Steps) and problems == []
    assert [(each, type(each)) for each in steps] == [(each, type(each)) for each in values]
    assert (len(steps), steps[-1], steps[:1]) == (len(values), values[-1], values[:1])


def test_a_thousand_tenths_are_exactly_a_hundred() -> None:
    steps = Steps(1, Decimal(0), Decimal("0.1"), 1001)
    assert (steps[1000], steps[3], steps[999]) == (100, 0.3, 99.9)


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("", [("E_EMPTY_ITEM", 1)]),
        (",4,, ,", [("E_EMPTY_ITEM", 1), ("E_EMPTY_ITEM", 4), ("E_EMPTY_ITEM", 5), ("E_EMPTY_ITEM", 7)]),
        ("4| |8", [("E_EMPTY_ITEM", 3)]), ("1, 4|", [("E_EMPTY_ITEM", 6)]),
        ("1.., 2...4", [("E_RANGE", 1), ("E_RANGE", 6)]), ("a..b", [("E_RANGE", 1)]), ("1..2..3..4", [("E_RANGE", 1)]),
        ("1, 1..3|5", [("E_RANGE", 4)]), (".5..1..0.1", [("E_RANGE", 1)]), ("1e3..2e3", [("E_RANGE", 1)]),
        ("0.1..0.9", [("E_RANGE_STEP", 1)]), ("4,1..9..0", [("E_RANGE_STEP", 3)]), ("9..1..-2", [("E_RANGE_STEP", 1)]),
        ("1..9999999999999999999", [("E_TOO_LARGE", 1)]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_list_is_told_with_its_columns(value: str, problems: list[tuple[str, int]]) -> None:
    assert [(each.code, each.column_in_value) for each in read_list(value, PATH, ())[1]] == problems


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
