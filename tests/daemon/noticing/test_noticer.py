"""What a person does on the shelf, while the program works and while it does not."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from artfactoryd import entries
from artfactoryd.reporting.disk import no_room
from artfactoryd.settings import Desktop, Settings
from artfactoryd.shelf import placing, reading, survey
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage.rows import ProductRow
from tests.homes import TestHome
from tests.pictures import draw
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


def told(works: Works) -> dict[str, tuple[str, str | None, list[str]]]:
    """Of every product its path, project and flags."""
    index = works.house.books.index
    flags: dict[str, list[str]] = {}
    for row in index.rows("SELECT product, edited, missing, gone FROM shelf_state"):
        flags[row["product"]] = [
            name for name, on in (("edited", row["edited"]), ("missing", row["missing"]), ("gone", row["gone"])) if on
        ]
    rows = index.newest_products(100)
    return {row.id: (row.path, row.project, flags.get(row.id, [])) for row in rows}


def five(works: Works) -> list[ProductRow]:
    return sorted(works.house.books.index.newest_products(5), key=lambda row: row.path)


def edit(path: Path, colour: str) -> None:
    """As an editor saves it: a new file in its place."""
    aside = path.with_name(f".{path.name}.tmp")
    draw(aside, size=(9, 9), colour=colour)
    aside.replace(path)


@pytest.mark.parametrize("running", [True, False])
async def test_what_is_moved_renamed_removed_edited_and_laid_there_is_seen(
    home: TestHome, monkeypatch: Patch, running: bool
) -> None:
    other = home.home.projects / "other"
    async with at_work(home, monkeypatch) as works:
        await works.make(order([f"a {colour} car" for colour in ("red", "blue", "green", "grey", "pink")]))
        rows = five(works)
        files = [home.root / row.path for row in rows]
        await works.until(lambda: works.daemon._noticer.has_looked)
        act = Acts(files, other)
        if running:
            act.all()
            await works.until(lambda: act.are_seen(works, rows))
    if not running:
        act.all()
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: act.are_seen(works, rows))
        await works.until(lambda: told(works)[rows[2].id][2] == ["missing", "gone"])
        await works.until(lambda: all(row.looked == "" for row in works.house.books.index.newest_products(9)))
        for file in (other / files[0].name, files[1].with_name("my favourite.png")):
            assert (card := sidecar_of(file, home.home.projects)) and reading.read_sidecar(card)["id"] in told(works)
        before = told(works)
    assert [line["product"] for line in home.lines("product.gone")] == [rows[2].id]
    assert home.ask("reindex")["differences"] == []
    async with at_work(home, monkeypatch) as works:
        assert told(works) == before
        (home.root / rows[2].path).write_bytes(act.removed)
        await works.until(lambda: told(works)[rows[2].id][2] == [])
    assert [line.get("lifted", False) for line in home.lines("product.gone")] == [False, True]


class Acts:
    """Of a person in the file browser."""

    def __init__(self, files: list[Path], other: Path) -> None:
        self.files, self.other, self.removed = files, other, b""

    def all(self) -> None:
        files, self.removed = self.files, self.files[2].read_bytes()
        self.other.mkdir()
        files[0].rename(self.other / files[0].name)
        files[1].rename(files[1].with_name("my favourite.png"))
        files[2].unlink()
        edit(files[3], "black")
        draw(self.other / "foreign.png", size=(7, 7), colour="white")

    def are_seen(self, works: Works, rows: list[ProductRow]) -> bool:
        now = told(works)
        return (
            now[rows[0].id][:2] == (f"Projects/other/{self.files[0].name}", "other")
            and now[rows[1].id][0].endswith("/my favourite.png")
            and "missing" in now[rows[2].id][2]
            and now[rows[3].id][2] == ["edited"]
            and any(path == "Projects/other/foreign.png" for path, _, _ in now.values())
        )


@pytest.mark.parametrize("name", [b"b\xff.png", b"caf\xe9"])
async def test_a_product_under_a_name_that_is_no_text_is_told_of_and_not_gone(
    home: TestHome, monkeypatch: Patch, name: bytes
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        await works.until(lambda: works.daemon._noticer.has_looked)
        (product,) = home.products()
        old = product if name.endswith(b".png") else product.parent
        strange = Path(os.fsdecode(os.path.join(os.fsencode(old.parent), name)))
        old.rename(strange)
        await works.until(lambda: [flags for _, _, flags in told(works).values()] == [["missing"]])
        noticer = works.daemon._noticer
        await works.until(lambda: "1 product of yours" in noticer._told and "not UTF-8" in noticer._told)
        waits, gone = await asyncio.to_thread(noticer._judge_missing)
        assert (waits, gone) == ([], False) and not noticer._absences, "however long it lies there"
        strange.rename(old)
        await works.until(lambda: [flags for _, _, flags in told(works).values()] == [[]] and not noticer._told)
    assert not home.lines("product.gone")


@pytest.mark.parametrize("when", ["as it is placed", "before anybody looked"])
async def test_another_file_of_its_size_and_time_in_its_place_is_seen(
    home: TestHome, monkeypatch: Patch, when: str
) -> None:
    def exchange(name: str = "folder_synced") -> None:
        if name != "folder_synced":
            return
        (product,) = home.home.projects.rglob("*.png")
        if b"other" not in (data := product.read_bytes()):
            status, aside = product.stat(), home.root / "aside"
            aside.write_bytes(data[:-5] + b"other")
            os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
            aside.replace(product)

    if when == "as it is placed":
        monkeypatch.setattr(placing.failpoints, "point", exchange)
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a car"))
        is_seen = lambda: [flags for _, _, flags in told(works).values()] == [["edited"]]  # noqa: E731
        if when == "as it is placed":
            await works.until(is_seen)
    if when == "before anybody looked":
        with sqlite3.connect(home.home.index_file) as index:
            index.execute("DELETE FROM lying")
        exchange()
        async with at_work(home, monkeypatch) as works:
            await works.until(is_seen)


async def test_an_order_goes_on_in_its_folder_wherever_a_person_has_put_that(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(order(["a red car", "a blue car"]))
        old = home.root / works.folder(order_id)
        (home.home.projects / "best").mkdir()
        new = home.home.projects / "best" / "my cars"
        old.rename(new)
        await works.until(lambda: works.folder(order_id) == "Projects/best/my cars")
        await works.until(
            lambda: {path.rpartition("/")[0] for path, _, _ in told(works).values()} == {"Projects/best/my cars"}
        )
        assert not old.exists()
    assert home.lines("folder")[-1]["folder"] == "Projects/best/my cars"


async def test_while_the_disk_of_the_shelf_is_away_nothing_is_missing_laid_or_sent(
    home: TestHome, monkeypatch: Patch
) -> None:
    disk, away = home.root.parent / "disk", home.root.parent / "away"
    disk.mkdir()
    home.home.projects.rmdir()
    home.home.projects.symlink_to(disk)
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a red car"))
        await works.until(lambda: works.daemon._noticer.has_looked)
        before = told(works)
        disk.rename(away)
        disk.mkdir()  # where it was mounted
        await works.until(lambda: works.daemon._noticer.away)
        waiting = await works.take(order("a blue car"), "late.yaml")
        assert works.order(waiting).folder is None and "that disk is not there" in no_room(home.home, Settings())
        assert told(works) == before and not [*disk.rglob("*.png")] and len(works.fake.calls()) == 1
    refused = home.call("reindex")
    assert refused.returncode == 1 and "that disk is not there" in refused.stderr
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.daemon._noticer.away)
        shutil.rmtree(disk)
        away.rename(disk)
        await works.until(lambda: works.state(waiting) == "completed")
        assert before.items() <= told(works).items() and home.lines("product.gone") == []


async def test_labels_of_the_desktop_are_marks_and_marks_are_labels(home: TestHome, monkeypatch: Patch) -> None:
    def labels(file: Path) -> set[str]:
        return set(os.getxattr(file, "user.xdg.tags").decode().split(","))

    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(order("a [red,blue] car", tags=["city"]))
        await works.until(lambda: works.daemon._noticer.has_looked)
        red, blue = sorted(works.house.books.index.newest_products(2), key=lambda row: row.path)
        file, other = home.root / red.path, home.root / blue.path
        assert labels(file) == {"city"} and b"by acme/painter, seed " in os.getxattr(file, "user.xdg.comment")

        def row(product: str) -> ProductRow:
            found = works.house.books.index.product(product)
            assert found is not None
            return found

        def said() -> tuple[object, ...]:
            now = row(red.id)
            return now.liked, now.rating, now.tags, now.unwritten

        os.setxattr(file, "user.xdg.tags", "Liked,★★★,night".encode())
        await works.until(lambda: said() == (True, 3, ["night"], False))
        await works.tell("tag", products=[red.id], changes=["+new"])
        await works.tell("like", products=[red.id], off=True)
        await works.until(lambda: labels(file) == {"★★★", "night", "new"})
        os.removexattr(other, "user.xdg.tags")
        os.setxattr(other, "user.xdg.comment", b"mine")
        file.rename(file.with_name("seen.png"))  # behind it: the other is looked at by then
        await works.until(lambda: row(red.id).path.endswith("/seen.png"))
        assert row(blue.id).tags is None and row(red.id).tags == ["night", "new"]
        await works.until(lambda: labels(home.root / works.folder(order_id)) == {"completed"})
    assert {line["name"] for line in home.lines("command")} == {"like", "rate", "tag"}


async def test_with_labels_and_comments_switched_off_nothing_of_them_is_written_or_read(
    home: TestHome, monkeypatch: Patch
) -> None:
    quiet = Desktop(notify=False, labels=False, comments=False)
    async with at_work(home, monkeypatch, desktop=quiet) as works:
        order_id = await works.make(order(["a red car"], tags=["city"]))
        await works.until(lambda: works.daemon._noticer.has_looked)
        (red,) = works.house.books.index.newest_products(1)
        file, folder = home.root / red.path, home.root / works.folder(order_id)
        await works.tell("like", products=[red.id])
        await works.rests()
        written = {name for path in (file, folder) for name in os.listxattr(path)}
        assert not {name for name in written if name.startswith("user.xdg") or name.endswith("labels")}
        os.setxattr(file, "user.xdg.tags", b"night")
        file.rename(file.with_name("seen.png"))

        def row() -> ProductRow:
            found = works.house.books.index.product(red.id)
            assert found is not None
            return found

        await works.until(lambda: row().path.endswith("/seen.png"))
        await works.rests()
        assert row().tags == ["city"] and row().liked
    assert {line["name"] for line in home.lines("command")} == {"like"}


async def test_what_trips_others_up(home: TestHome, monkeypatch: Patch) -> None:
    """A folder renamed there and back, its name spelled otherwise, and a move to another disk: copied, then removed."""
    async with at_work(home, monkeypatch) as works:
        order_id = await works.make(order(["a red car", "a blue car"]))
        await works.until(lambda: works.daemon._noticer.has_looked)
        monkeypatch.setattr("artfactoryd.daemon.noticing.noticer.FOLDERS_EVERY", 3600.0)  # by events alone
        works.daemon._noticer._folders_at += 3600.0
        ids = sorted(told(works))
        folder = home.root / works.folder(order_id)

        def lie_in(place: Path) -> bool:
            paths = [path for path, _, flags in told(works).values() if flags == []]
            return len(paths) == 2 and {home.root / path.rpartition("/")[0] for path in paths} == {place}

        for place in (folder.with_name("there"), folder, folder.with_name("CARS"), folder):
            next(path.parent for path in folder.parent.glob("*/order.yaml")).rename(place)
            await works.until(partial(lie_in, place))
        red = next(folder.glob("*red*"))
        os.setxattr(red, "user.xdg.tags", b"seen")  # changes no folder's time
        await works.until(lambda: any(row.tags == ["seen"] for row in works.house.books.index.newest_products(2)))
        other = home.home.projects / "other"
        other.mkdir()
        (other / red.name).write_bytes(red.read_bytes())  # as a program copies that keeps no attributes
        await works.until(lambda: works.house.books.index.rows("SELECT 1 FROM lying WHERE what LIKE 'copy:%'"))
        red.unlink()
        await works.until(lambda: any(path == f"Projects/other/{red.name}" for path, _, _ in told(works).values()))
        assert sorted(told(works)) == ids and {tuple(flags) for _, _, flags in told(works).values()} == {()}
        for path, _, _ in told(works).values():
            assert (card := sidecar_of(home.root / path, home.home.projects)) and reading.read_sidecar(card)[
                "id"
            ] in ids


@pytest.mark.parametrize("done", ["renamed", "binned"])
async def test_what_is_on_its_way_is_delivered_though_the_folder_of_its_order_is_another(
    home: TestHome, monkeypatch: Patch, done: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.hold("collect")
        order_id = await works.take(order("a red car"))
        await works.fake.reached("collect")
        folder = home.root / works.folder(order_id)
        folder.rename(folder.with_name("mine") if done == "renamed" else home.root.parent / "trash")
        works.fake.release("collect")  # at once: nobody need have noticed
        await works.until(lambda: works.state(order_id) == "completed")
        place = folder.with_name("mine") if done == "renamed" else folder
        [product] = home.products()
        assert product.parent == place and reading.sidecar_for(product, home.home.projects)
        await works.until(lambda: (place / "receipt.yaml").is_file() and home.receipt(place)["state"] == "completed")
        await works.until(lambda: home.root / works.folder(order_id) == place)
        assert folder.exists() is (done == "binned") and len(works.fake.calls()) == 1


async def test_what_cannot_be_seen_is_not_gone_and_hides_nothing_else(home: TestHome, monkeypatch: Patch) -> None:
    real_survey, real_sha256, shut = survey.survey, entries.sha256, set[str]()

    def opened(path: Path) -> Path:
        if any(str(path).endswith(end) for end in shut):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return path

    monkeypatch.setattr(survey, "survey", lambda path: real_survey(opened(path)))
    monkeypatch.setattr(entries, "sha256", lambda path: real_sha256(opened(path)))
    async with at_work(home, monkeypatch) as works:
        await works.make(order(["a red car", "a blue car"]))
        await works.make(order("a green car", project="best"), "best.yaml")
        await works.until(lambda: works.daemon._noticer.has_looked)
        green, blue = (next(home.home.projects.rglob(f"*{colour}*.png")) for colour in ("green", "blue"))
    shut |= {"unsorted", blue.name}
    green.rename(green.with_name("seen.png"))
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: any(path.endswith("/seen.png") for path, _, _ in told(works).values()))
        assert {tuple(flags) for _, _, flags in told(works).values()} == {()}
        shut.clear()
        blue.unlink()
        works.daemon._noticer._whole_at = 0.0
        green.with_name("seen.png").rename(green)  # a hint
        await works.until(lambda: [flags for _, _, flags in told(works).values() if flags])
