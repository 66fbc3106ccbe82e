"""The whole house at work on photographs, in its own process, at the emulator; killed and started again."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from artfactoryd.cli.upkeep.init import examples
from tests.emulator.client import Emulator
from tests.homes import TestHome, until

KILLED = -signal.SIGKILL
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EDIT = """
provider: replicate
model: kontext-pro
parameters: {input_image: beach.jpg, prompt: "make it [night,winter]"}
"""
SHOW = f"""
provider: local
model: resize
parameters: {{image: beach.jpg, width: "32,16"}}
---
provider: local
model: convert
parameters: {{image: beach.jpg, format: "png,webp"}}
---{EDIT}"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[TestHome]:
    """Local work only. At the end every sidecar in it is as its schema says."""
    made = TestHome.make(tmp_path / "home")
    yield made
    made.sidecars()


@pytest.fixture
def shop(emulator: Emulator, tmp_path: Path) -> Iterator[TestHome]:
    made = TestHome.make(tmp_path / "shop", emulator.base_url)
    yield made
    made.sidecars()


def photograph(path: Path, colour: str = "orange", size: tuple[int, int] = (64, 48)) -> bytes:
    """As a phone writes it: lying on its side, with its colour profile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", size, colour).save(path, "JPEG", exif=exif, icc_profile=SRGB)
    return path.read_bytes()


def bundle(home: TestHome, text: str, name: str = "photos", colour: str = "orange") -> bytes:
    folder = home.home.inbox / f".{name}"
    data = photograph(folder / "beach.jpg", colour)
    (folder / "order.yaml").write_text(text)
    folder.rename(home.home.inbox / name)
    return data


def finished(home: TestHome, **environ: str) -> None:
    done = home.call("once", **environ)
    assert done.returncode == 0, done.stdout + done.stderr


def looked_at(path: Path) -> tuple[str | None, tuple[int, int], Any]:
    with Image.open(path) as picture:
        picture.load()
        return picture.format, picture.size, picture.info.get("icc_profile")


def items_of(home: TestHome, name: str) -> list[tuple[Any, Any]]:
    """What each product was made from: its parameters but for the picture's path, and the picture's bytes."""
    return [
        ({key: value for key, value in sidecar["parameters"]["generation"].items() if "image" not in key},
         [(each["parameter"], each["sha256"]) for each in sidecar["inputs"]])
        for sidecar in home.sidecars() if sidecar["order"]["name"] == name
    ]  # fmt: skip


# --- the show ---


def test_a_photograph_goes_through_resize_convert_and_an_edit_model(shop: TestHome, emulator: Emulator) -> None:
    data = bundle(shop, SHOW)
    finished(shop)
    local = [looked_at(path) for path in shop.products() if "photos-3" not in str(path)]
    assert local == [
        ("JPEG", (32, 43), SRGB), ("JPEG", (16, 21), SRGB), ("PNG", (48, 64), SRGB), ("WEBP", (48, 64), SRGB),
    ]  # fmt: skip
    addresses = {create["input"]["input_image"] for create in emulator.creates()}
    assert len(emulator.creates()) == 2 and len(addresses) == 1 and emulator.seen()["POST v1"] == 1
    folders = sorted(shop.home.projects.rglob("inputs"))
    assert [(each / "beach.jpg").read_bytes() for each in folders] == [data] * 3
    edited = [sidecar for sidecar in shop.sidecars() if sidecar["order"]["name"] == "photos-3"]
    sha256 = hashlib.sha256(data).hexdigest()
    assert [sidecar["inputs"] for sidecar in edited] == [
        [{"parameter": "input_image", "sha256": sha256, "file": "inputs/beach.jpg", "source": "beach.jpg"}]
    ] * 2
    assert [sidecar["parameters"]["generation"]["input_image"] for sidecar in edited] == ["beach.jpg"] * 2
    assert {sidecar["parameters"]["actual"]["input_image"] for sidecar in edited} == addresses


def test_the_resolved_order_dropped_with_its_inputs_makes_the_same_items(shop: TestHome, emulator: Emulator) -> None:
    bundle(shop, EDIT)
    finished(shop)
    (folder,) = (path.parent for path in shop.home.projects.rglob("order.resolved.yaml"))
    again = shop.home.inbox / ".again"
    again.mkdir()
    shutil.copy(folder / "order.resolved.yaml", again / "order.yaml")
    shutil.copytree(folder / "inputs", again / "inputs")
    again.rename(shop.home.inbox / "again")
    finished(shop)
    assert len(emulator.creates()) == 2, "equal items are copied, wherever their picture lies"
    assert [card["reused_from"] is not None for card in shop.sidecars()] == [False, False, True, True]
    first, second = items_of(shop, "photos")[:2], items_of(shop, "photos")[2:]
    assert first == second and len(first) == 2


def test_flux_dev_starts_from_a_picture_and_sdxl_is_charged_by_its_time(shop: TestHome, emulator: Emulator) -> None:
    emulator.control(run_seconds=0.3)
    bundle(
        shop,
        "provider: replicate\nmodel: flux-dev\nparameters: {prompt: a beach, image: beach.jpg, prompt_strength: 0.5}\n"
        "---\nprovider: replicate\nmodel: sdxl\nparameters: {prompt: a cat, image: beach.jpg, steps: 20}\n",
    )
    finished(shop)
    flux, sdxl = sorted(emulator.creates(), key=lambda create: create["model"])
    assert flux["input"]["image"] == sdxl["input"]["image"] and flux["input"]["prompt_strength"] == 0.5
    assert sdxl["by_version"] and len(sdxl["version"]) == 64 and sdxl["input"]["num_inference_steps"] == 20
    first, second = shop.sidecars()
    assert first["cost"] == {"usd": 0.025, "estimated": False}
    assert second["cost"] == {"usd": pytest.approx(0.3 * 0.000975, abs=2e-6), "estimated": True}


# --- in by hand, by `submit`, by `plan` ---


def test_submit_carries_the_pictures_and_plan_finds_them(home: TestHome, tmp_path: Path) -> None:
    data = photograph(tmp_path / "recipes" / "in" / "beach.jpg")
    photograph(tmp_path / "recipes" / "other.jpg")
    recipe = tmp_path / "recipes" / "small.yaml"
    recipe.write_text("provider: local\nmodel: resize\nparameters: {image: in/beach.jpg, width: 20}\n")
    planned = home.ask("plan", str(recipe))["orders"][0]
    assert (planned["total_items"], planned["errors"], planned["price"]["usd"]) == (1, [], 0)
    assert planned["items"][0]["names"] == ["0001-beach-….jpg"] and list(home.home.inbox.iterdir()) == []
    done = home.call("submit", "--wait", str(recipe))
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = home.home.projects.rglob("inputs/*")
    assert kept.read_bytes() == data and home.sidecars()[0]["inputs"][0]["source"] == "in/beach.jpg"
    (tmp_path / "recipes" / "in" / "beach.jpg").unlink()
    lost = home.ask("plan", str(recipe))["orders"][0]
    assert [error["code"] for error in lost["errors"]] == ["E_INPUT_MISSING"]
    assert list(home.home.rejected.iterdir()) == []


def test_the_example_with_a_picture_is_a_bundle_that_works_as_it_is(furnished: TestHome) -> None:
    example = furnished.home.library / "examples" / "09-photo"
    assert sum(path.stat().st_size for path in (examples() / "09-photo").iterdir()) < 20_000
    names = [order["name"] for order in furnished.ask("plan", str(example / "order.yaml"))["orders"]]
    shutil.copytree(example, furnished.home.inbox / "09-photo")
    finished(furnished)
    assert [sidecar["order"]["name"] for sidecar in furnished.sidecars()] == ["09-photo-1"] * 3 + ["09-photo-2"]
    assert names == ["09-photo-1", "09-photo-2"]
    assert [looked_at(path)[1][0] for path in furnished.products()] == [320, 160, 80, 480]


def test_the_same_document_with_another_picture_is_no_duplicate(home: TestHome) -> None:
    text = "provider: local\nmodel: resize\nparameters: {image: beach.jpg, width: 20}\n"
    bundle(home, text)
    finished(home)
    bundle(home, text, colour="green")
    finished(home)
    bundle(home, text, colour="green")
    assert home.once() == 3 and "duplicate" in home.words("photos")
    assert len(home.products()) == 2


def test_a_rehearsal_has_the_shape_of_each_items_own_picture(home: TestHome) -> None:
    folder = home.home.inbox / ".photos"
    photograph(folder / "wide.jpg", size=(200, 100))
    photograph(folder / "tall.jpg", size=(100, 150))
    text = "provider: replicate\nmodel: kontext-pro\nrehearse: true\nparameters:\n"
    (folder / "order.yaml").write_text(f"{text}  prompt: make it night\n  image: [wide.jpg, tall.jpg]\n")
    folder.rename(home.home.inbox / "photos")
    finished(home)
    assert [looked_at(path)[1] for path in home.products()] == [(100, 200), (150, 100)]  # as they are seen: they lie
    assert all(sidecar["rehearsal"] and sidecar["inputs"] for sidecar in home.sidecars())


def test_a_loose_order_with_its_picture_can_be_dropped_with_the_daemon_running(home: TestHome) -> None:
    with home.running():
        home.drop("small.yaml", "provider: local\nmodel: resize\nparameters: {image: beach.jpg, width: 20}\n")
        until(lambda: list(home.home.claims.glob("*/claim.json")))
        photograph(home.home.inbox / ".beach.jpg")
        (home.home.inbox / ".beach.jpg").rename(home.home.inbox / "beach.jpg")
        until(lambda: home.states() == ["completed"] and not list(home.home.inbox.iterdir()))
    assert list(home.home.rejected.iterdir()) == [] and len(home.products()) == 1


def test_a_picture_that_never_comes_is_said_after_a_minute_by_the_order_s_own_clock(home: TestHome) -> None:
    home.drop("small.yaml", "provider: local\nmodel: resize\nparameters: {image: beach.jpg, width: 20}\n")
    with home.running():
        until(lambda: list(home.home.claims.glob("*/claim.json")) and not list(home.home.claims.glob("*/readings")))
    (claim,) = home.home.claims.glob("*/claim.json")
    claim.write_text(json.dumps({**json.loads(claim.read_text()), "taken_at": "2026-01-01T00:00:00+00:00"}))
    assert home.once() == 1
    assert "There is no beach.jpg beside the order" in home.words("small.yaml")
    assert (home.home.rejected / "small.yaml").exists() and list(home.home.claims.glob("[!.]*/")) == []


# --- killed ---


@pytest.mark.parametrize(
    "fault", ["claimed", "companions_copied", "order_read", "order_accepted", "order_folder_built"]
)
def test_killed_while_an_order_is_taken_with_its_picture(home: TestHome, fault: str) -> None:
    data = photograph(home.home.inbox / "beach.jpg")
    home.drop("small.yaml", "provider: local\nmodel: resize\nparameters: {image: beach.jpg, width: 20}\n")
    assert home.call("once", ARTFACTORY_FAULT=fault).returncode == KILLED
    finished(home)
    assert home.states() == ["completed"] and len(home.orders()) == 1
    (kept,) = home.home.projects.rglob("inputs/beach.jpg")
    assert kept.read_bytes() == data and list(home.home.inbox.iterdir()) == []
    assert list(home.home.rejected.iterdir()) == []


@pytest.mark.parametrize(("fault", "uploads"), [("before_upload", 1), ("uploaded", 1), ("recorded_wish", 1)])
def test_killed_about_an_upload_nothing_is_bought_twice_and_no_picture_sent_again(
    shop: TestHome, emulator: Emulator, fault: str, uploads: int
) -> None:
    emulator.control(list="403")
    bundle(shop, EDIT.replace("[night,winter]", "night"))
    assert shop.call("once", ARTFACTORY_FAULT=fault).returncode == KILLED
    assert emulator.creates() == []
    code = shop.once()
    if fault == "recorded_wish":  # and nobody can be asked whether it was sent
        assert (code, shop.states(), emulator.creates()) == (3, ["in_doubt"], [])
    else:
        assert (code, shop.states(), len(emulator.creates())) == (0, ["completed"], 1)
    assert emulator.seen()["POST v1"] == uploads


def test_killed_before_the_folder_another_order_alone_can_still_be_made(home: TestHome, tmp_path: Path) -> None:
    bundle(home, "provider: local\nmodel: resize\nparameters: {image: beach.jpg, width: 20}\n")
    assert home.call("once", ARTFACTORY_FAULT="order_accepted").returncode == KILLED
    other = tmp_path / "other.yaml"
    other.write_text("provider: local\nmodel: sketch\nparameters: {prompt: a cat}\n")
    done = home.call("submit", "--wait", str(other))
    assert done.returncode == 0, done.stdout + done.stderr
    finished(home)
    assert home.states() == ["completed", "completed"]
