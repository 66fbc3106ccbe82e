"""From written parameters to axes: each parameter's values, typed and checked, in their order."""

from __future__ import annotations

import difflib
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Protocol

from artfactoryd.core.catalog import Model
from artfactoryd.core.grammar import (
    SCALARS,
    Text,
    TextReader,
    enum_of,
    kind_of,
    kind_without_schema,
    split_list,
    typed,
    types_of,
)
from artfactoryd.errors import Path, Problem

Check = Callable[[Mapping[str, Any], Any], str | None]  # documents.check_value
Written = Callable[[Path], str | None]  # Document.written

Tokens = tuple[tuple[str, str], ...]
Found = tuple[Any, Path, int | None]  # a value, its key path, its column in what was written there

MOST_SHOWN = 80  # characters of a wrong value in a message
LENGTHS = {"minLength", "maxLength"}
_DECIMAL_COMMA = re.compile(r"(-?[0-9]{1,15}),([0-9]{1,15})")


class Axis(Protocol):
    @property
    def parameter(self) -> str: ...
    @property
    def size(self) -> int: ...  # may be more than `len` can say
    def __len__(self) -> int: ...
    def at(self, place: int) -> tuple[Any, Tokens]: ...


@dataclass(frozen=True, slots=True)
class TextAxis:
    """A text parameter: its texts one after the other, each with its own tokens."""

    parameter: str
    texts: tuple[Text, ...]
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", tuple(accumulate(text.size for text in self.texts)))

    @property
    def size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __len__(self) -> int:
        return self.size

    def at(self, place: int) -> tuple[str, Tokens]:
        which = bisect_right(self._ends, place)
        return self.texts[which].at(place - (self._ends[which - 1] if which else 0))


@dataclass(frozen=True, slots=True)
class ValueAxis:
    parameter: str
    values: tuple[Any, ...]

    @property
    def size(self) -> int:
        return len(self.values)

    def __len__(self) -> int:
        return self.size

    def at(self, place: int) -> tuple[Any, Tokens]:
        return self.values[place], ()


@dataclass
class Reader:
    """Reads one order's parameters for one model; gathers every problem and warning."""

    model: Model
    validate: bool
    written: Written
    check: Check
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def axes(self, parameters: Mapping[str, Any]) -> list[Axis]:
        """Texts first, in the order written; then the rest. The earlier, the slower."""
        texts: list[Axis] = []
        lists: list[Axis] = []
        given_as: dict[str, str] = {}
        self._look_for_missing(parameters)
        for given, value in parameters.items():
            name = self._own_name(given)
            if name is None or value is None:
                continue
            path: Path = ("parameters", given)
            if name in given_as:
                message = f"{given} and {given_as[name]} are the same parameter."
                self._problem("E_PARAMETER", message, "Keep one of them.", path)
                continue
            given_as[name] = given
            kind = self._kind(name, value)
            if kind == "text":
                texts.append(self._text(name, value, path))
            else:
                lists.append(self._values(name, value, kind, path))
        return texts + lists

    def _schema(self, name: str) -> Mapping[str, Any]:
        return self.model.properties.get(name, {})

    def _says_a_type(self, name: str) -> bool:
        schema = self._schema(name)
        return bool(types_of(schema)) or enum_of(schema) is not None

    def _kind(self, name: str, value: Any) -> str:
        if name in self.model.text or self._says_a_type(name):
            return kind_of(name, self._schema(name), self.model.text)
        return kind_without_schema(name, value)

    def _scalars(self, name: str) -> Mapping[str, Any]:
        """What the items of a list are read as."""
        return self._schema(name) if self._says_a_type(name) else SCALARS

    def _own_name(self, given: str) -> str | None:
        """The model's own name of a parameter; None (with a problem) when it has none."""
        path: Path = ("parameters", given)
        name = self.model.synonyms.get(given, given)
        if name in self.model.properties or not self.model.properties:
            return name
        near = difflib.get_close_matches(given, [*self.model.properties, *self.model.synonyms], n=1, cutoff=0.5)
        fix = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(self.model.properties)}."
        message = f"{self.model.id} has no parameter {given}."
        if self.validate:
            self._problem("E_PARAMETER", message, fix, path)
            return None
        self.warnings.append(Problem("W_NOT_VALIDATED", f"{message} It is sent as written.", fix, path=path))
        return name

    def _look_for_missing(self, parameters: Mapping[str, Any]) -> None:
        if not self.validate:
            return
        given = {self.model.synonyms.get(name, name) for name, value in parameters.items() if value is not None}
        for name in self.model.required:
            if name not in given:
                message = f"{self.model.id} needs the parameter {name}."
                self._problem("E_REQUIRED", message, f"Add {name} under parameters.", ("parameters",))

    def _text(self, name: str, value: Any, path: Path) -> TextAxis:
        entries: list[tuple[Any, Path]] = [(value, path)]
        if isinstance(value, list):
            entries = [(each, (*path, place)) for place, each in enumerate(value)]
        if not entries:
            self._empty_list(path)
        kept: dict[Text, None] = {}
        for entry, where in entries:
            text = self._one_text(name, entry, where)
            if text is None:
                continue
            if text in kept:
                self._repeated(where, None)
            kept[text] = None
        return TextAxis(name, tuple(kept))

    def _one_text(self, name: str, value: Any, path: Path) -> Text | None:
        if value is None or isinstance(value, list | dict):
            self._problem("E_TYPE", "this must be a text.", "Put quotes around it.", path, 1)
            return None
        reader = TextReader(self._characters(value, path), path)
        text = reader.read()
        self.problems += reader.problems
        self.warnings += reader.warnings
        if LENGTHS & self._schema(name).keys():
            for each in text.extremes():
                self._check(name, each, path, 1)
        return text

    def _characters(self, value: Any, path: Path) -> str:
        """A number written for a text is its characters as written."""
        if isinstance(value, str):
            return value
        written = self.written(path)
        return json.dumps(value) if written is None else written

    def _values(self, name: str, value: Any, kind: str, path: Path) -> ValueAxis:
        kept: dict[str, Any] = {}
        for each, where, column in self._read_values(name, value, kind, path):
            self._check(name, each, where, column)
            key = json.dumps(each, sort_keys=True)
            if key in kept:
                self._repeated(where, column)
            kept.setdefault(key, each)
        return ValueAxis(name, tuple(kept.values()))

    def _read_values(self, name: str, value: Any, kind: str, path: Path) -> list[Found]:
        """Each value written for this parameter."""
        if kind == "array":
            return self._arrays(value, path)
        if not isinstance(value, list):
            return self._scalar(name, value, kind, path)
        if not value:
            self._empty_list(path)
        found: list[Found] = []
        for place, each in enumerate(value):
            found += self._one_value(name, each, kind, (*path, place), None)
        return found

    def _arrays(self, value: Any, path: Path) -> list[Found]:
        if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
            return [(each, (*path, place), None) for place, each in enumerate(value)]
        return [(value, path, None)]

    def _scalar(self, name: str, value: Any, kind: str, path: Path) -> list[Found]:
        """Outside a YAML list a string of the list kind is read for commas."""
        if kind != "list" or not isinstance(value, str) or value in (enum_of(self._schema(name)) or ()):
            return self._one_value(name, value, kind, path, None)
        items, problems = split_list(value, path)
        self.problems += problems
        self._look_for_decimal_comma(name, value, path)
        found: list[Found] = []
        for text, column in items:
            found += self._one_value(name, text, kind, path, column)
        return found

    def _look_for_decimal_comma(self, name: str, value: str, path: Path) -> None:
        schema, written = self._scalars(name), _DECIMAL_COMMA.fullmatch(value.strip())
        if written is None or "number" not in types_of(schema):
            return
        decimal = f"{written[1]}.{written[2]}"
        if self.check(schema, float(decimal)) is None:
            message = f"{value} makes two values; if you mean {decimal}, write it with a point."
            self.warnings.append(Problem("W_DECIMAL_COMMA", message, path=path, column_in_value=1))

    def _one_value(self, name: str, value: Any, kind: str, path: Path, column: int | None) -> list[Found]:
        if value is None or (isinstance(value, list | dict) and not self._takes_whole(name, value)):
            fix = "Leave the parameter out, or give each entry one plain value."
            self._problem("E_TYPE", "this is not one plain value.", fix, path, 1)
            return []
        if kind == "plain" or isinstance(value, list | dict):
            return [(self._plain(name, value, path), path, column)]
        return self._typed(name, value, path, column)

    def _takes_whole(self, name: str, value: list[Any] | dict[str, Any]) -> bool:
        wanted = "object" if isinstance(value, dict) else "array"
        return wanted in types_of(self._schema(name)) or not self._says_a_type(name) or not self.validate

    def _plain(self, name: str, value: Any, path: Path) -> Any:
        """A number or boolean is its characters, unless the schema takes one too or says nothing."""
        types = types_of(self._schema(name))
        if isinstance(value, bool):
            stays = "boolean" in types
        else:
            stays = isinstance(value, list | dict) or bool(types & {"integer", "number"})
        return value if stays or not self._says_a_type(name) else self._characters(value, path)

    def _typed(self, name: str, value: Any, path: Path, column: int | None) -> list[Found]:
        if self._is_unset_seed(name, value):
            return [(-1, path, column)]
        schema = self._scalars(name)
        text = value.strip() if isinstance(value, str) else self._characters(value, path)
        try:
            return [(typed(_plain_number(value, text), schema), path, column)]
        except ValueError:
            if not self.validate:
                return [(value, path, column)]
            self._problem("E_TYPE", *_wrong_type(name, text, schema), path, column or 1)
            return []

    def _is_unset_seed(self, name: str, value: Any) -> bool:
        return name == self.model.seed and str(value).strip() == "-1"

    def _check(self, name: str, value: Any, path: Path, column: int | None) -> None:
        if not self.validate or not self._schema(name) or self._is_unset_seed(name, value):
            return
        complaint = self.check(self._schema(name), value)
        if complaint:
            self._problem("E_VALUE", f"{name}: {complaint}", "", path, column)

    def _empty_list(self, path: Path) -> None:
        self._problem("E_EMPTY_ITEM", "this list is empty.", "Give it a value, or leave the parameter out.", path, 1)

    def _repeated(self, path: Path, column: int | None) -> None:
        self.warnings.append(Problem("W_DUP", "this stands here already, and was dropped.", "", path, column or 1))

    def _problem(self, code: str, message: str, fix: str, path: Path, column: int | None = None) -> None:
        self.problems.append(Problem(code, message, fix, path=path, column_in_value=column))


def _plain_number(value: Any, text: str) -> str:
    """YAML's own forms (0x10, 010) are numbers already: their value counts, not their characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and not _reads_as(text, value):
        return json.dumps(value)
    return text


def _reads_as(text: str, value: float) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False


def _wrong_type(name: str, text: str, schema: Mapping[str, Any]) -> tuple[str, str]:
    enum = enum_of(schema)
    text = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    if enum is not None:
        near = difflib.get_close_matches(text, [str(each) for each in enum], n=1)
        fix = f"Did you mean {near[0]}?" if near else "Take one of them."
        return f"{name} is one of {', '.join(str(each) for each in enum)}; {text!r} is not.", fix
    wanted = " or ".join(sorted(types_of(schema)))
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return f"{name} must be {words.get(wanted, wanted)}; {text!r} is not.", "Correct the value."
