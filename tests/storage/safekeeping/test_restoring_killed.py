"""Killed anywhere in a backup or a restore: the home is as it was, or is finished by doing the same again."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.clock import now
from artfactoryd.entries import sha256
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.storage.safekeeping import restoring, taking
from artfactoryd.storage.safekeeping.snapshots import OWNER, snapshots
from tests.homes import TestHome, leftovers

KILLED = -signal.SIGKILL
MADE = 'provider: local\nmodel: sketch\nparameters: {prompt: "a [red,blue] car", seed: 7, width: 64, height: 64}\n'
DEAR = "provider: replicate\nmodel: flux-schnell\nbudget: 0.001\nparameters: {prompt: a boat}\n"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestHome]:
    """With an order that is made, one that is held before anything is sent, and two backups beside it."""
    place = tmp_path_factory.mktemp("lived")
    home = TestHome.make(place / "home", backup={"path": str(place / "safe"), "keep": 2})
    home.drop("made.yaml", MADE)
    home.drop("dear.yaml", DEAR)
    assert home.once() == 3 and sorted(home.states()) == ["completed"] * 2
    for _ in range(2):
        taking.back_up(home.home, place / "safe", keep=2, clock=now)
    yield home


def place_of(home: TestHome) -> Path:
    return home.root.parent / "safe"


def what_it_is(home: TestHome) -> dict[str, Any]:
    """All that a person would miss. When it was put back is no part of that."""
    lines = [{key: value for key, value in line.items() if key not in ("at", "day")} for line in home.lines()]
    index = home.index
    try:
        orders = index.rows("SELECT id, held, held_entry, committed FROM orders ORDER BY id")
        counted = [row["committed"] for row in index.rows("SELECT committed FROM spending WHERE committed <> 0")]
    finally:
        index.close()
    claims = sorted(path.name for path in home.home.claims.iterdir())
    files = {str(path.relative_to(home.root)): path.read_bytes() for path in home.products()}
    return {"lines": lines, "orders": orders, "counted": counted, "claims": claims, "files": files}


@pytest.fixture(scope="module")
def whole(lived: TestHome) -> TestHome:
    """Put back without a kill."""
    home = TestHome(Home(lived.root.parent / "whole"))
    home.home.make()
    with home.home.lock("restore") as held:
        held.settle()
        restoring.restore(held, snapshots(place_of(lived))[-1], expander, now(), lambda what, done, of: None)
    return home


# whether the ledger is being put back by then
BEGUN = {"restore_file": False, "restore_month": True, "restore_claim": True}


@pytest.mark.sqlite  # its index would be that of the home it was copied from
@pytest.mark.parametrize("fault", BEGUN)
def test_killed_while_it_is_put_back_it_is_finished_by_doing_it_again(
    lived: TestHome, whole: TestHome, tmp_path: Path, fault: str
) -> None:
    home = TestHome(Home(tmp_path / "home"))
    assert home.call("restore", str(place_of(lived)), ARTFACTORY_FAULT=fault).returncode == KILLED
    started = home.call("once")
    assert started.returncode != 0 and ("A restore has not ended" in started.stderr) is BEGUN[fault], started.stderr
    done = home.call("restore", str(place_of(lived)))
    assert done.returncode == 0, done.stderr
    assert what_it_is(home) == what_it_is(whole) and leftovers(home) == []


@pytest.mark.sqlite  # its index would be that of the home it was copied from
def test_what_was_held_lies_in_held_again_with_why(whole: TestHome) -> None:
    before = what_it_is(whole)
    assert whole.once() == 3 and what_it_is(whole) == before
    assert "restored: may have been bought since" in whole.words("dear.yaml")


@pytest.mark.parametrize("fault", ["backup_copied", "backup_named", "backup_rotated"])
def test_killed_while_a_backup_is_made_the_earlier_ones_stand_and_the_next_goes_on(
    lived: TestHome, tmp_path: Path, fault: str
) -> None:
    place = shutil.copytree(place_of(lived), tmp_path / "safe")
    before = [it.folder.name for it in snapshots(place)]
    home = TestHome(Home(Path(shutil.copytree(lived.root, tmp_path / "home", symlinks=True))))
    assert home.call("init", "--adopt").returncode == 0
    home.configure(backup={"path": str(place), "keep": 2})
    assert home.call("backup", str(place), "--new", ARTFACTORY_FAULT=fault).returncode == KILLED
    there = [it.folder.name for it in snapshots(place)]
    assert there == before if fault == "backup_copied" else there[:-1] in (before, before[1:])
    done = home.call("backup", str(place), "--check")
    assert done.returncode == 0, done.stderr
    names = {it.folder.name for it in snapshots(place)}
    assert len(names) == 2 and {path.name for path in place.iterdir()} == names | {OWNER}
    newest = snapshots(place)[-1]
    for file in newest.files():
        assert sha256(newest.folder / file.path) == file.sha256
    assert [path.read_bytes() for path in home.products()] == [
        path.read_bytes() for path in sorted((newest.folder / "Projects").rglob("*.png"))
    ]
