"""The fast way to an order's items: those that differ only in their last values are made together.

A span is a run of items of one row whose last lists alone run on, or of rows whose running text alone ends another
way. Its first item is made the plain way (items); the others are that one with some values put in another's place.
Law: the items are those of the plain way, value by value. Only where `runs_in_spans` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import product
from typing import NamedTuple

from artfactoryd.core.expansion.combinations import Position, Section
from artfactoryd.core.expansion.identity import Parts
from artfactoryd.core.expansion.items import Count, Counted, ItemMaker, PlannedItem, numbered
from artfactoryd.core.expansion.text_rows import Row, RowSpan
from artfactoryd.core.grammar.pieces import TOGETHER, Taken, quoted
from artfactoryd.core.json_types import Value

MOST_TOGETHER = 20_000  # values of one list that are prepared at once
HOLE = "\0"  # stands in no JSON


def runs_in_spans(section: Section) -> bool:
    """One item for each combination, and nothing drawn or left out."""
    drawn = section.rows.draws is not False or any(axis.draws for axis in section.lists)
    return not drawn and not section.left_out and section.packing.calls(has_draw=False) == 1


def items_from(maker: ItemMaker, start: Position, call: int, count: Count) -> Counted:
    """The items of a section from one call of a combination on: in spans where that is right, else the plain way."""
    if not runs_in_spans(maker.section) or not maker.deciding.isdisjoint(maker.section.texts):
        return maker.items(start, call, count)
    return ListSpans(maker).items(start, count) if maker.section.inner > 1 else TextSpans(maker).items(start, count)


class Way(NamedTuple):
    """One way to fill the last lists: the values, and their parts of the identity in its order."""

    values: dict[str, Value]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class ListSpans:
    """Items of one row that differ only in the last lists."""

    maker: ItemMaker

    def items(self, start: Position, count: Count) -> Counted:
        for row, digits in self._starts(start):
            count = yield from self._span(row, digits, count)
        return count

    @cached_property
    def _level(self) -> int:
        """From this list on, values are put together beforehand."""
        lists = self.maker.section.lists
        level, ways = len(lists), 1
        while level and (ways := ways * lists[level - 1].size) <= (TOGETHER if level < len(lists) else MOST_TOGETHER):
            level -= 1
        return level

    @cached_property
    def _names(self) -> list[str]:
        return [axis.parameter for axis in self.maker.section.lists[self._level :]]

    @cached_property
    def _ways(self) -> list[Way]:
        """Every way to fill those lists, in the order of the items."""
        identity, lists = self.maker.identity, self.maker.section.lists[self._level :]
        told = [[(value, identity.part(axis.parameter, value)) for value in axis.values] for axis in lists]
        in_identity = [self._names.index(name) for name in identity.order if name in self._names]
        return [
            Way(
                dict(zip(self._names, (value for value, _ in way), strict=True)),
                tuple(way[level][1] for level in in_identity),
            )
            for way in product(*told)
        ]

    def _starts(self, start: Position) -> Iterator[tuple[Row, list[int]]]:
        """The first combination of each span."""
        section, size = self.maker.section, len(self._ways)
        inside = section.number(start.digits)
        for number in range(start.row, section.rows.total):
            row = section.rows.row(number)
            while inside < section.inner:
                yield row, section.digits(inside)
                inside += size - inside % size
            inside = 0

    def _span(self, row: Row, digits: list[int], count: Count) -> Counted:
        maker, key = self.maker, self.maker.model.seed or ""
        (first,) = maker.combination(row, digits)
        if not self._names:
            return (yield from numbered([first], count))
        written = maker.section.values(digits)
        is_sized = not maker.deciding.isdisjoint(self._names)
        is_seeded = key in self._names or maker.derives_seed(written)
        head = self._head(maker.identity.parts(maker.written(row), written))
        base, (number, index) = dict(first.parameters), count
        _, _, asked, copy, seed, _, tokens, upper, *rest = first
        make = tuple.__new__  # what PlannedItem._make does, without its call
        for values, parts in self._ways[maker.section.number(digits) % len(self._ways) :]:
            parameters = base | values
            if is_sized:
                _, asked = maker.section.packing.call(0, False, parameters.get(maker.model.batch or ""))
                upper = maker.upper(asked, parameters) or 0
            if is_seeded:
                seed = maker.seed(head % parts, values, copy)
                if seed is not None:
                    parameters[key] = seed
            yield make(PlannedItem, (number, index, asked, copy, seed, parameters, tokens, upper, *rest))
            number += 1
            index += asked
        return Count(number, index)

    def _head(self, parts: Parts) -> str:
        """What the seeds of a span are derived from, with a hole for each list that runs on."""
        fixed = {name: part.replace("%", "%%") for name, part in parts.items()}
        return self.maker.identity.head(fixed | {name: "%s" for name in self._names if name in fixed})


class Running(NamedTuple):
    """The text that runs on: its parameter, how it starts, and what stands around its end where seeds come from."""

    parameter: str
    start: str
    before: str
    behind: str


@dataclass(frozen=True)
class TextSpans:
    """Items that differ only in how the running text ends. Every list has one value."""

    maker: ItemMaker

    def items(self, start: Position, count: Count) -> Counted:
        for span in self.maker.section.rows.spans(start.row):
            count = yield from self._span(span, count)
        return count

    def _span(self, span: RowSpan, count: Count) -> Counted:
        maker, key = self.maker, self.maker.model.seed or ""
        (first,) = maker.combination(span.row, self._digits)
        if not span.endings:
            return (yield from numbered([first], count))
        name, start, before, behind = self._running(first, span)
        left, right = self._tokens_around(first, span)
        is_derived, (number, index) = maker.derives_seed(self._values), count
        least, size = maker.seeds.least, maker.seeds.size
        _, _, asked, copy, seed, base, _, *rest = first
        make, copied = tuple.__new__, dict(base).copy
        for end, quoted_end, taken in span.endings:
            parameters = copied()
            parameters[name] = start + end
            if is_derived:  # SeedRange.derived, without its calls
                digest = sha256(f"{before}{quoted_end}{behind}".encode()).digest()
                seed = parameters[key] = least + (int.from_bytes(digest[:8], "big") >> 1) % size
            yield make(PlannedItem, (number, index, asked, copy, seed, parameters, left + taken + right, *rest))
            number += 1
            index += asked
        return Count(number, index)

    @cached_property
    def _digits(self) -> list[int]:
        return [0] * len(self.maker.section.lists)

    @cached_property
    def _values(self) -> dict[str, Value]:
        return self.maker.section.values(self._digits)

    def _running(self, first: PlannedItem, span: RowSpan) -> Running:
        identity, name = self.maker.identity, self.maker.section.rows.running_parameter
        whole = first.parameters[name]
        start = whole[: len(whole) - len(span.endings[0].text)]
        parts = identity.parts(self.maker.written(span.row), self._values)
        hole = identity.text_part(name, f"{quoted(start)}{HOLE}")
        before, _, behind = identity.head(parts | {name: hole}).partition(HOLE)
        return Running(name, start, before, f"{behind}{first.copy}]")

    def _tokens_around(self, first: PlannedItem, span: RowSpan) -> tuple[Taken, Taken]:
        """What the texts took before and behind the slots that run on."""
        before = sum(len(digits) for _, digits in span.row.chosen[: self.maker.section.rows.running]) + span.slot
        return first.tokens[:before], first.tokens[before + len(span.endings[0].taken) :]
