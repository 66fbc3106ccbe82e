"""What a tool answers an agent: data, once as text and once as it is; bounded, and without what nobody may read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from artfactoryd.core.json_types import Json
from artfactoryd.printable import redact, redact_json
from artfactoryd.reporting.json_object import plain

LARGEST = 60_000  # characters of an answer
CUTS = ((2_000, 200), (400, 50), (120, 12), (60, 4))  # characters of a text and members of a list, until it is no more
DEEPEST = 60  # lists and objects within each other


@dataclass(frozen=True, slots=True)
class Answer:
    """`is_error`: the agent has something to mend, as the text says."""

    text: str
    data: Json | None = None
    is_error: bool = False


def told(data: Mapping[str, object], *, is_error: bool = False) -> Answer:
    """Data; where it is large, texts and lists in it are cut, and it says so."""
    whole = {key: plain(value) for key, value in data.items()}
    text = _written(whole)
    for characters, members in CUTS if len(text) > LARGEST else ():
        text = _written({"shortened": True, **{key: _cut(value, characters, members) for key, value in whole.items()}})
        if len(text) <= LARGEST:
            break
    if len(text) > LARGEST:
        return refused("This is too much for one answer. Ask for less of it.")
    return Answer(text, json.loads(text), is_error)


def refused(words: str) -> Answer:
    return Answer(_encodable(redact(words)), None, is_error=True)


def _written(value: object) -> str:
    return _encodable(redact_json(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)))


def _encodable(text: str) -> str:
    """Half a surrogate is no UTF-8, and would end the line to the client."""
    return text.encode("utf-8", "replace").decode()


def _cut(value: object, characters: int, members: int, depth: int = 0) -> object:
    if isinstance(value, str) and len(value) > characters:
        return f"{value[:characters]}… ({len(value) - characters} more characters)"
    if isinstance(value, dict | list) and depth > DEEPEST:
        return "…"
    if isinstance(value, dict):
        kept = {key: _cut(inner, characters, members, depth + 1) for key, inner in list(value.items())[:members]}
        return kept | ({"…": f"{len(value) - members} more"} if len(value) > members else {})
    if isinstance(value, list):
        more = [f"… and {len(value) - members} more"] if len(value) > members else []
        return [*(_cut(inner, characters, members, depth + 1) for inner in value[:members]), *more]
    return value
