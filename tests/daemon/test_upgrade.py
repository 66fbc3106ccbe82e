"""An upgrade while the daemon runs: no good order is rejected, and what to do is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artfactoryd import schema
from artfactoryd.daemon import upgrade
from artfactoryd.planning import models
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


async def test_a_good_order_waits_in_the_inbox_when_the_program_was_replaced(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    shutil.copytree(upgrade.PACKAGE, package)
    async with at_work(home, monkeypatch) as works:
        monkeypatch.setattr(works.daemon, "_own_files", upgrade.OwnFiles(package))
        await works.make(order("a car"))
        shutil.rmtree(package)
        file = home.drop("cars.yaml", order("a boat"))
        await works.until(lambda: "start it again" in works.daemon.health().get("inbox", ""))
        assert file.exists() and works.states() == ["completed"] and not list(home.home.rejected.iterdir())
        assert works.daemon.report.waiting == 1


def test_another_release_in_the_same_place_is_noticed(tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(upgrade.PACKAGE, package)
    files = upgrade.OwnFiles(package)
    assert files.replaced() == ""
    shutil.rmtree(package)
    assert files.replaced()
    shutil.copytree(upgrade.PACKAGE, package, copy_function=shutil.copyfile)
    assert files.replaced()


def test_schemas_and_catalogue_are_read_at_the_start_and_never_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upgrade.OwnFiles()
    monkeypatch.setattr(schema, "_folder", lambda: tmp_path / "away")
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "away")
    assert schema.check_mapping({"strict": True}, "settings") == []
    found, problems = models.load_catalog(None)
    assert found and not problems
