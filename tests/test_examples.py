"""The examples are a tutorial: each is short, plans without an error, and together they use every key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artfactoryd import documents
from artfactoryd.planning import plan
from artfactoryd.settings import Settings
from artfactoryd.setup import examples
from tests.homes import TestHome

FILES = [*sorted(examples().glob("*.yaml")), *sorted(examples().glob("*/order.yaml"))]
LONGEST = 25  # lines
# A template needs a Library of its own, `reuse: never` is for remaking, and a proof would keep the demo waiting.
ELSEWHERE = {"template", "reuse", "proof"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem if file.stem != "order" else file.parent.name)
def test_an_example_is_short_says_what_it_is_for_and_plans(home: TestHome, file: Path) -> None:
    text = file.read_text()
    assert text.startswith("# ") and len(text.splitlines()) <= LONGEST
    for order in plan(home.home, Settings(), file, rehearse=False, most=2).document["orders"]:
        assert (order["errors"], order["held"]) == ([], []) and order["total_items"] > 0, order


def test_together_they_use_every_key() -> None:
    schema = documents.schema_text("order")
    built = {key for key, each in json.loads(schema)["properties"].items() if not each.get("x-not-built")}
    used = {
        key
        for file in FILES
        for document in documents.read_documents(file.read_bytes(), str(file))
        for key in document.value
    }
    assert built - used == ELSEWHERE
