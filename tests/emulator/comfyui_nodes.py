"""The nodes that the emulated ComfyUI has, in the shape of its /object_info, and what it says of a prompt by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CHECKPOINTS = ["sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors"]
SAMPLERS = ["euler", "dpmpp_2m", "ddim"]
SEED = ["INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF, "control_after_generate": True}]
SIDE = ["INT", {"default": 512, "min": 16, "max": 16384, "step": 8}]


def node(required: dict[str, Any], output: list[str], **more: Any) -> dict[str, Any]:
    return {
        "input": {"required": required}, "input_order": {"required": list(required)}, "output": output,
        "output_node": False, "category": "emulated", "description": "", "python_module": "nodes", **more,
    }  # fmt: skip


NODES: dict[str, dict[str, Any]] = {
    "CheckpointLoaderSimple": node(
        {"ckpt_name": [CHECKPOINTS, {"tooltip": "The checkpoint to load."}]}, ["MODEL", "CLIP", "VAE"]
    ),
    "CLIPTextEncode": node(
        {"text": ["STRING", {"multiline": True, "tooltip": "The text to be encoded."}], "clip": ["CLIP", {}]},
        ["CONDITIONING"],
    ),
    "EmptyLatentImage": node(
        {"width": SIDE, "height": SIDE, "batch_size": ["INT", {"default": 1, "min": 1, "max": 4096}]}, ["LATENT"]
    ),
    "KSampler": node(
        {
            "model": ["MODEL", {}],
            "seed": SEED,
            "steps": ["INT", {"default": 20, "min": 1, "max": 10000}],
            "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1}],
            "sampler_name": ["COMBO", {"options": SAMPLERS}],
            "positive": ["CONDITIONING", {}],
            "latent_image": ["LATENT", {}],
            "denoise": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}],
        },
        ["LATENT"],
    ),
    "VAEDecode": node({"samples": ["LATENT", {}], "vae": ["VAE", {}]}, ["IMAGE"]),
    "VAEEncode": node({"pixels": ["IMAGE", {}], "vae": ["VAE", {}]}, ["LATENT"]),
    "LoadImage": node({"image": [["example.png"], {"image_upload": True}]}, ["IMAGE", "MASK"]),
    "SaveImage": node(
        {"images": ["IMAGE", {}], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}, [], output_node=True
    ),
    "PreviewImage": node({"images": ["IMAGE", {}]}, [], output_node=True),
    "FluxProUltraImageNode": node({"prompt": ["STRING", {"multiline": True}], "seed": SEED}, ["IMAGE"], api_node=True),
}


def tree(graph: dict[str, Any], name: str) -> Iterator[str]:
    """A node and all that it is made of."""
    yield name
    for value in graph[name]["inputs"].values():
        if isinstance(value, list) and len(value) == 2 and str(value[0]) in graph:
            yield from tree(graph, str(value[0]))


def complaints(graph: dict[str, Any], name: str, files: set[str]) -> list[dict[str, Any]]:
    """What is wrong with one node, in ComfyUI's words. `files`: what lies in its input folder."""
    inputs, kind = graph[name]["inputs"], graph[name]["class_type"]
    wrong = []
    for key, config in NODES[kind]["input"]["required"].items():
        said = {"input_name": key, "input_config": config}
        if key not in inputs:
            wrong.append(_error("required_input_missing", "Required input is missing", key, said))
            continue
        value = inputs[key]
        given = {**said, "received_value": value}
        choices = config[0] if isinstance(config[0], list) else config[1].get("options")
        limits = config[1] if config[0] in ("INT", "FLOAT") else {}
        if kind == "LoadImage" and value not in {*config[0], *files}:
            detail = f"image - Invalid image file: {value}"
            wrong.append(_error("custom_validation_failed", "Custom validation failed for node", detail, said))
        elif kind != "LoadImage" and choices is not None and value not in choices:
            detail = f"{key}: '{value}' not in {choices}"
            wrong.append(_error("value_not_in_list", "Value not in list", detail, given))
        elif limits and value < limits["min"]:
            detail = f"Value {value} smaller than min of {limits['min']}"
            wrong.append(_error("value_smaller_than_min", detail, key, given))
        elif limits and value > limits["max"]:
            detail = f"Value {value} bigger than max of {limits['max']}"
            wrong.append(_error("value_bigger_than_max", detail, key, given))
    return wrong


def _error(kind: str, message: str, details: str, info: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": info}
