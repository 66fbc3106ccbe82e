"""A home put back from a backup: nothing bought twice, nothing sent unasked, nothing that is here replaced."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from artfactoryd.clock import now, today
from artfactoryd.errors import StorageSick
from artfactoryd.home import Home
from artfactoryd.planning.accepted import expander
from artfactoryd.settings import Budget
from artfactoryd.shelf.sidecars import sidecar_of
from artfactoryd.storage import budget
from artfactoryd.storage.safekeeping import restoring, taking
from artfactoryd.storage.safekeeping.reports import PutBack, Taken
from artfactoryd.storage.safekeeping.snapshots import snapshot_at, snapshots
from tests.homes import TestHome
from tests.pauses import SHORT
from tests.works import PRICE, Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


def backed_up(home: TestHome, place: Path, keep: int = 7) -> Taken:
    return taking.back_up(home.home, place, keep=keep, clock=now)


def put_back(home: TestHome, place: Path, name: str = "") -> PutBack:
    """As `restore` does, from the newest backup or the one of that name."""
    snapshot = snapshot_at(place / name) if name else snapshots(place)[-1]
    assert snapshot is not None
    home.home.make()
    with home.home.lock("restore") as held:
        held.settle()
        return restoring.restore(held, snapshot, expander, now(), lambda what, done, of: None)


def elsewhere(tmp_path: Path, name: str = "new") -> TestHome:
    return TestHome(Home((tmp_path / name).resolve()))


def counted(works: Works) -> int:
    return budget.counted(works.house.books.index, "day", today())


def held_from_now(works: Works) -> str:
    works.fake.hold("collect")
    return "ok"


class Bought(NamedTuple):
    """`first`: the backup after which the second and the third item were bought; `second`: that of afterwards."""

    home: TestHome
    place: Path
    first: str
    second: str
    held: str
    order: str


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> Bought:
    """Of three items one is made, one on its way and one not sent, and another order is held, when a backup is made."""
    folder = tmp_path_factory.mktemp("bought")
    with pytest.MonkeyPatch.context() as patch:
        for name, pause in SHORT.items():
            patch.setattr(name.replace(":", "."), pause)
        return asyncio.run(_bought(TestHome.make(folder / "home"), folder / "safe", patch))


async def _bought(home: TestHome, place: Path, patch: Patch) -> Bought:
    async with at_work(home, patch) as works:
        held = await works.make(order(budget=0.001), "dear.yaml")
        works.fake.script("collect", lambda ticket: held_from_now(works))
        made = await works.take(order("a [red,green,blue] car", project="p"))
        await works.until(lambda: works.states(made) == ["completed", "running", "planned"])
        first = backed_up(home, place).folder.name
        works.fake.release("collect")
        await works.rests()
        assert works.states(made) == ["completed"] * 3 and len(works.fake.calls()) == 3
        return Bought(home, place, first, backed_up(home, place).folder.name, held, made)


async def test_what_was_open_waits_and_counts_as_spent_until_a_person_approves(
    bought: Bought, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Then it is bought here, too; and of what was bought in both ledgers no line of either can be left out."""
    new, made, held = elsewhere(tmp_path), bought.order, bought.held
    done = put_back(new, bought.place, bought.first)
    assert {(it.id, it.stake) for it in done.held} == {(held, 2 * PRICE), (made, PRICE)}
    async with at_work(new, monkeypatch, budget=Budget(per_day=0.05)) as works:
        await works.until(lambda: works.states(made) == ["completed", "completed", "planned"])  # its ticket was known
        for order_id in (held, made):
            assert works.state(order_id) == "held"
            assert "restored: may have been bought since" in works.order(order_id).reasons[-1].text
        late = await works.make(order("a boat"), "boat.yaml")
        assert counted(works) == 5 * PRICE and works.states(late) == ["planned"] and works.fake.calls() == []
        assert (await works.tell("approve", made))["done"]
        await works.rests()
        assert works.states(made) == ["completed"] * 3 and works.state(made) == "completed"
        assert works.prompts() == ["a blue car"] and counted(works) == 5 * PRICE
        assert (await works.tell("cancel", held))["done"] and works.state(held) == "cancelled"
        await works.rests()  # what that might have cost is free again, for the boat
        assert counted(works) == 4 * PRICE and works.states(late) == ["completed"] and new.home.held.is_dir()
    assert put_back(new, bought.place, bought.first).held == []  # it is asked once: every line of the backup is here
    before = {path.name: path.read_bytes() for path in new.home.ledger.iterdir() if path.is_file()}
    with pytest.raises(StorageSick, match="do not fit together"):
        put_back(new, bought.place, bought.second)
    assert {path.name: path.read_bytes() for path in new.home.ledger.iterdir() if path.is_file()} == before


async def test_what_the_lost_disk_still_had_comes_into_the_ledger_that_was_put_back(
    bought: Bought, tmp_path: Path, monkeypatch: Patch
) -> None:
    """What was bought after the first backup is bought: it stands in the second one."""
    new, made = elsewhere(tmp_path), bought.order
    put_back(new, bought.place, bought.first)
    async with at_work(new, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed", "completed", "planned"])
    ours = new.lines()
    put_back(new, bought.place, bought.second)
    assert [line for line in new.lines() if line in ours] == ours
    third = [line["kind"] for line in bought.home.lines() if line.get("item") == 3]
    assert [line["kind"] for line in new.lines() if line.get("item") == 3] == third
    async with at_work(new, monkeypatch) as works:
        await works.rests()
        assert works.states(made) == ["completed"] * 3 and works.fake.calls() == []
        await works.tell("approve", made)
        assert counted(works) == 5 * PRICE and works.state(made) == "completed"
    assert sorted(path.name for path in new.products()) == sorted(path.name for path in bought.home.products())


async def test_a_home_begun_anew_takes_in_what_it_was_before(
    home: TestHome, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Of one day both together spent more than its cap allows: then nothing more is sent, and all is known."""
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        backed_up(home, tmp_path / "safe")
    new = TestHome.make(tmp_path / "new")
    mine = new.home.settings_file.read_bytes()
    async with at_work(new, monkeypatch, budget=Budget(per_day=0.03)) as works:
        boat = await works.make(order("a [green,white] boat"), "boat.yaml")
    done = put_back(new, tmp_path / "safe")
    assert done.held == [] and new.home.settings_file.read_bytes() == mine
    assert done.differing == [] or done.differing == ["artfactory.yaml"]
    async with at_work(new, monkeypatch, budget=Budget(per_day=0.03)) as works:
        await works.rests()
        assert counted(works) == 4 * PRICE and works.states() == ["completed"] * 4
        assert works.state(boat) == "completed" and len(new.products()) == 4
        late = await works.make(order("a tree"), "tree.yaml")
        assert works.states(late) == ["planned"]


async def test_what_is_missing_is_put_back_and_what_is_here_stays(
    home: TestHome, tmp_path: Path, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue,green,white] car"))
        backed_up(home, tmp_path / "safe")
        await works.make(order("a boat"), "boat.yaml")
    boat, gone, edited, moved, alone = home.products()
    lost = gone.read_bytes()
    gone.unlink()
    edited.write_bytes(b"mine")
    card = sidecar_of(moved)
    assert card is not None
    (home.home.projects / "p").mkdir()
    shutil.move(moved, home.home.projects / "p" / "else.png")
    card.rename(home.home.projects / "p" / "else.png.json")
    shutil.move(alone, home.home.projects / "p" / "alone.png")  # its sidecar stays behind
    lines = home.lines()
    done = put_back(home, tmp_path / "safe")
    assert not alone.exists() and sidecar_of(home.home.projects / "p" / "alone.png") is not None
    assert gone.read_bytes() == lost and edited.read_bytes() == b"mine" and boat.exists() and not moved.exists()
    assert done.held == [] and home.lines() == lines and (done.files, done.lines) == (1, 0)
    assert [Path(path).name for path in done.differing] == [edited.name]
    assert sorted(Path(path).name for path in done.elsewhere) == [moved.name, f"{moved.name}.json", alone.name]


async def test_a_damaged_file_of_a_backup_is_named_and_not_put_back(
    home: TestHome, tmp_path: Path, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        folder = backed_up(home, tmp_path / "safe").folder
    rotten = folder / home.products()[0].relative_to(home.root)
    rotten.write_bytes(rotten.read_bytes()[:-1] + b"x")
    new = elsewhere(tmp_path)
    done = put_back(new, tmp_path / "safe")
    assert [Path(path).name for path in done.bad] == [rotten.name] and "--from" in done.text()
    assert len(new.products()) == 1 and done.document()["done"] is False
