from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.homes import CARS, TestHome

SKETCHES = """provider: local
model: sketch
project: Cars
parameters:
  prompt: 'a [red,blue] car'
  width: 64
  height: 64
"""


def planned(home: TestHome, text: str, *words: str) -> dict[str, Any]:
    file = home.root / "cars.yaml"
    file.write_text(text)
    found: dict[str, Any] = home.ask("plan", str(file), *words)
    return found["orders"][0]


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_planning_writes_nothing_and_needs_no_home(home: TestHome, tmp_path: Path) -> None:
    (file := tmp_path / "cars.yaml").write_text(CARS)
    before = everything(home.root)
    assert home.call("plan", str(file)).returncode == 0
    assert everything(home.root) == before
    home.home = type(home.home)(tmp_path / "nowhere")
    assert home.call("plan", str(file)).returncode == 0
    assert not (tmp_path / "nowhere").exists()


def test_the_document_has_the_promised_keys(home: TestHome) -> None:
    order = planned(home, CARS)
    assert {
        "name", "project", "model", "total_items", "total_products", "price", "held", "warnings", "errors", "axes",
        "items",
    } <= order.keys()  # fmt: skip
    assert {"index", "parameters", "tokens", "seed", "names"} <= order["items"][0].keys()
    assert (order["total_items"], order["price"]["usd"], order["price"]["complete"]) == (4, 0.012, True)


def test_what_is_planned_is_what_is_made(home: TestHome) -> None:
    """The same seeds, the same names up to the hash, the same folder."""
    order = planned(home, SKETCHES)
    home.drop("cars.yaml", SKETCHES)
    assert home.once() == 0
    made = home.sidecars()
    assert [item["seed"] for item in order["items"]] == [each["item"]["seed"] for each in made]
    assert [item["parameters"] for item in order["items"]] == [each["parameters"]["generation"] for each in made]
    starts = [item["names"][0].partition("....")[0] for item in order["items"]]
    assert all(path.name.startswith(start) for path, start in zip(home.products(), starts, strict=True))
    assert {str(path.parent) for path in home.products()} == {order["folder"]}


def test_the_same_bytes_again_are_planned_as_held_and_with_other_seeds(home: TestHome) -> None:
    first = planned(home, SKETCHES)
    home.drop("cars.yaml", SKETCHES)
    assert home.once() == 0
    again = planned(home, SKETCHES)
    assert [reason["code"] for reason in again["held"]] == ["duplicate"]
    assert {item["seed"] for item in again["items"]} & {item["seed"] for item in first["items"]} == set()
    assert home.call("plan", str(home.root / "cars.yaml")).returncode == 3


def test_a_project_that_differs_in_case_lands_in_the_folder_there_is(home: TestHome) -> None:
    (home.home.projects / "cars").mkdir()
    assert "/Projects/cars/" in planned(home, SKETCHES)["folder"]


def test_every_mistake_is_shown_with_its_place_and_the_way_out(home: TestHome) -> None:
    (file := home.root / "cars.yaml").write_text(SKETCHES.replace("red,blue]", "red,blue").replace("width", "widht"))
    done = home.call("plan", str(file))
    assert done.returncode == 1
    assert "cars.yaml:5:14: E_UNCLOSED" in done.stdout and "Did you mean width?" in done.stdout
    errors = json.loads(home.call("plan", str(file), "--json").stdout)["orders"][0]["errors"]
    assert [(each["parameter"], each["line"], each["column_in_value"]) for each in errors] == [
        ("prompt", 5, 3), ("widht", 6, None)
    ]  # fmt: skip


def test_a_rehearsal_costs_nothing_and_says_so(home: TestHome) -> None:
    (file := home.root / "cars.yaml").write_text(CARS)
    text = home.call("plan", str(file), "--rehearse").stdout
    assert "(rehearsal: drawn here, for nothing)" in text and "at most $0.00" in text and "cars-rehearsal" in text


@pytest.mark.parametrize(("words", "listed"), [([], 10), (["--items", "2"], 2), (["--items", "all"], 12)])
def test_as_many_items_are_listed_as_asked_for(home: TestHome, words: list[str], listed: int) -> None:
    twelve = SKETCHES + "  seed: '" + ",".join(map(str, range(6))) + "'\n"
    assert len(planned(home, twelve, *words)["items"]) == listed
    text = home.call("plan", str(home.root / "cars.yaml"), *words).stdout
    assert ("more (--items all)" in text) == (listed < 12)
