"""From written parameters to axes: each parameter's values, typed and checked, in their order."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from artfactoryd.core.catalog import Model
from artfactoryd.core.grammar import Text, TextReader, enum_of, kind_of, split_list, typed, types_of
from artfactoryd.errors import Path, Problem

Check = Callable[[Mapping[str, Any], Any], str | None]  # documents.check_value
Written = Callable[[Path], str | None]  # Document.written

Tokens = tuple[tuple[str, str], ...]


class Axis(Protocol):
    @property
    def parameter(self) -> str: ...
    def __len__(self) -> int: ...
    def at(self, place: int) -> tuple[Any, Tokens]: ...


@dataclass(frozen=True, slots=True)
class TextAxis:
    """A text parameter: its texts one after the other, each with its own tokens."""

    parameter: str
    texts: tuple[Text, ...]

    def __len__(self) -> int:
        return sum(len(text) for text in self.texts)

    def at(self, place: int) -> tuple[str, Tokens]:
        for text in self.texts:
            if place < len(text):
                return text.at(place)
            place -= len(text)
        raise IndexError(place)


@dataclass(frozen=True, slots=True)
class ValueAxis:
    parameter: str
    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

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
        self._look_for_missing(parameters)
        for given, value in parameters.items():
            name = self._own_name(given, parameters)
            if name is None or value is None:
                continue
            kind = kind_of(name, self._schema(name), self.model.text)
            if kind == "text":
                texts.append(self._text(name, value, ("parameters", given)))
            else:
                lists.append(self._values(name, value, kind, ("parameters", given)))
        return texts + lists

    def _schema(self, name: str) -> Mapping[str, Any]:
        return self.model.properties.get(name, {})

    def _own_name(self, given: str, parameters: Mapping[str, Any]) -> str | None:
        """The model's own name of a parameter; None (with a problem) when it has none."""
        path: Path = ("parameters", given)
        name = self.model.synonyms.get(given, given)
        if name != given and name in parameters:
            self._problem("E_PARAMETER", f"{given} and {name} are the same parameter.", "Keep one of them.", path)
            return None
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
        entries: Sequence[Any] = value if isinstance(value, list) else [value]
        paths: list[Path] = [(*path, place) for place in range(len(value))] if isinstance(value, list) else [path]
        texts = [self._one_text(entry, where) for entry, where in zip(entries, paths, strict=True)]
        if not entries:
            self._problem("E_EMPTY_ITEM", "this list is empty.", "Give it a value, or leave the parameter out.", path)
        return TextAxis(name, tuple(dict.fromkeys(texts)))

    def _one_text(self, value: Any, path: Path) -> Text:
        if value is None or isinstance(value, list | dict):
            self._problem("E_TYPE", "this must be a text.", "Put quotes around it.", path)
            return Text(("",))
        reader = TextReader(self._characters(value, path), path)
        text = reader.read()
        self.problems += reader.problems
        self.warnings += reader.warnings
        return text

    def _characters(self, value: Any, path: Path) -> str:
        """A number written for a text is its characters as written."""
        if isinstance(value, str):
            return value
        written = self.written(path)
        return json.dumps(value) if written is None else written

    def _values(self, name: str, value: Any, kind: str, path: Path) -> ValueAxis:
        found = self._read_values(name, value, kind, path)
        kept: dict[str, Any] = {}
        for each, where, column in found:
            self._check(name, each, where, column)
            kept.setdefault(json.dumps(each, sort_keys=True), each)
        if len(kept) < len(found):
            self.warnings.append(Problem("W_DUP", "repeated values were dropped.", path=path))
        return ValueAxis(name, tuple(kept.values()))

    def _read_values(self, name: str, value: Any, kind: str, path: Path) -> list[tuple[Any, Path, int | None]]:
        """(value, key path, column in the value) of each value written for this parameter."""
        if kind == "array":
            return self._arrays(value, path)
        if not isinstance(value, list):
            return self._scalar(name, value, kind, path)
        if not value:
            self._problem("E_EMPTY_ITEM", "this list is empty.", "Give it a value, or leave the parameter out.", path)
        found: list[tuple[Any, Path, int | None]] = []
        for place, each in enumerate(value):
            found += self._one_value(name, each, kind, (*path, place), None)
        return found

    def _arrays(self, value: Any, path: Path) -> list[tuple[Any, Path, int | None]]:
        if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
            return [(each, (*path, place), None) for place, each in enumerate(value)]
        return [(value, path, None)]

    def _scalar(self, name: str, value: Any, kind: str, path: Path) -> list[tuple[Any, Path, int | None]]:
        """Outside a YAML list a string of the list kind is read for commas."""
        if kind != "list" or not isinstance(value, str) or value in (enum_of(self._schema(name)) or ()):
            return self._one_value(name, value, kind, path, None)
        items, problems = split_list(value, path)
        self.problems += problems
        self._look_for_decimal_comma(name, value, items, path)
        found: list[tuple[Any, Path, int | None]] = []
        for text, column in items:
            found += self._one_value(name, text, kind, path, column)
        return found

    def _look_for_decimal_comma(self, name: str, value: str, items: list[tuple[str, int]], path: Path) -> None:
        schema = self._schema(name)
        if "number" not in types_of(schema) or len(items) != 2 or not all(text.isdigit() for text, _ in items):
            return
        decimal = f"{items[0][0]}.{items[1][0]}"
        if self.check(schema, float(decimal)) is None:
            message = f"{value} makes two values; if you mean {decimal}, write it with a point."
            self.warnings.append(Problem("W_DECIMAL_COMMA", message, path=path, column_in_value=1))

    def _one_value(
        self, name: str, value: Any, kind: str, path: Path, column: int | None
    ) -> list[tuple[Any, Path, int | None]]:
        if value is None or isinstance(value, list | dict):
            if not self.validate and value is not None:
                return [(value, path, column)]
            fix = "Leave the parameter out, or give each entry one plain value."
            self._problem("E_TYPE", "this is not one plain value.", fix, path)
            return []
        if kind == "plain":
            return [(self._plain(name, value, path), path, column)]
        return self._typed(name, value, path, column)

    def _plain(self, name: str, value: Any, path: Path) -> Any:
        return self._characters(value, path) if self._schema(name) else value

    def _typed(self, name: str, value: Any, path: Path, column: int | None) -> list[tuple[Any, Path, int | None]]:
        if self._is_unset_seed(name, value):
            return [(-1, path, column)]
        schema = self._schema(name)
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
    if enum is not None:
        near = difflib.get_close_matches(text, [str(each) for each in enum], n=1)
        fix = f"Did you mean {near[0]}?" if near else "Take one of them."
        return f"{name} is one of {', '.join(str(each) for each in enum)}; {text!r} is not.", fix
    wanted = " or ".join(sorted(types_of(schema)))
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return f"{name} must be {words.get(wanted, wanted)}; {text!r} is not.", "Correct the value."
