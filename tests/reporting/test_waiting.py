from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from artfactoryd.reporting import disk, waiting
from artfactoryd.reporting.blockers import Blocker, Code, Who
from artfactoryd.settings import Limits, Settings
from tests.emulator.client import Emulator
from tests.homes import TestHome, until

GREEN = "provider: local\nmodel: sketch\nparameters: {prompt: a green car, width: 64, height: 64}\n"
PAID = "provider: replicate\nmodel: flux-schnell\nparameters: {prompt: 'a [red,blue] car', seed: 7}\n"


@pytest.fixture
def shop(home: TestHome, emulator: Emulator) -> TestHome:
    home.base_url = emulator.base_url
    home.configure()
    return home


def why(home: TestHome, name: str) -> str:
    return home.call("why", name).stdout


def test_why_tells_the_newest_that_became_of_a_name(home: TestHome) -> None:
    home.drop("car.yaml", GREEN.replace("sketch", "sketsch"))
    home.once()
    assert "Did you mean sketch?" in why(home, "car.yaml")
    home.drop("car.yaml", GREEN)
    home.once()
    assert "became order car" in why(home, "car.yaml") and (home.home.rejected / "car.yaml").exists()
    home.drop("car.yaml", GREEN)
    home.once()
    assert "It is a duplicate of car" in why(home, "car.yaml")
    home.drop("car.yaml", GREEN)
    assert "lies in the Inbox" in why(home, "car.yaml")


def test_why_takes_the_words_file_for_what_it_speaks_of(home: TestHome) -> None:
    home.drop("car.yaml", GREEN.replace("sketch", "sketsch"))
    home.once()
    assert "Did you mean sketch?" in why(home, str(home.home.rejected / "car.yaml.error.txt"))


def test_why_of_a_path_is_about_that_path_and_not_about_its_name(home: TestHome, tmp_path: Path) -> None:
    home.drop("car.yaml", GREEN.replace("sketch", "sketsch"))
    home.drop("boat.yaml", GREEN)
    home.once()
    for path in ("Held/car.yaml", str(home.home.held / "car.yaml"), "Rejected/boat.yaml", "/nowhere/boat.yaml"):
        assert why(home, path) == f"Nothing is known of {path}.\n"
    assert "Did you mean sketch?" in why(home, "Rejected/car.yaml") == why(home, "Inbox/car.yaml")
    assert "became order boat" in why(home, str(home.home.inbox / "boat.yaml"))
    (tmp_path / "recipe.yaml").write_text(GREEN)
    assert "became order boat" in why(home, str(tmp_path / "recipe.yaml"))
    (home.home.inbox / "summer").mkdir()
    home.drop("summer/car.yaml", GREEN)
    assert "lies in the Inbox" in why(home, "Inbox/summer/car.yaml")


def test_a_held_file_thrown_away_by_hand_shows_at_once(home: TestHome) -> None:
    home.configure(limits={"products_per_order": 1})
    home.drop("cars.yaml", GREEN.replace("a green", "'a [red,blue]").replace("car,", "car',"))
    assert home.once() == 3
    assert not any("left Held" in reason for reason in home.order("cars")["reasons"])
    (home.home.held / "cars.yaml").unlink()
    assert any("left Held" in reason for reason in home.order("cars")["reasons"])
    assert "left Held" in home.call("status").stdout


def test_why_says_which_items_failed_and_a_reason_that_they_share_once(shop: TestHome, emulator: Emulator) -> None:
    emulator.control(outcome=["failed", "failed"])
    shop.drop("cars.yaml", PAID)
    assert shop.once() == 1
    failed = "2 items, the first of them 1, failed: Replicate could not make it: ValueError: width"
    assert why(shop, "cars.yaml").count("could not make it") == 1 and failed in why(shop, "cars.yaml")


@pytest.mark.parametrize("linked", [False, True], ids=["in the home", "on another disk"])
def test_why_knows_a_product_by_its_path(home: TestHome, tmp_path: Path, linked: bool) -> None:
    if linked:
        shutil.move(home.home.projects, tmp_path / "disk")
        home.home.projects.symlink_to(tmp_path / "disk")
    home.drop("car.yaml", GREEN)
    home.once()
    product = next((tmp_path / "disk" if linked else home.home.projects).rglob("*.png"))
    assert "is product 1 of order car" in why(home, str(product))
    assert "made with prompt: a green car; width: 64; height: 64" in why(
        home, str(next(home.home.projects.glob("*/*/*/*.png")))
    )


def test_an_order_for_a_provider_that_is_switched_off_says_so_and_goes_on_when_it_is_on(
    shop: TestHome, emulator: Emulator
) -> None:
    shop.drop("cars.yaml", PAID)
    assert shop.call("once", ARTFACTORY_PROVIDERS__REPLICATE__ENABLED="false").returncode == 3
    document = json.loads(shop.call("orders", "--json", ARTFACTORY_PROVIDERS__REPLICATE__ENABLED="false").stdout)
    assert document["orders"][0]["reasons"] == [
        "replicate is switched off; `providers.replicate.enabled: true` in artfactory.yaml lets it go on."
    ]
    assert "switched off" in next(shop.home.projects.rglob("receipt.yaml")).read_text() and emulator.creates() == []
    assert shop.once() == 0 and shop.states() == ["completed"] * 2


def test_status_adds_up_what_was_spent_to_the_last_tenth_of_a_cent(shop: TestHome) -> None:
    shop.drop("cars.yaml", PAID)
    shop.once()
    assert "Spent   $0.006" in shop.call("status").stdout
    assert shop.ask("status")["spent_usd"] == 0.006


def test_what_may_have_been_charged_is_told_with_the_way_out_and_stays_at_stake(
    shop: TestHome, emulator: Emulator
) -> None:
    emulator.control(create=["close-after"], list="403")
    shop.drop("cars.yaml", PAID)
    assert shop.once() == 3
    said = why(shop, "cars.yaml")
    assert "1 sent perhaps, worth up to $0.003" in said and "in_doubt: A create was sent" in said
    assert shop.call("retry", "cars", "--in-doubt").returncode == 0
    assert shop.once() == 0
    assert len(emulator.creates()) == 3 and shop.order("cars")["in_doubt_usd"] == 0.003


def test_no_room_is_told_for_the_disk_of_the_home_or_of_the_projects(home: TestHome, tmp_path: Path) -> None:
    assert disk.no_room(home.home, Settings(limits=Limits(free_disk_bytes=0))) == ""
    assert f"on the disk of {home.root};" in disk.no_room(home.home, Settings(limits=Limits(free_disk_bytes=1 << 60)))
    home.home.projects.rmdir()
    home.home.projects.symlink_to(tmp_path / "away")
    away = f"leads to {tmp_path / 'away'}, which is not there. Connect that disk."
    assert away in disk.no_room(home.home, Settings(limits=Limits(free_disk_bytes=0)))
    assert "which is not there. Connect that disk." in " ".join(home.call("status").stdout.split())


def test_an_order_cancelled_before_anything_ran_has_no_failures(shop: TestHome, emulator: Emulator) -> None:
    emulator.control(create="401")
    shop.drop("cars.yaml", PAID)
    assert shop.once() == 3
    assert shop.call("cancel", "cars").returncode == 0
    assert "cancelled, 2 cancelled by you." in why(shop, "cars")
    receipt = shop.receipt()
    assert receipt["state"] == "cancelled" and "failures" not in receipt


def test_a_throttled_order_waits_and_is_not_blocked(shop: TestHome, emulator: Emulator) -> None:
    emulator.control(create=[{"do": "429", "retry_after": 60}])
    shop.drop("cars.yaml", PAID)
    with shop.running():
        until(lambda: "asks to wait" in why(shop, "cars.yaml"))
    index = shop.index
    row = index.orders()[0]
    [blocker] = waiting.outlook(index, row, shop.home, Settings()).blockers
    assert (blocker.code, blocker.who, blocker.provider) == (Code.PUT_BACK, Who.PROVIDER, "replicate")
    assert blocker.passes_soon and "It is sent again by itself." in blocker.text


class _Index:
    """Three outputs on their way, ten megabytes each."""

    def outputs_on_the_way(self) -> int:
        return 3

    def usual_bytes(self) -> int:
        return 10_000_000


@pytest.mark.parametrize(
    ("free", "said"), [(139_999_999, "beside the 40 MB"), (140_000_001, ""), (99_999_999, "on the")]
)
def test_room_is_wanted_for_what_is_on_its_way_and_one_more(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    words = disk.no_room(home.home, Settings(limits=Limits(free_disk_bytes=100_000_000)), cast(Any, _Index()))
    assert said in words and bool(said) == bool(words)


def test_a_read_only_disk_takes_nothing_new(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(f_flag=os.ST_RDONLY, f_bavail=1 << 30, f_bfree=1 << 30, f_blocks=1 << 30, f_frsize=4096)
    monkeypatch.setattr(waiting.os, "statvfs", lambda place: found)
    assert "is read-only; nothing new is sent" in disk.no_room(home.home, Settings())


def test_what_two_things_wait_for_is_told_once() -> None:
    """What is made and what is left to be sent both wait for the disk; what it may take besides is another number."""
    full, fuller, unfiled = (
        Blocker(code, Who.DISK, None, text)
        for code, text in ((Code.NO_ROOM, "read-only"), (Code.NO_ROOM, "and more"), (Code.UNFILED, "not written"))
    )
    other = Blocker(Code.UNMARKED, Who.PERSON, None, "like one")
    assert waiting.told_once([full, other, full, fuller, unfiled]) == [full, other]
    assert waiting.told_once([unfiled, other, unfiled]) == [unfiled, other]


def test_a_list_that_is_cut_says_so(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        home.drop(f"{name}.yaml", GREEN.replace("a green car", f"a green {name}"))
    home.once()
    text = home.call("orders", "--most", "2").stdout
    assert text.count("completed") == 2 and "… and 1 older ones (--most all)" in text
    assert home.ask("orders", "--most", "2")["more"] == 1
    assert len(home.ask("orders", "--most", "all")["orders"]) == 3
