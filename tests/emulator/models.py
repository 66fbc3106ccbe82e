"""The models the emulator knows, with schemas in the shape the API serves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

ASPECTS = ["match_input_image", "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]
FORMATS = ["webp", "jpg", "png"]
SDXL = "stability-ai/sdxl"
RECORDED = Path(__file__).parents[1] / "data" / "sdxl_openapi.json"
SDXL_VERSIONS = (
    "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc",
    "39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b",
)


def _whole(low: int | None, high: int | None, default: int | None = None) -> dict[str, Any]:
    given = {"minimum": low, "maximum": high, "default": default}
    return {"type": "integer", **{key: value for key, value in given.items() if value is not None}}


def _flux(steps: int, default_steps: int) -> dict[str, Any]:
    return {
        "prompt": {"type": "string", "title": "Prompt"},
        "aspect_ratio": _choice("aspect_ratio", "1:1"),
        "num_outputs": _whole(1, 4, 1),
        "num_inference_steps": _whole(1, steps, default_steps),
        "seed": _whole(None, None),
        "output_format": _choice("output_format", "webp"),
        "output_quality": _whole(0, 100, 80),
        "disable_safety_checker": {"type": "boolean", "default": False},
        "go_fast": {"type": "boolean", "default": True},
        "megapixels": _choice("megapixels", "1"),
    }


def _choice(name: str, default: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "default": default}


_DEV = {
    **_flux(50, 28),
    "image": {"type": "string", "format": "uri"},
    "prompt_strength": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.8},
    "guidance": {"type": "number", "minimum": 0, "maximum": 10, "default": 3},
}
_PRO = {
    "prompt": {"type": "string", "title": "Prompt"},
    "image_prompt": {"type": "string", "format": "uri"},
    "aspect_ratio": _choice("aspect_ratio", "1:1"),
    "seed": _whole(None, None),
    "output_format": _choice("output_format", "webp"),
    "safety_tolerance": _whole(1, 6, 2),
}
_KONTEXT = {
    "prompt": {"type": "string", "title": "Prompt"},
    "input_image": {"type": "string", "format": "uri"},
    "aspect_ratio": _choice("aspect_ratio", "match_input_image"),
    "seed": _whole(None, None),
    "output_format": _choice("output_format", "png"),
    "safety_tolerance": _whole(0, 6, 2),
    "prompt_upsampling": {"type": "boolean", "default": False},
}
_SDXL = {
    "prompt": {"type": "string", "default": "An astronaut riding a rainbow unicorn"},
    "negative_prompt": {"type": "string", "default": ""},
    "width": _whole(None, None, 1024),
    "height": _whole(None, None, 1024),
    "num_outputs": _whole(1, 4, 1),
    "num_inference_steps": _whole(1, 500, 50),
    "guidance_scale": {"type": "number", "minimum": 1, "maximum": 50, "default": 7.5},
    "seed": _whole(None, None),
}
INPUTS = {
    "black-forest-labs/flux-schnell": _flux(4, 4),
    "black-forest-labs/flux-dev": _DEV,
    "black-forest-labs/flux-1.1-pro": _PRO,
    "black-forest-labs/flux-pro": _PRO,
    "black-forest-labs/flux-kontext-pro": _KONTEXT,
    SDXL: _SDXL,
}
SINGLE = {"black-forest-labs/flux-1.1-pro", "black-forest-labs/flux-kontext-pro"}  # they answer one address, no list


def official(model: str) -> bool:
    return model in INPUTS and model != SDXL


def schema(model: str) -> dict[str, Any]:
    properties = {name: {"x-order": place, **one} for place, (name, one) in enumerate(INPUTS[model].items())}
    entry: dict[str, Any] = {"type": "object", "title": "Input", "properties": properties}
    if model != SDXL:
        entry["required"] = ["prompt"]
    address = {"type": "string", "format": "uri"}
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "components": {
            "schemas": {
                "Input": entry,
                "Output": {"title": "Output", **(address if model in SINGLE else {"type": "array", "items": address})},
                "aspect_ratio": {"title": "aspect_ratio", "enum": ASPECTS, "type": "string"},
                "output_format": {"title": "output_format", "enum": FORMATS, "type": "string"},
                "megapixels": {"title": "megapixels", "enum": ["1", "0.25"], "type": "string"},
            }
        },
    }


def complaints(model: str, given: Any) -> list[str]:
    document = {"$ref": "#/components/schemas/Input", "components": schema(model)["components"]}
    problems = jsonschema.Draft7Validator(document).iter_errors(given)
    return [f"- {'.'.join(['input', *map(str, one.absolute_path)])}: {one.message}" for one in problems]


def model_of_version(version: str) -> str | None:
    """The model that a `version` in a create's body means, None when there is no such version."""
    name, _, digits = version.rpartition(":")
    if official(version):
        return version
    return SDXL if digits in SDXL_VERSIONS and name in ("", SDXL) else None


def described(model: str) -> dict[str, Any]:
    """What the API says of it: of sdxl as it was recorded, of the others as they are checked here."""
    if model != SDXL:
        return schema(model)
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


def document(model: str) -> dict[str, Any]:
    owner, name = model.split("/")
    version = {
        "id": SDXL_VERSIONS[0] if model == SDXL else "hidden",
        "created_at": "2024-05-23T20:01:47.12Z",
        "cog_version": "0.9.0",
        "openapi_schema": described(model),
    }
    return {
        "url": f"https://replicate.com/{model}", "owner": owner, "name": name, "description": "Makes pictures",
        "visibility": "public", "github_url": None, "paper_url": None, "license_url": None, "run_count": 1,
        "cover_image_url": None, "default_example": None, "latest_version": version,
        "created_at": "2024-07-29T23:25:06.100855Z", "weights_url": None,
    }  # fmt: skip
