"""The text in which tools of the field tell how a picture was made, as A1111 began it: prompt, negative prompt, and a
last line of details. Some readers want the line to begin with `Steps: `, some want a sampler and two numbers beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artfactoryd.core.json_types import Parameters
from artfactoryd.core.model import Model

STEPS = ("num_inference_steps", "steps", "num_steps", "inference_steps", "sampling_steps")
SAMPLERS = ("scheduler", "sampler", "sampler_name")
GUIDANCE = ("guidance_scale", "guidance", "cfg_scale", "cfg", "true_cfg_scale")
NEGATIVE = "negative_prompt"
ENDING = str.maketrans({",": ";", ":": "-"})
NOTHING = 1  # for readers that take a line without these numbers for no details


def parameters_text(prompt: str, negative: str, details: Sequence[tuple[str, Any]]) -> str:
    negative_line = [f"Negative prompt: {_plain(negative)}"] if negative.strip() else []
    line = ", ".join(f"{name}: {_one_value(value)}" for name, value in details if value is not None)
    return "\n".join([_plain(prompt), *negative_line, line])


def details(
    parameters: Parameters, model: Model | None, name: str, provider: str, seed: int | None,
    size: tuple[int | None, int | None], software: str,
) -> list[tuple[str, Any]]:  # fmt: skip
    """Values that were sent, else the model's own defaults; a filler where it knows no such number. `model`: None of
    one whose defaults are not known."""
    across, down = size
    return [
        ("Steps", _one_of(STEPS, parameters, model) or NOTHING),
        ("Sampler", _one_of(SAMPLERS, parameters, model) or provider),
        ("CFG scale", _one_of(GUIDANCE, parameters, model) or NOTHING),
        ("Seed", seed),
        ("Size", f"{across}x{down}" if across and down else None),
        ("Model", name),
        ("Version", software),
    ]


def _one_of(names: Sequence[str], parameters: Parameters, model: Model | None) -> Any:
    schemas = model.properties if model else {}
    for name in names:
        value = parameters[name] if name in parameters else schemas.get(name, {}).get("default")
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return value
    return None


def _plain(text: str) -> str:
    """Of one kind of line ends, and without what ends a text in a file."""
    return "\n".join(text.strip().splitlines()).replace("\0", "")


def _one_value(value: Any) -> str:
    """Without what would end it: some readers know quotes here, and some do not."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(text.translate(ENDING).split())
