"""What is no text: a parameter's values, typed and checked, in their order."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from artfactoryd.core.grammar.lists import (
    MOST_SHOWN,
    SCALARS,
    Item,
    Steps,
    kind_of,
    kind_without_schema,
    plain_number,
    read_list,
    typed,
    wrong_type,
)
from artfactoryd.core.grammar.lookups import Lookups
from artfactoryd.core.grammar.origins import NOWHERE, Origins, Spot
from artfactoryd.core.grammar.slips import unread_tokens
from artfactoryd.core.json_types import Schema, Value
from artfactoryd.core.model import Model
from artfactoryd.core.names import counted
from artfactoryd.core.parameters.file_leaves import Place, put
from artfactoryd.core.parameters.file_refs import is_query, stands_for_many
from artfactoryd.core.parameters.json_schema import enum_of, types_of
from artfactoryd.core.parameters.secret_values import holds_password, is_reference, secrets_in
from artfactoryd.core.parameters.text_leaves import text_leaves
from artfactoryd.errors import Path, Problem

Check = Callable[[Schema, Value], str | None]  # documents.check_value
Written = Callable[[Path], str | None]  # Document.written
Having = Callable[[Collection[str]], Sequence[str]]  # names of models that take one of these parameters
Many = Mapping[str, Sequence[str] | Problem]  # pictures by the pattern or query for them, or why there are none
Found = tuple[Value, Path, int | None]  # a value, its key path, its column in what was written there

QUERY_FIX = "`artfactoryd products QUERY` shows what a query finds; drop the order again when it finds something."
PATTERN_FIX = "Put the pictures beside the order, or correct the pattern."
MOST_CHECKED = 1000  # values of a range that are checked one by one
MOST_WRITTEN_OUT = 100_000  # values of a range in a list with others
SPACED = {"enum", "const", "multipleOf", "anyOf", "oneOf", "allOf", "not", "if"}  # more than the ends of a range tell
_SIGNS = frozenset("[]\\|_{(<%$\u00ab")  # of tokens and of other tools' syntax
_DECIMAL_COMMA = re.compile(r"(-?[0-9]{1,15}),([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class DrawnValue:
    """`4|8`: one of the values for each item and copy. `before`: equal draws earlier; in a list there are none."""

    token: str
    values: tuple[Value, ...]
    before: int


@dataclass(frozen=True)
class ValueAxis:
    """Any other parameter. A value may be a DrawnValue."""

    parameter: str
    values: Sequence[Value]
    origins: Origins = NOWHERE

    @property
    def size(self) -> int:
        return len(self.values)

    @cached_property
    def draws(self) -> int:
        """How many of the values are draws."""
        return 0 if isinstance(self.values, Steps) else sum(isinstance(value, DrawnValue) for value in self.values)

    def shown(self, number: int) -> Value:
        value = self.values[number]
        return value.token if isinstance(value, DrawnValue) else value


@dataclass
class ValueReader:
    """Reads what is written for the parameters of one model; gathers every problem and warning.

    `raw`: names, and key paths, of what is taken as written.
    """

    model: Model
    validate: bool
    written: Written
    check: Check
    lookups: Lookups = field(default_factory=lambda: Lookups({}))
    raw: Collection[str | Path] = ()
    base: int = 0
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    pictures: dict[tuple[Path, str], None] = field(default_factory=dict)  # (key path, value) of file parameters
    secrets: dict[tuple[Path, str], None] = field(default_factory=dict)  # (key path, where it is)
    many: Many = field(default_factory=dict)
    spread: dict[str, Sequence[str]] = field(default_factory=dict)  # those of them that were used
    having: Having = lambda names: ()
    nested: bool = True  # whether texts inside a value are read; to older releases they were characters
    _done: dict[Path, object] = field(default_factory=dict)  # axes already read: cases share what they do not change

    def values(self, name: str, value: Value, path: Path) -> ValueAxis:
        done = self._done.get(path)
        if not isinstance(done, ValueAxis):
            values, spots = self._kept(name, value, self._kind(name, value), path)
            done = self._done[path] = ValueAxis(name, values, Origins(path, value, spots))
        return done

    def _kept(self, name: str, value: Value, kind: str, path: Path) -> tuple[Sequence[Value], Sequence[Spot]]:
        """Each value once, and where it is written first; a range alone is told by none."""
        read = self._read_values(name, value, kind, path)
        if isinstance(read, Steps):
            return read, ()
        distinct: dict[str, Value] = {}
        spots: list[Spot] = []
        for one, where, column in self._spread_out(name, read) if name in self.model.files else read:
            if isinstance(one, DrawnValue):
                if f"{one.token}|" in distinct:
                    self._repeated(where, column)
                    continue
                distinct[f"{one.token}|"] = one
                spots.append(Spot(where, column))
                continue
            if self._is_open(name, one, where, column):
                continue
            texts = [place for place, _ in self.texts_in(name, one, where)]
            if not texts:
                self._check(name, one, where, column)
            unread = unread_tokens(name, one, where, texts)
            self.warnings += (warning for warning in unread if not self.is_raw(name, warning.path))
            self._note_picture(name, one, where)
            key = json.dumps(one, sort_keys=True)
            if key in distinct:
                self._repeated(where, column)
                continue
            distinct[key] = one
            spots.append(Spot(where, column))
        return tuple(distinct.values()), spots

    def texts_in(self, name: str, value: Value, path: Path) -> list[tuple[Place, str]]:
        """The texts inside a value that have anything to be read, with their places."""
        if not self.nested or not isinstance(value, list | dict):
            return []
        leaves = text_leaves(name, self._schema(name), value)
        read = [(place, text) for place, text in leaves if not _SIGNS.isdisjoint(text)]
        return [(place, text) for place, text in read if not self.is_raw(name, (*path, *place))]

    def _is_open(self, name: str, value: Value, path: Path, column: int | None) -> bool:
        """Whether a secret stands here in the open; the words never hold it."""
        secrets = list(secrets_in(name, self._schema(name), value))
        for place, text in secrets:
            if is_reference(text):
                if path[0] != "exclude":
                    self.secrets[(*path, *place), str(text)] = None
            else:
                message = "this is a secret, and an order is kept and copied."
                fix = "Say where it is: env:NAME, keychain or file:/PATH, as for a provider's key."
                self._problem("E_SECRET", message, fix, (*path, *place), column)
        is_address = isinstance(value, str) and holds_password(value)
        deeper = [text for _, text in self.model.files_in(name, value)] if name in self.model.files else []
        if is_address or any(map(holds_password, deeper)):
            message = "this address has a user and a password in it."
            self._problem("E_SECRET", message, "Fetch it yourself, and put the file beside the order.", path, column)
            return True
        return any(not is_reference(text) for _, text in secrets)

    def _note_picture(self, name: str, value: Value, path: Path) -> None:
        if name in self.model.files and path[0] != "exclude":
            for place, text in self.model.files_in(name, value):
                self.pictures[(*path, *place), text] = None

    def _spread_out(self, name: str, read: Sequence[Found]) -> Iterator[Found]:
        """A pattern or a query is every file it finds, in their order; several in one value are combined.

        A lone file is a list of one where the parameter takes a list.
        """
        for written, where, column in read:
            whole = self.model.listed(name, written)
            patterns = [] if self.is_raw(name, where) else self._patterns(name, whole)
            places = [place for place, _ in patterns]
            found = [self._found(text, where, column) for _, text in patterns]
            if math.prod(map(len, found)) > MOST_WRITTEN_OUT:
                message = "these patterns make more combinations than can be looked through."
                self._problem("E_TOO_LARGE", message, "Write fewer of them into one value.", where, column)
                continue
            for files in itertools.product(*found):
                value = whole
                for place, file in zip(places, files, strict=True):
                    value = put(value, place, file)
                yield value, where, column

    def _patterns(self, name: str, value: Value) -> list[tuple[Place, str]]:
        return [(place, text) for place, text in self.model.files_in(name, value) if stands_for_many(text)]

    def _found(self, written: str, where: Path, column: int | None) -> Sequence[str]:
        """The files that a pattern or a query stands for."""
        values = self.many.get(written, ())
        if isinstance(values, Problem):
            self.problems.append(replace(values, path=where, column_in_value=column))
            return ()
        if not values:
            code, fix = ("E_INPUT", QUERY_FIX) if is_query(written) else ("E_INPUT_MISSING", PATTERN_FIX)
            self._problem(code, f"{written} finds no picture.", fix, where, column)
        self.spread[written] = tuple(values)
        return values

    def _read_values(self, name: str, value: Value, kind: str, path: Path) -> list[Found] | Steps:
        """Each value written for this parameter."""
        if kind == "array":
            return self._arrays(value, path)
        if not isinstance(value, list):
            return self._scalar(name, value, kind, path)
        if not value:
            self._empty_list(path)
        read: list[Found] = []
        for number, entry in enumerate(value):
            read += self._one_value(name, entry, kind, (*path, number), None)
        return read

    def _arrays(self, value: Value, path: Path) -> list[Found]:
        if isinstance(value, list) and value and all(isinstance(entry, list) for entry in value):
            return [(entry, (*path, number), None) for number, entry in enumerate(value)]
        return [(value, path, None)]

    def _scalar(self, name: str, value: Value, kind: str, path: Path) -> list[Found] | Steps:
        """Outside a YAML list a string of the list kind is read for commas, ranges and draws."""
        words = enum_of(self._schema(name)) or ()
        if isinstance(value, str) and self.is_raw(name, path):
            return self._one_value(name, value, kind if self._says_a_type(name) else "plain", path, None)
        if kind != "list" or not isinstance(value, str) or value in words:
            return self._one_value(name, value, kind, path, None)
        if value.strip()[:1] == "[" and value.strip()[-1:] == "]":
            fix = f"Write {value.strip()[1:-1][:MOST_SHOWN]} without the brackets."
            self._problem("E_TYPE", "this list is in quotes, and so one text.", fix, path, 1)
            return []
        items, problems = read_list(value, path, [word for word in words if isinstance(word, str)])
        self.problems += problems
        self._look_for_decimal_comma(name, value, path)
        if len(items) == 1 and not problems and isinstance(items[0], Steps):
            return items[0] if self._fits(name, items[0], path) else []
        read: list[Found] = []
        for item in items:
            read += self._steps(name, item, path) if isinstance(item, Steps) else self._item(name, item, path)
        return read

    def _item(self, name: str, item: Item, path: Path) -> list[Found]:
        if item.drawn is None:
            return self._one_value(name, item.texts[0], "list", path, item.column)
        values: dict[str, Value] = {}
        for text in item.texts:
            for value, _, _ in self._one_value(name, text, "list", path, item.column):
                self._check(name, value, path, item.column)
                key = json.dumps(value, sort_keys=True)
                if key in values:
                    self._repeated(path, item.column)
                values[key] = value
        return [(DrawnValue(item.drawn, tuple(values.values()), 0), path, item.column)] if values else []

    def _steps(self, name: str, steps: Steps, path: Path) -> list[Found]:
        """A range beside other values is written out, so that repeats are seen."""
        if len(steps) > MOST_WRITTEN_OUT:
            message = f"a range of {counted(len(steps), 'value')} cannot stand in a list with others."
            self._problem("E_TOO_LARGE", message, "Write it alone, or make it smaller.", path, steps.column)
        elif self._fits(name, steps, path):
            return [(value, path, steps.column) for value in steps]
        return []

    def _fits(self, name: str, steps: Steps, path: Path) -> bool:
        """A range's values are the schema's; of a long one the ends and its step tell it."""
        schema = self._scalars(name)
        places: Sequence[int] = range(len(steps))
        if len(steps) > MOST_CHECKED and not SPACED & schema.keys():
            places = (0, 1, len(steps) - 1)
        elif len(steps) > MOST_WRITTEN_OUT:
            message = f"a range of {counted(len(steps), 'value')} cannot be checked."
            self._problem("E_TOO_LARGE", message, "Make it smaller.", path, steps.column)
            return False
        before = len(self.problems)
        for place in places:
            for value, _, column in self._typed(name, json.dumps(steps[place]), path, steps.column):
                self._check(name, value, path, column)
            if len(self.problems) > before:
                return False
        return True

    def _look_for_decimal_comma(self, name: str, value: str, path: Path) -> None:
        schema, written = self._scalars(name), _DECIMAL_COMMA.fullmatch(value.strip())
        if written is None or "number" not in types_of(schema):
            return
        decimal = f"{written[1]}.{written[2]}"
        if self.check(schema, float(decimal)) is None:
            message = f"{value} makes two values; if you mean {decimal}, write it with a point."
            self._warn("W_DECIMAL_COMMA", message, "", path, 1)

    def _one_value(self, name: str, value: Value, kind: str, path: Path, column: int | None) -> list[Found]:
        if value is None or (isinstance(value, list | dict) and not self._takes_whole(name, value)):
            fix = "Leave the parameter out, or give each entry one plain value."
            self._problem("E_TYPE", "this is not one plain value.", fix, path, 1)
            return []
        if kind == "plain" or isinstance(value, list | dict):
            return [(self._plain(name, value, path), path, column)]
        return self._typed(name, value, path, column)

    def _takes_whole(self, name: str, value: list[Value] | dict[str, Value]) -> bool:
        wanted = "object" if isinstance(value, dict) else "array"
        return wanted in types_of(self._schema(name)) or not self._says_a_type(name) or not self.validate

    def _plain(self, name: str, value: Value, path: Path) -> Value:
        """A number or boolean is its characters, unless the schema takes one too or says nothing."""
        types = types_of(self._schema(name))
        if isinstance(value, bool):
            stays = "boolean" in types
        else:
            stays = isinstance(value, list | dict) or bool(types & {"integer", "number"})
        return value if stays or not self._says_a_type(name) else self._characters(value, path)

    def _typed(self, name: str, value: Value, path: Path, column: int | None) -> list[Found]:
        if self._is_unset_seed(name, value):
            return [(-1, path, column)]
        schema = self._scalars(name)
        text = value.strip() if isinstance(value, str) else self._characters(value, path)
        try:
            return [(typed(plain_number(value, text), schema), path, column)]
        except ValueError:
            if not self.validate:
                return [(value, path, column)]
            self._problem("E_TYPE", *wrong_type(name, text, schema), path, column or 1)
            return []

    def _is_unset_seed(self, name: str, value: Value) -> bool:
        return name == self.model.seed and str(value).strip() == "-1"

    def _check(self, name: str, value: Value, path: Path, column: int | None) -> None:
        if not self.validate or not self._schema(name) or self._is_unset_seed(name, value):
            return
        complaint = self.check(self._schema(name), value)
        if complaint:
            self._problem("E_VALUE", f"{name}: {complaint}", "", path, column)

    def _schema(self, name: str) -> Schema:
        return self.model.properties.get(name, {})

    def _says_a_type(self, name: str) -> bool:
        schema = self._schema(name)
        return bool(types_of(schema)) or enum_of(schema) is not None

    def _kind(self, name: str, value: Value) -> str:
        if name in self.model.text or self._says_a_type(name):
            return kind_of(name, self._schema(name), self.model.text)
        return "plain" if name in self.model.files else kind_without_schema(name, value)

    def _scalars(self, name: str) -> Schema:
        """What the items of a list are read as."""
        return self._schema(name) if self._says_a_type(name) else SCALARS

    def is_raw(self, name: str, path: Path) -> bool:
        """`!raw` before the value or the list that holds it, or its name under `raw`."""
        if path in self.raw or name in self.raw:
            return True
        return any(path[:end] in self.raw for end in range(1, len(path))) or any(
            self.model.synonyms.get(listed, listed) == name for listed in self.raw if isinstance(listed, str)
        )

    def _characters(self, value: Value, path: Path) -> str:
        """A number written for a text is its characters as written."""
        if isinstance(value, str):
            return value
        written = self.written(path)
        return json.dumps(value) if written is None else written

    def _empty_list(self, path: Path) -> None:
        self._problem("E_EMPTY_ITEM", "this list is empty.", "Give it a value, or leave the parameter out.", path, 1)

    def _repeated(self, path: Path, column: int | None) -> None:
        self._warn("W_DUP", "this stands here already, and was dropped.", "", path, column or 1)

    def _problem(self, code: str, message: str, fix: str, path: Path, column: int | None = None) -> None:
        self.problems.append(Problem(code, message, fix, path=path, column_in_value=column))

    def _warn(self, code: str, message: str, fix: str, path: Path, column: int | None = None) -> None:
        self.warnings.append(Problem(code, message, fix, path=path, column_in_value=column))
