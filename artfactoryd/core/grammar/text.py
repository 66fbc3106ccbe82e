"""What a text means: its tokens with the lookups' values in them, its samples taken, its references resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from artfactoryd.core.grammar.lookups import Lookups
from artfactoryd.core.grammar.pieces import JOINT, Drawn, Nest, Piece, Referred, Slot, Text
from artfactoryd.core.grammar.slips import placeholders, slips_in
from artfactoryd.core.grammar.tokens import Choice, Option, Part, Reference, TextReader
from artfactoryd.core.grammar.weaving import Made, Valued, Values, ends_of, product_of
from artfactoryd.core.json_types import Value
from artfactoryd.core.parameters.file_leaves import Place
from artfactoryd.core.seeds import sampled
from artfactoryd.errors import Path, Problem


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
        one = self._one(path, given)
        text = Text(self._parameter, tuple(map(tuple, self._read(one, value))), tuple(one.slots))
        return self._finished(one, text)

    def make_nested(
        self, value: Value, leaves: Sequence[tuple[Place, str]], path: Path, given: frozenset[str] = frozenset()
    ) -> Text:
        """Of a value with texts in it: together they are one text, whose tokens are those of the parameter."""
        one, pieces = self._one(path, given), list[Piece]()
        for place, written in leaves:
            one.path = (*path, *place)
            subs = self._read(one, written)
            if len(subs) > 1:
                fix = r"Write \|\| for plain bars, or a list with the whole value once for each."
                one.problem("E_SUBPROMPT_COUNT", 0, "|| parts a whole text, and this stands inside a value.", fix)
            pieces += [*([JOINT] if place != leaves[0][0] else []), *subs[0]]
        nest = Nest.of(value, [place for place, _ in leaves])
        return self._finished(one, Text(self._parameter, (tuple(pieces),), tuple(one.slots), nest))

    def _one(self, path: Path, given: frozenset[str]) -> _OneText:
        return _OneText(self._lookups, (self._base, self._parameter), path, self._syntax, set(given), self._others)

    def _read(self, one: _OneText, value: str) -> list[list[Piece]]:
        """The pieces of each sub-prompt; what is wrong with it is noted in the order of its columns."""
        before, reader = (len(one.problems), len(one.warnings)), TextReader(value, one.path, self._syntax)
        subs = reader.read()
        pieces = [list(one.pieces(sub)) for sub in subs]
        one.problems[before[0] :] = sorted([*reader.problems, *one.problems[before[0] :]], key=_column)
        slips = [*slips_in(value, subs, one.path), *placeholders(value, self._lookups, one.path)]
        own = [] if any(slip.code == "W_JSON" for slip in slips) else one.warnings[before[1] :]
        one.warnings[before[1] :] = sorted([*reader.warnings, *own, *slips], key=_column)
        return pieces

    def _finished(self, one: _OneText, text: Text) -> Text:
        self.problems += one.problems or one.exhausted(text)
        self.warnings += one.warnings
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
    paths: list[Path] = field(default_factory=list)  # of the slots
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
            near = self.lookups.near(part.name)
            meant = " or ".join(f"[={name}]" for name in near)
            fix = f"Did you mean {meant}?" if near else "A lookup can be referred to, and a column of `cases`."
            message = f"there is no lookup {'or column ' if self.lookups.fields else ''}{part.name[:60]!r}."
            if part.name in self.others and not near:
                message = f"{part.name} is a parameter, and a text cannot take its value."
                fix = f"Give both in rows of `cases`, its words in a column of another name than {part.name}."
            self.problem("E_UNKNOWN_REF", part.place, message, fix)
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
            self.problem("E_EXHAUSTED", part.place, f"{part.token} has no value left.", "Give its lookups values.")
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
        self.paths.append(self.path)
        yield len(self.slots) - 1

    def _too_many(self, part: Choice, there: int) -> None:
        message = (
            f"{part.count} are wanted of {there}." if (part.count or 0) < 10**9 else "it wants more than there are."
        )
        fix = rf"Take at most {there}; write \: if the colon is meant as text."
        self.problem("E_SAMPLE_TOO_MANY", part.count_place, message, fix)

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
        near = self.lookups.near(option.text)
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
        near = self.lookups.near(word)
        if not part.options[0].plain:
            self._too_many(part, 1)
            return
        message = f"there is no lookup `{word[:60]}` to take {part.count} of."
        fix = r"Put its values under `lookups`; write \: if the colon is meant as text."
        fix = f"Did you mean {self._tokens_of(near, '', f':{part.count}')}?" if near else fix
        self.problem("E_SAMPLE_TOO_MANY", part.count_place, message, fix)

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
            yield Problem("E_EXHAUSTED", message, fix, self.paths[text.counting.runs_out], slot.place + 1)

    def problem(self, code: str, offset: int, message: str, fix: str) -> None:
        self.problems.append(Problem(code, message, fix, path=self.path, column_in_value=offset + 1))

    def _warn(self, code: str, offset: int, message: str, fix: str, holds: bool = False) -> None:
        self.warnings.append(Problem(code, message, fix, path=self.path, column_in_value=offset + 1, holds=holds))
