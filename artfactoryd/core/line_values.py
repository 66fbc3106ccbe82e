"""Values that stand inside ledger lines and in columns of the index, and how a value is written in a line.

Apart from the kinds of lines (events), which whoever only looks does not load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from operator import attrgetter
from typing import Any, NamedTuple, Self

from artfactoryd.core.json_types import Document, Json

Line = Document


def leave_out(default: Any) -> Any:
    """A field that is not written while it has its default."""
    return field(default=default, metadata={"leave_out": True})


def list_of(value: type) -> Any:
    """A list of such values."""
    return field(metadata={"list_of": value})


class InLine:
    """A value inside a line."""

    __slots__ = ()

    def to_json(self) -> Json:
        return written(self)

    @classmethod
    def from_json(cls, value: Line) -> Self:
        return cls(**read(cls, value))


@dataclass(frozen=True, slots=True)
class Output(InLine):
    """What was chosen for one output before it is fetched, so that a repeat files the same.

    `address`: where the provider's bytes are, or `shelf:` and a path where they are copied from. `path` and what was
    measured stand only in what is not made again because all that is made of it is on the shelf.
    """

    id: str
    index: int  # its place in the order
    address: str
    created_at: str
    mime: str | None
    reused_from: str | None = leave_out(None)
    sha256: str | None = leave_out(None)
    original_sha256: str | None = leave_out(None)
    path: str | None = leave_out(None)
    bytes: int | None = leave_out(None)
    width: int | None = leave_out(None)
    height: int | None = leave_out(None)
    byproduct: bool = leave_out(False)  # came beside what was asked for, and is not paid for as one
    letter: str = leave_out("")  # b, c, ... of what came at the same place after the first
    flagged: bool = leave_out(False)  # by the provider's content filter
    embed: str = leave_out("none")  # what is written inside it: none, minimal or full
    software: str = leave_out("")  # and by which release


@dataclass(frozen=True, slots=True)
class Filed(InLine):
    """One product (or what is sent on in place of one) as it lies there."""

    id: str
    index: int  # its place in the order
    created_at: str
    path: str  # in the home
    sha256: str
    bytes: int
    mime: str
    width: int | None
    height: int | None
    letter: str = leave_out("")  # b, c, ... of what came at the same place after the first, and is sent on
    looked: str | None = leave_out(None)  # None: its pixels are made later; empty: it is well; else what is wrong
    original_sha256: str | None = leave_out(None)  # of the bytes that came, where others lie there
    duration: float | None = leave_out(None)  # seconds, of a film or a sound
    codec: str | None = leave_out(None)


@dataclass(frozen=True, slots=True)
class HoldReason(InLine):
    code: str
    text: str
    waivable: bool


class _Written(NamedTuple):
    """How a field stands in a line."""

    name: str
    leave_out: bool
    default: Any
    list_of: Any


class _Described(NamedTuple):
    """The fields of such values, for both ways; a line is written and read for every step of every item."""

    written: tuple[_Written, ...]
    values: Callable[[Any], tuple[Any, ...]]  # of one, in the same order
    plain: frozenset[str]  # read as they stand there
    special: tuple[tuple[str, str, Any], ...]  # called otherwise in the line, or lists: name, name there, list of what
    needed: frozenset[str]  # in the line


_KNOWN: dict[type[Any], _Described] = {}


def _described(value: type[Any]) -> _Described:
    if value not in _KNOWN:
        _KNOWN[value] = _describe(value)
    return _KNOWN[value]


def _describe(value: type[Any]) -> _Described:
    named = [(f, str(f.metadata.get("name", f.name)), f.metadata.get("list_of")) for f in fields(value)]
    special = tuple((f.name, name, list_of) for f, name, list_of in named if list_of or name != f.name)
    others = {name for name, _, _ in special}
    return _Described(
        tuple(_Written(name, f.metadata.get("leave_out", False), f.default, list_of) for f, name, list_of in named),
        _getter([f.name for f, _, _ in named]),
        frozenset(f.name for f, _, _ in named if f.name not in others),
        special,
        frozenset(name for f, name, _ in named if f.default is MISSING and f.default_factory is MISSING),
    )


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """The fields of a value, as a tuple however few there are."""
    if len(names) == 1:
        (name,) = names
        return lambda value: (getattr(value, name),)
    return attrgetter(*names) if names else lambda value: ()


def written(value: Any) -> Json:
    """A value's fields as they stand in a line."""
    known = _described(type(value))
    return {
        name: [one.to_json() for one in given] if list_of else given
        for (name, leave_out, default, list_of), given in zip(known.written, known.values(value), strict=True)
        if not (leave_out and given == default)
    }


def read(value: type[Any], line: Line) -> Json:
    """What makes such a value again. Raises KeyError where something is missing."""
    known = _described(value)
    if not line.keys() >= known.needed:
        raise KeyError(min(known.needed - line.keys()))
    values: Json = {name: given for name, given in line.items() if name in known.plain}
    for name, written_as, list_of in known.special:
        if written_as in line:
            given = line[written_as]
            values[name] = tuple(map(list_of.from_json, given)) if list_of else given
    return values
