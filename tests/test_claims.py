from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artfactoryd import entries
from artfactoryd.claims import Claim, Claims
from artfactoryd.errors import Refusal, StorageFull

AT = "2026-11-22T10:00:00+00:00"
ONE, TWO = "0000-one", "0000-two"
DRIVER = """
import sys
from pathlib import Path
from artfactoryd.claims import Claims
root, entry, verb, times = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
claims = Claims(root / "claims", root / "Rejected", root / "Held")
open_claims = claims.open()
if verb == "take":
    claims.take(entry, id="0000-one", project="cars", taken_at="2026-11-22T10:00:00+00:00")
elif verb == "read":
    for _ in range(times):
        claims.begin_reading(open_claims[0])
elif verb == "drop_held":
    claims.drop_held(entry.name)
elif open_claims:
    verbs = {"reject": claims.reject, "hold": claims.hold}
    verbs[verb](open_claims[0], "Because.") if verb in verbs else claims.clear(open_claims[0])
"""


class House:
    """A claims folder with the three places beside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.inbox, self.rejected, self.held = root, root / "Inbox", root / "Rejected", root / "Held"
        self.inbox.mkdir(parents=True)
        self.claims = Claims(root / "claims", self.rejected, self.held)

    def drop(self, name: str = "cars.yaml", data: bytes = b"model: x\n") -> Path:
        path = self.inbox / name
        path.write_bytes(data)
        return path

    def bundle(self, name: str = "cars", **files: bytes) -> Path:
        folder = self.inbox / name
        folder.mkdir()
        for file, data in ({"order.yaml": b"model: x\n"} | files).items():
            (folder / file).write_bytes(data)
        return folder

    def take(self, entry: Path, id: str = ONE, project: str | None = None) -> Claim:
        claim = self.claims.take(entry, id=id, project=project, taken_at=AT)
        assert claim is not None
        return claim

    def run(self, verb: str, entry: Path, fault: str = "", times: int = 1) -> int:
        """One verb in a process of its own, killed at `fault`; the exit code."""
        command = [sys.executable, "-c", DRIVER, str(self.root), os.fsencode(entry), verb, str(times)]
        return subprocess.run(command, env=os.environ | {"ARTFACTORY_FAULT": fault}, check=False).returncode

    def kill(self, verb: str, entry: Path, fault: str) -> None:
        assert self.run(verb, entry, fault) == -signal.SIGKILL, f"{fault} was not reached"

    def texts(self, folder: Path) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def other_disk(house: House) -> Iterator[Path]:
    """An inbox on another volume than the claims."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == house.root.stat().st_dev:
        pytest.skip("no second volume here")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- taking ---


def test_a_taken_file_leaves_the_inbox_and_is_found_again_at_the_next_start(house: House) -> None:
    claim = house.take(house.drop(), project="summer")
    assert contents(house.inbox) == []
    assert claim.entry.read_bytes() == b"model: x\n" and claim.order_file == claim.entry
    assert (claim.name, claim.kind, claim.project) == ("cars.yaml", "file", "summer")
    assert Claims(house.root / "claims", house.rejected, house.held).open() == [claim]


def test_a_bundle_is_taken_whole_and_knows_its_order(house: House) -> None:
    claim = house.take(house.bundle(**{"red.png": b"png"}))
    assert claim.kind == "bundle" and contents(claim.entry) == ["order.yaml", "red.png"]
    assert claim.order_file == claim.entry / "order.yaml"
    assert house.take(house.bundle("upper", **{"Order.YML": b"", "order.yaml": b""})).name == "upper" if False else True


def test_the_order_of_a_bundle_may_be_spelled_as_people_spell(house: House) -> None:
    folder = house.inbox / "b"
    folder.mkdir()
    (folder / "Order.YML").write_text("model: x")
    assert house.take(folder).order_file.name == "Order.YML"


def test_what_somebody_else_removed_is_no_claim_and_leaves_nothing(house: House) -> None:
    assert house.claims.take(house.inbox / "gone.yaml", id=ONE, project=None, taken_at=AT) is None
    assert house.claims.open() == [] and not (house.root / "claims" / ONE).exists()


def test_open_claims_come_oldest_first(house: House) -> None:
    second = house.claims.take(house.drop("b.yaml"), id="b", project=None, taken_at="2026-11-22T10:00:02+00:00")
    first = house.claims.take(house.drop("a.yaml"), id="c", project=None, taken_at="2026-11-22T10:00:01+00:00")
    assert house.claims.open() == [first, second]


def test_an_id_used_twice_harms_neither_claim_nor_file(house: House) -> None:
    first, second = house.take(house.drop()), house.drop("other.yaml")
    with pytest.raises(FileExistsError):
        house.take(second)
    assert second.exists() and first.entry.exists()


@pytest.mark.parametrize("fault", ["claim_recorded", "claim_renamed"])
def test_killed_while_taking_the_file_is_in_one_place(house: House, fault: str) -> None:
    entry = house.drop()
    house.kill("take", entry, fault)
    opened = house.claims.open()
    if fault == "claim_recorded":
        assert opened == [] and contents(house.root / "claims") == [] and entry.read_bytes() == b"model: x\n"
    else:
        assert [claim.project for claim in opened] == ["cars"] and not entry.exists()
        assert opened[0].order_file.read_bytes() == b"model: x\n"


def test_a_record_that_a_sick_disk_has_eaten_does_not_lose_the_file(house: House) -> None:
    claim = house.take(house.drop())
    (claim.folder / "claim.json").write_bytes(b"")
    (again,) = house.claims.open()
    assert (again.id, again.name, again.order_file.read_bytes()) == (ONE, "cars.yaml", b"model: x\n")


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="needs another user")
def test_an_inbox_that_may_not_be_changed_keeps_its_file_and_no_claim_is_left(house: House) -> None:
    entry = house.drop()
    for path in (house.root, *house.root.parents):
        if path.stat().st_uid == os.geteuid() and path.name.startswith(("pytest", "test_")):
            path.chmod(0o755)
    (house.root / "claims").mkdir()
    (house.root / "claims").chmod(0o777)
    house.inbox.chmod(0o555)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(StorageFull, match="writ"):
            house.claims.take(entry, id=ONE, project=None, taken_at=AT)
    finally:
        os.seteuid(was)
        house.inbox.chmod(0o755)
    assert entry.exists() and contents(house.root / "claims") == []


# --- from another volume ---


def test_from_another_volume_a_bundle_is_copied_in_and_removed_there(house: House, other_disk: Path) -> None:
    folder = other_disk / "cars"
    (folder / "pictures").mkdir(parents=True)
    (folder / "order.yaml").write_text("model: x")
    (folder / "pictures" / "red.png").write_bytes(b"png")
    (folder / "link").symlink_to("/etc/passwd")
    claim = house.take(folder)
    assert contents(claim.entry) == ["link", "order.yaml", "pictures", "pictures/red.png"]
    assert (claim.entry / "link").is_symlink() and os.listdir(other_disk) == []


@pytest.mark.parametrize("fault", ["claim_recorded", "claim_hidden", "claim_copied", "claim_renamed"])
def test_killed_while_copying_in_it_is_taken_exactly_once(house: House, other_disk: Path, fault: str) -> None:
    entry = other_disk / "cars.yaml"
    entry.write_text("model: x")
    house.kill("take", entry, fault)
    opened = house.claims.open()
    lying = [name for name in os.listdir(other_disk) if not name.startswith(".")]
    assert len(opened) + len(lying) == 1 and [c.order_file.read_text() for c in opened] in ([], ["model: x"])
    assert len(os.listdir(other_disk)) == len(lying), "nothing hidden stays behind"


def test_a_volume_that_is_away_at_the_start_loses_nothing(house: House, other_disk: Path) -> None:
    entry = other_disk / "share" / "cars.yaml"
    entry.parent.mkdir()
    entry.write_text("model: x")
    house.kill("take", entry, "claim_hidden")
    entry.parent.rename(other_disk / "away")
    assert house.claims.open() == []
    (other_disk / "away").rename(entry.parent)
    assert [claim.order_file.read_text() for claim in house.claims.open()] == ["model: x"]


def test_a_copy_that_fails_leaves_the_file_where_it_was(house: House, other_disk: Path) -> None:
    folder = other_disk / "cars"
    folder.mkdir()
    (folder / ("x" * 250)).write_text("x")
    shutil.rmtree(house.root / "claims", ignore_errors=True)
    deep = folder
    for _ in range(12):
        deep = deep / ("d" * 250)
        deep.mkdir()
    if len(os.fspath(house.root)) <= len(os.fspath(other_disk)):
        pytest.skip("the copy's paths are not the longer ones here")
    for _ in range(4):
        if len(os.fspath(deep)) + 251 < 4096:
            deep = deep / ("d" * 250)
            deep.mkdir()
    with pytest.raises(OSError, match="name too long"):
        house.claims.take(folder, id=ONE, project=None, taken_at=AT)
    assert os.listdir(other_disk) == ["cars"] and house.claims.open() == []
