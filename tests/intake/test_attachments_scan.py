"""What is dropped with an order, or alone, is scanned: what is found is set aside, and nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.intake import inbox
from artfactoryd.reporting.why import why
from artfactoryd.settings import Scan
from tests.clamds import EICAR, NAME, fake_clamd
from tests.homes import TestHome
from tests.pictures import draw
from tests.works import at_work, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
EDIT = "provider: other\nmodel: editor\nparameters: {image: car.png}\n"


async def test_a_dropped_picture_in_which_something_is_found_is_set_aside_and_named(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    quickly = {**(inbox.Inbox.__init__.__kwdefaults__ or {}), "stray_seconds": 0.0}
    monkeypatch.setattr(inbox.Inbox.__init__, "__kwdefaults__", quickly)
    picture = draw(tmp_path / "car.png")
    (bad := tmp_path / "bad.png").write_bytes(picture + EICAR)
    async with (
        fake_clamd(tmp_path / "clamd") as clamd,
        at_work(home, monkeypatch, scan=Scan(f"unix:{tmp_path}/clamd")) as works,
    ):
        (bundle := tmp_path / "bundle").mkdir()
        (bundle / "order.yaml").write_text(EDIT)
        (bundle / "car.png").write_bytes(bad.read_bytes())
        bundle.rename(home.home.inbox / "bundle")
        await works.until((home.home.rejected / "bundle.error.txt").exists)
        assert f"clamd found {NAME}" in home.words("bundle") and "car.png" in home.words("bundle")
        bad.rename(home.home.inbox / "alone.png")
        await works.until((home.home.rejected / "alone.png.error.txt").exists)
        assert f"- alone.png: {NAME}" in home.words("alone.png")
        assert not works.house.books.index.orders() and not works.other.calls()
        clamd.asked.clear()
        draw(home.home.inbox / "car.png")
        made = await works.make(EDIT)
        assert works.states(made) == ["completed"] and clamd.asked == [picture]


async def test_where_it_is_required_an_order_waits_until_its_pictures_are_scanned(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    place = tmp_path / "clamd"
    async with at_work(home, monkeypatch, scan=Scan(f"unix:{place}", required=True)) as works:
        draw(home.home.inbox / "car.png")
        home.drop("cars.yaml", EDIT)
        await works.until(lambda: list(home.home.claims.glob("*/waits.txt")))
        words, _ = why(home.home, works.house.books.index, works.house.settings.now, "cars.yaml")
        assert "scan.required" in words and "cannot be reached" in words and not works.other.calls()
        async with fake_clamd(place):
            await works.until(lambda: works.states() == ["completed"])
