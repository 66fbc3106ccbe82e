"""A provider's own description of a model (OpenAPI, as Replicate and fal serve it) made into a model entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from artfactoryd.core.json_types import Document, Schema, Value
from artfactoryd.core.parameters.file_leaves import takes_list_of_files

DEEPEST = 20
KEPT = (
    "type", "enum", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format",
    "items", "properties", "required", "anyOf", "oneOf", "maxLength", "minLength", "maxItems", "minItems", "const",
    "description",
)  # fmt: skip
BATCHES = ("num_outputs", "num_images", "n", "number_of_images", "batch_size")
IMAGES = ("image", "input_image", "image_url", "init_image", "image_prompt", "img")
IMAGE_LISTS = ("image_input", "image_urls", "input_images", "images", "image", "reference_images")


class NoSchema(ValueError):
    """The description does not say which parameters the model takes."""


def input_schema(document: Document) -> dict[str, Value]:
    """JSON Schema of the parameters, in the order they are shown, every reference written out. Raises NoSchema."""
    schemas = _mapping(_mapping(document.get("components")).get("schemas"))
    schema = schemas.get("Input") or next((schemas[name] for name in _asked(document)), None)
    if not isinstance(schema, Mapping):
        raise NoSchema("its description names no parameters.")
    whole = _whole(schema, document, 0)
    properties = _mapping(whole.get("properties"))
    names = sorted(properties, key=lambda name: _place(schema, name))
    result: dict[str, Value] = {"type": "object", "properties": {name: properties[name] for name in names}}
    required = [name for name in whole.get("required") or () if name in properties]
    return {**result, "required": required} if required else result


def _asked(document: Document) -> list[str]:
    """Names of the schemas that a POST takes: fal calls them after the model."""
    names = []
    for path in _mapping(document.get("paths")).values():
        body = _mapping(_mapping(_mapping(path).get("post")).get("requestBody"))
        content = _mapping(_mapping(_mapping(body.get("content")).get("application/json")).get("schema"))
        reference = str(content.get("$ref", ""))
        if reference.startswith("#/components/schemas/"):
            names.append(reference.rpartition("/")[2])
    return names


def _place(schema: Schema, name: str) -> tuple[int, int]:
    """Where a parameter is shown: by Replicate's x-order, by fal's x-fal-order-properties, else as it stands."""
    names = list(_mapping(schema.get("properties")))
    order = _mapping(_mapping(schema.get("properties")).get(name)).get("x-order")
    listed = schema.get("x-fal-order-properties")
    if isinstance(listed, list) and name in listed:
        order = listed.index(name)
    return (order if isinstance(order, int) else len(names), names.index(name))


def _whole(schema: object, document: Document, depth: int) -> dict[str, Value]:
    """Without references: what they name is written in their place."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return {}
    merged: dict[str, Value] = {}
    if "$ref" in schema:
        merged |= _whole(_named(str(schema["$ref"]), document), document, depth + 1)
    for part in schema.get("allOf") or ():
        merged |= _whole(part, document, depth + 1)
    own = {key: schema[key] for key in KEPT if schema.get(key) is not None}  # null: nothing, or no number at all
    for key in ("anyOf", "oneOf"):
        if isinstance(own.get(key), list):
            own[key] = [_whole(part, document, depth + 1) for part in own[key]]
    if isinstance(own.get("items"), Mapping):
        own["items"] = _whole(own["items"], document, depth + 1)
    if isinstance(own.get("properties"), Mapping):
        own["properties"] = {name: _whole(part, document, depth + 1) for name, part in own["properties"].items()}
    return _without_null({**merged, **own})


def _without_null(schema: dict[str, Value]) -> dict[str, Value]:
    """`null` leaves a parameter out here, so a schema that also takes null takes what else it says."""
    for key in ("anyOf", "oneOf"):
        parts = [part for part in schema.get(key, ()) if part.get("type") != "null"]
        if key in schema and len(parts) == 1:
            rest = {name: value for name, value in schema.items() if name != key}
            schema = {**parts[0], **rest}
        elif key in schema:
            schema[key] = parts
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema["type"] = kinds[0] if len(kinds) == 1 else kinds
    if schema.get("default", 0) is None:
        del schema["default"]
    return schema


def _named(reference: str, document: Document) -> Value:
    """Inside this document only; elsewhere nothing is looked up."""
    if not reference.startswith("#/"):
        return None
    value: Value = document
    for step in reference[2:].split("/"):
        value = _mapping(value).get(step.replace("~1", "/").replace("~0", "~"))
    return value


def model_entry(
    provider: str, name: str, document: Document, price: Document | None,
    kept_back: Collection[str] = (),
) -> dict[str, Value]:  # fmt: skip
    """The content of a model file (schemas/model.schema.json) for what a provider says about one of its models.

    `kept_back`: parameters that no order may give. Raises NoSchema.
    """
    schema = input_schema(document)
    properties = schema["properties"]
    for parameter in kept_back:
        properties.pop(parameter, None)
    for parameter in properties:
        properties[parameter] = _with_files(parameter, properties[parameter])
    entry: dict[str, Value] = {"provider": provider, "model": name, "schema": schema}
    image = next((name for name in IMAGES if properties.get(name, {}).get("format") == "uri"), None)
    image = image or next((name for name in IMAGE_LISTS if takes_list_of_files(properties.get(name, {}))), None)
    needs = set(schema.get("required") or ())
    entry["modality"] = (
        "image-to-image" if image and (image in needs or "prompt" not in properties) else "text-to-image"
    )
    for key, named in (("batch", _batch(properties)), ("seed", _seed(properties)), ("image", image)):
        if named:
            entry[key] = named
    if price:
        entry["price"] = dict(price)
    return entry


def _with_files(name: str, schema: dict[str, Value]) -> dict[str, Value]:
    """fal says by the name alone what is an address, also in a list and deeper: `image_urls`, `frontal_image_url`."""
    if name.endswith("_url") and schema.get("type") == "string":
        schema = {**schema, "format": "uri"}
    items = schema.get("items")
    if isinstance(items, Mapping):
        schema = {**schema, "items": _with_files(name.removesuffix("s") if name.endswith("_urls") else "", dict(items))}
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            schema = {**schema, key: [_with_files(name, dict(part)) for part in schema[key]]}
    if isinstance(schema.get("properties"), Mapping):
        inner = {part: _with_files(part, dict(own)) for part, own in schema["properties"].items()}
        schema = {**schema, "properties": inner}
    return schema


def _batch(properties: Mapping[str, Schema]) -> str | None:
    return next((name for name in BATCHES if properties.get(name, {}).get("type") == "integer"), None)


def _seed(properties: Mapping[str, Schema]) -> str | None:
    return "seed" if properties.get("seed", {}).get("type") == "integer" else None


def _mapping(value: object) -> Document:
    return value if isinstance(value, Mapping) else {}
