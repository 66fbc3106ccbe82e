"""Files of other tools, known by what stands in them, so that they are called by their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artfactoryd.errors import Problem

OURS = frozenset({"provider", "model", "models", "parameters", "template"})
INSTEAD = (
    "An order is written in this program's own words: provider, model, parameters (`artfactoryd demo` shows some)."
)
OF_A1111 = frozenset({"sampler_name", "sampler_index", "cfg_scale", "hr_scale", "denoising_strength", "n_iter"})
OF_INVOKE = frozenset({"app_version", "generation_mode", "scheduler", "positive_prompt", "cfg_rescale_multiplier"})


def other_tool(document: Mapping[str, Any]) -> Problem | None:
    """What it is, where it is surely another tool's and no order of ours."""
    if OURS & document.keys() and not {"nodes", "links"} <= document.keys():
        return None
    what = _name(document)
    return Problem("E_OTHER_TOOL", f"this is {what}, not an order.", INSTEAD) if what else None


def _name(document: Mapping[str, Any]) -> str:
    nodes = [node for node in document.values() if isinstance(node, dict)]
    if nodes and all("class_type" in node and "inputs" in node for node in nodes) and len(nodes) == len(document):
        return "a ComfyUI workflow (as it is sent to its API)"
    prompt = document.get("prompt")
    if isinstance(prompt, dict) and any("class_type" in str(node) for node in prompt.values()):
        return "a ComfyUI workflow (as it is sent to its API)"
    if isinstance(document.get("nodes"), list):
        if {"last_node_id", "links"} & document.keys():
            return "a ComfyUI workflow (as its editor saves it)"
        return "a workflow of nodes (as InvokeAI or n8n saves it)"
    if "prompt" in document and OF_A1111 & document.keys():
        return "a request for AUTOMATIC1111's web UI"
    if len(OF_INVOKE & document.keys()) > 1:
        return "what InvokeAI writes of a picture"
    return ""
