"""Plans for tests: a model that takes a bit of everything, and orders read the way the program reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from artfactoryd import documents, schema
from artfactoryd.core.expansion.expand import make_plan
from artfactoryd.core.expansion.plan import Plan
from artfactoryd.core.model import Model
from artfactoryd.core.order import read_order
from artfactoryd.errors import Problem

PAINTER: dict[str, Any] = {
    "provider": "acme", "model": "acme/painter:v1", "aliases": ["painter"], "family": "painter",
    "schema": {
        "type": "object", "required": ["prompt"],
        "properties": {
            "prompt": {"type": "string"}, "negative_prompt": {"type": "string"},
            "title": {"type": "string", "minLength": 2, "maxLength": 8},
            "steps": {"type": "integer", "minimum": 1, "maximum": 50},
            "num_inference_steps": {"type": "integer"},
            "guidance": {"type": "number", "minimum": 0, "maximum": 10},
            "shift": {"type": "number"}, "strength": {"type": "number"},
            "hires": {"type": "boolean"}, "aspect_ratio": {"type": "string", "enum": ["1:1", "16:9", "a, b"]},
            "scale": {"enum": [1, 2, 4]}, "caption": {"type": "string"}, "after": {"type": "string"},
            "loras": {"type": "array", "items": {"type": "string"}},
            "size": {"anyOf": [{"type": "object"}, {"enum": ["square", "wide"]}, {"type": "null"}]},
            "either": {"type": ["string", "integer"]},
            "seed": {"type": "integer", "minimum": 0, "maximum": 2147483647},
            "num_outputs": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
            "width": {"type": "integer", "default": 1024}, "height": {"type": "integer", "default": 1024},
        },
    },
    "text": ["prompt", "negative_prompt", "title"],
    "batch": "num_outputs", "seed": "seed", "synonyms": {"cfg": "guidance", "guidance_scale": "guidance"},
    "price": {"usd": 0.003, "per": "image"},
}  # fmt: skip
MODEL = Model.from_mapping(PAINTER, "painter.yaml")


def model(**changes: Any) -> Model:
    return Model.from_mapping({**PAINTER, **changes}, "painter.yaml")


def order(parameters: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    return {"provider": "acme", "model": "painter", "parameters": dict(parameters), **keys}


def plan(
    parameters: Mapping[str, Any], of: Model | Sequence[Model] = MODEL, base: int = 1, table: str | None = None,
    **keys: Any,
) -> Plan:  # fmt: skip
    """Of values that never stood in a file."""
    found = read_order(order(parameters, **keys), name="cars", project=None)
    models = [of] if isinstance(of, Model) else of
    return make_plan(
        found, models[0], base, written=lambda path: None, check=schema.check_value, models=models, table=table
    )


def plan_text(parameters: str, of: Model = MODEL, **keys: Any) -> Plan:
    """Of parameters as a person writes them: `parameters` are lines of YAML."""
    lines = "".join(f"  {line}\n" for line in parameters.splitlines())
    head = "".join(f"{key}: {json.dumps(value)}\n" for key, value in order({}, **keys).items() if key != "parameters")
    document = documents.read_documents(f"{head}parameters:\n{lines}".encode(), "cars.yaml")[0]
    found = read_order(document.value, name="cars", project=None)
    return make_plan(found, of, 1, written=document.written, check=schema.check_value, raw=document.raw)


def told(problems: Sequence[Problem]) -> list[tuple[str, str, int | None]]:
    return [(problem.code, problem.key, problem.column_in_value) for problem in problems]


def sets(of: Plan) -> list[dict[str, Any]]:
    """The parameters of every item, without the seed that is always sent."""
    return [{name: value for name, value in item.parameters.items() if name != "seed"} for item in of.items()]


def prompts(of: Plan) -> list[str]:
    return [item.parameters["prompt"] for item in of.items()]
