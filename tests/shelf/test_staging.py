"""Outputs kept until they are settled: looked at with the looks counted, and kept unopened when looking kills."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from artfactoryd.factories import Output, Outputs
from artfactoryd.shelf import media
from artfactoryd.shelf.kinds import UNKNOWN
from artfactoryd.shelf.received import Fetched
from artfactoryd.shelf.staging import MOST_LOOKS, Staging
from tests.homes import TestHome
from tests.pictures import draw
from tests.works import at_work, order, quick

__all__ = ["quick"]
with tempfile.TemporaryDirectory() as _folder:
    PICTURE = draw(Path(_folder) / "car.png")
Patch = pytest.MonkeyPatch


class Killed(BaseException):
    """The program ends here: nothing that comes after runs."""


@pytest.fixture
def home(tmp_path: Path) -> TestHome:
    return TestHome.make(tmp_path / "home")


@pytest.fixture
def staging(home: TestHome) -> Staging:
    made = Staging(home.home.work)
    made.half("p1")
    made.path("p1").write_bytes(PICTURE)
    return made


def killed(staging: Staging, monkeypatch: Patch, product: str = "p1") -> None:
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(media, "identify", _dies)
        patched.setattr(Path, "unlink", lambda path: None)  # nothing is tidied by a process that is gone
        staging.decode(product, staging.look(product), 1.0)


def _dies(*given: object) -> None:
    raise Killed


def test_each_look_that_did_not_end_counts_and_one_that_ended_does_not(staging: Staging, monkeypatch: Patch) -> None:
    for _ in range(MOST_LOOKS):
        assert staging.decode("p1", staging.look("p1"), 1.0).mime == "image/png"
        assert not staging.is_suspect("p1")
    for _ in range(MOST_LOOKS):
        killed(staging, monkeypatch)
        assert staging.is_suspect("p1")
        staging.clear(["p1"])  # the next start
    for _ in range(2):  # also when that is not settled before the next start
        kept = staging.decode("p1", staging.look("p1"), 1.0)
        assert (kept.mime, kept.extension, kept.kind, kept.unopened) == (UNKNOWN.mime, "bin", "other", True)
        assert "ended the program three times" in kept.fault and staging.path("p1").read_bytes() == PICTURE
        staging.clear(["p1"])
    staging.discard("p1")
    assert list(staging.path("p1").parent.iterdir()) == []


def test_what_was_not_to_be_looked_at_is_not_looked_at_as_a_copy(staging: Staging, monkeypatch: Patch) -> None:
    monkeypatch.setattr(media, "examine", _dies)
    assert staging.look("p1", is_unknown=True).mime == UNKNOWN.mime and not staging.is_suspect("p1")


def test_what_is_no_picture_stays_staged(staging: Staging) -> None:
    staging.path("p1").write_bytes(b"no picture")
    assert staging.look("p1").mime == "text/plain"
    assert staging.arrived("p1") is not None and not staging.is_suspect("p1")


def test_a_whole_output_is_kept_before_it_is_looked_at(staging: Staging, home: TestHome, monkeypatch: Patch) -> None:
    part = staging.half("p2")
    part.write_bytes(PICTURE)
    staging.take(Fetched(part, "0a", 1, None), "p2")
    killed(staging, monkeypatch, "p2")
    staging.clear(["p2"])
    assert not part.exists() and (fetched := staging.arrived("p2")) is not None and fetched.bytes == len(PICTURE)
    staging.clear([])
    assert list((home.home.work / "outputs").iterdir()) == []


@pytest.mark.usefixtures("quick")
async def test_suspects_are_looked_at_one_by_one(home: TestHome, monkeypatch: Patch) -> None:
    """Else the one that kills takes the count of its innocent neighbours up with its own."""
    real, now, most = Staging.decode, [0], [0]

    def decode(staging: Staging, product: str, seen: media.Media, most_megapixels: float) -> media.Media:
        now[0] += 1
        most[0] = max(most[0], now[0])
        pause.wait(0.02)
        picture = real(staging, product, seen, most_megapixels)
        now[0] -= 1
        return picture

    pause = Event()
    monkeypatch.setattr(Staging, "decode", decode)
    monkeypatch.setattr(Staging, "is_suspect", lambda staging, product: True)
    async with at_work(home, monkeypatch, concurrency=4) as works:
        Image.linear_gradient("L").save(path := works.fake._work / "flagged.png")
        works.fake.script("collect", *[lambda t: Outputs((Output(path.as_uri(), flagged=True),))] * 4)
        await works.make(order("a [red,blue,green,grey] car"))
        assert works.states() == ["completed"] * 4 and most == [1]
