"""A picture of others that is laid on the shelf becomes a product once it is scanned."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.daemon.noticing import noticer
from artfactoryd.settings import Scan
from artfactoryd.shelf.scanning import scanner
from tests.clamds import EICAR, fake_clamd
from tests.homes import TestHome
from tests.pictures import draw
from tests.works import at_work, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


async def test_a_foreign_picture_waits_to_be_scanned_and_one_with_something_in_it_stays_none(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(noticer, "AGAIN", 0.01)
    monkeypatch.setattr(scanner, "PAUSE", 0.01)
    place = tmp_path / "clamd"
    async with at_work(home, monkeypatch, scan=Scan(f"unix:{place}", required=True)) as works:
        draw(home.home.projects / "cars" / "well.png", size=(7, 7))
        bad = home.home.projects / "cars" / "bad.png"
        picture = draw(tmp_path / "bad.png", size=(8, 8))
        bad.write_bytes(picture + EICAR)
        await works.until(lambda: any("what comes waits" in record.message for record in caplog.records))
        index = works.house.books.index
        assert not index.rows("SELECT 1 FROM product")
        async with fake_clamd(place):
            await works.until(lambda: index.rows("SELECT 1 FROM product"))
            await works.until(lambda: any("is no product: clamd found" in record.message for record in caplog.records))
        assert [row["path"] for row in index.rows("SELECT path FROM product")] == ["Projects/cars/well.png"]
        assert bad.exists()
        assert sum("what comes waits" in record.message for record in caplog.records) == 1
