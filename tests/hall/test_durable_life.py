"""One item's whole life on a disk that fails at each place of the program in turn, and on one whose power is cut."""

from __future__ import annotations

import asyncio
import base64
import errno
import time
from itertools import product
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from artfactoryd import medium
from artfactoryd.errors import StorageFull, StorageSick
from artfactoryd.factories import Output, Ticket
from artfactoryd.home import Home
from tests.disk import failing, lay_down, power_cut
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch
ENDED = {"completed", "in_doubt"}
PATIENCE = 10.0
STARTS = 8


class Provider(FakeFactory):
    """Gives its pictures as data: addresses, which hold also where a home was moved to. It outlives the program."""

    creates: ClassVar[list[str]] = []  # prompts

    async def submit(self, call: Any) -> Ticket:
        ticket = await super().submit(call)
        self.creates.append(call.parameters["prompt"])
        return ticket

    def picture(self, text: str) -> Output:
        file = Path(urlsplit(super().picture(text).address).path)
        data = base64.b64encode(file.read_bytes()).decode()
        file.unlink()
        return Output(f"data:image/png;base64,{data}", "image/png")


async def start(home: TestHome, monkeypatch: Patch) -> None:
    """Until nothing can go on by itself; ends with the program's own words when the disk is sick."""
    async with at_work(home, monkeypatch, fake=Provider) as works:
        until = time.monotonic() + PATIENCE
        while not works.running.done() and not at_rest(works):
            assert time.monotonic() < until, f"it does not go on: {works.states()} {works.execution.disk.full}"
            await asyncio.sleep(0.01)


def at_rest(works: Works) -> bool:
    states, home = works.states(), works.home.home
    if not states or not set(states) <= ENDED or works.execution.flights:
        return False
    return not any(home.inbox.iterdir()) and not any(home.claims.glob("[!.]*/"))


async def live(home: TestHome, monkeypatch: Patch) -> int:
    """Started again as a supervisor would, until it comes to rest. How often."""
    for count in range(1, STARTS + 1):
        try:
            await start(home, monkeypatch)
            return count
        except (StorageFull, StorageSick):
            pass
        except BaseExceptionGroup as group:
            _, unknown = group.split((StorageFull, StorageSick))
            assert unknown is None, unknown.exceptions
    raise AssertionError("it does not come to rest")


def new(root: Path) -> TestHome:
    home = TestHome.make(root)
    home.drop("car.yaml", order("a car"))
    Provider.creates.clear()
    medium.refused = 0
    return home


def assert_sound(home: TestHome, creates: int) -> None:
    """Bought once at most, all accounted for, whole on the shelf, and nothing lies about."""
    assert creates <= 1
    assert len(home.lines("acceptance")) == 1 and len(home.lines("wish")) >= creates
    [state] = home.states()
    assert state == "completed" or (state == "in_doubt" and not home.lines("ticket"))
    assert len(home.products()) == len(home.sidecars()) == (state == "completed")
    names = [path.name for path in home.root.rglob("*") if home.home.private not in path.parents]
    assert [name for name in names if name.endswith((".tmp", ".part", ".looks")) or name.startswith(".taken-")] == []
    assert [path.name for path in home.home.claims.iterdir() if path.is_dir()] == []
    assert list(home.home.work.glob("outputs/*")) == list(home.home.work.glob("made/*/*")) == []


LIVES = 2  # the faults are tried one after the other, in as many lives for each kind


async def test_whatever_call_the_disk_fails_it_is_bought_once_and_comes_to_rest(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    with failing((home := new(tmp_path / "home")).root, monkeypatch) as disk:
        assert await live(home, monkeypatch) == 1
        sites = list(disk.sites)
    assert_sound(home, len(Provider.creates))
    assert len(sites) > 50 and disk.failed == []
    for life, number in product(range(LIVES), (errno.EIO, errno.ENOSPC, errno.EROFS)):
        home = new(tmp_path / f"home-{number}-{life}")
        with failing(home.root, monkeypatch) as disk:
            disk.failing = dict.fromkeys(sites[life::LIVES], number)
            await live(home, monkeypatch)
        assert len(disk.failed) > len(sites) / LIVES / 2
        await start(home, monkeypatch)  # what is left lying about is cleared by a start
        assert_sound(home, len(Provider.creates))
        assert len(list(home.home.projects.glob("*/*/*/receipt.yaml"))) == 1


async def test_whenever_the_power_is_cut_it_is_bought_once_and_comes_to_rest(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """Nothing lasts that was not flushed. That all of it lasts is what the tests with a kill show."""
    home, cuts = new(tmp_path / "home"), list[tuple[int, dict[str, bytes | None]]]()
    with power_cut(home.root, monkeypatch) as disk:

        def told() -> None:
            left = disk.left()
            if not cuts or cuts[-1][1] != left:
                cuts.append((len(Provider.creates), left))

        disk.told = told
        assert await live(home, monkeypatch) == 1
    assert_sound(home, len(Provider.creates))
    assert len(cuts) > 15 and {creates for creates, _ in cuts} == {0, 1}
    bought = [each for each in cuts if each[0]]
    for place, (creates, left) in enumerate([*cuts[: -len(bought) : 3], *bought]):
        again = TestHome(Home(tmp_path / f"cut-{place}"))
        lay_down(left, again.root)
        Provider.creates[:] = ["a car"] * creates
        await live(again, monkeypatch)
        assert_sound(again, len(Provider.creates))
