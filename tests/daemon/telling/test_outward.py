"""The whole program tells hooks what happens, also what fails; and its work does not wait for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artfactoryd import news
from artfactoryd.daemon.telling import command, hooks
from artfactoryd.errors import CallRefused, InDoubt
from artfactoryd.settings import Budget, Hook
from tests.homes import TestHome
from tests.works import at_work, order, quick

__all__ = ["quick"]
Patch = pytest.MonkeyPatch
SKETCH = "provider: local\nmodel: sketch\nparameters: {prompt: a red car, width: 64, height: 64}\n"


def test_once_ends_when_its_hooks_have_run_and_a_bad_one_changes_nothing(home: TestHome, tmp_path: Path) -> None:
    told = tmp_path / "told"
    listen = f"cat >> '{told}'; echo >> '{told}'"
    home.configure(hooks={"order.completed": [listen, "exit 3"], "order.rejected": listen, "order.begun": ["/no/such"]})
    home.drop("car.yaml", SKETCH)
    home.drop("bad.yaml", "provider: local\nmodel: sketch\n")
    assert home.once() == 1  # for what was rejected
    lines = [json.loads(line) for line in told.read_text().splitlines() if line]
    assert sorted(line["event"] for line in lines) == ["order.completed", "order.rejected"]
    done = next(line for line in lines if line["event"] == "order.completed")
    assert done["products"] == 1 and Path(done["folder"]).is_dir() and done["home"] == str(home.root)
    assert {failed.event for failed in hooks.failures(home.home)} == {"order.completed", "order.begun"}


def events(file: Path) -> list[str]:
    return [json.loads(line)["event"] for line in file.read_text().splitlines() if line] if file.exists() else []


@pytest.mark.usefixtures("quick")
async def test_failures_doubts_and_a_cap_that_comes_near_are_told_too(
    home: TestHome, monkeypatch: Patch, tmp_path: Path
) -> None:
    hook = Hook(("sh", "-c", f"cat >> '{tmp_path}/told'; echo >> '{tmp_path}/told'"), "sh")
    given = dict.fromkeys(("item.failed", "item.in_doubt", "order.failed", "order.partial", "cap.near"), (hook,))
    monkeypatch.setattr(hooks, "AT_ONCE", 1)  # they write into one file
    async with at_work(home, monkeypatch, hooks=given, budget=Budget(per_day=0.025)) as works:
        works.fake.script("submit", CallRefused("No cars."), InDoubt("The line broke."))
        order_id = await works.make(order("a [red,blue] car"))
        await works.tell("cancel", order_id)
        file = tmp_path / "told"
        await works.until(lambda: {"item.failed", "item.in_doubt", "order.failed"} <= set(events(file)))
        await works.make(order("a boat"), "boats.yaml")
        await works.until(lambda: "cap.near" in events(file))
    assert events(file).count("cap.near") == 1


@pytest.mark.usefixtures("quick")
async def test_the_work_goes_on_while_hooks_are_slow_and_a_stop_ends_them(home: TestHome, monkeypatch: Patch) -> None:
    monkeypatch.setattr(hooks, "PATIENCE", 0.02)
    monkeypatch.setattr(command, "GRACE", 0.02)
    before = list(news.listeners)
    slow = Hook(("sh", "-c", "while :; do sleep 0.05; done"), "sh")
    async with at_work(home, monkeypatch, hooks={"item.bought": (slow,), "product.shelved": (slow,)}) as works:
        order_id = await works.take(order("a [red,blue,green] car"))
        await works.until(lambda: works.states(order_id) == ["completed"] * 3)
        assert works.house.outward.owes and not works.daemon.done
        await works.stop()
    assert not works.house.outward.owes or works.house.outward._hooks._stop.is_set()
    assert news.listeners == before
