"""What a kill or a power cut left lying about: cleared, wherever it lies; what is not ours stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artfactoryd import medium
from artfactoryd.daemon import cleanup
from artfactoryd.errors import StorageFull
from artfactoryd.execution import delivery
from artfactoryd.factories import Output, Outputs
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    medium.refused = 0
    return TestHome.make(tmp_path / "home")


def litter(home: TestHome, made: str, lost: list[str]) -> tuple[set[Path], set[Path]]:
    """Ours, of an order that is completed or of none; and what must stay. `lost`: ids of outputs."""
    day = next(home.home.projects.glob("*/*/"))
    half = day / f".cars.{made}.tmp"
    half.mkdir()
    (half / "order.yaml").write_text("half")
    work = home.home.work / "made" / "fake"
    (work / "a-run").mkdir(parents=True)
    (work / "a-run" / "picture.png").write_text("of a run that is over")
    ours = {
        half, day / "cars" / ".receipt.yaml.0a1b2c3d.tmp", day / "cars" / "sidecars" / f"{lost[0]}.png.json",
        day / "cars" / f"{lost[1]}.png.json", day / "cars" / ".sidecars" / f"{lost[0]}.png.json",
        day / "cars" / "sidecars" / ".0009.png.json.0a1b2c3d.tmp",
        day.parent / ".project.yaml.0a1b2c3d.tmp", home.home.work / "odd.tmp", work / "fake-9.png", work / "a-run",
    }  # fmt: skip
    stays = {
        day / "cars" / "0009-foreign.png.json", day / "cars" / "sidecars" / "0009-untold.png.json", day / "mine.tmp",
        home.home.commands / ".new.json.tmp",
    }  # fmt: skip
    for path in sorted(ours | stays):
        name = "0190" if "foreign" in path.name else made
        if not path.is_dir():
            path.parent.mkdir(exist_ok=True)
            told = {"id": path.name.partition(".")[0], "file": {}, "order": {"id": name}, "item": {"index": 1}}
            path.write_text(json.dumps(told))
    return ours, stays


def gone(fake: FakeFactory) -> Output:
    return Output((fake._work / "never-made.png").as_uri(), "image/png")


@pytest.mark.parametrize("ended", ["in the middle", "in the ordinary way"])
async def test_after_an_end_in_the_middle_the_whole_shelf_is_looked_over(
    home: TestHome, monkeypatch: Patch, ended: str
) -> None:
    monkeypatch.setattr(delivery, "AGAIN", (0.01,))
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda ticket: Outputs((gone(works.fake),)))
        made = await works.make(order("a car"))
        lost = [line["outputs"][0]["id"] for line in works.lines("result")]
        works.fake.script("collect", lambda ticket: Outputs((gone(works.fake), works.fake.picture("b"))))
        await works.tell("retry", made, in_doubt=True)
        await works.until(lambda: works.states() == ["completed"])
        lost.append(works.lines("result")[1]["outputs"][0]["id"])
        await works.rests()
    before = {path for path in home.root.rglob("*") if home.home.private not in path.parents}
    ours, stays = litter(home, made, lost)
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
