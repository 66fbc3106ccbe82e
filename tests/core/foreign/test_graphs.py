"""What a graph of ComfyUI says of the picture that it saved, however its texts are handed on."""

from __future__ import annotations

from typing import Any

import pytest

from artfactoryd.core.foreign import graphs

Nodes = dict[str, Any]


def node(kind: str, **inputs: Any) -> Nodes:
    return {"class_type": kind, "inputs": inputs}


def graph(**others: Nodes) -> Nodes:
    """The template that ComfyUI begins with, whose negative text comes first, with other nodes in it or in place."""
    return {
        "7": node("CLIPTextEncode", text="watermark", clip=["4", 1]),
        "6": node("CLIPTextEncode", text="a hill", clip=["4", 1]),
        "3": node("KSampler", seed=1, steps=20, cfg=8, positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
                  model=["4", 0]),
        "4": node("CheckpointLoaderSimple", ckpt_name="base.ckpt"),
        "5": node("EmptyLatentImage", width=512, height=256),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0]),
        **{name.removeprefix("n"): value for name, value in others.items()},
    }  # fmt: skip


GUIDED = node("SamplerCustomAdvanced", noise=["10", 0], guider=["11", 0], latent_image=["5", 0])
CASES: list[tuple[str, Nodes, dict[str, Any]]] = [
    ("template", graph(), {"prompt": "a hill", "negative_prompt": "watermark", "width": 512, "seed": 1}),
    ("guider", graph(n3=GUIDED, n10=node("RandomNoise", noise_seed=5),
                     n11=node("CFGGuider", positive=["6", 0], negative=["7", 0], cfg=4, model=["4", 0])),
     {"prompt": "a hill", "negative_prompt": "watermark", "seed": 5, "cfg_scale": 4}),
    ("zeroed", graph(n7=node("ConditioningZeroOut", conditioning=["6", 0])),
     {"prompt": "a hill", "negative_prompt": None}),
    ("joined", graph(n6=node("CLIPTextEncode", text=["12", 0]),
                     n12=node("StringConcatenate", string_a="a hill", string_b=["13", 0], delimiter=", "),
                     n13=node("Text", text="at dusk")), {"prompt": "a hill, at dusk"}),
    ("twofold", graph(n6=node("CLIPTextEncodeSDXL", text_g="a hill", text_l="a hill", width=4096, height=4096)),
     {"prompt": "a hill", "width": 512}),
    ("both in one", graph(n6=node("Loader", positive="a dale", negative="fog"),
                          n7=node("Loader", positive="x", negative="fog")),
     {"prompt": "a dale", "negative_prompt": "fog"}),
    ("refined", graph(
        n20=node("KSamplerAdvanced", noise_seed=9, steps=5, positive=["6", 0], negative=["7", 0], latent_image=["3", 0],
                 model=["21", 0]), n21=node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
        n8=node("VAEDecode", samples=["20", 0])), {"prompt": "a hill", "seed": 1, "steps": 20}),
    ("around", graph(n6=node("Any", conditioning=["6", 0], text=["6", 0])), {"prompt": None}),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_texts_and_numbers_are_those_that_made_it(nodes: Nodes, told: dict[str, Any]) -> None:
    read = graphs.read(nodes)
    assert read is not None and read.model == "base"
    assert {name: read.parameters.get(name) for name in told} == told


@pytest.mark.parametrize("value", [None, [1], {}, {"a": 1}, {"a": {"inputs": {}}}])
def test_what_is_no_graph_is_left_alone(value: object) -> None:
    assert graphs.read(value) is None
