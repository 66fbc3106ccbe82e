"""The examples are a tutorial: each is short, plans without an error, and together they use every key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import documents
from artfactoryd.cli.upkeep.init import examples
from artfactoryd.planning.preview import plan
from artfactoryd.schema import check, schema_text
from artfactoryd.settings import Settings
from tests.homes import TestHome

ROOT = Path(__file__).parents[1]
FILES = sorted([*examples().glob("*.yaml"), *examples().glob("*/order.yaml")])
LONGEST = 25  # lines
NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def stem(file: Path) -> str:
    return file.stem if file.stem != "order" else file.parent.name


def in_home(home: TestHome, file: Path) -> Path:
    return home.home.library / "examples" / file.relative_to(examples())


each_example = pytest.mark.parametrize("file", FILES, ids=stem)


def test_they_stand_in_the_order_of_the_readme() -> None:
    assert [stem(file).partition("-")[0] for file in FILES] == [f"{number:02}" for number in range(1, 14)]
    assert re.findall(r"^\| `(\d\d-\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE) == [*map(stem, FILES)]


@each_example
def test_an_example_is_short_says_what_it_is_for_and_plans(furnished: TestHome, file: Path) -> None:
    text = file.read_text()
    assert text.startswith("# ") and len(text.splitlines()) <= LONGEST
    for order in plan(furnished.home, Settings(), file, rehearse=False, most=2).document["orders"]:
        assert (order["errors"], order["held"]) == ([], []) and order["total_items"] > 0, order


@each_example
def test_an_example_plans_where_init_put_it_and_makes_as_many_pictures_as_it_says(
    furnished: TestHome, file: Path
) -> None:
    orders = plan(furnished.home, Settings(), in_home(furnished, file), rehearse=False, most=2).document["orders"]
    said = re.findall(rf"\b({'|'.join(NUMBERS[1:])}|\d+) (?:pictures?|films?)\b", file.read_text(), re.IGNORECASE)
    assert [order["errors"] for order in orders] == [[]] * len(orders)
    assert sum(int(word) if word.isdigit() else NUMBERS.index(word.lower()) for word in said) == sum(
        order["total_products"] for order in orders
    )


@each_example
def test_an_editor_finds_the_schema_of_every_order_and_has_nothing_against_it(furnished: TestHome, file: Path) -> None:
    schema = schema_text("order")
    for document in re.split(r"^---$", file.read_text(), flags=re.MULTILINE):
        (place,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", document, re.MULTILINE)
        assert (file.parent / place).is_file() and (in_home(furnished, file).parent / place).read_text() == schema
    for read in documents.read_documents(file.read_bytes(), file.name):
        assert check(read, "order") == []


def test_what_they_borrow_is_in_the_library_of_a_new_home(furnished: TestHome) -> None:
    there = furnished.home.library
    assert furnished.call("templates", "check").returncode == furnished.call("lookups", "check").returncode == 0
    assert [each["name"] for each in furnished.ask("templates")["templates"]] == ["examples/poster"]
    assert [each["name"] for each in furnished.ask("lookups")["lookups"]] == ["examples/skies"]
    assert not (there / "examples" / "Library").exists()


def keys(schema: dict[str, Any], whole: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every built key of an order, with those inside `models`, `then` and `price`."""
    schema = schema.get("items") or schema
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    for key, each in schema.get("properties", {}).items():
        if not each.get("x-not-built"):
            yield path + key
            yield from keys(each, whole, f"{path}{key}.")


def used(value: Any, path: str = "") -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        for key, inside in each.items() if isinstance(each, dict) else ():
            yield path + key
            yield from used(inside, f"{path}{key}.")


def test_together_they_use_every_key() -> None:
    schema = json.loads(schema_text("order"))
    built = set(keys(schema, schema))
    assert {"template", "then.wait", "models.provider", "price.seconds"} <= built
    read = [each for file in FILES for each in documents.read_documents(file.read_bytes(), str(file))]
    assert built - {key for document in read for key in used(document.value)} == set()
