"""A backup is made when it is due, while the daemon works, and what keeps one from being made hinders nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.cli.doctor import home as soundness
from artfactoryd.clock import now
from artfactoryd.daemon import backups
from artfactoryd.settings import Backup, Settings
from artfactoryd.storage.safekeeping.destination import Memory
from artfactoryd.storage.safekeeping.snapshots import snapshots
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


async def test_one_is_made_when_it_is_due_and_its_disk_is_waited_for(
    home: TestHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(backups, "AGAIN", 0.02)
    place = tmp_path / "disk" / "safe"
    settings = Backup(path=place, every="1d")
    async with at_work(home, monkeypatch, backup=settings) as works:
        await works.until(lambda: Memory.of(home.home).read().get("trouble"))
        assert "Connect its disk" in "".join(row.text for row in soundness.backup(home.home, Settings(backup=settings)))
        made = await works.make(order("a boat"))
        assert works.state(made) == "completed" and not place.parent.exists()
        place.parent.mkdir()
        await works.until(lambda: Memory.of(home.home).read().get("taken_at"))
        assert len(snapshots(place)) == 1 and snapshots(place)[0].products == 1
    due = backups.next_due(home.home, settings)
    assert due is not None and due > now() and Memory.of(home.home).read()["trouble"] == ""
    [row] = soundness.backup(home.home, Settings(backup=settings))
    assert "The last backup is of" in row.text
    assert backups.next_due(home.home, Backup(path=place)) is None
