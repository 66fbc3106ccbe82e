"""Ledger lines as values: every line ever written is read, written again it says the same, and the schema knows it."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from artfactoryd.core.line_values import Filed, HoldReason, Output
from artfactoryd.schema import schema_text
from artfactoryd.storage.events import (
    KINDS,
    Approval,
    Approved,
    Event,
    Failure,
    Pause,
    UnknownKind,
    from_line,
)
from tests.storage.test_ledger_golden import GOLDEN

SCHEMA: dict[str, Any] = json.loads(schema_text("ledger"))
VALID = Draft202012Validator(SCHEMA)
# What earlier releases left out of their lines; read as its default, it stands in the line when that is written again.
ADDED = {"approval": {"of", "folder"}, "acceptance": {"inputs", "library", "models", "proof"}, "wish": {"day", "caps"}}


def written_lines() -> list[dict[str, Any]]:
    texts = [text for path in sorted(GOLDEN.glob("*.jsonl")) for text in path.read_text().splitlines()]
    lines: list[dict[str, Any]] = [json.loads(text) for text in texts if text.startswith("{") and text.endswith("}")]
    return [{name: value for name, value in line.items() if name != "more"} for line in lines]


def test_every_line_that_was_ever_written_says_the_same_when_it_is_written_again() -> None:
    lines = written_lines()
    assert {line["kind"] for line in lines} == KINDS.keys()
    for line in lines:
        again = json.loads(json.dumps(from_line(line).to_line()))
        added = again.keys() - line.keys()
        assert added <= ADDED.get(line["kind"], set())
        assert {name: value for name, value in again.items() if name not in added} == line


def test_the_schema_takes_every_line_that_was_ever_written_and_what_is_written_now() -> None:
    for line in written_lines():
        VALID.validate(line)
        VALID.validate(json.loads(json.dumps(from_line(line).to_line())))


@pytest.mark.parametrize("event", KINDS.values(), ids=lambda event: event.kind)
def test_the_schema_and_the_type_have_the_same_fields_and_need_the_same(event: type[Event]) -> None:
    described = SCHEMA["$defs"][event.kind]
    names = {field.metadata.get("name", field.name): field for field in fields(event)}
    assert described["properties"].keys() == {"kind", *names}
    needed = {
        name for name, field in names.items() if field.default is MISSING and field.default_factory is MISSING
    } | {"kind", "at"}
    assert set(described["required"]) == needed


@pytest.mark.parametrize(("value", "name"), [(Output, "output"), (Filed, "product"), (HoldReason, "reason")])
def test_the_schema_and_what_stands_inside_a_line_have_the_same_fields(value: type, name: str) -> None:
    assert SCHEMA["$defs"][name]["properties"].keys() == {field.name for field in fields(value)}


@pytest.mark.parametrize(
    ("waived", "of"),
    [(["cap"], Approved.CAP), (["proof"], Approved.PROOF), (["limit"], Approved.ORDER), (["limit", "proof"], "order")],
)
def test_an_old_approval_is_told_apart_by_what_it_waived_and_a_new_one_by_its_field(waived: list[str], of: str) -> None:
    line = {"kind": "approval", "at": "now", "order": "o", "waived": waived, "cap": 1}
    event = from_line(line)
    assert isinstance(event, Approval) and event.of == of
    assert from_line({**line, "waived": ["limit"], "of": "proof"}).to_line()["of"] == "proof"


def test_a_kind_of_a_newer_release_is_named_and_a_key_of_one_is_left_alone() -> None:
    with pytest.raises(UnknownKind, match="nonsense"):
        from_line({"kind": "nonsense", "at": "now"})
    assert from_line({"kind": "cancel", "at": "now", "order": "o", "newer": 1}).to_line() == {
        "kind": "cancel", "at": "now", "order": "o",
    }  # fmt: skip


def test_a_line_that_lacks_something_is_refused_by_its_name() -> None:
    with pytest.raises(KeyError, match="ticket"):
        from_line({"kind": "ticket", "at": "now", "order": "o", "item": 1, "attempt": "a"})


def test_what_has_its_default_is_left_out_where_the_line_always_left_it_out() -> None:
    failure = Failure(order="o", item=1, attempt="a", verdict="lost", reason="gone", cost=3)
    assert "ask" not in failure.to_line() and failure.to_line()["cost"] == 3
    assert Pause(on=True).to_line() == {"kind": "pause", "at": "", "on": True}
