"""Ledgers written by an older program, read by this one: the index comes out row for row as it did there.

The ledgers lie in `tests/data/ledger`, each beside the tables that the program which wrote it made of it. They are
never edited; `tests/data/old/make_ledgers.py` says how they were made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.homes import TestHome

GOLDEN = Path(__file__).parents[1] / "data" / "ledger"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.jsonl"))
Line = Mapping[str, Any]


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def golden(name: str) -> dict[str, Any]:
    """`file`: what the ledger was called. `tables`: by name, their rows."""
    made: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return made


def value(stored: Any) -> Any:
    """What a JSON column holds may be written otherwise and mean the same."""
    if isinstance(stored, str) and stored.startswith(("{", "[")):
        try:
            return json.loads(stored)
        except ValueError:
            return stored
    return stored


def rows(home: TestHome, table: str, columns: list[str]) -> list[dict[str, Any]]:
    index = home.index
    try:
        return index.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2")
    finally:
        index.close()


@pytest.mark.parametrize("name", NAMES)
def test_an_old_ledger_makes_the_rows_it_always_made(home: TestHome, name: str) -> None:
    made = golden(name)
    ledger = home.home.ledger / made["file"]
    ledger.write_bytes((GOLDEN / f"{name}.jsonl").read_bytes())
    report = home.ask("reindex")
    assert report["ledger_lines"] == len(lines(name))
    for table, expected in made["tables"].items():
        columns = list(expected[0]) if expected else ["*"]
        found = [{key: value(stored) for key, stored in row.items()} for row in rows(home, table, columns)]
        assert found == [{key: value(stored) for key, stored in row.items()} for row in expected], table


def has(**fields: Any) -> Callable[[Line], bool]:
    return lambda line: all(key in line and line[key] == wanted for key, wanted in fields.items())


def holds_for(code: str) -> Callable[[Line], bool]:
    return lambda line: code in [reason["code"] for reason in line["reasons"]]


def whole(line: Line) -> bool:
    return True


VARIANTS: dict[str, dict[str, Callable[[Line], bool]]] = {
    "acceptance": {
        "of several models": lambda line: len(line.get("models", [])) > 1,
        "with pictures": lambda line: bool(line.get("inputs")),
        "with what it borrowed": lambda line: bool(line.get("library")),
        "with a proof": lambda line: bool(line.get("proof")),
        "submitted": lambda line: bool(line["submission"]),
        "under version control": lambda line: bool(line["git"]),
        "rehearsed": has(rehearsal=True),
        "second of its file": has(number=2),
        "of the first days": lambda line: not line.keys() & {"inputs", "library", "models", "proof"},
        "before stages": lambda line: "library" in line and "models" not in line,
    },
    "hold": {
        code: holds_for(code)
        for code in ("budget", "limit", "ask_above", "companion", "warning", "proof", "duplicate", "deleted", "price")
    },
    "restored": {
        "on its way": lambda line: len(line["reasons"]) == 1 and line["entry"] == "" and line["stake"] > 0,
        "held before": lambda line: len(line["reasons"]) == 2 and line["entry"] != "",
    },
    "approval": {
        "of what came back": has(of="restored"),
        "of an order": has(waived=["budget"], folder=None),
        "of one that buys again": has(waived=["deleted"]),
        "of a proof": has(waived=["proof"]),
        "of a raised cap": has(waived=["cap"]),
    },
    "folder": {"": whole},
    "cancel": {"": whole},
    "retry": {
        "free": has(**{"raise": 0}),
        "at a risk": lambda line: line["raise"] > 0,
        "of a later stage": has(fed=True),
    },
    "wish": {
        "of the first days": lambda line: not line.keys() & {"day", "caps"},
        "with its day and caps": lambda line: line.keys() >= {"day", "caps"},
        "of a second attempt": has(nth=2),
        "free": has(reserved=0),
    },
    "reuse": {
        "from the shelf": lambda line: line["outputs"][0]["address"].startswith("shelf:"),
        "without its bytes": lambda line: "path" in line["outputs"][0],
    },
    "tombstone": {"": whole},
    "ticket": {"": whole},
    "result": {"with a bill": lambda line: line.get("cost", 0) > 0, "without": lambda line: "cost" not in line},
    "settlement": {
        "of several": lambda line: len(line["products"]) == 2,
        "of less than asked": lambda line: bool(line["note"]),
        "estimated": has(estimated=True),
        "only sent on": has(interim=True),
        "free": has(cost=0),
    },
    "release": {
        "not bought": lambda line: "list shows" in line["reason"],
        "no money": lambda line: "402" in line["reason"],
        "bad key": lambda line: "401" in line["reason"],
        "throttled": lambda line: "429" in line["reason"],
    },
    "failure": {
        "in doubt, and asked about": has(verdict="in_doubt", ask=True),
        "in doubt, of the first days": lambda line: line["verdict"] == "in_doubt" and "ask" not in line,
        **{verdict: has(verdict=verdict) for verdict in ("refused", "ended", "passing", "cancelled", "lost")},
        "charged": lambda line: (line["cost"] or 0) > 0,
    },
    "pause": {
        "of an order": lambda line: "order" in line and line["on"],
        "of a provider": lambda line: has(on=True, by="you", provider="replicate")(line),
        "of everything": lambda line: has(on=True, by="you")(line) and not line.keys() & {"order", "provider"},
        "order goes on": lambda line: "order" in line and not line["on"],
        "provider goes on": lambda line: has(on=False, provider="replicate")(line) and "by" not in line,
        "everything goes on": lambda line: not line["on"] and not line.keys() & {"order", "provider"},
        "without money": has(on=True, of_key=False),
        "with a bad key": has(on=True, of_key=True),
        "by an answer": has(on=False, by="answer"),
        "of the first days": lambda line: line["on"] and "provider" in line and not line.keys() & {"by", "of_key"},
    },
    "look": {
        "fetched again": lambda line: len(line["instead"]) == 1, "gone": has(instead=[]),
    },
    "mark": {
        "liked": has(liked=True), "not liked": has(liked=False),
        "tagged": lambda line: "shiny" in line["tags"],
        "collected": lambda line: line.get("collections") == ["best", "all"],
        "in no collection any more": has(collections=[]),
    },
    "bin": {
        "put into it": lambda line: line["path"].startswith("Projects/.bin/") and "undoes" not in line,
        "taken out of it": lambda line: line["source"].startswith("Projects/.bin/") and "undoes" not in line,
        "taken back": lambda line: "undoes" in line,
    },
    "emptied": {"": whole},
    "product.gone": {"": whole, "found again": has(lifted=True)},
    "command": {
        **{name: has(name=name) for name in ("approve", "cancel", "retry", "pause", "resume", "like", "tag",
                                                   "collect", "bin", "undo")},
        "by dropping": lambda line: "claim" in line["answer"],
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", VARIANTS)
def test_every_variant_of_a_kind_of_line_is_among_the_old_ones(kind: str) -> None:
    of_kind = [line for name in NAMES for line in lines(name) if line["kind"] == kind]
    assert [name for name, fits in VARIANTS[kind].items() if not any(map(fits, of_kind))] == []


def test_no_kind_of_line_is_left_out() -> None:
    assert {line["kind"] for name in NAMES for line in lines(name)} == VARIANTS.keys()


def test_steps_of_several_lines_are_among_the_old_ones() -> None:
    assert any("more" in line for name in NAMES for line in lines(name))
