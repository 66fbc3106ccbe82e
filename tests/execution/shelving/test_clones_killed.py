"""Killed anywhere between what is said of products and what lies in Collections, a start brings them together."""

from __future__ import annotations

import signal

import pytest

from tests.homes import TestHome

KILLED = -signal.SIGKILL
CARS = "provider: local\nmodel: sketch\nparameters: {prompt: 'a [red,blue] car', width: 64, height: 64}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    made = TestHome.make(tmp_path_factory.mktemp("arranged") / "home")
    made.drop("cars.yaml", CARS)
    assert made.once() == 0
    return made


def folders(home: TestHome) -> set[str]:
    """All that lies in Collections, hidden files too."""
    return {str(path.relative_to(home.root / "Collections")) for path in (home.root / "Collections").rglob("*.*")}


@pytest.mark.parametrize("fault", ["ledger_written", "clone_made", "clone_made:2"])
def test_killed_while_products_are_collected(home: TestHome, fault: str) -> None:
    name = fault.replace(":", "-")
    both = {f"{name}/{product.name}" for product in home.products()}
    assert home.call("collect", "car", name, ARTFACTORY_FAULT=fault).returncode == KILLED
    assert not both <= folders(home)
    assert home.once() == 0
    assert {path for path in folders(home) if path.startswith(name)} == both
    assert (
        home.call("collect", "car", name, "--off").returncode == 0 and not (home.root / "Collections" / name).exists()
    )
    assert len(home.lines("mark")) % 4 == 0 and len(home.products()) == 2
