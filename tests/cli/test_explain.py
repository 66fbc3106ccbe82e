"""What is said of a product, and how the commands for products name one."""

from __future__ import annotations

import asyncio
import csv
import io
import json

import pytest
from click.testing import CliRunner

from artfactoryd.cli import explain, main, products
from artfactoryd.errors import WrongUse
from tests.homes import TestHome, card_of
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def told(home: TestHome, *words: str) -> str:
    done = CliRunner().invoke(main, ["--home", str(home.root), *words])
    assert done.exit_code == 0, done.output
    return done.output


async def test_products_are_listed_found_explained_and_asked_for_again(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car", project="cars", tags=["fast"], notes="mine"))
        blue, red = works.house.books.index.newest_products(2)
        await works.stop()
    assert [each["prompt"] for each in json.loads(told(home, "products", "--json"))["products"]] == [
        "a blue car", "a red car",
    ]  # fmt: skip
    assert red.path in told(home, "products", "project:cars", "red")
    assert blue.path not in told(home, "products", 'project:cars "red car"')
    assert told(home, "products", "--", "-red").count(".png") == 1
    assert "… and more" in told(home, "products", "--most", "1")
    assert told(home, "products", "boat") == "Nothing fits.\n"
    wrong = CliRunner().invoke(main, ["--home", str(home.root), "products", "widht:512"])
    assert wrong.exit_code == 2 and "character 1: widht is no field" in wrong.output
    assert "Did you mean width?" in wrong.output
    assert f"--before {blue.id}" in told(home, "products", "--most", "1")
    assert told(home, "products", "--paths0", "--before", blue.id) == f"{home.root / red.path}\0"
    first, *rest = csv.DictReader(io.StringIO(told(home, "products", "--csv")))
    assert (first["prompt"], first["tags"], first["liked"], len(rest)) == ("a blue car", "fast", "no", 1)
    said = told(home, "explain", red.id)
    for words in (
        "as made", f"product    {red.id}", "project cars, item 1", "fake acme/painter", "prompt: a red car",
        "'red' for [red,blue] in prompt", "tags       fast", "notes      mine", "cost       $0.01", "ticket fake-1",
    ):  # fmt: skip
        assert words in said, said
    path = home.root / red.path
    path.write_bytes(b"edited")
    assert told(home, "explain", str(path)).startswith(f"file       {path} (changed since)")
    card = card_of(path)
    path.unlink()
    assert "(gone)" in told(home, "explain", str(card))
    assert "(no longer on the shelf)" in told(home, "products", "red")
    asked = told(home, "remake", red.id)
    assert "Asks fake acme/painter again for 1 picture of “a red car”, seed " in asked and "for at most $0.01." in asked
    (bundle,) = home.home.inbox.iterdir()
    assert (bundle / "order.yaml").read_bytes() == card.read_bytes()
    whole = card.read_text()
    for broken, words in ((whole[:-9], "is not a sidecar"), (whole.replace('"cost":', '"cots":'), "cost")):
        card.write_text(broken)
        refused = CliRunner().invoke(main, ["--home", str(home.root), "remake", red.id])
        assert refused.exit_code == 2 and words in refused.output and [*home.home.inbox.iterdir()] == [bundle]


async def call(home: TestHome, *words: str) -> str:
    """In a thread: it has a loop of its own."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["--home", str(home.root), *words])
    return f"{done.exit_code} {done.output}"


async def test_what_a_person_said_of_a_product_is_explained_and_found(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car", tags=["fast"]))
        await works.stop()
    (product,) = map(str, home.products())
    for words in (["like", product], ["rate", product, "4"], ["tag", product, "-fast"], ["tag", product, "+best"]):
        assert (await call(home, *words)).startswith("0 1 of 1 product "), words
    said = told(home, "explain", product)
    assert "liked      yes" in said and "rating     4 of 5" in said and "tags       best\n" in said
    assert [line.get("rating") for line in home.lines("mark")] == [None, 4, 4, 4]
    assert product.rpartition("/")[2] in told(home, "products", "rating:>3")
    assert told(home, "products", "rating:5") == "Nothing fits.\n"
    await call(home, "reindex")
    assert told(home, "explain", product) == said
    assert (await call(home, "rate", product, "--off")).startswith("0 1 of 1")
    assert "rating" not in told(home, "explain", product)
    for wrong in (["rate", product], ["rate", "4"], ["rate", product, "6"], ["rate", product, "4.5"]):
        assert "2 Usage" in (said := await call(home, *wrong)) or "a whole number from 0 to 5" in said, (wrong, said)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("./nowhere.png", "There is no product './nowhere.png'"),
        ("0192", "There is no product '0192'"),
        ("0192f000-0000", "`artfactoryd products` lists them"),
    ],
)
def test_what_is_not_known_is_said(home: TestHome, given: str, words: str) -> None:
    with pytest.raises(WrongUse) as caught:
        explain.explanation(home.home, given)
    assert words in str(caught.value)


def test_before_anything_was_made_there_is_nothing_to_list(home: TestHome) -> None:
    assert products.products_text(products.find_products(home.home, "", 5)) == "Nothing was made yet."
    both = CliRunner().invoke(main, ["--home", str(home.root), "products", "--csv", "--json"])
    assert both.exit_code == 2
    done = CliRunner().invoke(main, ["--home", str(home.root), "products", 'red "car'])
    assert done.exit_code == 2 and "character 5: this quote has no end" in done.output


async def test_a_sidecar_that_was_written_wrongly_is_answered_in_words(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        path = card_of(home.root / works.house.books.index.newest_products(1)[0].path)
    card = json.loads(path.read_text())
    wrong: dict[str, list[object]] = {
        "created_at": [1764500000, None], "tags": [[["a"]]], "parameters": [[1]], "model": [None], "cost": ["free"],
        "outputs": [None], "inputs": [[1]], "order": [{}], "item": [{**card["item"], "index": 1 << 70}],
    }  # fmt: skip
    for place, value in ((place, value) for place, values in wrong.items() for value in values):
        path.write_text(json.dumps({**card, place: value}))
        with pytest.raises(WrongUse, match="not as a sidecar should be"):
            explain.explanation(home.home, str(path))
    path.write_text(json.dumps({**card, "of_a_later_release": 1}))
    assert "prompt: a car" in explain.text(explain.explanation(home.home, str(path)))
