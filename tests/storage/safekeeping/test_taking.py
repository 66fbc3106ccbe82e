"""A backup of a home at work: whole, verified, and never in place of a better one."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from artfactoryd import durable
from artfactoryd.clock import now
from artfactoryd.errors import ArtFactoryError, StorageFull, StorageSick, WrongUse
from artfactoryd.storage import ledger
from artfactoryd.storage.safekeeping import destination, taking
from artfactoryd.storage.safekeeping.reports import Taken
from artfactoryd.storage.safekeeping.snapshots import CHANGED, OWNER, snapshots
from tests.homes import TestHome

LINES = b'{"kind":"pause","at":"2026-11-01T12:00:00.000Z","on":true,"by":"you"}\n'


@pytest.fixture
def stocked(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> TestHome:
    """Two products and a line of the ledger; nobody cuts the power here."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    folder = home.home.projects / "p" / "2026-11-01" / "cars"
    (folder / "sidecars").mkdir(parents=True)
    for number in (1, 2):
        data = f"picture {number}".encode()
        (folder / f"{number}.png").write_bytes(data)
        card = {"id": str(number), "file": {"sha256": sha256(data).hexdigest(), "bytes": len(data)}}
        (folder / "sidecars" / f"{number}.png.json").write_text(json.dumps(card))
    (folder / "receipt.yaml").write_text("state: completed\n")
    (home.home.ledger / "2026-11.jsonl").write_bytes(LINES)
    return home


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "safe"


def backed_up(home: TestHome, place: Path, keep: int = 7, **more: Any) -> Taken:
    return taking.back_up(home.home, place, keep=keep, clock=now, **more)


def picture(home: TestHome, number: int = 1) -> Path:
    return home.home.projects / "p" / "2026-11-01" / "cars" / f"{number}.png"


def in_backup(taken: Taken, home: TestHome, number: int = 1) -> Path:
    return taken.folder / picture(home, number).relative_to(home.root)


def test_what_did_not_change_is_the_same_file_and_only_the_newest_stay(stocked: TestHome, place: Path) -> None:
    first = backed_up(stocked, place)
    receipt = in_backup(first, stocked).with_name("receipt.yaml")
    (picture(stocked).with_name("receipt.yaml")).write_text("state: changed\n")
    second = backed_up(stocked, place)
    assert (first.products, second.products) == (2, 2) and second.copied == 1
    assert os.path.samefile(in_backup(first, stocked), in_backup(second, stocked))
    assert not os.path.samefile(in_backup(second, stocked), picture(stocked))
    assert receipt.read_text() == "state: completed\n"
    third = backed_up(stocked, place, keep=2)
    assert third.removed == [first.folder.name] and len(snapshots(place)) == 2
    assert in_backup(third, stocked).read_bytes() == b"picture 1"


def test_a_disk_that_knows_no_second_names_has_whole_copies(
    stocked: TestHome, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "link", lambda source, target: False)
    first, second = backed_up(stocked, place), backed_up(stocked, place)
    assert second.copied == first.copied and "whole copy" in second.text()
    assert in_backup(second, stocked).read_bytes() == b"picture 1"


def test_a_picture_that_is_not_as_it_was_made_takes_no_good_ones_place(stocked: TestHome, place: Path) -> None:
    backed_up(stocked, place)
    picture(stocked).write_bytes(b"damaged 1")
    for _ in range(2):
        taken = backed_up(stocked, place, keep=1)
        assert [Path(path).name for path in taken.differing] == ["1.png"] and CHANGED in taken.text()
        assert in_backup(taken, stocked).read_bytes() == b"picture 1"
        assert (taken.folder / CHANGED / picture(stocked).relative_to(stocked.root)).read_bytes() == b"damaged 1"


def test_what_rotted_in_the_backup_is_copied_again_by_a_check(stocked: TestHome, place: Path) -> None:
    rotten = in_backup(backed_up(stocked, place), stocked)
    status = rotten.stat()
    rotten.write_bytes(b"pictUre 1")
    os.utime(rotten, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert in_backup(backed_up(stocked, place, check=True), stocked).read_bytes() == b"picture 1"


def test_a_ledger_that_grows_while_it_is_copied_is_whole_up_to_there(
    stocked: TestHome, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it tells of is in the backup: everything else is copied after it."""
    real, month = durable.copy, stocked.home.ledger / "2026-11.jsonl"

    def growing(source: Path, target: Path) -> None:
        real(source, target)
        if source == month:
            with month.open("ab") as file:
                file.write(LINES + LINES[:20])

    monkeypatch.setattr(durable, "copy", growing)
    taken = backed_up(stocked, place)
    assert len(list(ledger.read(taken.folder / "Ledger"))) == 1 and taken.unread == []


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _away(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("/nowhere/at/all")


# what became of the home since the last good backup, and what is said of it
LOST: dict[str, tuple[Callable[[TestHome], object], str]] = {
    "its disk is away": (lambda home: _away(home.home.projects), "is not there"),
    "nothing on the shelf": (lambda home: _empty(home.home.projects), "has no products"),
    "no ledger": (lambda home: _empty(home.home.ledger), "is empty"),
}


@pytest.mark.parametrize("how", LOST)
def test_what_is_empty_takes_no_good_ones_place(stocked: TestHome, place: Path, how: str) -> None:
    before = backed_up(stocked, place).folder
    lose, words = LOST[how]
    lose(stocked)
    with pytest.raises(StorageSick, match=words):
        backed_up(stocked, place, keep=1)
    assert [it.folder for it in snapshots(place)] == [before] and not (place / ".part").exists()


def test_nothing_is_taken_away_for_a_backup_of_half_as_much(stocked: TestHome, place: Path) -> None:
    before = backed_up(stocked, place).folder
    shutil.copytree(picture(stocked).parent, picture(stocked).parent.with_name("more"))
    backed_up(stocked, place)
    shutil.rmtree(picture(stocked).parent)
    picture(stocked).parent.with_name("more").joinpath("1.png").unlink()
    taken = backed_up(stocked, place, keep=1)
    assert taken.removed == [] and "No earlier backup is taken away" in taken.text() and before.is_dir()


def test_the_last_backup_of_a_project_that_went_away_stays_until_a_person_deletes_it(
    stocked: TestHome, place: Path
) -> None:
    for name in ("q", "r", "s"):
        shutil.copytree(stocked.home.projects / "p", stocked.home.projects / name)
    backed_up(stocked, place, keep=1)
    last = backed_up(stocked, place, keep=1).folder
    _empty(stocked.home.projects / "q")  # as the place of a disk that is not connected
    for _ in range(3):
        taken = backed_up(stocked, place, keep=1)
        assert taken.pinned == [last.name] and last.name in taken.text() and len(snapshots(place)) == 2
    assert (last / "Projects" / "q" / "2026-11-01" / "cars" / "1.png").read_bytes() == b"picture 1"


def test_what_cannot_be_read_is_told_and_is_as_the_backup_before_has_it(
    stocked: TestHome, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up(stocked, place)
    picture(stocked).touch()
    real = durable.copy

    def refusing(source: Path, target: Path) -> None:
        if source == picture(stocked):
            raise OSError(5, "Input/output error", str(source))
        real(source, target)

    monkeypatch.setattr(durable, "copy", refusing)
    taken = backed_up(stocked, place, keep=1)
    assert len(taken.unread) == 1 and not taken.is_whole and taken.removed == []
    assert in_backup(taken, stocked).read_bytes() == b"picture 1"


def _elsewhere(home: TestHome, place: Path) -> Path:
    place.mkdir()
    (place / "holiday.jpg").touch()
    return place


def _of_another(home: TestHome, place: Path) -> Path:
    place.mkdir()
    (place / OWNER).write_text(json.dumps({"id": "a", "home": "b", "path": "/other"}))
    return place


def _unmounted(home: TestHome, place: Path) -> Path:
    """The empty folder that stands for a disk while it is not connected."""
    place.mkdir()
    backed_up(home, place)
    place.rename(place.with_name("on the disk"))
    place.mkdir()
    return place


# a place, the error and what is said of it
PLACES: dict[str, tuple[Callable[[TestHome, Path], Path], type[ArtFactoryError], str]] = {
    "in the home": (lambda home, place: home.root / "backup", WrongUse, "inside or around"),
    "around the home": (lambda home, place: home.root.parent, WrongUse, "inside or around"),
    "of other things": (_elsewhere, WrongUse, "holds other things"),
    "of another home": (_of_another, WrongUse, "of another home"),
    "on a disk never seen": (lambda home, place: place / "disk" / "backup", StorageSick, "Connect its disk"),
    "on a disk that is away": (_unmounted, StorageSick, "where this home has had some"),
}


@pytest.mark.parametrize("which", PLACES)
def test_a_place_that_is_not_fit_is_left_as_it_is(stocked: TestHome, place: Path, which: str) -> None:
    make, error, words = PLACES[which]
    there = make(stocked, place)
    before = sorted(map(str, there.parent.glob("*/*")))
    with pytest.raises(error, match=words):
        backed_up(stocked, there)
    assert sorted(map(str, there.parent.glob("*/*"))) == before


def test_room_is_looked_for_first_and_two_at_once_do_not_meet(
    stocked: TestHome, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up(stocked, place)
    with destination.alone_at(place), pytest.raises(StorageFull, match="Another backup"):
        backed_up(stocked, place)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 1))
    picture(stocked).write_bytes(bytes(100))
    with pytest.raises(StorageFull, match="Make room there"):
        backed_up(stocked, place)
    assert len(snapshots(place)) == 1 and not (place / ".part").exists()
