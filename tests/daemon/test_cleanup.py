"""What a kill or a power cut left lying about: cleared, wherever it lies; what is not ours stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artfactoryd import medium
from artfactoryd.daemon import cleanup
from artfactoryd.errors import StorageFull
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    medium.refused = 0
    return TestHome.make(tmp_path / "home")


def litter(home: TestHome, made: str) -> tuple[set[Path], set[Path]]:
    """Ours, of an order that is completed or of none; and what must stay."""
    day = next(home.home.projects.glob("*/*/"))
    half = day / f".cars.{made}.tmp"
    half.mkdir()
    (half / "order.yaml").write_text("half")
    work = home.home.work / "made" / "fake"
    ours = {
        half, day / "cars" / ".receipt.yaml.0a1b2c3d.tmp", day / "cars" / "0009-lost.png.json",
        day.parent / ".project.yaml.0a1b2c3d.tmp", home.home.work / "odd.tmp", work / "fake-9.png",
    }  # fmt: skip
    stays = {day / "cars" / "0009-foreign.png.json", day / "mine.tmp", home.home.commands / ".new.json.tmp"}
    for path in sorted(ours | stays):
        name = made if "lost" in path.name else "0190"
        if path != half:
            path.write_text(json.dumps({"id": path.name, "file": {}, "order": {"id": name}}))
    return ours, stays


@pytest.mark.parametrize("ended", ["in the middle", "in the ordinary way"])
async def test_after_an_end_in_the_middle_the_whole_shelf_is_looked_over(
    home: TestHome, monkeypatch: Patch, ended: str
) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order())
        assert works.states() == ["completed"] * 2
    before = {path for path in home.root.rglob("*") if home.home.private not in path.parents}
    ours, stays = litter(home, made)
    if ended == "in the middle":
        cleanup.mark(home.home)
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert {path for path in ours if path.exists()} == (set() if ended == "in the middle" else ours)
    assert {path for path in before | stays if not path.exists()} == set()


async def test_an_end_after_the_disk_refused_something_is_no_ordinary_one(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order())
        with pytest.raises(StorageFull), medium.storage_errors(home.root):
            raise OSError(28, "No space left on device")
    assert cleanup.mark(home.home)
    medium.refused = 0
    cleanup.unmark(home.home)
    assert not cleanup.mark(home.home)


async def test_what_a_killed_reindex_and_half_written_files_left_is_gone_at_any_start(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(cleanup, "HANDED_OVER", -1.0)
    left = [home.home.private / "index.new.sqlite3", home.home.private / "index.new.sqlite3-wal"]
    left += [
        home.home.told / "fal" / ".x.yaml.tmp",
        home.home.claims / ".held.json.tmp",
        home.root / ".artfactory.yaml.tmp",
    ]
    stays = [home.root / "notes.tmp", home.home.inbox / ".x.tmp"]
    for path in (*left, *stays):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert [path for path in left if path.exists()] == [] and all(path.exists() for path in stays)
