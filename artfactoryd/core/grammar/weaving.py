"""Lookups written out: values that name other lookups in place, and the draws that wildcards bring.

A lookup already on the way down is skipped, in a list and in a draw alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from artfactoryd.core.grammar.wildcards import JOINER, MOST_SHOWN, Entry, Recipe, Variant, Wild, Wildcards
from artfactoryd.core.seeds import weights
from artfactoryd.errors import Problem

MOST_DEEP = 100  # lookups in draws of lookups
MOST_WAYS = 20_000  # in which lookups that name one another are followed from one of them
MOST_LONG = 100_000  # characters that a value may come to


@dataclass(frozen=True, slots=True)
class Pick:
    """A draw inside a value, with what its wildcards stand for. `ends`: the options' weights added up; `longest`:
    characters of the longest option."""

    token: str
    options: tuple[Made, ...]
    ends: tuple[int, ...]
    longest: int
    least: int = 1
    most: int = 1
    joiner: str = JOINER

    @property
    def most_length(self) -> int:
        """Characters of the longest that it may come to."""
        return self.longest * self.most + len(self.joiner) * (self.most - 1)


Made = tuple["str | Pick", ...]
_Pool = tuple[tuple[Made, ...], tuple[int, ...], int]  # options, ends and longest of a pick


@dataclass(frozen=True, slots=True)
class Valued:
    """A value of a lookup. `made`: how it is put together, where a draw is in it."""

    text: str
    weight: str = "1"
    made: Made | None = None


@dataclass(frozen=True)
class Values:
    """A lookup with the lookups inside it written out. `special`: of its values those that weigh or hold a draw."""

    texts: tuple[str, ...]
    skipped: tuple[str, ...] = ()  # lookups left out because they were on the way down already
    repeated: bool = False  # values stood there more than once
    inside: frozenset[str] = frozenset()  # it, and the lookups in it
    special: Mapping[str, Valued] = field(default_factory=dict)

    @property
    def all(self) -> Iterator[Valued]:
        return (self.special.get(text) or Valued(text) for text in self.texts)

    @property
    def weights(self) -> list[str]:
        return [value.weight for value in self.all] if self.special else ["1"] * len(self.texts)

    @property
    def made(self) -> dict[int, Made]:
        """By their places, those that hold a draw."""
        if not self.special:
            return {}
        return {place: value.made for place, value in enumerate(self.all) if value.made is not None}


@dataclass
class _Down:
    """A lookup while it is written out."""

    name: str
    way: tuple[str, ...]  # what it is in
    found: dict[str, Valued] = field(default_factory=dict)
    skipped: dict[str, None] = field(default_factory=dict)
    inside: set[str] = field(default_factory=set)
    repeated: bool = False
    picks: dict[tuple[str, str], Pick] = field(default_factory=dict)  # by wildcard, and the lookup it stands in

    def add(self, value: Valued) -> None:
        self.repeated = self.repeated or value.text in self.found
        self.found.setdefault(value.text, value)


class Weaver:
    """`own`: names of the order's own lookups, among which a pattern in one of them looks first."""

    def __init__(self, known: Mapping[str, Sequence[str]], own: Collection[str] = ()) -> None:
        self._known, self._own = known, own
        self._whole: dict[str, Values] = {}
        self._places: dict[tuple[str, str], tuple[str, ...]] = {}
        self._pools: dict[tuple[str, ...], _Pool] = {}
        self._picks: dict[str, Pick] = {}  # of variants in which no lookup is named
        self._missing: dict[str, dict[int, str]] = {}  # by lookup and line, wildcards that are no lookup
        self._endless: dict[str, dict[int, str]] = {}  # and values that are sent as they stand
        self._ways = 0

    def values(self, name: str, way: tuple[str, ...] = ()) -> Values:
        """Depth first. A lookup met again when it is done with would only repeat its values."""
        if name in self._whole:
            return self._whole[name]
        if (plain := self._plain_values(name)) is not None:
            return plain
        self._ways = self._ways + 1 if way else 0
        state = _Down(name, way)
        done: set[str] = set()
        down: dict[str, tuple[Iterator[Entry], str]] = {name: (self._entries(name), "1")}
        while down:
            here = next(reversed(down))
            entries, weight = down[here]
            entry = next(entries, None)
            if entry is None:
                done.add(here)
                del down[here]
                continue
            text, own = entry.text, product_of(weight, entry.weight)
            if entry.recipe is not None:
                made = self._made(entry.recipe, entry, here, (*way, *down), state)
                if made is not None:
                    state.add(Valued(text, own, made))
            elif text == here or text not in self._known:
                state.add(Valued(text, own))
            elif text in down or text in way:
                state.skipped[text] = None
            elif text in done:
                state.repeated = True
            else:
                down[text] = (self._entries(text), own)
        values = Values(
            tuple(state.found), tuple(state.skipped), state.repeated, frozenset(state.inside | done),
            {text: value for text, value in state.found.items() if value.made is not None or value.weight != "1"},
        )  # fmt: skip
        if not way or not state.skipped:
            self._whole[name] = values
        return values

    def _plain_values(self, name: str) -> Values | None:
        """Of a list that names no other."""
        known = self._known[name]
        if isinstance(known, Wildcards) or any(text in self._known and text != name for text in known):
            return None
        texts = tuple(dict.fromkeys(known))
        self._whole[name] = Values(texts, repeated=len(texts) < len(known), inside=frozenset((name,)))
        return self._whole[name]

    def _entries(self, name: str) -> Iterator[Entry]:
        known = self._known[name]
        return iter(known.entries) if isinstance(known, Wildcards) else (Entry(text, 0) for text in known)

    # --- draws ---

    def _made(self, recipe: Recipe, entry: Entry, here: str, way: tuple[str, ...], state: _Down) -> Made | None:
        """None where a lookup on the way down leaves nothing to draw."""
        parts: list[str | Pick] = []
        length = 0  # of the longest that it may come to
        for part in recipe:
            pick = part if isinstance(part, str) else self._pick(part, entry, here, way, state)
            if pick is None:
                return None
            parts.append(pick)
            length += len(pick) if isinstance(pick, str) else pick.most_length
        if length > MOST_LONG:
            self._endless.setdefault(here, {}).setdefault(entry.number, entry.text)
            return ("".join(part if isinstance(part, str) else part.token for part in parts),)
        return tuple(parts)

    def _pick(
        self, part: Wild | Variant, entry: Entry, here: str, way: tuple[str, ...], state: _Down
    ) -> Pick | str | None:
        if isinstance(part, Wild):
            return self._wild(part, part.token, entry, here, way, state)
        if "__" in part.token:
            return self._variant(part, entry, here, way, state)
        if part.token not in self._picks:
            pick = self._variant(part, entry, here, way, state)
            if not isinstance(pick, Pick):
                return pick
            self._picks[part.token] = pick
        return self._picks[part.token]

    def _variant(self, part: Variant, entry: Entry, here: str, way: tuple[str, ...], state: _Down) -> Pick | str | None:
        if len(part.options) == 1 and len(part.options[0]) == 1 and isinstance(wild := part.options[0][0], Wild):
            pick = self._wild(wild, part.token, entry, here, way, state)
            return _of_number(pick, part) if isinstance(pick, Pick) else pick
        made = [self._made(option, entry, here, way, state) for option in part.options]
        left = [(option, weight) for option, weight in zip(made, part.weights, strict=True) if option is not None]
        if not left:
            return None
        options = tuple(option for option, _ in left)
        ends = ends_of([weight for _, weight in left])
        return _of_number(Pick(part.token, options, ends, max(map(_length, options))), part)

    def _wild(
        self, wild: Wild, token: str, entry: Entry, here: str, way: tuple[str, ...], state: _Down
    ) -> Pick | str | None:
        if (token, here) in state.picks:
            return state.picks[token, here]
        names = self._found(wild.name, here)
        if not names:
            self._missing.setdefault(here, {}).setdefault(entry.number, wild.token)
            return wild.token
        if self._ways > MOST_WAYS:
            self._endless.setdefault(here, {}).setdefault(entry.number, entry.text)
            return wild.token
        open_names = [name for name in names if name not in way and len(way) < MOST_DEEP]
        state.skipped.update(dict.fromkeys(name for name in names if name not in open_names))
        options, ends, longest = self._pool(tuple(open_names), way, state)
        if not options:
            return None
        state.picks[token, here] = Pick(token, options, ends, longest)
        return state.picks[token, here]

    def _pool(self, names: tuple[str, ...], way: tuple[str, ...], state: _Down) -> _Pool:
        """All values of some lookups, each once; one and the same for all draws of these."""
        found: dict[str, Valued] = {}
        is_whole = True
        for name in names:
            values = self.values(name, way)
            state.inside |= values.inside
            state.skipped.update(dict.fromkeys(values.skipped))
            is_whole = is_whole and name in self._whole
            if names not in self._pools:
                for value in values.all:
                    found.setdefault(value.text, value)
        if names in self._pools:
            return self._pools[names]
        pool = tuple(value.made or (value.text,) for value in found.values())
        whole = pool, ends_of([value.weight for value in found.values()]), max(map(_length, pool), default=0)
        if is_whole:
            self._pools[names] = whole
        return whole

    def _found(self, wanted: str, here: str) -> tuple[str, ...]:
        """The lookups that a wildcard means: by its whole name, else below the folders that it is in, the outermost
        first; else wherever a name ends so. `*` stands for anything."""
        folders = here.split("/")[:-1]
        key = (wanted, "/".join(folders) + ("" if here in self._own else "\0"))
        if key not in self._places:
            self._places[key] = self._looked_for(wanted, folders, here in self._own)
        return self._places[key]

    def _looked_for(self, wanted: str, folders: Sequence[str], is_own: bool) -> tuple[str, ...]:
        patterns = ["/".join([*folders[:depth], wanted]) for depth in range(len(folders) + 1)]
        exact = next((pattern for pattern in patterns if pattern in self._known), None)
        if exact is not None:
            return (exact,)
        own = [name for name in self._known if name in self._own] if is_own else []
        for among in (own, list(self._known)):
            for pattern in (*patterns, f"*/{wanted}"):
                if names := _matching(pattern, among):
                    return names
        keys = wanted.replace(".", "/")  # as some write the keys of a tree
        return self._looked_for(keys, folders, is_own) if keys != wanted else ()

    # --- what is not understood ---

    def doubts(self, name: str, syntax: Sequence[str]) -> list[Problem]:
        """Of each kind the first, with how many more values have it."""
        known = self._known[name]
        if not isinstance(known, Wildcards):
            return []
        kinds: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
        for entry in known.entries:
            for doubt in entry.doubts:
                if doubt.name not in syntax or not doubt.name:
                    kinds.setdefault((doubt.name, doubt.fix), []).append((entry.number, doubt.message, doubt.fix))
        for number, token in self._missing.get(name, {}).items():
            fix = "Put its file beside the others, correct the name, or take it out."
            kinds.setdefault(("missing", ""), []).append((number, f"{token} names no lookup.", fix))
        for number, text in self._endless.get(name, {}).items():
            message = f"{text[:MOST_SHOWN]} leads through other lookups without end, and is sent as it stands."
            fix = "Let its wildcards name lookups that do not name one another again and again."
            kinds.setdefault(("endless", ""), []).append((number, message, fix))
        return [_problem(name, known.file, told) for told in kinds.values()]


def _problem(name: str, file: str, told: Sequence[tuple[int, str, str]]) -> Problem:
    number, message, fix = told[0]
    more = f" So {'is 1' if len(told) == 2 else f'are {len(told) - 1}'} more of its values." if len(told) > 1 else ""
    path = ("lookups", name) if file else ("lookups", name, "wildcards", number)
    return Problem("W_FOREIGN", message + more, fix, path, file=file, line=number if file else None, holds=True)


def _matching(pattern: str, names: Sequence[str]) -> tuple[str, ...]:
    first, *more = ("".join("." if sign == "?" else re.escape(sign) for sign in part) for part in pattern.split("*"))
    rest = "".join(f"(?>.*?{part})" for part in more[:-1]) + "".join(
        f".*{part}" for part in more[-1:]
    )  # never goes back
    form = re.compile(first + rest, re.IGNORECASE | re.DOTALL)
    return tuple(sorted(name for name in names if form.fullmatch(name)))


def product_of(one: str, other: str) -> str:
    return other if one == "1" else one if other == "1" else format(Decimal(one) * Decimal(other), "f")


def _of_number(pick: Pick, variant: Variant) -> Pick:
    """With as many as the variant takes, where there are as many."""
    there = len(pick.options)
    least, most = min(variant.least, there), min(variant.most, there)
    return replace(pick, least=least, most=most, joiner=variant.joiner)


def _length(made: Sequence[str | Pick]) -> int:
    """Of the longest that it may come to."""
    return sum(len(part) if isinstance(part, str) else part.most_length for part in made)


def ends_of(written: Sequence[str]) -> tuple[int, ...]:
    """Where nothing weighs anything, all weigh the same."""
    if written.count("1") == len(written):
        return tuple(range(1, len(written) + 1))
    ends = weights(written)
    return ends if ends and ends[-1] else weights(["1"] * len(written))


Ways = tuple[str, str]


def extremes_of(made: Made, known: dict[int, Ways] | None = None) -> Ways:
    """A shortest and a longest of what it may come to. `known`: of options that stand in several places."""
    known = {} if known is None else known
    shortest, longest = "", ""
    for part in made:
        if isinstance(part, str):
            shortest, longest = shortest + part, longest + part
            continue
        if id(part.options) not in known:
            ways = [extremes_of(option, known) for option in part.options]
            known[id(part.options)] = min((way[0] for way in ways), key=len), max((way[1] for way in ways), key=len)
        short, long = known[id(part.options)]
        shortest += part.joiner.join([short] * part.least)
        longest += part.joiner.join([long] * part.most)
    return shortest, longest
