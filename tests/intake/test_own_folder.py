"""An order's folder dragged from Projects into the inbox: put back, or held as the duplicate it is; never bought."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.homes import TestHome, copied_at_work, leftovers
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def files(folder: Path) -> dict[str, bytes]:
    """But for the receipt, which may be written at any moment."""
    paths = [path for path in folder.rglob("*") if path.name != "receipt.yaml" and path.name[0] != "."]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


async def made(works: Works) -> Path:
    order_id = await works.make(order())
    return works.home.root / works.folder(order_id)


async def gone_from(works: Works, path: Path) -> None:
    await works.until(lambda: not path.exists() and not works.daemon._consumer.pending)
    await works.rests()


@pytest.mark.parametrize("removed", ["", "receipt.yaml", "order.yaml"])
async def test_dragged_into_the_inbox_it_is_put_back_whole_and_nothing_is_made(
    home: TestHome, monkeypatch: Patch, removed: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        folder = await made(works)
        if removed:
            (folder / removed).unlink()
        before = files(folder)
        shutil.move(folder, home.home.inbox / folder.name)
        await gone_from(works, home.home.inbox / folder.name)
        await works.until(lambda: files(folder) == before)  # a receipt may have been written there meanwhile
        assert len(works.fake.calls()) == 2
        assert len(works.house.books.index.orders()) == 1
        await works.until(lambda: leftovers(home) == [])


async def test_put_back_where_its_receipt_was_written_meanwhile(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        folder = await made(works)
        before = files(folder)
        aside = home.root / "aside"
        shutil.move(folder, aside)
        folder.mkdir()
        (folder / "receipt.yaml").write_text("order_id: x\n")
        aside.rename(home.home.inbox / folder.name)
        await gone_from(works, home.home.inbox / folder.name)
        await works.until(lambda: files(folder) == before)
        assert len(works.fake.calls()) == 2


@pytest.mark.parametrize("above", [1, 2])
async def test_a_day_or_a_project_of_order_folders_is_put_back_too(
    home: TestHome, monkeypatch: Patch, above: int
) -> None:
    async with at_work(home, monkeypatch) as works:
        folder = await made(works)
        before, dragged = files(folder), folder.parents[above - 1]
        shutil.move(dragged, home.home.inbox / dragged.name)
        await works.until(folder.is_dir)
        await works.until(lambda: files(folder) == before)
        assert len(works.fake.calls()) == 2 and len(works.house.books.index.orders()) == 1


async def test_dropped_into_a_drop_box_it_is_put_back_too(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        folder = await made(works)
        (home.home.inbox / "box").mkdir()
        await works.make(order("a boat"), "box/boat.yaml")
        shutil.move(folder, home.home.inbox / "box" / folder.name)
        await works.until(folder.is_dir)
        assert len(works.house.books.index.orders()) == 2


async def test_a_copy_of_it_is_held_as_a_duplicate_with_the_price_and_its_pictures_are_no_strays(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        folder = await made(works)
        copied_at_work(folder, home.home.inbox / "copied")
        await works.until(lambda: works.house.books.index.held_orders())
        words = home.words("copied")
        assert "duplicate of cars (" in words and "2 products, at most $" in words, words
        assert list(home.home.rejected.glob("[!.]*")) == [] and len(works.fake.calls()) == 2
        shutil.move(home.home.held / "copied", home.home.inbox / "copied")
        await works.until(lambda: len(works.states()) == 4)
        await works.rests()
        assert list(home.home.rejected.glob("[!.]*")) == []


async def test_from_another_home_it_is_held_and_after_approval_its_pictures_are_still_somewhere(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    async with at_work(home, monkeypatch) as works:
        folder = await made(works)
    pictures = {data for name, data in files(folder).items() if name.endswith(".png")}
    (other := TestHome.make(tmp_path / "other")).configure()
    async with at_work(other, monkeypatch) as works:
        copied_at_work(folder, other.home.inbox / "strange")
        await works.until(lambda: works.house.books.index.held_orders())
        assert "duplicate of strange: this is the folder of an order that is not known here" in other.words("strange")
        assert list(other.home.rejected.glob("[!.]*")) == []
        shutil.move(other.home.held / "strange", other.home.inbox / "strange")
        await works.until(lambda: works.states() == ["completed"] * 2)
        await works.rests()
        left = {path.read_bytes() for path in other.home.rejected.rglob("*.png")}
        assert pictures <= left


@pytest.mark.parametrize("point", ["claimed", "folder_put_back", "claim_cleared"])
def test_killed_on_the_way_it_is_put_back_all_the_same(home: TestHome, point: str) -> None:
    home.drop("cars.yaml", "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n")
    assert home.once() == 0
    (receipt,) = home.home.projects.rglob("receipt.yaml")
    folder, before = receipt.parent, files(receipt.parent)
    shutil.move(folder, home.home.inbox / folder.name)
    assert home.once(ARTFACTORY_FAULT=point) < 0
    assert home.once() == 0
    assert files(folder) == before and len(home.lines("acceptance")) == 1


def test_killed_between_two_files_that_go_back_the_rest_follow(home: TestHome) -> None:
    home.drop("cars.yaml", "provider: local\nmodel: sketch\nparameters: {prompt: a car, width: 64, height: 64}\n")
    assert home.once() == 0
    (receipt,) = home.home.projects.rglob("receipt.yaml")
    folder, before = receipt.parent, files(receipt.parent)
    shutil.move(folder, home.home.inbox / folder.name)
    folder.mkdir()
    shutil.copy(home.home.inbox / folder.name / "receipt.yaml", folder)
    assert home.once(ARTFACTORY_FAULT="file_put_back") < 0
    assert home.once() == 0
    assert files(folder) == before and len(home.lines("acceptance")) == 1
