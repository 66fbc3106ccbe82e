"""Where texts stand inside a parameter's value: at leaves that the model's schema knows and names prompt, `*_prompt` or
prompts, as `multi_prompt[].prompt`. Their places are those of file_leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.parameters.file_leaves import URI, Place, below
from artfactoryd.core.parameters.json_schema import branches, enum_of, types_of

DEEPEST = 8  # of a value
_NAMES = re.compile(r"(.*_)?prompts?")


def text_leaves(name: str, schema: Schema, value: Value) -> list[tuple[Place, str]]:
    """Each with its place, in the order of the value."""
    return [(place, text) for place, text in _leaves(name, schema, value, DEEPEST) if place]


def _leaves(name: str, schema: Schema, value: Value, depth: int) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str) and _is_text(name, schema):
        yield (), value
    told: set[Place] = set()
    for branch in branches(schema) if depth else ():
        for key, part, inner in below(branch, value):
            for place, text in _leaves(key if isinstance(key, str) else name, inner, part, depth - 1):
                if (key, *place) not in told:
                    told.add((key, *place))
                    yield (key, *place), text


def _is_text(name: str, schema: Schema) -> bool:
    is_file = any(branch.get("format") == URI for branch in branches(schema))
    is_named = _NAMES.fullmatch(name) is not None and enum_of(schema) is None
    return is_named and not is_file and (not types_of(schema) or "string" in types_of(schema))
