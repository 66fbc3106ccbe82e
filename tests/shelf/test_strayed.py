"""Products and sidecars that lie where others did: who is who, by id, then bytes, then path."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from artfactoryd.clock import now
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.shelf import reading
from artfactoryd.shelf.desktop import name_product, product_in
from artfactoryd.storage import rebuild
from tests.homes import TestHome
from tests.pictures import draw

CARS = "provider: local\nmodel: sketch\nparameters: {prompt: 'a [red,blue,lavender] car', width: 64, height: 64}\n"
Act = Callable[[Path, Path, Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    made = TestHome.make(tmp_path_factory.mktemp("strayed") / "home")
    made.drop("cars.yaml", CARS)
    assert made.once() == 0
    assert len({file.stat().st_size for file in made.products()}) == 3  # else only ids can tell them apart
    return made


@pytest.fixture
def home(made: TestHome, tmp_path: Path) -> TestHome:
    shutil.copytree(made.root, tmp_path / "home", symlinks=True)
    return TestHome(Home(tmp_path / "home"), None)


def cycle(*files: Path) -> None:
    """Each to where the next one lay."""
    aside = files[-1].rename(files[-1].with_name("t.png"))
    for file, target in reversed([*pairwise(files)]):
        file.rename(target)
    aside.rename(files[0])


def swap(a: Path, b: Path, c: Path) -> None:
    cycle(a, b)


def swap_bare(a: Path, b: Path, c: Path) -> None:
    """As programs copy that keep no attributes."""
    one, other = a.read_bytes(), b.read_bytes()
    for file, data in ((a, other), (b, one)):
        file.unlink()
        file.write_bytes(data)


def lay_over(a: Path, b: Path, c: Path) -> None:
    b.replace(a)


def lay_where_one_was(a: Path, b: Path, c: Path) -> None:
    a.rename(a.with_name("t.png"))
    b.rename(a)


def name_as_another(a: Path, b: Path, c: Path) -> None:
    name_product(a, str(product_in(b)))


def copy_over(a: Path, b: Path, c: Path) -> None:
    shutil.copy2(b, a)


def save(a: Path, b: Path, c: Path) -> None:
    """As an editor does: a new file in its place."""
    draw(a.with_name("t.png"), size=(9, 9))
    a.with_name("t.png").replace(a)


def edit_in_the_others_place(a: Path, b: Path, c: Path) -> None:
    cycle(a, b)
    b.write_bytes(b.read_bytes() + b"more")


# What a person does to A, B and C, and where these lie then: where A, B, C did, at t, or nowhere.
ACTS = [
    (swap, "BAC"), (cycle, "BCA"), (swap_bare, "BAC"), (lay_over, "-AC"), (lay_where_one_was, "tAC"),
    (name_as_another, "ABC"), (copy_over, "-BC"), (save, "ABC"), (edit_in_the_others_place, "BAC"),
]  # fmt: skip


class Shelf:
    """`files`: of A, B and C as they were made."""

    def __init__(self, home: TestHome) -> None:
        self.home, self.files = home, home.products()
        self.ids = [str(product_in(file)) for file in self.files]

    def whose(self) -> dict[str, Path]:
        """Where the index has them, by id."""
        with closing(self.home.index) as index:
            return {row["id"]: self.home.root / row["path"] for row in index.rows("SELECT id, path FROM product")}

    def cards(self) -> list[Path]:
        return [*self.home.home.projects.rglob("*.json")]

    def check(self, wanted: str) -> None:
        lies = dict(zip("ABCt", (*self.files, self.files[0].with_name("t.png")), strict=True))
        known = self.whose()
        for id, letter in zip(self.ids, wanted, strict=True):
            if letter != "-":
                assert known[id] == lies[letter]
                assert reading.sidecar_for(lies[letter], self.home.home.projects)["id"] == id
        assert {reading.owner_of(card) for card in self.cards()} == {*self.ids} and len(self.cards()) == 3


def again(home: TestHome) -> rebuild.Report:
    with home.home.lock("reindex"):
        return rebuild.reindex(home.home, expander, now)


@pytest.mark.parametrize("is_lost", [False, True], ids=["known", "lost"])
@pytest.mark.parametrize(("act", "wanted"), ACTS)
def test_each_is_found_with_its_own_sidecar(home: TestHome, act: Act, wanted: str, is_lost: bool) -> None:
    shelf = Shelf(home)
    a, b, c = shelf.files
    act(a, b, c)
    if is_lost:
        shutil.rmtree(home.home.ledger)
        home.home.index_file.unlink()
    again(home)
    shelf.check(wanted)
    before = shelf.whose()
    again(home)
    assert shelf.whose() == before


@pytest.mark.parametrize("fault", ["sidecar_aside", "placed_linked", "placed_linked:2", "placed_linked:3"])
def test_killed_while_sidecars_change_places_none_is_lost(home: TestHome, fault: str) -> None:
    shelf = Shelf(home)
    cycle(*shelf.files)
    assert home.call("init", "--adopt").returncode == 0
    assert home.call("reindex", ARTFACTORY_FAULT=fault).returncode == -signal.SIGKILL
    assert {reading.owner_of(card) for card in shelf.cards()} == {*shelf.ids}
    again(home)
    known = shelf.whose()
    assert [known[id] for id in shelf.ids] == [*shelf.files[1:], shelf.files[0]]
    for id, file in known.items():
        assert reading.sidecar_for(file, home.home.projects)["id"] == id
