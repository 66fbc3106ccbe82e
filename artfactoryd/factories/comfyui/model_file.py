"""A model file of ComfyUI's: `workflow`, `map` and `output`, made into an ordinary entry of the catalogue.

What a parameter may be is told from the value that the workflow has for it, until ComfyUI itself is asked (nodes).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import NoReturn

from artfactoryd.core.json_types import Document, Json, JsonValue
from artfactoryd.errors import Path, Problem, Refusal
from artfactoryd.factories.comfyui.workflow import NotAWorkflow, Recipe, Target, Workflow

OWN = ("workflow", "map", "output")
WHOLE = frozenset({"seed", "noise_seed", "width", "height", "steps", "batch_size", "length", "frames"})
MOST_SEED = 2**64 - 1
MOST_AT_ONCE = 4  # pictures of one prompt: they are all in the memory of one graphics card
FREE: Json = {"usd": 0, "per": "call"}  # until ComfyUI says that a node is run by others for money
FILES = {  # by how the class of a loading node begins: what kind of file its own input is, in words of a model file
    "LoadImageMask": "mask", "LoadImage": "image", "VHS_LoadVideo": "video", "LoadVideo": "video", "LoadAudio": "audio",
    "VHS_LoadAudioUpload": "audio",
}  # fmt: skip
FILE_INPUTS = frozenset({"image", "video", "audio", "file"})


def read(value: Document, stem: str, beside: Callable[[str], bytes]) -> Document:
    """Raises Refusal."""
    missing = [key for key in OWN if not value.get(key) and value.get(key) != 0]
    if missing:
        _refuse(f"a model of ComfyUI needs {', '.join(missing)}.", _HOW[missing[0]], ())
    recipe = Recipe(*_read(value, beside))
    schema, kinds = schema_of(recipe)
    entry: Json = {key: part for key, part in value.items() if key not in OWN}
    written = recipe.written()
    entry["model"] = f"{value.get('model') or stem}:{_mark(written)}"
    entry |= {"schema": schema, "recipe": written, "open": True}
    entry.setdefault("price", FREE)
    for key, name in kinds.items():
        entry.setdefault(key, name)
    if "image" in kinds:
        entry.setdefault("modality", "image-to-image")
    return entry


_HOW = {
    "workflow": "Name the file beside this one that ComfyUI wrote: workflow: portrait.api.json",
    "map": "Say which input is which parameter: map: {prompt: 6.inputs.text, seed: 3.inputs.seed}",
    "output": "Name the node whose pictures are the result, by its number or its title: output: 9",
}


def _read(
    value: Document, beside: Callable[[str], bytes]
) -> tuple[Workflow, dict[str, tuple[Target, ...]], tuple[str, ...]]:
    workflow = _workflow(value["workflow"], beside)
    if not isinstance(value["map"], Mapping):
        _refuse("map must be keys with values.", _HOW["map"], ("map",))
    targets = {
        str(name): tuple(_target(workflow, written, ("map", name)) for written in _several(places))
        for name, places in value["map"].items()
    }  # fmt: skip
    outputs = tuple(_output(workflow, name) for name in _several(value["output"]))
    return workflow, targets, outputs


def _workflow(name: JsonValue, beside: Callable[[str], bytes]) -> Workflow:
    if not isinstance(name, str):
        _refuse("workflow must be the name of a file.", _HOW["workflow"], ("workflow",))
    try:
        return Workflow.read(beside(name))
    except OSError as error:
        words = f"the workflow {name} cannot be read: {error.strerror or error}."
        _refuse(words, "Put it beside this file, or correct its name.", ("workflow",))
    except NotAWorkflow as error:
        _refuse(f"the workflow {name} cannot be used: {error}.", error.fix, ("workflow",))


def _target(workflow: Workflow, written: JsonValue, path: Path) -> Target:
    try:
        return workflow.target(str(written))
    except NotAWorkflow as error:
        _refuse(f"{error}.", error.fix, path)


def _output(workflow: Workflow, name: JsonValue) -> str:
    try:
        return workflow.node(str(name))
    except NotAWorkflow as error:
        _refuse(f"{error}.", error.fix, ("output",))


def _several(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]


def _refuse(sentence: str, fix: str, path: Path) -> NoReturn:
    raise Refusal([Problem("E_WORKFLOW", sentence, fix, path)])


def _mark(recipe: Json) -> str:
    """Another workflow, map or output is another version: what was made by the one before is not taken for it."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]


# --- what the parameters may be, by the values in the workflow ---


def schema_of(recipe: Recipe) -> tuple[Json, dict[str, str]]:
    """JSON Schema of the parameters; and by the keys of a model file (seed, image, ...) which of them is meant."""
    properties: Json = {}
    kinds: dict[str, str] = {}
    for name, targets in recipe.targets.items():
        first = targets[0]
        file = file_of(recipe.workflow, first)
        properties[name] = {"type": "string", "format": "uri"} if file else _by_value(recipe.workflow, first)
        key = file or {"seed": "seed", "noise_seed": "seed", "batch_size": "batch"}.get(first.steps[-1])
        if key and (file or properties[name].get("type") == "integer"):
            kinds.setdefault(key, name)
    return {"type": "object", "properties": properties}, kinds


def file_of(workflow: Workflow, target: Target) -> str | None:
    """Which kind of file stands in that input; None where it is none."""
    kind = next((file for begins, file in FILES.items() if workflow.kind(target.node).startswith(begins)), None)
    return kind if target.steps[-1] in FILE_INPUTS else None


def _by_value(workflow: Workflow, target: Target) -> Json:
    value, name = workflow.value(target), target.steps[-1]
    if name == "batch_size":
        return {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE, "default": value}
    if name in ("seed", "noise_seed"):
        return {"type": "integer", "minimum": 0, "maximum": MOST_SEED}
    if isinstance(value, bool):
        return {"type": "boolean", "default": value}
    if isinstance(value, int | float):
        return {"type": "integer" if name in WHOLE and isinstance(value, int) else "number", "default": value}
    return {"type": "string", "default": value} if isinstance(value, str) else {"default": value}
