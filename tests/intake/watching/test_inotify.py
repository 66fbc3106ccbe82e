from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from artfactoryd.intake.watching import inotify
from artfactoryd.intake.watching.inotify import Hints, looks

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the loop")
PATIENCE, NEVER = 20.0, 3600.0


class Refused:
    def __init__(self, *args: object) -> None:
        raise OSError(24, "Too many open files")


@linux_only
async def test_a_change_is_told_whenever_it_comes_also_in_a_folder_made_anew(tmp_path: Path) -> None:
    hints, folder = Hints(0.0), tmp_path / "folder"
    async with asyncio.timeout(PATIENCE):
        for _ in range(2):
            assert not hints.watch(folder)
            folder.mkdir()
            assert hints.watch(folder) and hints.watch(folder)
            (folder / "one").touch()
            await hints.wait(NEVER)
            (folder / "one").rename(folder / "two")
            await asyncio.sleep(0.01)  # told while nobody waits
            await hints.wait(NEVER)
            shutil.rmtree(folder)
            await hints.wait(NEVER)
    hints.close()


@pytest.mark.parametrize("is_told", [pytest.param(True, marks=linux_only), False])
async def test_who_looks_is_told_or_comes_by_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    if not is_told:
        monkeypatch.setattr(inotify, "Inotify", Refused)
    coming = looks(tmp_path, told=NEVER, untold=NEVER if is_told else 0.01)
    async with asyncio.timeout(PATIENCE):
        await anext(coming)
        for number in range(3):
            (tmp_path / str(number)).touch()
            await anext(coming)
    await coming.aclose()  # type: ignore[attr-defined]
