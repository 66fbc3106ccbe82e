"""Killed anywhere between what is said of the bin and what lies in it, a start brings them together."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing

import pytest

from artfactoryd.execution.shelving.bin import DAYS
from tests.homes import TestHome

KILLED = -signal.SIGKILL
CARS = "provider: local\nmodel: sketch\nparameters: {prompt: 'a [red,blue] car', width: 64, height: 64}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    made = TestHome.make(tmp_path_factory.mktemp("binned") / "home")
    made.drop("cars.yaml", CARS)
    assert made.once() == 0
    return made


@pytest.mark.parametrize("fault", ["ledger_written", "binned_card:2", "placed_linked:2"])
def test_killed_while_products_go_into_the_bin_and_come_back(home: TestHome, fault: str) -> None:
    before = {path: path.read_bytes() for path in home.products()}
    lines = len(home.lines("bin"))
    for words, is_away in ((("bin", "car"), True), (("bin", "--restore", "car"), False)):
        assert home.call(*words, ARTFACTORY_FAULT=fault).returncode == KILLED
        assert home.once() == 0
        there = home.products()
        cards = [*home.home.projects.rglob("*.png.json")]
        assert [path.name for path in there] == [path.name for path in before] and len(cards) == 2
        assert {".bin" in path.parts for path in (*there, *cards)} == {is_away}
    assert {path: path.read_bytes() for path in home.products()} == before
    assert len(home.lines("bin")) == lines + 4


def test_killed_while_the_bin_is_emptied_what_was_spent_stays(home: TestHome) -> None:
    assert home.call("bin", "red").returncode == 0
    with closing(sqlite3.connect(home.home.index_file)) as index, index:
        index.execute("UPDATE binned SET at = '2020-01-01T00:00:00.000Z'")
    assert home.once() == 0 and not home.lines("emptied"), "by one day's clock alone nothing is taken away"
    (home.home.private / DAYS).write_text("2026-01-01\n")
    assert home.call("once", ARTFACTORY_FAULT="bin_emptied").returncode == KILLED
    assert home.once() == 0
    assert len(home.lines("emptied")) == 1 and not (home.home.projects / ".bin").exists()
    assert len(home.products()) == 1 and "Nothing fits" in home.call("products", "is:binned").stdout
