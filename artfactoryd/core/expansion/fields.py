"""Columns of an order's cases: which are fields, and what of them nobody can have meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from artfactoryd.core.file_names import fields_in
from artfactoryd.core.grammar.axes import Axis, Given, Reader
from artfactoryd.core.grammar.cases import PERHAPS, Cases, nearest, read_cases, strings_in
from artfactoryd.core.grammar.foreign_syntax import foreign_syntax, understood
from artfactoryd.core.grammar.lookups import Lookups
from artfactoryd.core.grammar.values import ValueAxis
from artfactoryd.core.model import Model
from artfactoryd.core.order import Order
from artfactoryd.errors import Path, Problem

Written = Callable[[Path], str | None]
MOST_SHOWN = 60  # characters of a value in a message


def read_with_fields(order: Order, models: Sequence[Model], table: str | None) -> Cases | None:
    """The order's cases, with the columns that are no parameters."""
    cases = read_cases(order.cases, table)
    if cases is None:
        return None
    texts = "\n".join(strings_in(*_texts_of(order), *cases.rows))
    with_fields = cases.parted(models, order.validate, texts, names_in(order))
    return replace(with_fields, problems=(*cases.problems, *with_fields.wrong_fields()))


def names_in(order: Order) -> set[str]:
    """What the patterns of the products' names say, and the order's sheet."""
    patterns = [order.file, *(later.file for later in order.then)]
    sheet = {order.sheet.x, order.sheet.y, order.sheet.page}
    return {name for pattern in patterns if pattern for name in fields_in(pattern)} | {name for name in sheet if name}


def _texts_of(order: Order) -> Iterator[object]:
    yield order.parameters
    yield from (one.parameters for one in order.models)
    yield from (later.parameters for later in order.then)


def doubles(cases: Cases, lookups: Lookups) -> Iterator[Problem]:
    """A field that is called like a lookup of the order: `[=name]` could be either."""
    for name in cases.columns:
        if name in cases.fields and name in lookups.named:
            message = f"{name} is a column here, and the order uses a lookup of that name too."
            yield Problem("E_FIELD", message, "Give one of them another name.", cases.place_of(name))


def about_values(cases: Cases, lookups: Lookups, models: Sequence[Model], written: Written) -> Iterator[Problem]:
    """Of the fields that a text takes: what is empty, and what is another tool's syntax."""
    syntax = [name for name in ("weights", "lora") if all(understood(name, model.syntax) for model in models)]
    told: list[Problem] = []
    for number in range(len(cases.rows)):
        for name, value in cases.fields_of(number, written).items():
            path: Path = ("cases", number, name)
            if name not in lookups.fields_used:
                continue
            if not value.strip():
                message = f"{name} is empty here, so that [={name}] is nothing."
                told.append(Problem("W_EMPTY_CELL", message, "Fill it in, if that is not meant.", path))
            told += _foreign(value, path, syntax)
    yield from cases.told_once(told)


def _foreign(value: str, path: Path, syntax: Sequence[str]) -> Iterator[Problem]:
    """A field is taken as it is: what looks like syntax in it is sent."""
    for _, message, fix, name in foreign_syntax(value):
        if name not in syntax:
            yield Problem("W_FOREIGN", message, fix, path, holds=True)
    if "[" in value and "]" in value:
        message = f"{value[:MOST_SHOWN]} is sent as it is, brackets and all: nothing in a field is expanded."
        fix = "Write the choices where [=…] stands, or take the brackets out."
        yield Problem("W_FOREIGN", message, fix, path, holds=True)


# --- what nothing uses ---


def unused_columns(
    order: Order, models: Sequence[Model], cases: Cases, used: Collection[str], mentioned: str | None
) -> Iterator[Problem]:
    """`mentioned`: where something is wrong, all texts of the order: what they name may be used."""
    taken = names_in(order).union(used)
    parameters = {known for model in models for known in (*model.properties, *model.synonyms)}
    for name in cases.columns:
        if name not in cases.fields or name in taken or (mentioned is not None and name in mentioned):
            continue
        near = nearest(name, parameters, PERHAPS)
        out = "take the column out" if cases.table is None else f"take the column out or call it #{name}"
        message = f"the column {name} is no parameter of the model, and nothing in this order uses it."
        meant = f"Did you mean {near}? Else write" if near else "Write"
        fix = f"{meant} [={name}] in a text or {{{name}}} in `file`, {out}, or say `warnings: ok`."
        yield cases.located(Problem("W_UNUSED", message, fix, cases.place_of(name), holds=True))


def unused_lookups(
    order: Order, own: Callable[[Path], bool], used: Collection[str], mentioned: str | None
) -> Iterator[Problem]:
    """`own`: whether the order itself says what stands there: a template may bring more than an order needs."""
    for name in order.lookups:
        path = ("lookups", name)
        if name in used or not own(path) or (mentioned is not None and name in mentioned):
            continue
        message = f"nothing in this order uses its lookup {name}."
        yield Problem("W_UNUSED", message, f"Write [{name}] where it belongs, or take it out.", path, holds=True)


# --- what a column replaces ---


@dataclass
class Replaced:
    """Parameters that the order itself writes, and that cases write over."""

    reader: Reader
    base: Sequence[Given]
    own: Callable[[Path], bool]
    _times: dict[str, int] = field(default_factory=dict)

    def note(self, over: Sequence[Given]) -> None:
        for name, _, _ in over:
            own = self._own(name)
            self._times[own] = self._times.get(own, 0) + 1

    def always(self, rows: int) -> frozenset[str]:
        """Parameters, as they are written, that every row gives."""
        return frozenset(name for name, _, _ in self.base if rows and self._times.get(self._own(name)) == rows)

    def warnings(self, rows: int) -> Iterator[Problem]:
        for name, value, path in self.base:
            times = self._times.get(self._own(name), 0)
            if not times or value is None or not self.own(path):
                continue
            varies = self._varies((name, value, path))
            where = "every case" if times == rows else f"{times} of {rows} cases"
            message = f"{where} writes over what stands here{', and so over all its values' if varies else ''}."
            shown = json.dumps(value, ensure_ascii=False)[:MOST_SHOWN]
            fix = f"Take {shown} out, or the column {name}."
            yield Problem("W_REPLACED", message, fix, path, holds=varies)

    def _own(self, name: str) -> str:
        return self.reader.model.synonyms.get(name, name)

    def _varies(self, given: Given) -> bool:
        """Whether it has tokens, or is a list: what is wrong with it does not matter any more."""
        reader = self.reader.apart()
        texts, lists = reader.axes([given])
        axes: list[Axis] = [*texts, *lists]
        is_token = any(warning.code == "W_SINGLE" for warning in reader.warnings)
        return is_token or any(axis.size > 1 or _is_woven(axis) for axis in axes)


def _is_woven(axis: Axis) -> bool:
    if isinstance(axis, ValueAxis):
        return axis.draws > 0
    return any(len(text.subs) > 1 or not text.is_plain or text.slots for text in axis.texts)
