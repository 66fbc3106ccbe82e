"""The combinations of one model and one case: rows of texts, and inside each the lists. Counted and found by number.

Nothing is listed for it where every row weighs the same; what is excluded, or cannot be packed because it is
drawn, makes combinations of different weight.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from artfactoryd.core.expansion.batching import Packing
from artfactoryd.core.expansion.text_rows import Row, Rows
from artfactoryd.core.grammar.axes import Axis
from artfactoryd.core.grammar.values import DrawnValue, ValueAxis
from artfactoryd.core.json_types import Value

MOST_ROWS = 2_000_000  # looked through one by one
STRIDE = 256  # rows between two known sums

Entry = Mapping[str, frozenset[str]]  # what is left out: values, as JSON, by parameter


class Position(NamedTuple):
    """A combination in its section: the number of its row, from 0, and which value each list has, slowest first."""

    row: int
    digits: list[int]


class State(NamedTuple):
    """What is known behind some of a combination's values."""

    fitting: int  # entries of `left_out` that fit so far, a bit each
    drawn: bool  # whether a value is drawn


def known_as(value: Value) -> str:
    return json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class Section:
    rows: Rows
    lists: tuple[ValueAxis, ...]
    packing: Packing
    left_out: tuple[Entry, ...] = ()  # each names only parameters of this section

    @cached_property
    def texts(self) -> frozenset[str]:
        """The parameters that are texts."""
        return frozenset(axis.parameter for axis in self.rows.axes)

    @property
    def axes(self) -> tuple[Axis, ...]:
        return (*self.rows.axes, *self.lists)

    @cached_property
    def inner(self) -> int:
        """Combinations of one row, were none left out."""
        return math.prod(axis.size for axis in self.lists)

    @cached_property
    def combinations(self) -> Weights:
        return Weights(self, 1, 1)

    @cached_property
    def items(self) -> Weights:
        packed, alone = self.packing.calls(has_draw=False), self.packing.calls(has_draw=True)
        return self.combinations if packed == alone == 1 else Weights(self, packed, alone)

    @cached_property
    def drawn(self) -> Weights:
        """Only the combinations that are not packed because they are drawn."""
        packed, alone = self.packing.calls(has_draw=False), self.packing.calls(has_draw=True)
        return Weights(self, 0, 0 if packed == alone else 1)

    def with_fields(self, fields: Mapping[str, str]) -> Section:
        return Section(Rows(self.rows.axes, fields), self.lists, self.packing, self.left_out)

    def digits(self, number: int) -> list[int]:
        """Of the lists, for a combination's number in its row."""
        digits = []
        for axis in reversed(self.lists):
            number, digit = divmod(number, axis.size)
            digits.append(digit)
        return digits[::-1]

    def values(self, digits: Sequence[int]) -> dict[str, Value]:
        """Of the lists, by parameter; one may be a DrawnValue."""
        return {axis.parameter: axis.values[digit] for axis, digit in zip(self.lists, digits, strict=True)}

    def base(self, position: Position) -> dict[str, Value]:
        """For each parameter, under the name that it was written by, the text or entry that a combination takes."""
        texts = zip(self.rows.axes, self.rows.row(position.row).chosen, strict=True)
        base = {axis.origins.name: axis.entry(text) for axis, (text, _) in texts}
        lists = zip(self.lists, position.digits, strict=True)
        return {**base, **{axis.origins.name: axis.origins.entry(digit) for axis, digit in lists}}

    def combinations_from(self, start: Position) -> Iterator[tuple[int, Row, list[int]]]:
        """Combinations in their order, without those left out: row number, row, digits of the lists."""
        first = self.number(start.digits)
        for number in range(start.row, self.rows.total):
            row = self.rows.row(number)
            state = self.of_row(row) if self.left_out else State(0, False)
            for inside in range(first, self.inner):
                digits = self.digits(inside)
                if not self.left_out or not self._is_left_out(state, digits):
                    yield number, row, digits
            first = 0

    def number(self, digits: Sequence[int]) -> int:
        number = 0
        for axis, digit in zip(self.lists, digits, strict=True):
            number = number * axis.size + digit
        return number

    # --- what is left out ---

    @cached_property
    def _all(self) -> int:
        return (1 << len(self.left_out)) - 1

    def _naming(self, parameter: str) -> int:
        """The entries that name a parameter, a bit each."""
        return sum(1 << bit for bit, entry in enumerate(self.left_out) if parameter in entry)

    @cached_property
    def names_texts(self) -> bool:
        return any(self._naming(axis.parameter) for axis in self.rows.axes)

    @cached_property
    def _levels(self) -> list[tuple[int, Mapping[str, int]]]:
        """For each list: the entries that name it, and by value the entries that it fits."""
        return [(self._naming(axis.parameter), self._fitting(axis.parameter)) for axis in self.lists]

    def _fitting(self, parameter: str) -> Mapping[str, int]:
        """The entries that each value of a parameter fits, a bit each."""
        entries: dict[str, int] = {}
        for bit, entry in enumerate(self.left_out):
            for value in entry.get(parameter, ()):
                entries[value] = entries.get(value, 0) | 1 << bit
        return entries

    @cached_property
    def _texts(self) -> dict[str, tuple[int, Mapping[str, int]]]:
        names = [axis.parameter for axis in self.rows.axes]
        return {name: (self._naming(name), self._fitting(name)) for name in names}

    def of_row(self, row: Row) -> State:
        """The state behind the texts of a row."""
        entries = self._all
        if self.names_texts:
            written = self.rows.write(row, None, "\0")  # what is drawn fits no entry
            for name, value in written.values.items():
                naming, fitting = self._texts[name]
                entries &= fitting.get(known_as(value), 0) | ~naming
        return State(entries, self.rows.has_draws and row.has_draw())

    def step(self, level: int, value: Value, state: State) -> State:
        """The state behind a list that has this value."""
        naming, fitting = self._levels[level]
        entries, drawn = state
        if isinstance(value, DrawnValue):
            return State(entries & ~naming, True)
        if naming & entries:
            entries &= fitting.get(known_as(value), 0) | ~naming
        return State(entries, drawn)

    def _is_left_out(self, state: State, digits: Sequence[int]) -> bool:
        for level, digit in enumerate(digits):
            state = self.step(level, self.lists[level].values[digit], state)
        return state.fitting != 0

    def has_draw(self, row: Row, digits: Sequence[int]) -> bool:
        chosen = (axis.values[n] for axis, n in zip(self.lists, digits, strict=True) if axis.draws)
        if any(isinstance(value, DrawnValue) for value in chosen):
            return True
        return self.rows.has_draws and row.has_draw()

    @cached_property
    def row_state(self) -> State | None:
        """The state of every row; None where they differ."""
        if self.names_texts or self.rows.draws is None:
            return None
        return State(self._all, self.rows.draws)


class Weights:
    """Counts combinations, one with a draw as `alone` and any other as `packed`."""

    def __init__(self, section: Section, packed: int, alone: int) -> None:
        self._section, self._packed, self._alone = section, packed, alone
        self._known: dict[tuple[int, State], int] = {}
        self._sums: list[int] = []

    @cached_property
    def is_even(self) -> bool:
        """Every combination weighs the same."""
        section = self._section
        drawn = [section.rows.draws, *(axis.draws > 0 for axis in section.lists)]
        return not section.left_out and (self._packed == self._alone or all(draws is False for draws in drawn))

    @cached_property
    def _per_row(self) -> int | None:
        if self.is_even:
            return self._packed * self._section.inner
        state = self._section.row_state
        return None if state is None else self._lists(0, state)

    @cached_property
    def too_many(self) -> bool:
        """More rows, or more values of a list that is asked about, than can be looked through one by one."""
        named = {name for entry in self._section.left_out for name in entry}
        long = any(axis.size > MOST_ROWS for axis in self._section.lists if axis.parameter in named)
        return long or (self._per_row is None and self._section.rows.total > MOST_ROWS)

    @cached_property
    def total(self) -> int:
        if self.too_many:
            return 0
        if self._per_row is not None:
            return self._section.rows.total * self._per_row
        return self._add_up()

    def fixed(self, digits: Mapping[int, int]) -> int:
        """Those in which lists have one value. `digits`: which, by the level of the list."""
        if self.is_even:
            return self.total // math.prod(self._section.lists[level].size for level in digits)
        return Weights(_narrowed(self._section, digits), self._packed, self._alone).total

    def _add_up(self) -> int:
        total = 0
        for number in range(self._section.rows.total):
            if number % STRIDE == 0:
                self._sums.append(total)
            total += self._row(number)
        return total

    def _row(self, number: int) -> int:
        return self._lists(0, self._section.of_row(self._section.rows.row(number)))

    def _lists(self, level: int, state: State) -> int:
        """What the lists from `level` on weigh together."""
        if level == len(self._section.lists):
            return self._weight(state)
        weight = self._known.get((level, state))
        if weight is None:
            weight = sum(times * self._lists(level + 1, after) for after, times in self._after(level, state).items())
            self._known[level, state] = weight
        return weight

    def _weight(self, state: State) -> int:
        """Of one combination."""
        if state.fitting:
            return 0
        return self._alone if state.drawn else self._packed

    def _after(self, level: int, state: State) -> Counter[State]:
        axis = self._section.lists[level]
        if not axis.draws and not self._section._levels[level][0] & state.fitting:
            return Counter({state: axis.size})
        return Counter(self._section.step(level, value, state) for value in axis.values)

    def find(self, number: int) -> tuple[Position, int]:
        """The combination that holds `number` (from 0), and what is left of it inside."""
        row, number = self._find_row(number)
        if self.is_even:
            inside, number = divmod(number, self._packed)
            return Position(row, self._section.digits(inside)), number
        digits, number = self._digits(row, number)
        return Position(row, digits), number

    def _find_row(self, number: int) -> tuple[int, int]:
        if self._per_row is not None:
            return divmod(number, self._per_row)
        assert self.total > number  # and so the sums are there
        stride = bisect_right(self._sums, number) - 1
        row, number = stride * STRIDE, number - self._sums[stride]
        while number >= (weight := self._row(row)):
            row, number = row + 1, number - weight
        return row, number

    def _digits(self, row: int, number: int) -> tuple[list[int], int]:
        state = self._section.row_state or self._section.of_row(self._section.rows.row(row))
        digits: list[int] = []
        for level, axis in enumerate(self._section.lists):
            digit, number, state = self._digit(level, axis, number, state)
            digits.append(digit)
        return digits, number

    def _digit(self, level: int, axis: ValueAxis, number: int, state: State) -> tuple[int, int, State]:
        for digit, value in enumerate(axis.values):
            after = self._section.step(level, value, state)
            weight = self._lists(level + 1, after)
            if number < weight:
                return digit, number, after
            number -= weight
        raise IndexError(number)


def _narrowed(section: Section, digits: Mapping[int, int]) -> Section:
    """The part of a section in which some lists have one value."""
    lists = tuple(
        ValueAxis(axis.parameter, (axis.values[digits[level]],)) if level in digits else axis
        for level, axis in enumerate(section.lists)
    )
    return Section(section.rows, lists, section.packing, section.left_out)
