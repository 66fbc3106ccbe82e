"""What a ComfyUI says of its nodes (`/object_info`): what their inputs may be, and which of them cost money elsewhere.

Nothing here touches the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from artfactoryd.core.json_types import Json, JsonValue, Schema
from artfactoryd.factories.comfyui.model_file import FREE, MOST_AT_ONCE, MOST_SEED, file_of
from artfactoryd.factories.comfyui.workflow import Recipe, Target
from artfactoryd.factories.http.answer import fields, text

KINDS = {"INT": "integer", "FLOAT": "number", "STRING": "string", "BOOLEAN": "boolean"}


@dataclass(frozen=True, slots=True)
class Node:
    """One class of nodes. `inputs`: by name, its type (or the list it is chosen from) and what is said of it."""

    inputs: Mapping[str, tuple[JsonValue, Mapping[str, JsonValue]]]
    is_paid: bool = False

    @classmethod
    def read(cls, value: JsonValue, kind: str) -> Node | None:
        """Of an answer about one class, or about all; None where it has no such class."""
        own = fields(fields(value).get(kind))
        if not own:
            return None
        given = fields(own.get("input"))
        parts = [fields(given.get(part)) for part in ("required", "optional")]
        specs = {name: spec for part in parts for name, spec in part.items() if isinstance(spec, list) and spec}
        inputs = {name: (spec[0], fields(spec[1]) if len(spec) > 1 else {}) for name, spec in specs.items()}
        return cls(inputs, own.get("api_node") is True)


def completed(recipe: Recipe, schema: Schema, nodes: Mapping[str, Node]) -> Json:
    """`schema`, `recipe` and `price` of the model's entry, with what is known of all classes of its nodes.

    What one costs that others run for money is not told: then there is no price.
    """
    properties = dict(schema["properties"])
    for name, targets in recipe.targets.items():
        node = nodes[recipe.workflow.kind(targets[0].node)]
        if not file_of(recipe.workflow, targets[0]):
            properties[name] = _narrowed(properties[name], node, targets[0])
    paid = tuple(kind for kind, node in sorted(nodes.items()) if node.is_paid)
    entry: Json = {"schema": {**schema, "properties": properties}, "recipe": replace(recipe, paid=paid).written()}
    return entry if paid else {**entry, "price": FREE}


def _narrowed(schema: Schema, node: Node, target: Target) -> Json:
    """As ComfyUI says it; as the workflow has it where ComfyUI says nothing of that input."""
    kind, said = node.inputs.get(target.steps[0], (None, {}))
    if len(target.steps) > 1 or kind is None:
        return dict(schema)
    choices = kind if isinstance(kind, list) else said.get("options") if kind == "COMBO" else None
    own: Json = {key: part for key, part in schema.items() if key == "default"}
    if isinstance(choices, list):
        own |= dict(_choices(choices, own.get("default")))
    elif isinstance(kind, str) and kind in KINDS:
        own |= {"type": KINDS[kind], **_range(kind, said)}
        if target.steps == ("batch_size",):
            own["maximum"] = min(own.get("maximum", MOST_AT_ONCE), MOST_AT_ONCE)
    else:
        return dict(schema)
    words = text(said.get("tooltip"))
    return {**own, "description": words} if words else own


def _choices(choices: Sequence[JsonValue], default: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """A list that is empty there forbids nothing: ComfyUI says then what is missing. So does what the workflow has."""
    plain = [choice for choice in choices if isinstance(choice, str | int | float)]
    if plain:
        yield "enum", [*plain, *([default] if default is not None and default not in plain else [])]
    else:
        yield "type", "string"


def _range(kind: str, said: Mapping[str, JsonValue]) -> Json:
    limits = {"minimum": said.get("min"), "maximum": said.get("max")}
    told: Json = {
        key: limit for key, limit in limits.items() if isinstance(limit, int | float) and not isinstance(limit, bool)
    }
    if kind == "INT":
        told = {key: int(limit) for key, limit in told.items() if abs(limit) <= MOST_SEED}
    return told if kind in ("INT", "FLOAT") else {}
