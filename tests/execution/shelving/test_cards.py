"""Sidecars carry what was said of their products, whatever came between; XMP files do where they are asked for."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from artfactoryd.errors import StorageFull
from artfactoryd.execution.shelving import cards
from artfactoryd.settings import Products
from artfactoryd.shelf import placing, xmp
from artfactoryd.shelf.marked import carry
from tests import permissions
from tests.homes import SIDECAR, TestHome, card_of
from tests.pictures import draw
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


def told(home: TestHome) -> list[dict[str, Any]]:
    return [json.loads(card_of(path).read_text()) for path in home.products()]


async def test_what_a_full_disk_or_an_empty_place_kept_out_of_a_sidecar_is_written_at_the_next_start(
    home: TestHome, monkeypatch: Patch
) -> None:
    def full(*_: object) -> None:
        raise StorageFull("There is no room.")

    async with at_work(home, monkeypatch) as works:
        await works.make(order())
        both = [row.id for row in works.house.books.index.newest_products(2)]
        _, blue = home.products()
        away = home.root / "away.png.json"
        card_of(blue).rename(away)
        with monkeypatch.context() as patch:
            patch.setattr(cards, "carry", full)
            assert (await works.tell("rate", products=both, rating=4))["done"]
    card = home.root.joinpath(next(home.home.projects.rglob("sidecars")), blue.name + ".json")
    away.rename(card)
    assert [card["rating"] for card in told(home)] == [None, None]
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: [card["rating"] for card in told(home)] == [4, 4])
        await works.until(lambda: not works.house.books.index.rows("SELECT 1 FROM product WHERE unwritten = 1"))
    for card_told in told(home):
        SIDECAR.validate(card_told)


def test_a_delivery_that_is_repeated_keeps_what_was_said_in_the_sidecar_that_lies_there(tmp_path: Path) -> None:
    draw(tmp_path / "come.png")

    def card(name: str) -> dict[str, Any]:
        return {"id": "01", "file": {"name": name}, "liked": False, "rating": None, "tags": [], "notes": "", "cost": 2}

    placing.place(tmp_path / "come.png", tmp_path / "order", "a.png", card, "folder")
    lying = tmp_path / "order" / "sidecars" / "a.png.json"
    carry(lying, "01", {"mark": "0193", "liked": True, "rating": 5, "tags": ["best"], "notes": "cover"})
    (tmp_path / "order" / "a.png").unlink()
    again = {**card("a.png"), "cost": 3}
    assert placing.place(tmp_path / "come.png", tmp_path / "order", "a.png", lambda name: again, "folder") == "a.png"
    marks = {"mark": "0193", "liked": True, "rating": 5, "tags": ["best"], "notes": "cover"}
    assert json.loads(lying.read_text()) == {**again, **marks}
    assert carry(lying, "02", {"rating": 1}) is None and json.loads(lying.read_text())["rating"] == 5


async def test_what_the_disk_refuses_beside_a_product_is_said_as_it_is(
    home: TestHome, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_work(home, monkeypatch, products=Products(xmp=True)) as works:
        await works.make(order())
        red, _ = home.products()
        blue_id, red_id = (row.id for row in works.house.books.index.newest_products(2))
        xmp.beside(red).mkdir()
        await works.tell("rate", products=[red_id], rating=4)
        assert told(home)[0]["rating"] == 4 and "is no XMP" in caplog.text and "does not say" not in caplog.text
        with monkeypatch.context() as patch:
            patch.setattr(xmp, "keep", Mock(side_effect=PermissionError(errno.EACCES, "no")))
            await works.tell("rate", products=[blue_id], rating=3)
        assert told(home)[1]["rating"] == 3 and "gets no XMP file yet" in caplog.text
        assert "does not say" not in caplog.text
    # nobody is at work: the mark is made, and what cannot be written about it waits
    for folder in (red.parent, card_of(red).parent):
        folder.chmod(0o555)
    done = permissions.call(home, "like", str(red))
    for folder in (red.parent, card_of(red).parent):
        folder.chmod(0o755)
    assert done.returncode == 0 and "1 of 1 product is marked as liked" in done.stdout, done
    assert "the receipt of order" in done.stderr and "does not say yet how it is marked" in done.stderr


async def test_marked_products_have_an_xmp_file_and_a_persons_own_is_left(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order(tags=["type/car"]))
        await works.tell("rate", products=[works.house.books.index.newest_products(2)[1].id], rating=1)
    red, blue = home.products()
    async with at_work(home, monkeypatch, products=Products(xmp=True)) as works:
        await works.until(lambda: xmp.beside(red).exists())  # of what was marked before the setting asked for them
        assert not xmp.beside(blue).exists()
        xmp.beside(blue).write_bytes(b"<mine/>")
        both = [row.id for row in works.house.books.index.newest_products(2)]
        await works.tell("rate", products=both, rating=4)
        assert b"<xmp:Rating>4</xmp:Rating>" in xmp.beside(red).read_bytes()
        assert xmp.beside(blue).read_bytes() == b"<mine/>" and told(home)[1]["rating"] == 4
