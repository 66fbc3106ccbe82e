from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.grammar.cases import MOST_ROWS, read_cases
from tests.orders import plan, sets, told


def table(text: str) -> list[dict[str, Any]]:
    found = read_cases("cars.csv", text)
    assert found is not None and found.problems == ()
    return [dict(row) for row in found.rows]


@pytest.mark.parametrize(
    "text",
    [
        'prompt,steps\n"a, b",4\nc,\n', '\ufeffprompt;steps\r\n"a, b";4\r\n\r\nc;\r\n', "prompt\tsteps\na, b\t4\nc\n",
    ],
)  # fmt: skip
def test_a_table_gives_a_case_for_each_line_and_an_empty_cell_nothing(text: str) -> None:
    if "\t" in text:
        assert table(text.replace(", ", " ")) == [{"prompt": "a b", "steps": "4"}, {"prompt": "c"}]
    else:
        assert table(text) == [{"prompt": "a, b", "steps": "4"}, {"prompt": "c"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no rows"), ("prompt\n", "has no rows"), ("prompt,,x\na,b,c\n", "column 2"),
        ("prompt,steps,prompt\na,4,b\n", "prompt"), ("prompt\na\nb,4\n", "cars.csv, line 3"),
        ('prompt\n"a\n', "cars.csv, line 2"),
        ("prompt\n" + "a\n" * (MOST_ROWS + 1), str(MOST_ROWS)),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_with_its_line(text: str, words: str) -> None:
    (problem,) = plan({"prompt": "x"}, cases="cars.csv", table=text).problems
    assert (problem.code, problem.key) == ("E_CASES", "cases")
    assert words in str(problem)


def test_cells_are_read_as_parameters_are() -> None:
    text = 'prompt,steps,hires,seed\n"[red,blue] car","4,8",true,7\n'
    found = plan({"steps": 2}, cases="cars.csv", table=text)
    assert [(each["prompt"], each["steps"], each["hires"]) for each in sets(found)] == [
        (f"{colour} car", steps, True) for colour in ("red", "blue") for steps in (4, 8)
    ]


def test_a_mistake_in_a_cell_is_told_with_the_tables_line() -> None:
    found = plan({}, cases="cars.csv", table='prompt,steps\n"a\nb",4\n[c,five\n')
    assert told(found.problems) == [("E_UNCLOSED", "cases.prompt", 1), ("E_TYPE", "cases.steps", 1)]
    assert [(problem.file, problem.line) for problem in found.problems] == [("cars.csv", 4)] * 2


def test_an_order_without_cases_has_none() -> None:
    assert read_cases(None, None) is None
