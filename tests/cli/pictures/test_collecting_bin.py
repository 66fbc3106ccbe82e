"""The bin of the shelf: moved there with its sidecar, not found, not reused, brought back, and taken away for good."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import clock
from artfactoryd.cli.pictures import collecting
from artfactoryd.clock import now
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf.arranging import bin
from artfactoryd.storage import rebuild
from artfactoryd.storage.index import Index
from tests.cli.pictures.test_marks import call
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


def lying(home: TestHome) -> set[str]:
    """Products and sidecars by their paths, where the order's day is the bin's as well."""
    paths = (path.relative_to(home.home.projects).as_posix() for path in home.home.projects.rglob("*.png*"))
    return {path.replace(clock.today(), "DAY") for path in paths}


def places(path: Path, *, binned: bool = False, name: str = "") -> set[str]:
    folder, name = f"{'.bin/DAY/' * binned}unsorted/DAY/cars", name or path.name
    return {f"{folder}/{name}", f"{folder}/sidecars/{name}.json"}


async def test_what_is_binned_is_put_away_with_its_sidecar_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "MANY", 2)
    home = TestHome.make(tmp_path / "home")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car", parameters={"seed": 7}))
        await works.stop()
    red, blue, green = products = home.products()
    bytes_of = {path.name: path.read_bytes() for path in products}
    r, b, g = [places(path) for path in products]
    away = [places(path, binned=True) for path in products]
    many = "3 products go into the bin of the shelf. Nothing is moved; say it again with `--yes`."
    for words, told, there in (
        (["bin"], "2 artfactoryd: That does not work. Say which products", r | b | g),
        (["bin", "purple"], "Nothing fits 'purple'", r | b | g),
        (["bin", "car"], many, r | b | g),
        (["collect", "red", "best"], "0 1 of 1 product is in best now.", r | b | g),
        (["bin", str(red)], "0 1 of 1 product is in the bin. `undo` or `bin --restore` brings it back, for 30 days.",
         away[0] | b | g),
        (["bin", red.name], "Nothing changes: that is in the bin already.", away[0] | b | g),
        (["products", "red"], "0 Nothing fits", away[0] | b | g),
        (["products", "is:binned"], "1-a-red-car", away[0] | b | g),
        (["collections"], "There is no collection yet", away[0] | b | g),
        (["projects"], "  unsorted  2 products, $0.03", away[0] | b | g),
        (["undo"], f"Taken back: bin. Projects/unsorted/{clock.today()}/cars/{red.name} is where it was.", r | b | g),
        (["collections"], "  best  1 product", r | b | g),
        (["bin", "car", "--yes"], "0 3 of 3 products are in the bin.", away[0] | away[1] | away[2]),
        (["bin", "--restore", "rating:1"], "Nothing fits 'is:binned rating:1'", away[0] | away[1] | away[2]),
        (["bin", "--restore", "-red"], "0 2 of 2 products are out of the bin again.", away[0] | b | g),
        (["bin", "--restore", blue.name], "Nothing changes: that is not in the bin.", away[0] | b | g),
        (["undo"], "Taken back: bin. 2 products are in the bin again.", away[0] | away[1] | away[2]),
        (["undo"], "Taken back: bin. 3 products are where they were.", r | b | g),
        (["bin", "red"], "0 1 of 1 product is in the bin.", away[0] | b | g),
    ):  # fmt: skip
        assert told in (out := await call(home, *words)), (words, out)
        assert lying(home) == there, words
    await call(home, "bin", "green")
    red.write_bytes(b"another's")  # what cannot go where it was keeps none of the others from it
    green.symlink_to(home.root / "nowhere")
    assert "0 2 of 2 products are out of the bin again" in await call(home, "bin", "--restore", "-blue")
    second, third = (path.with_stem(f"{path.stem}-2") for path in (red, green))
    others = {f"unsorted/DAY/cars/{path.name}" for path in (red, green)}
    assert lying(home) == places(red, name=second.name) | b | places(green, name=third.name) | others
    assert (second.read_bytes(), third.read_bytes()) == (bytes_of[red.name], bytes_of[green.name])
    assert not (home.home.projects / ".bin").exists() and not (home.root / "nowhere").exists()

    async with at_work(home, monkeypatch) as works:
        await works.tell("bin", products=[blue.name])
        again = await works.take(order("a blue car", parameters={"seed": 7}), "again.yaml")
        assert "since deleted" in works.order(again).reasons[0].text and works.fake.calls() == []
        await works.tell("cancel", again)
        await works.stop()
    for gone in ((home.home.private,), (home.home.ledger, home.home.private)):
        for folder in gone:
            shutil.rmtree(folder)
        home.home.make()
        with home.home.lock("reindex"):
            rebuild.reindex(home.home, expander, now)
        with closing(Index.look(home.home.index_file)) as index:
            assert len(index.newest_products(9)) == 2
        assert "2-a-blue-car" in await call(home, "products", "is:binned", "project:unsorted")
    assert "is out of the bin again" in await call(home, "bin", "--restore", "blue")
    assert blue.read_bytes() == bytes_of[blue.name]


async def test_the_bin_is_emptied_after_a_while_of_what_is_as_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = TestHome.make(tmp_path / "home")
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green] car"))
        red, blue, green = home.products()
        await works.tell("bin", products=[red.name, blue.name])
        await works.stop()
    (edited,) = home.home.projects.glob(f".bin/**/{blue.name}")
    edited.write_bytes(b"edited since")
    (home.home.private / "days").write_text(f"{clock.now().date() - timedelta(1)}\nnone\n")
    monkeypatch.setattr("artfactoryd.execution.shelving.bin.KEPT", timedelta(-2))
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: home.lines("emptied"))
        await works.rests()
        assert lying(home) == places(green) | places(blue, binned=True)
        assert works.house.books.index.spent_in_all() == 30_000 and len(home.lines("emptied")) == 1
        answer = await works.tell("bin", products=[red.name], restore=True)
        assert "was taken away for good" in answer["text"] and not answer["done"]
        assert "Taken back: bin. " in (await works.tell("undo"))["text"]  # of what is still there
        await works.stop()
    assert lying(home) == places(green) | places(blue) and blue.read_bytes() == b"edited since"


async def test_what_the_disk_does_not_take_is_not_said_to_be_moved_and_follows_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, is_full = TestHome.make(tmp_path / "home"), [True]
    moved = bin.move

    def move(*given: Any) -> str:
        if is_full[0]:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), given[1])
        return moved(*given)

    monkeypatch.setattr(bin, "move", move)
    monkeypatch.setattr("artfactoryd.execution.shelving.bin.AGAIN", 0.05)
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        red, blue = home.products()
        await works.rests()  # from here on only the next upkeep would look, an hour later
        for names, told in (
            ([red.name], "1 of 1 product is not moved yet: the disk cannot be written just now. It goes there"),
            ([blue.name, red.name], "1 of 1 product is not moved yet"),
        ):
            assert told in (await works.tell("bin", products=names))["text"]
        assert (
            "1 product is out of the bin again" in (await works.tell("bin", products=[red.name], restore=True))["text"]
        )
        assert lying(home) == places(red) | places(blue)
        is_full[0] = False
        await works.until(lambda: lying(home) == places(red) | places(blue, binned=True))
        await works.stop()
