"""A person changes the folders of collections, with the daemon at work and between two runs of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from artfactoryd.daemon.arranging import folders
from artfactoryd.intake.watching import inotify
from artfactoryd.storage.rows import ProductRow
from tests.homes import TestHome, card_of
from tests.intake.watching.test_inotify import linux_only
from tests.pictures import draw
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


class Silent:
    """A volume whose changes are made by other machines."""

    def __init__(self, *args: object) -> None: ...

    def add(self, folder: Path) -> int:
        return 1

    def close(self) -> None: ...


def members(works: Works, name: str = "best") -> set[str]:
    """The prompts, or names of files, of what is in a collection, and whether each has just one clone."""
    rows = [row for row in works.house.books.index.newest_products(99) if name in (row.collections or ())]
    return {Path(row.path).stem.split("-", 1)[-1].rsplit("-", 1)[0] for row in rows}


def settled(works: Works, folder: Path, names: set[str], inside: set[str]) -> Callable[[], bool]:
    def is_so() -> bool:
        lying = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
        return (members(works, folder.name), lying) == (names, inside)

    return is_so


def is_cloned(product: Path, folder: Path) -> bool:
    """It lies in its place, and another file of its name there."""
    with suppress(FileNotFoundError):  # it is on its way
        return not product.samefile(folder / product.name)
    return False


async def test_what_is_dropped_there_joins_and_what_is_taken_away_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    best = home.root / "Collections/best"
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car"))
        red, blue, green = home.products()
        best.mkdir(parents=True)
        shutil.copyfile(red, best / "my red.png")  # without its id, under another name
        await works.until(settled(works, best, {"a-red-car"}, {"my red.png"}))
        blue.rename(best / blue.name)  # it goes back to its order
        both = settled(works, best, {"a-red-car", "a-blue-car"}, {"my red.png", blue.name})
        await works.until(lambda: both() and is_cloned(blue, best))
        (best / "my red.png").rename(best / "red.png")
        await works.until(lambda: works.house.books.index.rows("SELECT 1 FROM clone WHERE path LIKE '%/red.png'"))
        (best / "red.png").unlink()
        await works.until(settled(works, best, {"a-blue-car"}, {blue.name}))
        await works.tell("undo")
        await works.until(settled(works, best, {"a-red-car", "a-blue-car"}, {red.name, blue.name}))
        all_three = {"a-red-car", "a-blue-car", "photo"}
        data = draw(tmp_path / "photo.png", "orange")
        os.replace(tmp_path / "photo.png", best / "photo.png")
        await works.until(settled(works, best, all_three, {red.name, blue.name, "photo.png"}))
        photo = works.house.books.index.newest_products(9)
        (foreign,) = [row for row in photo if row.order_id == ""]
        assert "/imported/photo.png" in foreign.path and foreign.path.startswith("Projects/unsorted/")
        assert (home.root / foreign.path).read_bytes() == data
        draw(best / blue.name, "pink")  # edited: a product with that parent, which has its place there
        await works.until(settled(works, best, all_three, {red.name, blue.name, "photo.png"}))
        await works.until(lambda: len(works.house.books.index.newest_products(9)) == 5)
        edited = next(row for row in works.house.books.index.newest_products(9) if row.id not in {r.id for r in photo})
        card = json.loads(card_of(home.root / edited.path).read_text())
        before = json.loads(card_of(blue).read_text())
        assert (
            card["parents"] == [before["id"]]
            and (home.root / edited.path).read_bytes() == (best / blue.name).read_bytes()
        )
        await works.until(lambda: json.loads(card_of(blue).read_text())["collections"] == [])
        (best / "notes.txt").write_text("mine")
        (best / "empty.png").touch()
        (best / "broken.png").write_bytes(b"no picture")
        shutil.copy2(green, best / green.name)
        await works.until(lambda: "a-green-car" in members(works))
        works.house.folders._whole_at = 0.0
        await works.tell("collect", products=[red.name], collection="best", off=True)
        await works.until(lambda: works.house.folders._whole_at)  # what was said is not undone by what lies there
        assert "a-red-car" not in members(works) and not (best / red.name).exists()
        await works.tell("undo")
        await works.until(lambda: "a-red-car" in members(works) and (best / red.name).is_file())
        await works.stop()
    (best / green.name).unlink()
    shutil.copyfile(best / red.name, best / "again.png")
    lines = len(home.lines("mark"))
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        await works.until(lambda: "a-green-car" not in members(works))
        assert members(works) == {"a-red-car", "a-blue-car", "photo"}
        await works.stop()
    assert len(home.lines("mark")) == lines + 1
    assert {"notes.txt", "empty.png", "broken.png", "again.png"} <= {path.name for path in best.iterdir()}


@pytest.mark.parametrize("is_told", [pytest.param(True, marks=linux_only), False])
async def test_what_is_dropped_is_noticed_by_the_event_alone_and_on_a_silent_volume_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    home = TestHome.make(tmp_path / "home")
    best = home.root / "Collections/best"
    monkeypatch.setattr(folders, "TOLD_EVERY", 3600.0)
    monkeypatch.setattr(folders, "EVERY", 3600.0 if is_told else 0.02)
    (home.root / "Collections").mkdir(exist_ok=True)
    if not is_told:
        monkeypatch.setattr(inotify, "Inotify", Silent)
        monkeypatch.setattr(folders, "is_on_network", lambda folder: True)
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a red car"))
        (red,) = home.products()
        best.mkdir(parents=True)
        shutil.copyfile(red, best / red.name)
        await works.until(settled(works, best, {"a-red-car"}, {red.name}))
        (best / red.name).unlink()
        await works.until(settled(works, best, set(), set()))


async def test_a_disk_of_the_collections_that_is_not_there_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    (tmp_path / "disk").mkdir()
    (home.root / "Collections").symlink_to(tmp_path / "disk")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        await works.tell("collect", products=[path.name for path in home.products()], collection="best")
        await works.stop()
    (tmp_path / "disk").rename(tmp_path / "away")
    for is_empty in (False, True):
        if is_empty:  # where it was mounted
            (tmp_path / "disk").mkdir()
        async with at_work(home, monkeypatch) as works:
            await works.rests()
            assert members(works) == {"a-red-car", "a-blue-car"}
            await works.stop()
    (tmp_path / "disk").rmdir()
    (tmp_path / "away").rename(tmp_path / "disk")
    shutil.rmtree(tmp_path / "disk/best")
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert members(works) == {"a-red-car", "a-blue-car"}
        (tmp_path / "disk/other").mkdir()  # so this is the disk
        await works.until(lambda: members(works) == set())
        await works.stop()


async def test_the_folder_liked_shows_what_is_liked_and_what_is_dropped_there_is_liked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    liked = home.root / "Collections/Liked"
    liked.mkdir(parents=True)

    def likes(works: Works) -> list[ProductRow]:
        return [row for row in works.house.books.index.newest_products(9) if row.liked]

    def inside() -> set[str]:
        return {path.name for path in liked.iterdir() if not path.name.startswith(".")}

    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        red, blue = home.products()
        await works.tell("like", products=[red.name])
        await works.until(lambda: inside() == {red.name})
        shutil.copy2(blue, liked / blue.name)
        await works.until(lambda: len(likes(works)) == 2)
        (liked / red.name).unlink()
        await works.until(lambda: [row.path for row in likes(works)] == [str(blue.relative_to(home.root))])
        await works.tell("like", products=[blue.name], off=True)
        await works.until(lambda: inside() == set())
        assert (
            "`like` puts a product there"
            in (await works.tell("collect", products=[red.name], collection="liked"))["text"]
        )
        assert members(works, "Liked") == set() and liked.is_dir()
        await works.stop()


async def test_of_many_that_are_dropped_the_first_are_there_soon_and_how_far_it_is_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home, told = TestHome.make(tmp_path / "home"), list[object]()
    monkeypatch.setattr("artfactoryd.daemon.arranging.folders.TOGETHER", 2)
    monkeypatch.setattr("artfactoryd.daemon.arranging.folders.TELL_EVERY", 0.0)
    monkeypatch.setattr("artfactoryd.daemon.arranging.folders.QUIET", 0.0)
    monkeypatch.setattr(type(home.home), "tell", lambda home, facts: told.append(facts.get("collecting", "")))
    caplog.set_level("INFO", "artfactoryd.daemon.arranging.folders")
    aside = home.root / "aside"
    aside.mkdir(parents=True)
    for number in range(5):
        draw(aside / f"{number}.png", "orange", size=(8, 8 + number))
    (home.root / "Collections").mkdir(exist_ok=True)
    aside.rename(home.root / "Collections/best")
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: len(members(works)) == 5)
        await works.until(lambda: None in told)
    words = "of 5 files that came into Collections/best are looked at"
    assert [line for line in caplog.messages if words in line] == [f"{done} {words}" for done in (2, 4, 5)]
    assert [line for line in told if line != ""] == [f"2 {words}.", f"4 {words}.", None]
    assert not any("in the folder of" in line for line in caplog.messages)
