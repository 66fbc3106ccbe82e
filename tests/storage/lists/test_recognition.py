"""A product is found wherever it lies and whatever it is called; a picture that may be several is none of them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from artfactoryd.cli import main
from artfactoryd.shelf import desktop
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists.recognition import products_of
from tests.homes import TestHome, card_of
from tests.pictures import edit, with_editor
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


async def call(home: TestHome, *words: str) -> Result:
    """In a thread: some commands have a loop of their own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["--home", str(home.root), *words])


async def told(home: TestHome, *words: str) -> str:
    done = await call(home, *words)
    assert done.exit_code == 0, done.output
    return done.output


def bare(source: Path, target: Path) -> Path:
    """A copy as most programs make it: the bytes alone."""
    shutil.copyfile(source, target)
    return target


def renamed(product: Path, away: Path) -> Path:
    return product.rename(away / "best.png")


def renamed_and_edited(product: Path, away: Path) -> Path:
    there = product.rename(away / "best.png")
    there.write_bytes(b"edited")
    return there


def moved_without_its_id(product: Path, away: Path) -> Path:
    there = bare(product, away / "best.png")
    product.unlink()
    return there


def copied_with_its_sidecar(product: Path, away: Path) -> Path:
    shutil.copyfile(card_of(product), away / "best.png.json")
    there = bare(product, away / "best.png")
    there.write_bytes(b"edited")
    return there


def copied(product: Path, away: Path) -> Path:
    return bare(product, away / "best.png")


@pytest.mark.parametrize("to", [renamed, renamed_and_edited, moved_without_its_id, copied_with_its_sidecar, copied])
async def test_under_another_name_in_another_folder_it_is_the_product_that_it_was(
    home: TestHome, monkeypatch: Patch, tmp_path: Path, to: Callable[[Path, Path], Path]
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        red, _ = works.house.books.index.products(works.house.books.index.orders()[0].id)
        await works.stop()
    card = card_of(home.root / red.path)
    there = to(home.root / red.path, tmp_path)
    said = await told(home, "explain", str(there))
    assert f"product    {red.id}" in said and said.startswith(f"file       {there} (")
    await told(home, "like", str(there))
    await told(home, "tag", str(there), "+best")
    listed = json.loads(await told(home, "products", str(there), "--json"))["products"]
    assert [each["id"] for each in listed] == [red.id]
    assert [line["product"] for line in home.lines("mark")] == [red.id] * 2
    await told(home, "remake", str(there))
    (bundle,) = home.home.inbox.iterdir()
    assert (bundle / "order.yaml").read_bytes() == card.read_bytes() or to is copied_with_its_sidecar


async def test_of_several_products_with_its_bytes_it_is_the_missing_one_or_none_is_marked(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        await works.make(order("a car", notes="again"))
        await works.stop()
    first, second = home.products()
    assert first.read_bytes() == second.read_bytes() and desktop.product_in(first) != desktop.product_in(second)
    lone = bare(first, tmp_path / "lone.png")
    done = await call(home, "like", str(lone))
    ids = [str(desktop.product_in(path)) for path in (first, second)]
    assert done.exit_code == 2 and all(known in done.output for known in ids) and home.lines("mark") == []
    assert done.output.count("Name one by its id") == 1
    second.unlink()
    await told(home, "like", str(lone))
    assert [line["product"] for line in home.lines("mark")] == [ids[1]]


async def test_what_is_no_product_is_none(home: TestHome, monkeypatch: Patch, tmp_path: Path) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
    foreign = tmp_path / "foreign.png"
    foreign.write_bytes(b"foreign")
    os.setxattr(foreign, desktop.PRODUCT, b"0193f0c2-0000-7000-8000-000000000001")
    with closing(Index.look(home.home.index_file)) as index:
        for path in (foreign, tmp_path, tmp_path / "nowhere.png", Path("x" * 5000), Path("a\0b")):
            assert products_of(home.home, index, path) == []
    done = await call(home, "explain", str(foreign))
    assert done.exit_code == 2 and "no product here has its bytes" in done.output


async def test_a_picture_beside_an_order_that_is_a_product_is_its_parent(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        made = await works.make(order("a car"))
        (row,) = works.house.books.index.products(made)
        bare(home.root / row.path, home.home.inbox / "mine.png")
        edited = await works.make(edit("mine.png"), "edit.yaml")
        (child,) = works.house.books.index.products(edited)
    card = json.loads(card_of(home.root / child.path).read_text())
    assert card["parents"] == [row.id] and card["inputs"][0]["source"] == "mine.png"
