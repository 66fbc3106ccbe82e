"""What came and is no picture is scanned before it is placed; nothing that was paid for is thrown away for it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from artfactoryd.execution.flights import Phase
from artfactoryd.factories import Output, Outputs
from artfactoryd.reporting import status, waiting
from artfactoryd.reporting.blockers import Code
from artfactoryd.settings import Scan
from artfactoryd.shelf.scanning import scanner
from tests.clamds import EICAR, NAME, fake_clamd
from tests.homes import TestHome
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
MODEL = b"glTF" + bytes(60)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: Patch) -> None:
    monkeypatch.setattr(scanner, "PAUSE", 0.01)
    monkeypatch.setattr(scanner, "ASKED_EVERY", 0.01)


def comes(works: Works, *files: bytes) -> None:
    """With the next item; of no bytes a picture is made."""

    def outputs(ticket: object) -> Outputs:
        made = [_output(works, number, data) for number, data in enumerate(files)]
        return Outputs(tuple(made), {}, 1.0)

    works.fake.script("collect", outputs)


def _output(works: Works, number: int, data: bytes) -> Output:
    if not data:
        return works.fake.picture(f"p{number}")
    path = works.fake._work / f"{number}-{len(works.fake.history)}.bin"
    path.write_bytes(data)
    return Output(path.as_uri())


def aside(home: TestHome) -> list[Path]:
    return sorted(path for path in home.home.rejected.iterdir() if not path.name.endswith(".error.txt"))


async def test_what_is_found_lies_in_rejected_with_its_name_and_is_counted_as_paid(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    async with (
        fake_clamd(tmp_path / "clamd") as clamd,
        at_work(home, monkeypatch, scan=Scan(f"unix:{tmp_path}/clamd")) as works,
    ):
        comes(works, b"", EICAR, MODEL)
        made = await works.make(order("a car", parameters={"num_outputs": 3}))
        assert works.states(made) == ["completed"] and works.committed(made) == 3 * PRICE
        assert len(home.products()) == 2 and clamd.asked == [EICAR, MODEL]  # the picture is not asked about
        (place,) = aside(home)
        assert place.read_bytes() == EICAR and place.stat().st_mode & 0o111 == 0 and place.suffix == ".quarantined"
        assert f"clamd found {NAME}" in home.words(place.name) and "cars" in home.words(place.name)
        assert f"clamd found {NAME} in it; it lies in Rejected/" in (works.items(made)[0].reason or "")

        comes(works, EICAR + b" again")
        lost = await works.make(order("a bus"), "bus.yaml")
        assert works.states(lost) == ["failed"] and works.committed(lost) == PRICE and len(aside(home)) == 2
        assert NAME in (works.items(lost)[0].reason or "")

        def full(*given: object) -> str:
            raise OSError(errno.ENOSPC, "No space left on device")

        comes(works, b"", EICAR + b" once more")
        with monkeypatch.context() as patched:
            patched.setattr("artfactoryd.shelf.placing._settle", full)
            again = await works.take(order("a tram", parameters={"num_outputs": 2}), "tram.yaml")
            await works.until(lambda: works.phases(again) == [Phase.WAITS_FOR_ROOM])
        await works.until(lambda: works.states(again) == ["completed"])
        assert len(aside(home)) == 3 and len(list(home.home.rejected.iterdir())) == 6

        clamd.answers = [b"INSTREAM size limit exceeded. ERROR"]
        comes(works, MODEL + b"large")
        await works.make(order("a boat"), "boat.yaml")
        assert [card["file"]["remark"] for card in home.sidecars() if "remark" in card["file"]] == [
            "not scanned: it is larger than what clamd takes: raise StreamMaxLength, MaxFileSize and MaxScanSize in "
            "clamd.conf."
        ]


async def test_what_cannot_be_scanned_waits_paid_and_kept_where_that_is_required(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    place = tmp_path / "clamd"
    required = Scan(f"unix:{place}", required=True)
    async with at_work(home, monkeypatch, scan=required) as works:
        comes(works, MODEL)
        made = await works.take(order("a car"))
        await works.until(lambda: works.phases(made) == [Phase.WAITS_FOR_SCAN])
        await works.until(lambda: works.daemon.done)  # `once` does not wait for it
        index, settings = works.house.books.index, works.house.settings.now
        outlook = waiting.outlook(index, works.order(made), home.home, settings)
        assert [blocker.code for blocker in outlook.blockers] == [Code.UNSCANNED] and outlook.rests
        assert "paid for and kept" in outlook.reasons[0] and f"unix:{place} cannot be reached" in outlook.reasons[0]
        assert "what comes waits" in status.status(home.home, index, settings, None).scan
        await works.stop()
    (home.home.work / "made" / "fake").rename(tmp_path / "gone")  # the provider has erased it
    async with at_work(home, monkeypatch, scan=required) as works:
        await works.until(lambda: works.phases(made) == [Phase.WAITS_FOR_SCAN])
        async with fake_clamd(place) as clamd:
            await works.until(lambda: works.states(made) == ["completed"])
            assert clamd.asked == [MODEL] and len(home.products()) == 1 and len(home.lines("wish")) == 1
            assert status.status(home.home, works.house.books.index, works.house.settings.now, None).scan == ""


async def test_where_it_is_not_required_it_goes_on_and_that_is_said_once(
    home: TestHome, monkeypatch: Patch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "clamd"
    async with at_work(home, monkeypatch, scan=Scan(f"unix:{place}")) as works:
        for _ in range(3):
            comes(works, MODEL)
        made = await works.make(order("a [red,blue,green] car"))
        assert works.states(made) == ["completed"] * 3
        index, settings = works.house.books.index, works.house.settings.now
        assert "goes on unscanned" in status.status(home.home, index, settings, None).scan
        assert [record.levelname for record in caplog.records if "unscanned" in record.message] == ["WARNING"]
        assert not any("remark" in card["file"] for card in home.sidecars())
        async with fake_clamd(place):
            comes(works, MODEL)
            await works.make(order("a tram"), "tram.yaml")
        assert status.status(home.home, index, settings, None).scan == ""
