"""What InvokeAI, SwarmUI, Fooocus and NovelAI write: one JSON document of parameters."""

from __future__ import annotations

from collections.abc import Mapping

from artfactoryd.core.foreign.told import Told, model_name, named

WORDS = ("prompt", "positive_prompt")
MODELS = ("base_model", "model", "model_name", "model_weights", "base_model_name")
DATES = ("date", "created_at", "generation_time")


def invokeai(value: object) -> Told | None:
    """`invokeai_metadata`, and `sd-metadata` of its first releases."""
    if not isinstance(value, Mapping):
        return None
    image = value.get("image")
    if isinstance(image, Mapping):  # of the first releases
        prompt = image.get("prompt")
        first = prompt[0] if isinstance(prompt, list) and prompt and isinstance(prompt[0], Mapping) else {}
        given = {**image, "prompt": first.get("prompt", prompt)}
        return Told("invokeai", named(given), model_name(value.get("model_weights")), str(value.get("app_version", "")))
    if not value.keys() & {*WORDS, "app_version", "generation_mode"}:
        return None
    given = {**value, "loras": ", ".join(_loras(value.get("loras")))}
    return Told("invokeai", named(_without(given)), _name(value.get("model")), str(value.get("app_version") or ""))


def _loras(given: object) -> list[str]:
    loras = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    return [name for one in loras if (name := _name(one.get("model") or one.get("lora")))]


def _name(model: object) -> str:
    if isinstance(model, Mapping):
        return model_name(model.get("name") or model.get("model_name"))
    return model_name(model)


def swarmui(value: object) -> Told | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("sui_image_params"), Mapping):
        return None
    given = value["sui_image_params"]
    version = f"SwarmUI {given['swarm_version']}" if given.get("swarm_version") else ""
    return Told("swarmui", named(_without(given)), model_name(given.get("model")), version)


def any_tool(value: object, tool: str) -> Told | None:
    """A document that has a prompt, whoever wrote it."""
    if not isinstance(value, Mapping) or not any(isinstance(value.get(name), str) for name in WORDS):
        return None
    model = next((value[name] for name in MODELS if isinstance(value.get(name), str)), "")
    software = value.get("version")
    return Told(tool, named(_without(value)), model_name(model), software if isinstance(software, str) else "")


def _without(given: Mapping[str, object]) -> dict[str, object]:
    """What is told apart, or is of no use to be made again."""
    apart = {*MODELS, *DATES, "version", "app_version", "swarm_version", "metadata_version", "metadata_scheme"}
    return {name: value for name, value in given.items() if name not in apart}
