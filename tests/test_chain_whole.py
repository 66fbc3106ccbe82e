"""Drafts by a cheap model, a choice, and only that through the dear one: the real program, killed on its way."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.emulator.client import Emulator
from tests.homes import TestHome

KILLED = -signal.SIGKILL
SHOW = """\
provider: replicate
model: flux-schnell
parameters: {prompt: "a [red,blue,green,white] [car,bus]", aspect_ratio: "1:1"}
then:
  - {id: fine, provider: replicate, model: flux-dev, parameters: {prompt: "in oil", prompt_strength: 0.5}, wait: liked}
  - {id: size, provider: local, model: resize, parameters: {width: [64, 48, 32, 16]},
     file: "{stage}/{slug}-{width}.{ext}"}
"""


@pytest.fixture
def shop(emulator: Emulator, tmp_path: Path) -> TestHome:
    """Bought one after the other: a kill leaves nothing in doubt that is not meant."""
    one = {"replicate": {"base_url": emulator.base_url, "concurrency": 1}}
    return TestHome.make(tmp_path / "shop", emulator.base_url, providers=one)


def test_only_what_is_liked_goes_through_the_dear_model_and_into_four_sizes(shop: TestHome, emulator: Emulator) -> None:
    order = shop.root / "cars.yaml"
    order.write_text(SHOW)
    (planned,) = shop.ask("plan", str(order))["orders"]
    assert (planned["total_items"], planned["price"]["usd"]) == (8 + 8 + 32, 8 * 0.003 + 8 * 0.025)
    assert [(each["id"], each["total_items"], each["usd"]) for each in planned["stages"]] == [
        ("fine", 8, 0.2), ("size", 32, 0)
    ]  # fmt: skip
    shop.drop("cars.yaml", SHOW)
    assert shop.call("once", ARTFACTORY_FAULT="recorded_ticket").returncode == KILLED
    assert shop.once() == 3
    assert len(emulator.creates()) == 8
    (row,) = shop.orders()
    assert any("8 pictures wait for your mark" in reason for reason in row["reasons"])
    for path in shop.products()[:3]:
        assert shop.call("like", str(path)).returncode == 0
    for fault in ("before_upload", "before_upload:2", "before_upload:2"):
        assert shop.call("once", ARTFACTORY_FAULT=fault).returncode == KILLED
    assert shop.once() == 3
    creates = Counter(create["model"].rpartition("/")[2] for create in emulator.creates())
    assert creates == {"flux-schnell": 8, "flux-dev": 3}
    sidecars = shop.sidecars()
    assert Counter(each["stage"] for each in sidecars) == {None: 8, "fine": 3, "size": 12}
    ids = {each["id"]: each for each in sidecars}
    for each in sidecars:
        assert [ids[parent]["stage"] for parent in each["parents"]] == {None: [], "fine": [None], "size": ["fine"]}[
            each["stage"]
        ]
    assert {each["file"]["width"] for each in sidecars if each["stage"] == "size"} == {64, 48, 32, 16}
    named = {f"in-oil-{width}{more}.webp" for width in (64, 48, 32, 16) for more in ("", "-2", "-3")}
    (folder,) = shop.home.projects.glob("*/*/*/size")
    assert {path.name for path in folder.glob("*.webp")} == named
    assert {each["file"]["name"] for each in sidecars if each["stage"] == "size"} == named
    assert shop.call("cancel", "cars").returncode == 0
    assert [each["status"] for each in shop.orders()] == ["partial"]


CHAIN = """\
provider: replicate
model: flux-schnell
parameters: {prompt: "a [red,blue] car", aspect_ratio: "1:1"}
then:
  - {id: fine, provider: replicate, model: flux-dev, parameters: {prompt: "in oil", prompt_strength: 0.5}}
  - {id: size, provider: local, model: resize, parameters: {width: [64, 32]}}
"""


@pytest.mark.parametrize("lose_index", [False, True], ids=["index kept", "index lost"])
def test_a_value_added_buys_what_is_new_in_every_stage_though_killed(
    shop: TestHome, emulator: Emulator, lose_index: bool
) -> None:
    shop.drop("cars.yaml", CHAIN)
    assert shop.once() == 0 and len(emulator.creates()) == 4
    shop.drop("cars.yaml", CHAIN.replace("red,blue", "red,green,blue"))
    for fault in ("recorded_reuse:3", "recorded_ticket", "recorded_settlement"):
        assert shop.call("once", ARTFACTORY_FAULT=fault).returncode == KILLED
        for path in shop.home.private.glob("index.sqlite3*") if lose_index else ():
            path.unlink()
    assert shop.once() == 0
    creates = Counter(create["model"].rpartition("/")[2] for create in emulator.creates())
    assert creates == {"flux-schnell": 3, "flux-dev": 3}
    second = shop.sidecars()[-12:]
    assert Counter((each["stage"], each["reused_from"] is not None) for each in second) == {
        (None, True): 2, (None, False): 1, ("fine", True): 2, ("fine", False): 1, ("size", True): 4, ("size", False): 2
    }  # fmt: skip
    assert [each["status"] for each in shop.orders()] == ["completed"] * 2


def test_rehearsed_stages_neither_make_nor_take_what_is_reused(shop: TestHome, emulator: Emulator) -> None:
    for notes in ("one", "two"):
        shop.drop("cars.yaml", f"{CHAIN}rehearse: true\nnotes: {notes}\n")
        assert shop.once() == 0 and emulator.creates() == []
    shop.drop("cars.yaml", CHAIN)
    assert shop.once() == 0 and len(emulator.creates()) == 4
    assert len(shop.sidecars()) == 3 * 8 and shop.lines("reuse") == []


# Of one draft: where it is killed no other create is on its way, which would be in doubt for minutes.
SENT_ON = CHAIN.replace("prompt_strength: 0.5}}", "prompt_strength: 0.5}, keep: false}").replace("[red,blue]", "red")


@pytest.mark.parametrize("lose_index", [False, True], ids=["index kept", "index lost"])
@pytest.mark.parametrize("faults", [
    ("interim_laid", "interim_laid"), ("recorded_settlement:2", "recorded_settlement"), ("recorded_reuse:2",),
], ids=lambda faults: " ".join(faults))  # fmt: skip
def test_what_is_sent_on_and_not_kept_is_bought_once_though_killed(
    shop: TestHome, emulator: Emulator, faults: tuple[str, ...], lose_index: bool
) -> None:
    shop.drop("cars.yaml", SENT_ON)
    if faults[0].startswith("recorded_reuse"):
        assert shop.once() == 0
        shop.drop("cars.yaml", SENT_ON + "notes: edited\n")
    for fault in faults:
        assert shop.call("once", ARTFACTORY_FAULT=fault).returncode == KILLED
        for path in shop.home.private.glob("index.sqlite3*") if lose_index else ():
            path.unlink()
    assert shop.once() == 0
    creates = Counter(create["model"].rpartition("/")[2] for create in emulator.creates())
    assert creates == {"flux-schnell": 1, "flux-dev": 1}
    assert Counter(each["stage"] for each in shop.sidecars()[-3:]) == {None: 1, "size": 2}
    assert list((shop.home.work / "interim").glob("*")) == []
    assert {each["status"] for each in shop.orders()} == {"completed"}


def test_killed_before_it_was_cleared_away_the_next_start_does(shop: TestHome, emulator: Emulator) -> None:
    alone = SENT_ON.replace("[64, 32]", "64")
    shop.drop("cars.yaml", alone)
    assert shop.call("once", ARTFACTORY_FAULT="recorded_settlement:3").returncode == KILLED
    assert len(list((shop.home.work / "interim").glob("*"))) == 1
    (shop.home.work / "interim" / "somebody-elses.png").write_bytes(b"?")
    assert shop.once() == 0
    assert [path.name for path in (shop.home.work / "interim").glob("*")] == ["somebody-elses.png"]
    told = shop.call("order", "cars").stdout.splitlines()[-3:]
    assert [line.split(None, 2)[2] for line in told] == ["a red car", "fine: in oil", "size: width 64, image product 2"]
    (shop.root / "plan.yaml").write_text(alone)
    assert "  (fine, not kept)  {" in shop.call("plan", str(shop.root / "plan.yaml")).stdout
