"""The whole program with a ComfyUI of one's own: killed at every step, nothing is queued twice and nothing is lost."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.factories.comfyui.prompts import prompt_id
from artfactoryd.planning.preview import plan
from artfactoryd.settings import Settings
from tests.emulator.client import Emulator
from tests.homes import TestHome
from tests.test_pictures_whole import bundle

EXAMPLES = Path(__file__).parents[2] / "examples" / "comfyui"
TWENTY = """
provider: comfyui
model: portrait
parameters: {prompt: "a [red,blue,green,white] fox [1,2,3,4]", width: 512, height: 512, seed: 7}
"""
FOUR = """
provider: comfyui
model: restyle
parameters: {image: beach.jpg, prompt: "a beach by [day,night,noon,dusk]", strength: 0.5}
"""
STEPS = (
    "before_upload", "uploaded", "recorded_wish", "before_submit", "after_submit", "recorded_ticket", "recorded_result",
    "sidecar_placed", "product_linked", "recorded_settlement",
)  # fmt: skip


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("comfyui") / "queued.jsonl", "comfyui") as emulator:
        yield emulator


@pytest.fixture
def comfy(at_work: Emulator) -> Emulator:
    at_work.calm()
    return at_work


@pytest.fixture
def studio(comfy: Emulator, tmp_path: Path) -> TestHome:
    made = TestHome.make(tmp_path / "studio", providers={"comfyui": {"base_url": comfy.base_url, "concurrency": 3}})
    made.home.models.mkdir(parents=True, exist_ok=True)
    for file in EXAMPLES.iterdir():
        shutil.copy(file, made.home.models)
    return made


def change(home: TestHome, file: str, **nodes: dict[str, Any]) -> None:
    """Other nodes in a workflow of the home; None takes one out."""
    path = home.home.models / file
    graph = {**json.loads(path.read_text()), **{name.removeprefix("n"): node for name, node in nodes.items()}}
    path.write_text(json.dumps(graph))


def test_twenty_items_of_two_workflows_killed_at_every_step_are_queued_once_each_and_all_found(
    studio: TestHome, comfy: Emulator
) -> None:
    before = len(comfy.creates())
    bundle(studio, FOUR, "beach")
    studio.drop("foxes.yaml", TWENTY)
    for step in STEPS:
        done = studio.call("once", ARTFACTORY_FAULT=step)
        assert done.returncode == -signal.SIGKILL, (step, done.stdout, done.stderr)
    done = studio.call("once")
    assert done.returncode == 0, done.stdout + done.stderr
    queued = [create["id"] for create in comfy.creates()[before:]]
    assert len(queued) == len(set(queued)) == len(studio.products()) == 20
    assert set(studio.states()) == {"completed"}
    assert set(queued) <= {prompt_id(line["attempt"]) for line in studio.lines("wish")}
    assert {card["cost"]["usd"] for card in studio.sidecars()} == {0}
    assert comfy.seen()["POST upload"] <= 2  # the one picture, and once more after the kill in between


def test_a_paid_node_holds_and_a_missing_checkpoint_is_a_sentence(studio: TestHome, comfy: Emulator) -> None:
    before = len(comfy.creates())
    paid = {"inputs": {"prompt": "a fox", "seed": 0}, "class_type": "FluxProUltraImageNode"}
    save = {"inputs": {"images": ["20", 0], "filename_prefix": "x"}, "class_type": "SaveImage"}
    change(studio, "restyle.api.json", n20=paid, n21=save)
    file = studio.home.models / "restyle.yaml"
    file.write_text(file.read_text() + "aliases: [dear]\n")
    change(studio, "portrait.api.json", n4={"inputs": {"ckpt_name": "gone.safetensors"},
                                            "class_type": "CheckpointLoaderSimple"})  # fmt: skip
    bundle(studio, FOUR.replace("restyle", "dear"), "beach")
    studio.drop("foxes.yaml", TWENTY.replace("[1,2,3,4]", ""))
    done = studio.call("once")
    assert len(comfy.creates()) == before, done.stdout
    why = studio.words("beach")
    assert "No price is known" in why and "FluxProUltraImageNode" in why
    [receipt] = studio.home.projects.rglob("receipt.yaml")
    words = receipt.read_text()
    assert "gone.safetensors is not there" in words and "sd_xl_base_1.0.safetensors" in words and "node 4" in words


def test_an_order_for_a_comfyui_that_is_switched_off_is_not_held(studio: TestHome, unused_tcp_port: int) -> None:
    """It is taken, and waits as for every provider that does not answer; a node that costs money is refused then."""
    studio.configure(providers={"comfyui": {"base_url": f"http://127.0.0.1:{unused_tcp_port}"}})
    away = studio.ask("providers")["providers"]["comfyui"]
    assert away["checked"] == "no answer" and str(unused_tcp_port) in away["words"]
    (studio.home.models / "wrong.yaml").write_text("provider: comfyui\n")
    assert str(unused_tcp_port) in studio.call("doctor").stdout
    (studio.home.models / "wrong.yaml").unlink()
    [planned] = studio.ask("plan", str(file := studio.drop("foxes.yaml", TWENTY)))["orders"]
    assert planned["held"] == [] and planned["price"]["usd"] == 0
    assert [warning["code"] for warning in planned["warnings"]] == ["W_NOT_ASKED"]
    [written] = plan(studio.home, Settings(), file, rehearse=False, most=1).document["orders"]  # as the page does
    assert (written["errors"], written["held"], written["total_items"]) == ([], [], 16)
