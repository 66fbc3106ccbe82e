"""What other tools wrote into their pictures is read as they mean it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sd_parsers import ParserManager

from artfactoryd.core.foreign import a1111
from artfactoryd.core.foreign.reading import AUTO, PLAIN, told_by
from artfactoryd.core.foreign.told import Told
from artfactoryd.shelf.inside.foreign import written_in
from artfactoryd.shelf.inside.merging import Marks, described
from tests.shelf.inside import others

FOX = {
    "prompt": "a fox in the snow, (masterpiece:1.2)\nsecond line, with: a colon", "negative_prompt": "blurry,\n text",
    "steps": 20, "sampler": "DPM++ 2M", "scheduler": "Karras", "cfg_scale": 7, "seed": 1234567890, "width": 512,
    "height": 768, "model_hash": "abcd1234", "denoising_strength": 0.4, "clip_skip": 2,
}  # fmt: skip
WHALE = {
    "prompt": "a whale in the harbour", "negative_prompt": "ugly", "seed": 77, "steps": 25, "cfg_scale": 6.5,
    "sampler": "euler", "scheduler": "normal", "denoising_strength": 1.0, "width": 1024, "height": 576,
    "loras": "detail",
}  # fmt: skip
FILES: list[tuple[str, bytes, str, str, dict[str, Any]]] = [  # name, bytes, tool, model, parameters
    ("a1111.png", others.png({"parameters": others.A1111}), "a1111", "dreamshaper_8", FOX),
    ("a1111.jpg", others.with_exif("JPEG", others.A1111), "a1111", "dreamshaper_8", FOX),
    ("a1111.webp", others.with_exif("WEBP", others.A1111), "a1111", "dreamshaper_8", FOX),
    ("comfy.png", others.png({"prompt": others.COMFY, "workflow": {"nodes": []}}), "comfyui", "sd_xl_base_1.0", WHALE),
    ("comfy.webp", others.with_exif("WEBP", tags={0x0110: "prompt:" + json.dumps(others.COMFY),
                                                  0x010F: "workflow:{}"}), "comfyui", "sd_xl_base_1.0", WHALE),
    ("flux.png", others.png({"prompt": others.FLUX}), "comfyui", "flux1-dev",
     {"prompt": "a lighthouse", "seed": 5150, "steps": 28, "guidance": 3.5, "sampler": "dpmpp_2m", "scheduler": "beta",
      "denoising_strength": 1, "width": 832, "height": 1216}),
    ("workflow.png", others.png({"workflow": {"nodes": []}}), "comfyui", "", {}),
    ("invoke.png", others.png({"invokeai_metadata": others.INVOKE}), "invokeai", "Juggernaut XL v9",
     {"generation_mode": "sdxl_txt2img", "prompt": "a heron", "width": 1024, "height": 1024, "seed": 42,
      "cfg_scale": 5.5, "steps": 30, "scheduler": "dpmpp_2m_k", "loras": "ink"}),
    ("invoke2.png", others.png({"sd-metadata": others.INVOKE_FIRST}), "invokeai", "stable-diffusion-1.5",
     {"prompt": "an otter", "steps": 50, "cfg_scale": 7.5, "seed": 9, "width": 512, "height": 512, "sampler": "k_lms"}),
    ("swarm.png", others.png({"parameters": others.SWARM}), "swarmui", "sd3",
     {"prompt": "a stork", "negative_prompt": "fog", "seed": 3, "steps": 12, "cfg_scale": 4.5, "sampler": "euler",
      "scheduler": "simple", "width": 640, "height": 640}),
    ("swarm.jpg", others.with_exif("JPEG", json.dumps(others.SWARM)), "swarmui", "sd3", {"prompt": "a stork"}),
    ("fooocus.png", others.png({"parameters": others.FOOOCUS}), "fooocus", "juggernautXL_v8",
     {"prompt": "a badger", "seed": 11, "steps": 30, "width": 896, "height": 1152, "guidance": 4.0,
      "sampler": "dpmpp_2m_sde_gpu"}),
    ("novel.png", others.png({"Comment": others.NOVELAI, "Software": "NovelAI"}), "novelai", "",
     {"prompt": "a crane", "negative_prompt": "lowres", "steps": 28, "cfg_scale": 5.0, "seed": 8,
      "sampler": "k_euler"}),
    ("plain.png", others.png({"Software": "gimp"}), PLAIN, "", {}),
    ("broken.png", others.png({"parameters": "{" * 9, "prompt": "[" * 9999, "invokeai_metadata": "null"}), PLAIN, "",
     {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "tool", "model", "parameters"), FILES, ids=[file[0] for file in FILES])
def test_each_tools_picture_tells_how_it_was_made(
    name: str, data: bytes, tool: str, model: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    told = told_by(written_in(tmp_path / name).words, AUTO)
    assert (told.tool, told.model) == (tool, model)
    same = {key: told.parameters.get(key) for key in parameters} if name == "swarm.jpg" else dict(told.parameters)
    assert {key: value for key, value in same.items() if key != "lora_hashes"} == parameters
    assert told_by(written_in(tmp_path / name).words, PLAIN).tool == PLAIN


def test_words_rating_and_tags_beside_a_picture_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(others.png({"Description": "a sketch of mine"}))
    assert told_by(written_in(path).words, AUTO) == Told(PLAIN, notes="a sketch of mine")
    path.with_suffix(".txt").write_text("a caption, for training")
    (tmp_path / "a.png.xmp").write_bytes(described(Marks(4, ("sea & sand", "birds/gulls"))))
    written = written_in(path)
    assert (written.rating, written.tags) == (4, ("sea & sand", "birds/gulls"))
    assert told_by(written.words, AUTO).parameters == {"prompt": "a caption, for training"}
    path.with_suffix(".txt").write_text(others.A1111)
    assert told_by(written.words, AUTO).tool == PLAIN
    assert told_by(written_in(path).words, AUTO).parameters["prompt"] == FOX["prompt"]
    assert told_by(written_in(path).words, "comfyui").tool == PLAIN


@pytest.mark.parametrize("text", ["", "a prompt alone", "Steps: many", "a: b, c: d", "Steps: 1" + ", A: [" * 99])
def test_what_is_no_text_of_parameters_is_left_alone(text: str) -> None:
    told = a1111.read(text)
    assert told is None or "steps" in told.parameters


@pytest.mark.parametrize("name", ["a1111.png", "a1111.jpg", "a1111.webp", "invoke.png", "invoke2.png"])
def test_a_parser_of_the_field_reads_the_same(name: str, tmp_path: Path) -> None:
    _, data, _, _, parameters = next(file for file in FILES if file[0] == name)
    (tmp_path / name).write_bytes(data)
    known = ParserManager().parse(tmp_path / name)
    assert known is not None
    (sampler,) = known.samplers
    assert [prompt.value for prompt in known.prompts] == [parameters["prompt"]]
    assert {key: str(parameters[key]) for key in sampler.parameters if key in parameters} == {
        key: str(value) for key, value in sampler.parameters.items()
    }  # fmt: skip
