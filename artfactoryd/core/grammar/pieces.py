"""A text as it is understood: literals, slots with their values, draws, references. Also one that stands inside a
value: its leaves, one after the other, and the value that they are put into.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import NamedTuple

from artfactoryd.core.grammar.counting import Counting
from artfactoryd.core.grammar.weaving import Made, extremes_of
from artfactoryd.core.json_types import Value
from artfactoryd.core.parameters.file_leaves import Place, put
from artfactoryd.core.seeds import WHOLE


@dataclass(frozen=True, slots=True)
class Slot:
    """One choice of a text: exactly one of `values` stands in its place.

    `pools`: for each value the lookup (as named in the token) that it comes from; None for a literal.
    """

    token: str
    place: int
    names: tuple[str, ...]
    values: tuple[str, ...]
    pools: tuple[str | None, ...]
    made: Mapping[int, Made] = field(default_factory=dict, compare=False)  # values that hold a draw, by their places


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: decided for each item and copy. `before`: equal draws earlier in the text."""

    token: str
    names: tuple[str, ...]
    values: tuple[str, ...]
    ends: tuple[int, ...]
    before: int
    made: Mapping[int, Made] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Referred:
    """`first` stands where the name was not used before. `is_field`: there the case's own value stands."""

    token: str
    name: str
    first: str
    is_field: bool = False


class Joint(str):
    """Between two leaves of a value that holds texts; nothing as a text itself."""


JOINT = Joint()
Piece = str | int | Drawn | Referred  # an int: the slot of that number
Taken = tuple[tuple[str, str, str], ...]  # what an item says that it took: (parameter, token, value)
TOGETHER = 1000  # items that are made of one prepared list


class Ending(NamedTuple):
    """What stands from a slot on: its characters, the same in JSON without the quotes, what was taken."""

    text: str
    quoted: str
    taken: Taken


@dataclass(frozen=True, slots=True)
class Nest:
    """A value with texts in it. `places`: of its leaves, in the order in which a Text has them; `known`: the rest."""

    known: str
    places: tuple[Place, ...]
    shape: Value = field(compare=False, repr=False)

    @classmethod
    def of(cls, value: Value, places: Sequence[Place]) -> Nest:
        shape = value
        for place in places:
            shape = put(shape, place, None)
        return cls(json.dumps(shape, sort_keys=True), tuple(places), shape)

    def filled(self, sub: Sequence[Piece], characters: Sequence[str]) -> Value:
        """With the characters of each piece of its Text in their places."""
        leaves = [""]
        for piece, written in zip(sub, characters, strict=True):
            if isinstance(piece, Joint):
                leaves.append("")
            else:
                leaves[-1] += written
        value = self.shape
        for place, leaf in zip(self.places, leaves, strict=bool(self.places)):
            value = put(value, place, leaf)
        return value


@dataclass(frozen=True)
class Text:
    """One text, read and understood. `nest`: the value that it stands in; one sub-prompt then, its leaves between
    joints."""

    parameter: str
    subs: tuple[tuple[Piece, ...], ...]
    slots: tuple[Slot, ...] = ()
    nest: Nest | None = None
    whole: tuple[Piece, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", tuple(piece for sub in self.subs for piece in sub))

    @cached_property
    def counting(self) -> Counting:
        return Counting([(slot.values, slot.pools, slot.names) for slot in self.slots])

    @property
    def size(self) -> int:
        """How many texts it stands for; may be more than `len` can say."""
        return self.counting.total

    @cached_property
    def is_plain(self) -> bool:
        """No draw and no reference: each sub-prompt follows from the slots alone, and is a text by itself."""
        if self.nest is not None:
            return False
        return all(isinstance(piece, str | int) for piece in self.whole) and not any(slot.made for slot in self.slots)

    @property
    def refers(self) -> bool:
        return any(isinstance(piece, Referred) for piece in self.whole)

    @property
    def has_draws(self) -> bool:
        """Its own, or inside a value."""
        return any(isinstance(piece, Drawn) for piece in self.whole) or any(slot.made for slot in self.slots)

    @cached_property
    def ending(self) -> tuple[int, list[Ending]]:
        """The last slots, of about TOGETHER ways, and what stands from the first of them on in each way.

        Only where no slot depends on another: else the ways differ by what stands before them.
        """
        slot = len(self.slots) - 1
        while slot > 0 and len(self.slots[slot].values) and self._ways(slot - 1) <= TOGETHER:
            slot -= 1
        return slot, [self.end_with(slot, digits) for digits in product(*map(range, self.counting.sizes[slot:]))]

    def _ways(self, slot: int) -> int:
        return math.prod(self.counting.sizes[slot:])

    def end_with(self, slot: int, digits: Sequence[int]) -> Ending:
        """What stands from a slot on when it and those behind it have these digits."""
        pieces = self.whole[self.whole.index(slot) :]
        values = [p if isinstance(p, str) else self.slots[p].values[digits[p - slot]] for p in _plain(pieces)]
        taken = [self._taken[number][digit] for number, digit in enumerate(digits, slot)]
        text = "".join(values)
        return Ending(text, quoted(text), tuple(taken))

    @cached_property
    def _taken(self) -> tuple[Taken, ...]:
        """For each slot what taking each of its values says."""
        return tuple(tuple((self.parameter, slot.token, value) for value in slot.values) for slot in self.slots)

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields that it takes."""
        return frozenset(piece.name for piece in self.whole if isinstance(piece, Referred) and piece.is_field)

    def bound(self, values: Mapping[str, str], elsewhere: Collection[str]) -> Text:
        """With a case's fields in their places. `elsewhere`: names that tokens of the case's texts use; a reference to
        one of them stays."""
        if not self.fields:
            return self

        def piece_bound(piece: Piece) -> Piece:
            if not isinstance(piece, Referred) or not piece.is_field:
                return piece
            value = values.get(piece.name, "")
            return replace(piece, first=value) if piece.name in elsewhere else value

        return replace(self, subs=tuple(tuple(map(piece_bound, sub)) for sub in self.subs))

    def sub(self, number: int) -> tuple[Piece, ...]:
        """The sub-prompt of that number; one alone is shared by all."""
        return self.subs[number if len(self.subs) > 1 else 0]

    def shown(self, digits: Sequence[int]) -> str:
        """For a person: draws and references stay as they are written."""
        shown = self.each_shown(digits)
        return " || ".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in shown)

    def each_shown(self, digits: Sequence[int]) -> list[Value]:
        return [self.whole_of(sub, [self._shown(piece, digits) for piece in sub]) for sub in self.subs]

    def whole_of(self, sub: Sequence[Piece], characters: Sequence[str]) -> Value:
        """What a sub-prompt comes to: a text, or the value that it stands in."""
        return "".join(characters) if self.nest is None else self.nest.filled(sub, characters)

    def _shown(self, piece: Piece, digits: Sequence[int]) -> str:
        if isinstance(piece, int):
            return self.slots[piece].values[digits[piece]]
        return piece if isinstance(piece, str) else piece.token

    def extremes(self) -> Iterator[Value]:
        """A shortest and a longest of the texts of each sub-prompt."""
        for sub in self.subs:
            for pick in (min, max):
                yield self.whole_of(sub, [pick(self._all(piece), key=len, default="") for piece in sub])

    def _all(self, piece: Piece) -> Sequence[str]:
        if isinstance(piece, int | Drawn):
            values = self.slots[piece] if isinstance(piece, int) else piece
            ways = ((value, values.made.get(place)) for place, value in enumerate(values.values))
            return [text for value, made in ways for text in (extremes_of(made) if made else (value,))]
        return (piece,) if isinstance(piece, str) else (piece.first,)


def _plain(pieces: Sequence[Piece]) -> Iterator[str | int]:
    return (piece for piece in pieces if isinstance(piece, str | int))


def quoted(text: str) -> str:
    return WHOLE.encode(text)[1:-1]
