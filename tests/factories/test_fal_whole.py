"""The whole program buying at fal: a text, a picture, and a create whose answer a kill took away."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from artfactoryd.daemon.app import open_app
from artfactoryd.daemon.loop import Daemon
from artfactoryd.daemon.run import RunOptions
from artfactoryd.factories import fal as fal_factory
from artfactoryd.factories import registry
from artfactoryd.settings import Desktop, Http, Inbox, Limits, Provider, Settings
from tests.emulator.client import Emulator
from tests.homes import TestHome
from tests.test_pictures_whole import bundle
from tests.works import quick

__all__ = ["quick"]

CARS = """
provider: fal
model: flux-schnell
parameters: {prompt: "a [red,blue] car", image_size: square_hd, num_images: 2, steps: 4, seed: 7}
"""
BEACH = """
provider: fal
model: flux-dev-image-to-image
parameters: {image: beach.jpg, prompt: "the same beach at night", strength: 0.8}
"""
SECRET = "a-secret-that-nobody-may-see"


@pytest.fixture
def shop(fal: Emulator, tmp_path: Path) -> TestHome:
    made = TestHome.make(tmp_path / "shop", fal_url=fal.base_url)
    made.environ = {"FAL_KEY": f"id:{SECRET}"}
    return made


def test_a_text_and_a_picture_order_end_on_the_shelf_with_sidecars(shop: TestHome, fal: Emulator) -> None:
    before, uploads = len(fal.creates()), fal.seen().get("POST upload", 0)
    data = bundle(shop, BEACH, "beach")
    shop.drop("cars.yaml", CARS)
    fal.control(number={"next": ["Infinity", "NaN", "-5"]})  # seconds that no run takes
    done = shop.call("once")
    assert done.returncode == 0, done.stdout + done.stderr
    bought = sorted(fal.creates()[before:], key=lambda each: (each["endpoint"], each["input"]["prompt"]))
    assert [each["endpoint"] for each in bought] == ["fal-ai/flux/dev/image-to-image", *["fal-ai/flux/schnell"] * 2]
    beach, blue, _ = (each["input"] for each in bought)
    size = {"image_size": "square_hd", "num_images": 2}
    assert blue == {"prompt": "a blue car", **size, "num_inference_steps": 4, "seed": 7}
    assert beach["image_url"].startswith(fal.base_url) and beach["strength"] == 0.8
    assert fal.seen()["POST upload"] - uploads == 1 and "GET output with a key" not in fal.seen()
    pictures = [Image.open(path).format for path in shop.products()]
    assert pictures == ["JPEG"] * 5
    sidecars = {each["order"]["name"]: each for each in shop.sidecars()}
    wishes = {line["model"]: line["reserved"] for line in shop.lines("wish")}
    assert wishes == {"fal-ai/flux/schnell": 12_000, "fal-ai/flux/dev/image-to-image": 30_000}
    # Two megapixels are begun by each picture as it was asked for, one by what came: the emulator's are small.
    assert sidecars["cars"]["cost"] == {"usd": 0.003, "estimated": True}
    assert sidecars["cars"]["outputs"] == {"asked": 2, "delivered": 2}
    assert sidecars["cars"]["parameters"]["returned"]["seed"] == 7
    assert sidecars["beach"]["cost"]["usd"] == 0.03 and sidecars["beach"]["inputs"][0]["source"] == "beach.jpg"
    assert json.loads(sidecars["beach"]["ticket"])["endpoint"] == "fal-ai/flux/dev/image-to-image"
    assert data in [path.read_bytes() for path in shop.home.projects.rglob("inputs/*")]
    files = [path for path in shop.root.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_create_whose_answer_a_kill_took_is_found_in_the_history_and_not_bought_again(
    shop: TestHome, fal: Emulator
) -> None:
    before = len(fal.creates())
    shop.drop("van.yaml", "provider: fal\nmodel: flux-schnell\nparameters: {prompt: a lost van, seed: 3}\n")
    assert shop.once(ARTFACTORY_FAULT="after_submit") == -signal.SIGKILL
    assert (len(fal.creates()) - before, shop.states()) == (1, ["submitting"])
    done = shop.call("once")
    assert (done.returncode, shop.states()) == (0, ["completed"]), done.stdout + done.stderr
    assert len(fal.creates()) - before == len(shop.products()) == 1
    ticket = json.loads(shop.sidecars()[0]["ticket"])
    assert ticket["request_id"] == fal.creates()[-1]["id"]


def test_what_fal_billed_is_compared_with_what_was_booked_and_nothing_is_changed_by_it(
    shop: TestHome, fal: Emulator
) -> None:
    shop.drop("cars.yaml", CARS)
    assert shop.call("once").returncode == 0
    booked = {line["cost"] for line in shop.lines("settlement")}.pop()
    refused = shop.call("spend", "--check")
    assert refused.returncode == 1 and "fal does not show its bills to this key (403): " in refused.stdout
    ledger = shop.lines()
    fal.control(bills=[booked / 1_000_000])
    assert "2 of them billed so far" in (same := shop.call("spend", "--check").stdout)
    assert "Each is booked as it was billed." in same
    fal.control(bills=[booked / 1_000_000, 0.5])
    [told] = shop.ask("spend", "--check")["providers"]
    [other] = told["differences"]
    assert (told["checked"], told["told"], other["order"], other["item"]) == (2, 2, "cars", 1)
    assert (other["billed_usd"], other["booked_usd"]) == (0.5, booked / 1_000_000)
    assert shop.lines() == ledger and SECRET not in str(told)


SENT = 60
UNSENT = {"planned", "submitting"}
MINUTES = 120.0  # seconds, with pauses as they are; the test's are short


async def test_answers_lost_while_the_platform_is_away_stop_nothing_and_every_item_is_sent_once(
    home: TestHome, fal: Emulator, quick: None, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    before = len(fal.creates())
    answers = ["close-after"] * 12 + [{"do": "500-after", "status": 502}] * 6 + ["ok"] * 42
    random.Random(3).shuffle(answers)
    answers[:4] = ["close-after", {"do": "500-after", "status": 502}, "close-after", "close-after"]  # an outage at once
    fal.control(create={"next": answers[:SENT]})
    monkeypatch.setattr(registry, "_installed", lambda: {"fal": fal_factory.make})
    monkeypatch.setattr("artfactoryd.execution.pacing.gate.FIRST_PAUSE", 0.2)
    away = f"http://127.0.0.1:{unused_tcp_port}"
    there = Provider(concurrency=4, queue_url=fal.base_url, rest_url=fal.base_url, platform_url=away)
    settings = Settings(
        providers={"fal": there}, inbox=Inbox(settle_seconds=0.02, scan_seconds=0.1),
        limits=Limits(free_disk_bytes=1000), http=Http(port=0), desktop=Desktop(notify=False),
    )  # fmt: skip
    numbers = ",".join(map(str, range(SENT)))
    home.drop("cars.yaml", f"provider: fal\nmodel: flux-schnell\nparameters: {{prompt: 'lost car [{numbers}]'}}\n")
    began = time.monotonic()
    async with open_app(home.home, settings, {"FAL_KEY": f"id:{SECRET}"}) as app:
        daemon = Daemon(app, RunOptions(), {}, serve=None)
        running = asyncio.create_task(daemon.run())
        try:
            while not home.lines("settlement") or len(home.lines("wish")) < SENT or {*home.states()} & UNSENT:
                assert time.monotonic() - began < MINUTES, home.states()
                await asyncio.sleep(0.1)
        finally:
            daemon.stop.set()
            await running
    bought = [create["input"]["prompt"] for create in fal.creates()[before:]]
    assert len(bought) == len(set(bought)) == SENT
    lost = sum(answer != "ok" for answer in answers[:SENT])
    assert home.states().count("in_doubt") == lost
    assert f"{lost} sent perhaps" in home.call("order", "cars").stdout


def test_where_uploads_cannot_be_reached_the_queue_goes_on_and_the_picture_waits_in_words(
    shop: TestHome, fal: Emulator, unused_tcp_port: int
) -> None:
    before = len(fal.creates())
    addresses = dict.fromkeys(("queue_url", "cdn_url", "platform_url"), fal.base_url)
    away = {"enabled": True, **addresses, "rest_url": f"http://127.0.0.1:{unused_tcp_port}"}
    shop.configure(providers={"replicate": {"enabled": False}, "fal": away})
    bundle(shop, BEACH, "beach")
    shop.drop("cars.yaml", CARS)
    assert shop.call("once").returncode == 3
    assert [create["endpoint"] for create in fal.creates()[before:]] == ["fal-ai/flux/schnell"] * 2
    states = {order["name"]: order["status"] for order in shop.orders()}
    assert states == {"cars": "completed", "beach": "queued"}
    (receipt,) = [path for path in shop.home.projects.rglob("receipt.yaml") if "beach" in path.parent.name]
    assert "could not be uploaded" in receipt.read_text() and "fal does not work" not in receipt.read_text()
