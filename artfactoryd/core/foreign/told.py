"""How a picture was made, by what another tool says: its parameters under the names that the field has for them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from artfactoryd.core.json_types import Value

MOST_PARAMETERS = 100
LONGEST = 100_000  # characters of one value
PLAIN = "plain"  # of a picture that says nothing of how it was made
NAMES = {  # as tools call it, and as it is called here
    "negativeprompt": "negative_prompt", "uc": "negative_prompt", "cfgscale": "cfg_scale", "cfg": "cfg_scale",
    "guidance_scale": "guidance", "guidance": "guidance", "scale": "cfg_scale", "sampler_name": "sampler",
    "sampler": "sampler", "schedule_type": "scheduler", "noise_seed": "seed", "denoise": "denoising_strength",
    "strength": "denoising_strength", "positive_prompt": "prompt",
}  # fmt: skip
WHOLE = frozenset({"seed", "steps", "width", "height", "clip_skip"})
_SIZE = re.compile(r"\(?\s*(\d{1,5})\s*[x\u00d7,]\s*(\d{1,5})\s*\)?")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
_WORD = re.compile(r"[^0-9a-z]+")
_FILE = re.compile(r"\.(safetensors|ckpt|pt|pth|gguf|sft|bin)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """`tool`: who says so; `model`: as it calls it, empty where it does not."""

    tool: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    model: str = ""
    software: str = ""  # with its version, where it says
    notes: str = ""


def named(given: Mapping[str, object]) -> dict[str, Value]:
    """Under the field's names; what is empty, or no plain value, is left out."""
    parameters: dict[str, Value] = {}
    for name, value in given.items():
        known = _WORD.sub("_", name.lower()).strip("_")
        known = NAMES.get(known, known)
        plain = _plain(value, text=known in ("prompt", "negative_prompt"))
        if known in WHOLE and isinstance(plain, float) and plain.is_integer():
            plain = int(plain)
        if plain in ("", None) or known in parameters or len(parameters) >= MOST_PARAMETERS:
            continue
        if known in ("size", "resolution") and isinstance(plain, str) and (size := _SIZE.fullmatch(plain)):
            parameters.setdefault("width", int(size[1]))
            parameters.setdefault("height", int(size[2]))
            continue
        parameters[known] = plain
    return parameters


def _plain(value: object, *, text: bool) -> Value:
    if isinstance(value, str):
        value = value.replace("\0", "").strip()[:LONGEST]
        value = value.encode("utf-8", "replace").decode()
        return value if text or not _NUMBER.fullmatch(value) else number(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None


def number(text: str) -> Value:
    """As it is written: `20` is whole, `7.0` is not; one that is too large stays a text."""
    if text.lstrip("+-").isdigit():
        return int(text) if len(text) < 19 else text
    value = float(text)
    return value if math.isfinite(value) else text


def model_name(text: object) -> str:
    """Without its folders and the ending of its file."""
    if not isinstance(text, str):
        return ""
    return _FILE.sub("", text.replace("\\", "/").rpartition("/")[2]).strip()[:200]
