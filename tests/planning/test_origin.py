"""What to give a command that was given a folder: the orders in it, and nothing that only ends as one does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from artfactoryd.planning.origin import instead_of_folder

ORDER = "model: sketch\nparameters: {prompt: a car}\n"
JSON = '{\n  "provider": "local",\n  "model": "sketch", "parameters": {"prompt": "a car"}}'
CARD = '{"id": "x", "parameters": {"base": {}}, "model": {"id": "sketch"},\n "software": {"name": "x"}}'
FOLDERS: list[tuple[dict[str, str], list[str]]] = [
    ({"a.yaml": ORDER, "._a.yaml": ORDER, ".hidden.yaml": ORDER, "a.yaml~": ORDER, "notes.json": "[]"}, ["a.yaml"]),
    ({"artfactory.yaml": "budget: {per_day: 3}\n", "b.json": JSON, "package.json": '{"name": "x"}'}, ["b.json"]),
    ({"0001-a-car-12345678.png.json": CARD, "0001-a-car-12345678.png": "x"}, []),
    ({"order.yaml": ORDER, "order.resolved.yaml": ORDER, "receipt.yaml": "order: x\n"}, ["order.yaml"]),
    ({"order.yaml": "oops", "a.png": "x"}, ["order.yaml"]),
    ({"holiday/order.yaml": ORDER, "holiday/a.png": "x", "b/c.yaml": ORDER}, ["b/c.yaml", "holiday/order.yaml"]),
    ({"painter.yaml": "provider: replicate\nmodel: acme/painter\nschema: {type: object}\n"}, []),
    ({"t.yaml": "---\ntemplate: portrait\n", "car (conflicted copy).yaml": ORDER}, ["t.yaml"]),
]


@pytest.mark.parametrize(("files", "orders"), FOLDERS, ids=lambda value: " ".join(value)[:40])
def test_of_a_folder_its_orders_are_named_and_nothing_else(
    tmp_path: Path, files: dict[str, str], orders: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    told = re.findall(rf"{re.escape(str(tmp_path))}/([^'`]+)", instead_of_folder("plan", tmp_path))
    assert told == orders
