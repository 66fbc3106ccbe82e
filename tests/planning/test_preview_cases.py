"""Every worked case of the language as an order file, with its model in the Library, through `plan FILE --json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Settings
from tests.core.grammar.test_tokens import CASES, are_as_expected
from tests.homes import TestHome
from tests.orders import PAINTER


def planned(home: TestHome, order: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    """The order of the document that `--json` prints."""
    schema = {**PAINTER["schema"], "required": []}
    home.home.models.mkdir(parents=True, exist_ok=True)
    (home.home.models / "painter.yaml").write_text(documents.dump_yaml({**PAINTER, "schema": schema}))
    file = home.root / "case.yaml"
    file.write_text(documents.dump_yaml({"provider": "acme", "model": "painter", **order}))
    printed = "".join(plan(home.home, Settings(), file, rehearse=False, most=most).json())
    found: dict[str, Any] = json.loads(printed)["orders"][0]
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_worked_case_is_planned(home: TestHome, case: dict[str, Any]) -> None:
    keys = {key: value for key, value in {"lookups": case["lookups"], **case.get("options", {})}.items() if value}
    found = planned(home, {"parameters": case["parameters"], **keys})
    expect = case["expect"]
    if "error" in expect:
        told = [(each["code"], each["parameter"], each["column_in_value"]) for each in found["errors"]]
        assert told == [(expect["error"]["code"], expect["error"]["param"], expect["error"]["column"])]
        assert all(each["line"] and each["column"] for each in found["errors"])
        return
    assert found["errors"] == []
    got: list[Any] = [{k: v for k, v in item["parameters"].items() if k != "seed"} for item in found["items"]]
    if isinstance(expect, list) and isinstance(expect[0], str):
        got = [each["prompt"] for each in got]
    assert found["total_items"] == len(got)
    if isinstance(expect, list):
        assert got == expect
    else:
        are_as_expected(got, **expect)


def test_a_lookup_of_five_thousand_lines_used_twice_is_counted_not_listed(home: TestHome) -> None:
    lookups = home.home.library / "lookups"
    lookups.mkdir(parents=True, exist_ok=True)
    Path(lookups / "many.txt").write_text("\n".join(f"value {n}" for n in range(5000)))
    found = planned(home, {"parameters": {"prompt": "a [many] and a [many]"}}, most=2)
    assert found["errors"] == [] and found["total_items"] == 5000 * 4999
    assert [item["parameters"]["prompt"] for item in found["items"]] == [
        "a value 0 and a value 1", "a value 0 and a value 2",
    ]  # fmt: skip
