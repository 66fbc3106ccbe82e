"""What is written by people and providers, as JSON and YAML have it. The only `Any` of core stands here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

# A parameter's value is whatever its model's schema allows. It is that schema which checks it, while an order is
# read; no type of ours could say more.
Value = Any
Parameters = Mapping[str, Value]  # values by the model's own names of its parameters
Schema = Mapping[str, Any]  # a JSON Schema: its keywords decide what stands under them
Document = Mapping[str, Any]  # a mapping that came in as YAML or JSON: its schema in schemas/ says what it may hold
Json = dict[str, Any]  # an object as it stands in a JSON document of ours, or in a column of the index

# What json.loads gives, for whoever reads it: isinstance narrows it, so that a wrong guess is an error of the type
# checker and not one at night. Whoever only hands a value on takes Value.
JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
