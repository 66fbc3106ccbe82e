"""Public JSON objects as values: a field is a key, in this order, and `to_json` is the only way to the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields


class JsonObject:
    """To be a frozen dataclass. Its fields are what a person's scripts read: add some, rename and remove none."""

    __slots__ = ()

    def to_json(self) -> dict[str, object]:
        """Holds nothing but what JSON knows, and may share lists and objects with this value."""
        members = fields(self)  # type: ignore[arg-type]  # every one is a dataclass
        return {member.name: plain(getattr(self, member.name)) for member in members}


def plain(value: object) -> object:
    """What JSON makes of a value: objects, lists, and the rest as it is."""
    if isinstance(value, JsonObject):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
