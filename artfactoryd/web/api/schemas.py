"""Documents as JSON Schema, for the API's description, and for the check of what is sent here: one for both, so that
what is described is taken, and nothing else."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from artfactoryd import schema
from artfactoryd.core.json_types import Value
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.printable import ACTS
from artfactoryd.reporting.caps import Period
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.reporting.orders import OrderDocument

Schema = dict[str, Any]
AS = "schema"  # in a field's metadata: what its type does not say
UUID = "[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
OWN_ID = {AS: {"pattern": f"^({UUID})?$"}}
TEXT = {"pattern": f"^[^{ACTS}]*$"}
NAMES = {AS: {"items": {"type": "string", "minLength": 1, "pattern": rf"^[^{ACTS}\t\n/\\:]+$"}}}
SIMPLE: Mapping[object, Schema] = {
    str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"},
    type(None): {"type": "null"}, Any: {}, object: {},
}  # fmt: skip
FLAT = frozenset({"product", "summary", "key", "money"})  # documents whose keys stand beside the others
OPTIONAL = frozenset({"overruns", "products"})  # of an order: told where it is asked for alone


def described(kind: Any, schemas: dict[str, Schema]) -> Schema:
    """Of a type; the objects in it are added to `schemas`, by their names."""
    if kind in SIMPLE:
        return dict(SIMPLE[kind])
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [described(one, schemas) for one in inner]}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": described(inner[1], schemas)}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": described(inner[0], schemas)}
    if isinstance(kind, type) and issubclass(kind, JsonObject):
        return _of_object(kind, schemas)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [str(member.value) for member in kind]}
    return {"type": "object"}


def body(kind: type[JsonObject], schemas: dict[str, Schema]) -> Schema:
    """As `described`, of what is sent here: what means nothing is refused, not ignored."""
    own = dict[str, Schema]()
    told = described(kind, own)
    schemas |= {name: {**one, "additionalProperties": False} for name, one in own.items()}
    return told


@cache
def _whole(kind: type[JsonObject]) -> Schema:
    """Without the forms of texts: whoever reads them says in words what is wrong with one."""
    schemas = dict[str, Schema]()
    whole: Schema = _formless({**body(kind, schemas), "components": {"schemas": schemas}})
    return whole


def _formless(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _formless(inner) for name, inner in part.items() if name != "pattern"}
    return [_formless(inner) for inner in part] if isinstance(part, list) else part


def complaint(value: Value, kind: type[JsonObject]) -> str | None:
    """Why this is no such body, in words."""
    told = schema.check_value(_whole(kind), value)  # type: ignore[arg-type]  # mypy takes a type for unhashable
    return told and told.lstrip(".")


def _of_object(kind: type[JsonObject], schemas: dict[str, Schema]) -> Schema:
    if kind.__name__ not in schemas:
        schemas[kind.__name__] = {}  # it may hold itself
        schemas[kind.__name__] = _object(kind, schemas)
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _object(kind: type[JsonObject], schemas: dict[str, Schema]) -> Schema:
    hints, properties = get_type_hints(kind), dict[str, Schema]()
    required: list[str] = []
    for member in fields(kind):  # type: ignore[arg-type]  # every one is a dataclass
        told = hints[member.name]
        if member.name in FLAT and isinstance(told, type) and issubclass(told, JsonObject):
            whole = _object(told, schemas)
            properties |= whole["properties"]
            required += whole["required"]
            continue
        properties[member.name] = {**described(told, schemas), **member.metadata.get(AS, {})}
        required += [member.name] if _is_required(member) else []
    object: Schema = {"type": "object", "properties": properties, "required": required}
    if words := _words(kind):
        object["description"] = words
    if some := getattr(kind, "ONE_OF", ()):
        object["anyOf"] = [{"required": [name]} for name in some]
    own = OWN.get(kind)
    return own(object) if own else object


def _is_required(member: Field[Any]) -> bool:
    return member.default is MISSING and member.default_factory is MISSING


def _words(kind: type) -> str:
    """None of those that Python writes itself."""
    words = kind.__doc__ or ""
    return "" if words.startswith(f"{kind.__name__}(") else " ".join(words.split())


def _order(schema: Schema) -> Schema:
    """Counts stand beside the rest."""
    properties = {name: value for name, value in schema["properties"].items() if name != "items_by_state"}
    properties |= {f"{state}_items": {"type": "integer"} for state in ItemState}
    required = [name for name in schema["required"] if name != "items_by_state" and name not in OPTIONAL]
    return {**schema, "properties": properties, "required": required}


def _period(schema: Schema) -> Schema:
    """Its name is a key, of the date."""
    properties = {name: value for name, value in schema["properties"].items() if name not in ("name", "date")}
    properties |= {"day": {"type": "string"}, "month": {"type": "string"}}
    return {**schema, "properties": properties, "required": ["counted_usd", "cap_usd", "left_usd"]}


OWN: Mapping[type, Callable[[Schema], Schema]] = {OrderDocument: _order, Period: _period}
