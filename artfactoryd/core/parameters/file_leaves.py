"""Where files stand in a parameter's value: at every leaf whose schema has the format `uri`, however deep.

A place is the names and numbers that lead to it; written for a person (and in a sidecar) with points between:
`image`, `image_input.0`, `elements.1.frontal_image_url`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from artfactoryd.core.json_types import Parameters, Schema, Value
from artfactoryd.core.parameters.json_schema import branches, types_of

Place = tuple[str | int, ...]
URI = "uri"
DEEPEST = 8  # of a schema


def takes_files(schema: Schema, depth: int = DEEPEST) -> bool:
    """Whether a file may stand somewhere in a value of it."""
    return depth > 0 and any(_takes(branch, depth) for branch in branches(schema))


def _takes(branch: Schema, depth: int) -> bool:
    parts = [branch.get("items"), *_properties(branch).values()]
    return branch.get("format") == URI or any(
        takes_files(part, depth - 1) for part in parts if isinstance(part, Mapping)
    )


def takes_list_of_files(schema: Schema) -> bool:
    """A lone file is a list of one there."""
    lists = [branch["items"] for branch in branches(schema) if isinstance(branch.get("items"), Mapping)]
    return types_of(schema) == {"array"} and any(part.get("format") == URI for part in lists)


def leaves(schema: Schema, value: Value) -> Iterator[tuple[Place, str]]:
    """What is written for each file in a value, with its place."""
    seen: dict[Place, str] = {}
    for branch in branches(schema):
        if isinstance(value, str) and branch.get("format") == URI:
            seen[()] = value
        for key, part, inner in below(branch, value):
            seen.update({(key, *place): text for place, text in leaves(inner, part)})
    yield from seen.items()


def below(branch: Schema, value: Value) -> Iterator[tuple[str | int, Value, Schema]]:
    """What stands right inside a value: key or number, the part, and its schema."""
    items = branch.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        yield from ((number, part, items) for number, part in enumerate(value))
    if isinstance(value, Mapping):
        named = _properties(branch)
        yield from ((key, part, named[key]) for key, part in value.items() if isinstance(named.get(key), Mapping))


def _properties(branch: Schema) -> Mapping[str, Schema]:
    properties = branch.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def put(value: Value, place: Place, new: Value) -> Value:
    """The value with something else at this place; what it was made from stays as it is."""
    if not place:
        return new
    changed: Value = dict(value) if isinstance(value, Mapping) else list(value)
    changed[place[0]] = put(value[place[0]], place[1:], new) if place[1:] else new
    return changed


def replaced(parameters: Parameters, places: Mapping[Place, Value]) -> dict[str, Value]:
    """Parameters with something else at each of these places, the first step of which is the parameter's name."""
    changed = dict(parameters)
    for place, new in places.items():
        changed = put(changed, place, new)
    return changed


def told_by(value: Value, found: Iterable[tuple[Place, str]], contents: Mapping[str, str]) -> Value:
    """A value with what `contents` has in place of what is written for each file."""
    for place, text in list(found):
        value = put(value, place, contents.get(text, text))
    return value


# --- places in words ---


def written(place: Place) -> str:
    return ".".join(map(str, place))


def read(text: str, parameters: Parameters) -> Place | None:
    """The place that is meant; None where the parameters have none of it."""
    if text in parameters:
        return (text,)
    place: list[str | int] = []
    value: Value = parameters
    for step in text.split("."):
        key: str | int = int(step) if isinstance(value, list) and step.isdecimal() else step
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
        place.append(key)
    return tuple(place)
