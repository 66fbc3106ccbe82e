"""Held, Rejected and Projects as links to another volume: a rename does not reach there, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import TestHome, leftovers
from tests.volumes import another_volume
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def on_two_volumes(home: TestHome) -> Iterator[TestHome]:
    volume = another_volume(home.root)
    if volume is None:
        pytest.skip("no second volume here")
    with tempfile.TemporaryDirectory(dir=volume) as other:
        for name in ("Held", "Rejected", "Projects", "Inbox"):
            shutil.rmtree(home.root / name)
            (Path(other) / name).mkdir()
            (home.root / name).symlink_to(Path(other) / name)
        yield home


async def test_what_is_wrong_goes_to_rejected_with_its_word(on_two_volumes: TestHome, monkeypatch: Patch) -> None:
    home = on_two_volumes
    async with at_work(home, monkeypatch) as works:
        home.drop("wrong.yaml", "provider: nobody\n")
        bundle = home.home.inbox / "bundle"
        bundle.mkdir()
        (bundle / "order.yaml").write_text("provider: nobody\n")
        await works.until(lambda: home.words("wrong.yaml") and home.words("bundle"))
        await works.until(lambda: not works.house.claims.open())
        assert sorted(os.listdir(home.home.rejected)) == [
            "bundle", "bundle.error.txt", "wrong.yaml", "wrong.yaml.error.txt",
        ]  # fmt: skip
    assert leftovers(home) == []


async def test_what_is_held_is_approved_by_moving_it_and_cancelled_by_word(
    on_two_volumes: TestHome, monkeypatch: Patch
) -> None:
    home = on_two_volumes
    async with at_work(home, monkeypatch) as works:
        for name in ("cars.yaml", "boats.yaml"):
            made = await works.take(order(budget=0.001, name=name), name)
        await works.until(lambda: len(works.house.books.index.held_orders()) == 2)
        await works.tell("cancel", made)
        shutil.move(home.home.held / "cars.yaml", home.home.inbox / "cars.yaml")
        await works.until(lambda: works.states().count("completed") == 2)
        await works.rests()
        assert [name for name in os.listdir(home.home.held) if not name.startswith(".")] == []
        assert not works.house.claims.open()
    assert leftovers(home) == []


async def test_an_order_folder_dragged_from_there_is_put_back(on_two_volumes: TestHome, monkeypatch: Patch) -> None:
    home = on_two_volumes
    async with at_work(home, monkeypatch) as works:
        folder = home.root / works.folder(await works.make(order()))
        names = {name for name in os.listdir(folder) if name[0] != "."}  # a receipt may just be on its way into it
        shutil.move(folder, home.home.inbox / folder.name)
        await works.until(lambda: folder.is_dir() and names <= set(os.listdir(folder)))
        await works.until(lambda: not (home.home.inbox / folder.name).exists())
        assert len(works.fake.calls()) == 2


def test_killed_when_a_held_order_is_there_and_still_here_it_is_there_once(on_two_volumes: TestHome) -> None:
    home = on_two_volumes
    text = "provider: local\nmodel: sketch\nbudget: 0\ncount: 200\nparameters: {prompt: a car}\n"
    home.drop("cars.yaml", text)
    assert home.once(ARTFACTORY_FAULT="carried") < 0
    assert home.once() == 3
    assert sorted(name for name in os.listdir(home.home.held) if name[0] != ".") == ["cars.yaml", "cars.yaml.why.txt"]
    assert (home.home.held / "cars.yaml").read_text() == text
    assert os.listdir(home.home.inbox) == [] and leftovers(home) == []


@pytest.mark.parametrize("fault", ["reject_noted", "carried"])
@pytest.mark.parametrize("bundle", [False, True], ids=["file", "folder"])
def test_killed_when_a_refused_order_is_there_and_still_here_it_is_there_once(
    on_two_volumes: TestHome, fault: str, bundle: bool
) -> None:
    home = on_two_volumes
    name = "cars" if bundle else "cars.yaml"
    (home.home.rejected / name).write_text("provider: nobody\n")  # the same, refused earlier
    if bundle:
        (home.home.inbox / name).mkdir()
    text = "provider: nobody\n"
    home.drop(f"{name}/order.yaml" if bundle else name, text)
    assert home.once(ARTFACTORY_FAULT=fault) < 0
    assert home.once() == 1
    second = "cars-2" if bundle else "cars-2.yaml"
    assert sorted(os.listdir(home.home.rejected)) == sorted([name, second, f"{second}.error.txt"])
    laid = home.home.rejected / second
    assert (laid / "order.yaml" if bundle else laid).read_text() == text
    assert os.listdir(home.home.inbox) == [] and leftovers(home) == []
