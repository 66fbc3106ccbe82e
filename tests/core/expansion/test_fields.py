"""Columns that are no parameters: what texts and names take of them, and what holds an order because of them."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.expansion.product_names import wrong_names
from tests.core.expansion import test_stages
from tests.orders import MODEL, plan, prompts, told

MUGS = "sku,colour\nM-1,red\nM-2,sea green\n"


def of_table(parameters: dict[str, Any], table: str = MUGS, **keys: Any) -> Plan:
    found = plan(parameters, cases="mugs.csv", table=table, **keys)
    assert found.problems == ()
    return found


def codes(found: Plan) -> list[tuple[str, str, bool]]:
    return [(warning.code, warning.key, warning.holds) for warning in found.warnings]


def test_a_text_takes_a_field_and_every_item_says_its_own() -> None:
    found = of_table({"prompt": "a [=colour] mug [on,under] a table"}, file="{sku}-{index}.{ext}")
    assert prompts(found) == [
        f"a {colour} mug {where} a table" for colour in ("red", "sea green") for where in ("on", "under")
    ]
    assert [item.tokens for item in found.items()][2] == (
        ("prompt", "[on,under]", "on"), ("cases", "sku", "M-2"), ("cases", "colour", "sea green"),
    )  # fmt: skip
    assert codes(found) == [] and found.base(1)["prompt"] == "a [=colour] mug [on,under] a table"


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("[=colour], [colour_1], [=colour_1]", ["red, x, x", "red, y, y", "sea green, x, x", "sea green, y, y"]),
        ("[=sku] || [=colour]", ["M-1", "red", "M-2", "sea green"]),
        (["[=sku]", "b"], ["M-1", "b", "M-2", "b"]),
    ],
)
def test_a_reference_means_the_nearest_use_of_an_alias_else_the_field(prompt: Any, wanted: list[str]) -> None:
    assert prompts(of_table({"prompt": prompt}, lookups={"colour_1": ["x", "y"]}, file="{sku}{colour}.{ext}")) == wanted


def test_fields_of_inline_cases_are_the_characters_that_were_written() -> None:
    found = plan({"prompt": "n [=no]"}, cases=[{"no": "007"}, {"no": 8, "steps": 3}])
    assert prompts(found) == ["n 007", "n 8"] and codes(found) == []


def test_a_field_called_like_a_lookup_that_the_order_uses_is_an_error() -> None:
    found = plan(
        {"prompt": "[colour] [=colour]"}, cases="m.csv", table=MUGS, lookups={"colour": ["x"]}, file="{sku}.{ext}"
    )
    assert told(found.problems) == [("E_FIELD", "cases.colour", None)]
    assert prompts(of_table({"prompt": "[=colour] [=sku]"}, lookups={"colour": ["x"]}))[0] == "red M-1"


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ("prmpt,steps\na,4\nb,5\n", [("E_PARAMETER", "cases.prmpt", 1)]),
        ("prompt,steps\na,x\nb,4\nc,y\n", [("E_TYPE", "cases.steps", 2)]),
        ("steps\n" + "2\n" * 40, []),
    ],
)
def test_what_is_wrong_with_a_column_is_told_once(table: str, wanted: list[tuple[str, str, int]]) -> None:
    found = plan({} if "prompt" in table else {"prompt": "x"}, cases="t.csv", table=table)
    assert [(problem.code, problem.key, problem.line) for problem in found.problems] == wanted
    if ",x" in table:
        assert "The same in line 4." in found.problems[0].message


def test_a_column_or_a_lookup_of_the_order_that_nothing_uses_holds() -> None:
    found = of_table({"prompt": "a mug"}, lookups={"hue": ["x"]}, file="{sku}.{ext}")
    assert codes(found) == [("W_UNUSED", "cases.colour", True), ("W_UNUSED", "lookups.hue", True)]
    inline = plan({"prompt": "a"}, cases=[{"steps": 2}, {"a_ratio": "1:1"}])
    assert codes(inline) == [("W_UNUSED", "cases.1.a_ratio", True)] and "aspect_ratio" in inline.warnings[0].fix


def test_what_a_stage_takes_is_used_and_reaches_its_items() -> None:
    found = test_stages.plan(
        "a mug", test_stages.stage(parameters={"prompt": "in [=colour]"}), cases=[{"colour": "red"}, {"colour": "blue"}]
    )
    later = [item for item in found.items() if item.stage]
    assert [item.parameters["prompt"] for item in later] == ["in red", "in blue"]
    assert [item.tokens for item in later] == [(("cases", "colour", "red"),), (("cases", "colour", "blue"),)]
    assert codes(found) == []


@pytest.mark.parametrize(("steps", "holds"), [(2, False), ("2", False), ("2,4", True), ([2, 4], True), ("2|4", True)])
def test_a_column_that_writes_over_what_the_order_says_is_warned_of_and_an_axis_that_would_vanish_holds(
    steps: Any, holds: bool
) -> None:
    found = of_table({"prompt": "x", "steps": steps}, "steps\n3\n5\n")
    assert codes(found) == [("W_REPLACED", "parameters.steps", holds)]


def test_an_empty_cell_leaves_what_is_written_and_an_empty_field_is_nothing() -> None:
    found = of_table({"prompt": "a [=colour] mug", "steps": 2}, "steps,colour\n3,\n,red\n")
    assert [(item.parameters["steps"], item.parameters["prompt"]) for item in found.items()] == [
        (3, "a  mug"), (2, "a red mug"),
    ]  # fmt: skip
    assert [code for code, _, _ in codes(found)] == ["W_REPLACED", "W_EMPTY_CELL"]


@pytest.mark.parametrize("value", ["{a|b}", "__hair__", "[a;b]", "(x:1.2)"])
def test_a_field_is_sent_as_it_is_and_what_looks_like_syntax_in_it_holds(value: str) -> None:
    found = of_table({"prompt": "a [=colour] mug"}, f"colour\nred\n{value}\n")
    assert prompts(found)[1] == f"a {value} mug"
    assert [(warning.code, warning.line, warning.holds) for warning in found.warnings] == [("W_FOREIGN", 3, True)]


def test_where_nobody_knows_the_parameters_a_column_is_one_unless_a_text_takes_it() -> None:
    found = plan({"prompt": "a [=colour]"}, cases=[{"colour": "red", "sku": "1"}], validate=False)
    assert [item.parameters["sku"] for item in found.items()] == ["1"] and prompts(found) == ["a red"]


def test_one_table_of_ten_thousand_is_read_once_and_costs_its_rows() -> None:
    table = "sku\n" + "".join(f"A{n}\n" for n in range(10_000))
    found = of_table({"prompt": "article [=sku]"}, table)
    assert found.total_items == 10_000 and found.item(10_000).parameters["prompt"] == "article A9999"
    assert found.fields_used == {"sku"} and found.models == (MODEL,)


def test_of_a_wrong_table_nothing_is_told_but_what_is_wrong_with_it() -> None:
    found = plan({"prompt": "[=sku] mug"}, cases="t.csv", table='sku,size\n"M-1,2\n', file="{size}.{ext}")
    assert [problem.code for problem in found.problems] == ["E_CASES"] and list(wrong_names(found)) == []
