"""The text parameters together: every way to fill their tokens, and inside that the sub-prompts. One way is a row."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, product
from typing import NamedTuple

from artfactoryd.core.grammar.axes import TextAxis, leading_text, names_of
from artfactoryd.core.grammar.pieces import Drawn, Ending, Piece, Referred, Text, quoted
from artfactoryd.core.grammar.weaving import Made, Pick
from artfactoryd.core.json_types import Value

Chosen = list[tuple[Text, list[int]]]  # of each parameter its text, and the digits of the text's slots
Decide = Callable[
    [str, str, Sequence[int], Sequence[int]], int
]  # parameter, draw, which of its equals, weights added up
MOST_LOOKED_AT = 10_000  # ways to take a text of each list


@dataclass(slots=True)
class Row:
    chosen: Chosen
    sub: int

    def has_draw(self) -> bool:
        """Whether the sub-prompts of this row hold a draw, or a reference to one."""
        drawn: set[str] = set()
        has_draw = False
        for text, digits in self.chosen:
            own = text.sub(self.sub)
            for sub in text.subs:
                for piece in sub:
                    depends = _note(piece, text, digits, drawn)
                    has_draw = has_draw or (depends and sub is own)
        return has_draw


def _note(piece: Piece, text: Text, digits: Sequence[int], drawn: set[str]) -> bool:
    """Keeps `drawn` to the names whose nearest use is a draw; whether the piece depends on one."""
    if isinstance(piece, Drawn):
        drawn.update(piece.names)
        return True
    if isinstance(piece, int):
        slot = text.slots[piece]
        if slot.made and digits[piece] in slot.made:
            drawn.update(slot.names)
            return True
        drawn.difference_update(slot.names)
    return isinstance(piece, Referred) and piece.name in drawn


@dataclass
class Written:
    """What a row's texts come to, and as JSON has their characters; and what was taken of which token."""

    values: dict[str, Value]
    quoted: dict[str, str]
    taken: list[tuple[str, str, str]]
    nested: list[str] = field(default_factory=list)  # parameters with texts in their values: these have no such JSON


@dataclass(slots=True)
class Weaving:
    """The draws of one text of one item, in their order: equal ones are told apart by how many came before."""

    parameter: str
    decide: Decide | None
    instead: str
    _before: dict[str, int] = field(default_factory=dict)

    def drawn(self, draw: Drawn) -> tuple[str, list[tuple[str, str]]]:
        """The value, and what draws inside it took."""
        if self.decide is None:
            return self.instead, []
        number = self.decide(self.parameter, draw.token, (draw.before,), draw.ends)
        return self.valued(draw.values[number], draw.made.get(number))

    def valued(self, value: str, made: Made | None) -> tuple[str, list[tuple[str, str]]]:
        if made is None:
            return value, []
        inner: list[tuple[str, str]] = []
        return self._woven(made, inner), inner

    def _woven(self, made: Made, inner: list[tuple[str, str]]) -> str:
        return "".join(part if isinstance(part, str) else self._picked(part, inner) for part in made)

    def _picked(self, pick: Pick, inner: list[tuple[str, str]]) -> str:
        """As many of the options as it takes, none twice."""
        if self.decide is None:
            return self.instead
        before = self._before.get(pick.token, 0)
        self._before[pick.token] = before + 1
        place = len(inner)
        taken: list[str] = []
        left, ends = list(range(len(pick.options))), list(pick.ends)
        for number in range(self._how_many(pick, before)):
            which = self.decide(self.parameter, pick.token, (before, number) if number else (before,), ends)
            taken.append(self._woven(pick.options[left.pop(which)], inner))
            weight = ends.pop(which) - (ends[which - 1] if which else 0)
            ends[which:] = [end - weight for end in ends[which:]]
            if not ends or not ends[-1]:
                break
        inner.insert(place, (pick.token, pick.joiner.join(taken)))
        return inner[place][1]

    def _how_many(self, pick: Pick, before: int) -> int:
        if self.decide is None or pick.least == pick.most:
            return pick.least
        ways = range(1, pick.most - pick.least + 2)
        return pick.least + self.decide(self.parameter, pick.token, (before, -1), ways)


class RowSpan(NamedTuple):
    """Rows that differ only in how the running text ends: from `slot` on, and how. Without endings: `row` alone."""

    row: Row  # the first
    slot: int
    endings: Sequence[Ending]


def _bound(axes: Sequence[TextAxis], fields: Mapping[str, str]) -> tuple[TextAxis, ...]:
    """With the fields in their texts."""
    if not fields:
        return tuple(axes)
    names = {name for axis in axes for text in axis.texts for piece in text.whole for name in names_of(text, piece)}
    return tuple(axis.bound(fields, names) for axis in axes)


class Rows:
    """`total` may be more than `len` can say."""

    def __init__(self, axes: Sequence[TextAxis], fields: Mapping[str, str] | None = None) -> None:
        """`fields`: of the case that the texts stand in."""
        self.fields = fields or {}
        self.axes = _bound(axes, self.fields)
        self._lead = leading_text(axes) if axes else 0
        sizes = [axis.size for axis in axes]
        # for each text the rows that one of its ways stands in, sub-prompts left out
        self._behind = [math.prod(sizes[level + 1 :]) for level in range(len(sizes))]
        self.is_plain = all(text.is_plain for axis in axes for text in axis.texts)
        self.has_draws = any(text.has_draws for axis in axes for text in axis.texts)
        several = [level for level, size in enumerate(sizes) if size > 1]
        self._running = several[-1] if several else None

    @cached_property
    def subs(self) -> list[int]:
        """How many sub-prompts each text of the leading parameter has."""
        return [len(text.subs) for text in self.axes[self._lead].texts] if self.axes else [1]

    @cached_property
    def _has_subs(self) -> bool:
        return max(self.subs) > 1

    @cached_property
    def _lead_ends(self) -> list[int]:
        """The leading parameter's ways up to the end of each text, each as often as it has sub-prompts."""
        texts = self.axes[self._lead].texts if self.axes else ()
        return list(accumulate(text.size * subs for text, subs in zip(texts, self.subs, strict=False)))

    @property
    def _lead_weight(self) -> int:
        return (self._lead_ends[-1] if self._lead_ends else 0) if self.axes else 1

    @cached_property
    def total(self) -> int:
        others = (axis.size for level, axis in enumerate(self.axes) if level != self._lead)
        return self._lead_weight * math.prod(others)

    def row(self, number: int) -> Row:
        """The row of that number, from 0."""
        chosen: Chosen = []
        subs = 1
        for level, axis in enumerate(self.axes):
            behind = self._behind[level] * subs
            if level == self._lead:
                text, inside, number, subs = self._leading(axis, number, behind)
            else:
                if level < self._lead:
                    behind = behind // self.axes[self._lead].size * self._lead_weight
                digit, number = divmod(number, behind)
                text, inside = axis.find(digit)
            chosen.append((text, text.counting.digits(inside)))
        return Row(chosen, number)

    def _leading(self, axis: TextAxis, number: int, behind: int) -> tuple[Text, int, int, int]:
        """The text, which of its ways, what is left of the number, how many sub-prompts the text has."""
        which = bisect_right(self._lead_ends, number // behind)
        number -= self._lead_ends[which - 1] * behind if which else 0
        subs = self.subs[which]
        inside, number = divmod(number, subs * behind)
        return axis.texts[which], inside, number, subs

    # --- rows that are alike ---

    def spans(self, start: int = 0) -> Iterator[RowSpan]:
        """All rows from `start` on, in their order."""
        while start < self.total:
            span = self._span(self.row(start))
            yield span
            start += len(span.endings) or 1

    def _span(self, row: Row) -> RowSpan:
        if self._running is None or not self.is_plain or self._has_subs:
            return RowSpan(row, 0, ())
        text, digits = row.chosen[self._running]
        if not digits:
            return RowSpan(row, 0, ())
        if text.counting.blocks is None:
            return self._last_slot(row, text, digits)
        slot, endings = text.ending
        number = 0
        for digit, size in zip(digits[slot:], text.counting.sizes[slot:], strict=True):
            number = number * size + digit
        return RowSpan(row, slot, endings[number:] if number else endings)

    def _last_slot(self, row: Row, text: Text, digits: Sequence[int]) -> RowSpan:
        """Of a text whose slots depend on each other: what the last one may be."""
        slot, last = len(digits) - 1, digits[-1]
        open_digits = text.counting.open_digits(digits[:slot])
        return RowSpan(row, slot, [text.end_with(slot, [digit]) for digit in open_digits if digit >= last])

    @property
    def running(self) -> int:
        """Which text is the fastest that has more than one way."""
        return self._running or 0

    @property
    def running_parameter(self) -> str:
        return self.axes[self.running].parameter

    # --- writing a row out ---

    def write(self, row: Row, decide: Decide | None, instead: str = "") -> Written:
        """With each draw as `decide` decides it; without, with `instead` in its place."""
        uses = dict(self.fields)
        written = Written({}, {}, [])
        for text, digits in row.chosen:
            own, weaving = text.sub(row.sub), Weaving(text.parameter, decide, instead)
            for sub in text.subs:
                pieces = [self._piece(text, digits, piece, uses, weaving) for piece in sub]
                if sub is own:
                    self._keep(text, sub, pieces, written)
        return written

    def _keep(
        self, text: Text, sub: Sequence[Piece], pieces: Sequence[tuple[str, Sequence[tuple[str, str]]]],
        written: Written,
    ) -> None:  # fmt: skip
        value = text.whole_of(sub, [characters for characters, _ in pieces])
        written.values[text.parameter] = value
        if isinstance(value, str):
            written.quoted[text.parameter] = quoted(value)
        else:
            written.nested.append(text.parameter)
        written.taken += [(text.parameter, token, taken) for _, tokens in pieces for token, taken in tokens]

    def _piece(
        self, text: Text, digits: list[int], piece: Piece, uses: dict[str, str], weaving: Weaving
    ) -> tuple[str, Sequence[tuple[str, str]]]:
        """Its value, and what it took for which token."""
        if isinstance(piece, str):
            return piece, ()
        if isinstance(piece, Referred):
            return uses.get(piece.name, piece.first), ()
        if isinstance(piece, Drawn):
            value, inner = weaving.drawn(piece)
            names, token = piece.names, piece.token
        else:
            slot = text.slots[piece]
            value, inner = weaving.valued(slot.values[digits[piece]], slot.made.get(digits[piece]))
            names, token = slot.names, slot.token
        uses.update(dict.fromkeys(names, value))
        return value, [(token, value), *inner] if inner else ((token, value),)

    # --- draws, for counting ---

    @cached_property
    def draws(self) -> bool | None:
        """Whether every row has a draw (True) or none (False); None where some have."""
        if not self.has_draws:
            return False
        if math.prod(len(axis.texts) for axis in self.axes) > MOST_LOOKED_AT:
            return None
        kinds: set[bool | None] = set()
        for texts in product(*(axis.texts for axis in self.axes)):
            chosen: Chosen = [(text, [0] * len(text.slots)) for text in texts]
            varies = any(0 < len(slot.made) < len(slot.values) for text in texts for slot in text.slots)
            kinds |= {None} if varies else {Row(chosen, sub).has_draw() for sub in range(len(texts[self._lead].subs))}
        return kinds.pop() if len(kinds) == 1 else None
