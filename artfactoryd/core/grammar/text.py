"""What a text means: its tokens with the lookups' values in them, its samples taken, its references resolved."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import NamedTuple

from artfactoryd.core.grammar.counting import Counting
from artfactoryd.core.grammar.lookups import Lookups
from artfactoryd.core.grammar.slips import placeholders, slips_in
from artfactoryd.core.grammar.tokens import Choice, Option, Part, Reference, TextReader
from artfactoryd.core.grammar.weaving import Made, Valued, Values, ends_of, extremes_of, product_of
from artfactoryd.core.seeds import WHOLE, sampled
from artfactoryd.errors import Path, Problem


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


Piece = str | int | Drawn | Referred  # an int: the slot of that number
Taken = tuple[tuple[str, str, str], ...]  # what an item says that it took: (parameter, token, value)
TOGETHER = 1000  # items that are made of one prepared list


class Ending(NamedTuple):
    """What stands from a slot on: its characters, the same in JSON without the quotes, what was taken."""

    text: str
    quoted: str
    taken: Taken


@dataclass(frozen=True)
class Text:
    """One text, read and understood."""

    parameter: str
    subs: tuple[tuple[Piece, ...], ...]
    slots: tuple[Slot, ...] = ()
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
        """No draw and no reference: each sub-prompt follows from the slots alone."""
        return all(isinstance(piece, str | int) for piece in self.whole) and not any(slot.made for slot in self.slots)

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
        return " || ".join(self.each_shown(digits))

    def each_shown(self, digits: Sequence[int]) -> list[str]:
        return ["".join(self._shown(piece, digits) for piece in sub) for sub in self.subs]

    def _shown(self, piece: Piece, digits: Sequence[int]) -> str:
        if isinstance(piece, int):
            return self.slots[piece].values[digits[piece]]
        return piece if isinstance(piece, str) else piece.token

    def extremes(self) -> Iterator[str]:
        """A shortest and a longest of the texts of each sub-prompt."""
        for sub in self.subs:
            for pick in (min, max):
                yield "".join(pick(self._all(piece), key=len, default="") for piece in sub)

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


class TextMaker:
    """Makes the texts of one parameter. `given`: names that earlier parameters use in all of their texts."""

    def __init__(
        self, lookups: Lookups, base: int, parameter: str, syntax: Sequence[str], others: Collection[str] = ()
    ) -> None:
        """`others`: names of the model's parameters, which no text can take."""
        self._lookups, self._base, self._parameter, self._syntax = lookups, base, parameter, syntax
        self._others = others
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def make(self, value: str, path: Path, given: frozenset[str] = frozenset()) -> Text:
        reader = TextReader(value, path, self._syntax)
        subs = reader.read()
        one = _OneText(self._lookups, (self._base, self._parameter), path, self._syntax, set(given), self._others)
        text = Text(self._parameter, tuple(tuple(one.pieces(sub)) for sub in subs), tuple(one.slots))
        problems = [*reader.problems, *one.problems] or list(one.exhausted(text))
        self.problems += sorted(problems, key=_column)
        slips = [*slips_in(value, subs, path), *placeholders(value, self._lookups, path)]
        own = [] if any(slip.code == "W_JSON" for slip in slips) else one.warnings
        self.warnings += sorted([*reader.warnings, *own, *slips], key=_column)
        return text


def _column(problem: Problem) -> int:
    return problem.column_in_value or 0


@dataclass
class _OneText:
    """The tokens of one text, one after the other."""

    lookups: Lookups
    known: tuple[int, str]  # base seed and parameter
    path: Path
    syntax: Sequence[str]  # other tools', that the model understands
    used: set[str]  # names that a reference may mean
    others: Collection[str] = ()  # parameters
    slots: list[Slot] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    _before: dict[str, int] = field(default_factory=dict)  # how often a token stood here
    _sampled: set[tuple[str | None, str]] = field(default_factory=set)

    def pieces(self, parts: Sequence[Part]) -> Iterator[Piece]:
        for part in parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Reference):
                yield from self._reference(part)
            else:
                yield from self._choice(part)

    def _reference(self, part: Reference) -> Iterator[Piece]:
        if part.name in self.lookups.fields and part.name not in self.used:
            self.lookups.fields_used.add(part.name)
            yield Referred(part.token, part.name, "", is_field=True)
            return
        lookup = self.lookups.name_of(part.name)
        if lookup is None:
            near = self.lookups.near(part.name, self.lookups.fields)
            meant = " or ".join(f"[={name}]" for name in near)
            fix = f"Did you mean {meant}?" if near else "A lookup can be referred to, and a column of `cases`."
            message = f"there is no lookup {'or column ' if self.lookups.fields else ''}{part.name[:60]!r}."
            if part.name in self.others and not near:
                message = f"{part.name} is a parameter, and a text cannot take its value."
                fix = f"Give both in rows of `cases`, its words in a column of another name than {part.name}."
            self._problem("E_UNKNOWN_REF", part.place, message, fix)
            return
        if part.name not in self.used:
            message = f"{part.token} stands before any use of {part.name}; it is the lookup's first value."
            self._warn("W_REF_BEFORE", part.place, message, f"Put [{part.name}] before it.")
        values = self.lookups.values(lookup).texts
        yield Referred(part.token, part.name, values[0] if values else "")

    def _choice(self, part: Choice) -> Iterator[Piece]:
        values, pools, weight, made = self._values(part)
        before = self._before.get(part.token, 0)
        self._before[part.token] = before + 1
        if self._is_its_own_text(part):
            if part.count is not None and part.count > 1:
                self._sample_of_nothing(part, part.options[0].text)
            else:
                self._single(part)
            yield values[0]
            return
        names = tuple(option.text for option in part.options if self._lookup(option))
        self.lookups.named.update(name for option in part.options if (name := self._lookup(option)) is not None)
        self.used.update(names)
        if not values:
            self._problem("E_EXHAUSTED", part.place, f"{part.token} has no value left.", "Give its lookups values.")
        elif part.drawn:
            yield Drawn(part.token, names, values, ends_of(weight), before, made)
        else:
            yield from self._slot(part, names, values, pools, before, made)

    def _slot(
        self,
        part: Choice,
        names: tuple[str, ...],
        values: tuple[str, ...],
        pools: tuple[str | None, ...],
        before: int,
        made: Mapping[int, Made],
    ) -> Iterator[Piece]:
        if part.count is not None:
            if part.count > len(values):
                self._too_many(part, len(values))
                return
            taken = [one in self._sampled for one in zip(pools, values, strict=True)]
            places = sampled(values, part.count, taken, *self.known, part.token, before)
            made = {number: made[one] for number, one in enumerate(places) if one in made}
            values, pools = tuple(values[one] for one in places), tuple(pools[one] for one in places)
            self._sampled |= {one for one in zip(pools, values, strict=True) if one[0] is not None}
        self.slots.append(Slot(part.token, part.place, names, values, pools, made))
        yield len(self.slots) - 1

    def _too_many(self, part: Choice, there: int) -> None:
        message = (
            f"{part.count} are wanted of {there}." if (part.count or 0) < 10**9 else "it wants more than there are."
        )
        fix = rf"Take at most {there}; write \: if the colon is meant as text."
        self._problem("E_SAMPLE_TOO_MANY", part.count_place, message, fix)

    def _lookup(self, option: Option) -> str | None:
        return self.lookups.name_of(option.text) if option.plain else None

    def _is_its_own_text(self, part: Choice) -> bool:
        return len(part.options) == 1 and self._lookup(part.options[0]) is None

    def _single(self, part: Choice) -> None:
        """A backslash before the word says that the word itself is meant."""
        option = part.options[0]
        if not option.plain:
            return
        message = f"there is no lookup `{option.text[:60]}`; the word itself would be sent."
        word = option.text[:60]
        near = self.lookups.near(option.text, self.lookups.fields)
        if option.text in self.lookups.fields:
            meant = f"Write [={word}] for the column {word}, or"
        elif near:
            meant = f"Did you mean {self._tokens_of(near, '~' if part.drawn else '')}? Else write"
        else:
            meant = "Put its values under `lookups`, or write"
        fix = rf"{meant} [\{word}] if the word is meant, \[{word}\] for the brackets too."
        self._warn("W_SINGLE", part.place, message, fix, holds=True)

    def _tokens_of(self, names: Sequence[str], sign: str, count: str = "") -> str:
        fields = self.lookups.fields
        return " or ".join(f"[={name}]" if name in fields else f"[{sign}{name}{count}]" for name in names)

    def _sample_of_nothing(self, part: Choice, word: str) -> None:
        near = self.lookups.near(word, self.lookups.fields)
        if not part.options[0].plain:
            self._too_many(part, 1)
            return
        message = f"there is no lookup `{word[:60]}` to take {part.count} of."
        fix = r"Put its values under `lookups`; write \: if the colon is meant as text."
        fix = f"Did you mean {self._tokens_of(near, '', f':{part.count}')}?" if near else fix
        self._problem("E_SAMPLE_TOO_MANY", part.count_place, message, fix)

    def _values(self, part: Choice) -> tuple[tuple[str, ...], tuple[str | None, ...], list[str], Mapping[int, Made]]:
        """The values of a token without repeats; of each its pool and its weight; how those with draws are made."""
        word, alone = part.options[0].text, self._lookup(part.options[0])
        if len(part.options) == 1 and alone is not None:
            looked_up = self._looked_up(alone, part.options[0])
            values, pools = self.lookups.alone(word, alone)
            return values, pools, looked_up.weights if part.drawn else [], looked_up.made
        origins: dict[str, tuple[str | None, str, Made | None]] = {}
        for option in part.options:
            lookup = self._lookup(option)
            pool = None if lookup is None else option.text
            repeated = False
            for value in (Valued(option.text),) if lookup is None else self._looked_up(lookup, option).all:
                repeated = repeated or value.text in origins
                origins.setdefault(value.text, (pool, product_of(option.weight, value.weight), value.made))
            if repeated:
                self._warn("W_DUP", option.place, f"what {option.text[:60]!r} brings again was dropped.", "")
        pools_of = tuple(pool for pool, _, _ in origins.values())
        woven = {place: made for place, (_, _, made) in enumerate(origins.values()) if made is not None}
        return tuple(origins), pools_of, [weight for _, weight, _ in origins.values()], woven

    def _looked_up(self, lookup: str, option: Option) -> Values:
        lookup_values = self.lookups.values(lookup)
        for name in lookup_values.skipped:
            message = f"the lookup {name} is inside itself; it was left out there."
            self._warn("W_CYCLE", option.place, message, "Take it out of one of the lookups.")
        if lookup_values.repeated:
            self._warn("W_DUP", option.place, f"values that stand in {lookup} twice were dropped.", "")
        self.warnings += self.lookups.doubts(lookup, self.syntax)
        return lookup_values

    def exhausted(self, text: Text) -> Iterator[Problem]:
        """Combinations that run out are left out; a text that has none left is wrong."""
        if text.counting.too_many:
            message = "its lookups are sampled in too many ways to be counted."
            yield Problem("E_TOO_LARGE", message, "Use fewer samples of one lookup.", self.path, 1)
        elif text.counting.total == 0:
            slot = self.slots[text.counting.runs_out]
            message = f"at {slot.token} no value is left: the same lookup gives each value once in a text."
            fix = "Use an alias such as [color_1] for an independent choice."
            yield Problem("E_EXHAUSTED", message, fix, self.path, slot.place + 1)

    def _problem(self, code: str, offset: int, message: str, fix: str) -> None:
        self.problems.append(Problem(code, message, fix, path=self.path, column_in_value=offset + 1))

    def _warn(self, code: str, offset: int, message: str, fix: str, holds: bool = False) -> None:
        self.warnings.append(Problem(code, message, fix, path=self.path, column_in_value=offset + 1, holds=holds))
