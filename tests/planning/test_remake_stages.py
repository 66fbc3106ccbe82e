"""What a stage made is asked for again by its sidecar: fed with the very same product, wherever that lies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.core.inside.undo import restored
from tests.emulator.client import Emulator
from tests.homes import TestHome, card_of
from tests.pictures import draw

STAGED = """\
provider: replicate
model: flux-schnell
parameters: {prompt: "a red car", aspect_ratio: "1:1"}
file: "drafts/{slug}.{ext}"
then:
  - {id: oil, provider: replicate, model: flux-dev, parameters: {prompt: in oil, prompt_strength: 0.5}}
  - {id: size, provider: local, model: resize, parameters: {width: 32}, file: "{stage}/{slug}-{width}.{ext}"}
"""
OTHER = "0192f000-0000-7000-8000-000000000000"


@pytest.fixture
def shop(emulator: Emulator, tmp_path: Path) -> TestHome:
    home = TestHome.make(tmp_path / "shop", emulator.base_url)
    home.drop("cars.yaml", STAGED)
    assert home.once() == 0
    return home


def product(shop: TestHome, stage: str | None) -> tuple[Path, dict[str, Any]]:
    (found,) = [each for each in zip(shop.products(), shop.sidecars(), strict=True) if each[1]["stage"] == stage]
    return found


def made_again(shop: TestHome, was: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    order = shop.orders()[0]["order_id"]
    assert order != was["order"]["id"]
    (found,) = [each for each in zip(shop.products(), shop.sidecars(), strict=True) if each[1]["order"]["id"] == order]
    return found


def drop_sidecar(shop: TestHome, path: Path) -> None:
    shutil.copyfile(card_of(path), shop.home.inbox / f"{path.name}.json")


def test_a_size_is_made_again_here_from_the_product_it_was_made_from(shop: TestHome, emulator: Emulator) -> None:
    path, was = product(shop, "size")
    bought = len(emulator.creates())
    drop_sidecar(shop, path)
    assert shop.once() == 0
    again, card = made_again(shop, was)
    assert restored(again.read_bytes()) == restored(path.read_bytes()) is not None
    assert (card["parents"], card["inputs"][0]["source"]) == (was["parents"], was["inputs"][0]["source"])
    assert len(emulator.creates()) == bought


def test_a_bought_stage_is_bought_again_once_with_the_same_picture_and_seed(shop: TestHome, emulator: Emulator) -> None:
    path, was = product(shop, "oil")
    (planned,) = shop.ask("plan", str(card_of(path)))["orders"]
    assert (planned["errors"], planned["price"]["usd"]) == ([], 0.025)
    assert shop.call("remake", str(path), "--wait").returncode == 0
    _, card = made_again(shop, was)
    first, second = [create["input"] for create in emulator.creates() if "flux-dev" in create["model"]]
    assert second == first
    assert (card["parents"], card["item"]["seed"]) == (was["parents"], was["item"]["seed"])
    assert card["inputs"][0]["sha256"] == was["inputs"][0]["sha256"]


@pytest.mark.parametrize("stage", ["oil", "size"])
def test_what_it_was_made_from_is_gone_and_the_answer_says_so(shop: TestHome, emulator: Emulator, stage: str) -> None:
    path, was = product(shop, stage)
    parent, _ = product(shop, {"oil": None, "size": "oil"}[stage])
    parent.unlink()
    bought = len(emulator.creates())
    drop_sidecar(shop, path)
    assert shop.once() == 1
    word = shop.words(f"{path.name}.json")
    assert f"{was['inputs'][0]['source']} is no longer on the shelf ({parent.relative_to(shop.root)})." in word
    assert "Put it back" in word and len(emulator.creates()) == bought


def test_what_it_was_made_from_has_changed_and_nothing_is_bought(shop: TestHome, emulator: Emulator) -> None:
    path, was = product(shop, "oil")
    parent, _ = product(shop, None)
    draw(parent)
    bought = len(emulator.creates())
    assert shop.call("remake", str(path), "--wait").returncode == 1
    (word,) = shop.home.rejected.glob("*.error.txt")
    assert f"{was['inputs'][0]['source']} is not the picture any more that this was made from" in word.read_text()
    assert len(emulator.creates()) == bought


def test_in_another_home_its_product_is_not_known_and_the_answer_says_so(shop: TestHome, tmp_path: Path) -> None:
    path, was = product(shop, "size")
    other = TestHome.make(tmp_path / "other")
    drop_sidecar(other, path)
    assert other.once() == 1
    assert f"{was['inputs'][0]['source']} is no product here" in other.words(f"{path.name}.json")


def test_what_was_made_from_something_not_kept_is_asked_for_with_its_whole_order(
    shop: TestHome, emulator: Emulator
) -> None:
    shop.drop("two.yaml", STAGED.replace("prompt_strength: 0.5}}", "prompt_strength: 0.4}, keep: false}"))
    assert shop.once() == 0
    path, was = next(each for each in zip(shop.products(), shop.sidecars(), strict=True) if "stage:" in str(each[1]))
    bought = len(emulator.creates())
    drop_sidecar(shop, path)
    assert shop.once() == 1 and len(emulator.creates()) == bought
    word = shop.words(f"{path.name}.json")
    assert f"What {path.name} was made from (stage:oil) was not kept" in word and "order.resolved.yaml" in word
    resolved = next(shop.root.glob(f"Projects/*/*/{was['order']['name']}/order.resolved.yaml"))
    shop.drop("again.yaml", resolved.read_text() + "reuse: never\n")
    assert shop.once() == 0
    assert len(emulator.creates()) == bought + 2
    assert emulator.creates()[-2]["input"] == emulator.creates()[2]["input"]


def test_what_was_made_from_something_that_was_never_kept_is_answered_at_once(shop: TestHome) -> None:
    path, was = product(shop, "size")
    said = {**was, "id": OTHER, "inputs": [{**was["inputs"][0], "source": "stage:oil"}]}
    shop.drop("size.webp.json", json.dumps(said))
    assert shop.once() == 1
    assert f"What {path.name} was made from (stage:oil) was not kept" in shop.words("size.webp.json")


@pytest.mark.parametrize("stage", [None, "oil", "size"])
def test_what_the_shelf_alone_tells_of_is_made_again_too(shop: TestHome, emulator: Emulator, stage: str | None) -> None:
    path, was = product(shop, stage)
    for folder in (shop.home.ledger, shop.home.private):
        shutil.rmtree(folder)
    shop.home.make()
    assert shop.call("reindex").returncode == 0
    bought = len(emulator.creates())
    done = shop.call("remake", str(path), "--wait")
    assert done.returncode == 0, done.stderr
    _, card = made_again(shop, was)
    assert (card["parents"], card["parameters"]["generation"]["seed" if stage != "size" else "width"]) == (
        was["parents"], was["parameters"]["generation"]["seed" if stage != "size" else "width"]
    )  # fmt: skip
    assert len(emulator.creates()) == bought + (stage != "size")
