"""What a JSON Schema allows, as far as the grammar needs to know: types and enums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from artfactoryd.core.json_types import Schema, Value


def branches(schema: Schema) -> Iterator[Schema]:
    """The schema and the alternatives inside it (allOf, anyOf, oneOf): each says its own type or enum."""
    yield schema
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key) or ():
            if isinstance(part, Mapping):
                yield from branches(part)


def types_of(schema: Schema) -> set[str]:
    """The JSON types a schema allows, but for null; of a branch with an enum, the enum says it."""
    types: set[str] = set()
    for branch in branches(schema):
        found = () if _values_of(branch) is not None else branch.get("type") or ()
        types |= {found} if isinstance(found, str) else set(found)
    return types - {"null"}


def enum_of(schema: Schema) -> list[Value] | None:
    """All values that the enums in a schema name; None when it has no enum."""
    found = [values for branch in branches(schema) if (values := _values_of(branch)) is not None]
    return [value for values in found for value in values if value is not None] if found else None


def _values_of(branch: Schema) -> list[Value] | None:
    if "const" in branch:
        return [branch["const"]]
    return list(branch["enum"]) if "enum" in branch else None
