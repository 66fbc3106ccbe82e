"""A picture alone orders nothing: it goes back to its empty place, or a word says which product it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artfactoryd.clock import now
from artfactoryd.intake import inbox, lone_picture
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path, monkeypatch: Patch) -> TestHome:
    quickly = {**(inbox.Inbox.__init__.__kwdefaults__ or {}), "stray_seconds": 0.0}
    monkeypatch.setattr(inbox.Inbox.__init__, "__kwdefaults__", quickly)
    return TestHome.make(tmp_path / "home")


@pytest.mark.parametrize("has_id", [True, False])
async def test_dragged_from_the_shelf_it_is_put_back_under_its_name(
    home: TestHome, monkeypatch: Patch, has_id: bool
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        (product,) = home.products()
        data = product.read_bytes()
        if has_id:
            product.rename(home.home.inbox / "renamed.png")
        else:
            shutil.copyfile(product, home.home.inbox / "renamed.png")
            product.unlink()
        await works.until(product.exists)
        await works.until(lambda: not list(home.home.inbox.iterdir()) and not list(home.home.claims.glob("*/dropped")))
        assert product.read_bytes() == data and list(home.home.rejected.iterdir()) == []
        assert len(works.house.books.index.orders()) == len(works.fake.calls()) == 1


@pytest.mark.parametrize("edited", [False, True])
async def test_a_copy_of_one_on_the_shelf_is_named_and_what_would_make_it_again(
    home: TestHome, monkeypatch: Patch, edited: bool
) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        (row,) = works.house.books.index.products(made)
        shutil.copy2(home.root / row.path, home.root / "mine.png")
        if edited:
            (home.root / "mine.png").write_bytes(b"edited")
        (home.root / "mine.png").rename(home.home.inbox / "mine.png")
        await works.until((home.home.rejected / "mine.png.error.txt").exists)
        word = home.words("mine.png")
        assert f"it is the product {row.id} ({row.path})" in word and f"`artfactoryd remake {row.id}`" in word
        assert ("changed since" in word) is edited
        assert len(works.house.books.index.orders()) == len(works.fake.calls()) == 1


async def test_killed_after_it_was_put_back_it_is_still_no_stray(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        (product,) = home.products()
        claim = works.house.claims.take(
            product, id="0" * 32, project=None, taken_at=now().isoformat(), stray=("a picture", "Drop an order.")
        )
        index = works.house.books.index
        assert claim is not None
        assert (
            lone_picture.put_back(home.home, index, claim) == lone_picture.put_back(home.home, index, claim) == product
        )
