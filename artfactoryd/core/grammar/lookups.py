"""Lookups: named lists of values, and what a word in a token stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence

from artfactoryd.core.grammar.weaving import Values, Weaver
from artfactoryd.core.order import LookupValues
from artfactoryd.errors import Path, Problem

NAME = re.compile(r"[^\W_]([\w\-/ ]*[\w\-])?")  # letters, digits, "-", "_", "/", " "
_ALIAS = re.compile(r"(.+)_[0-9]", re.DOTALL)


MOST_MEANT = 3  # lookups of one name, in different folders, that are told


class Lookups:
    """`fields`: columns of the order's cases, which a reference may mean as well. `own`: names of the order's own."""

    def __init__(
        self, known: Mapping[str, Sequence[str]], fields: Collection[str] = (), own: Collection[str] = ()
    ) -> None:
        self.known = known
        self.fields, self.own = frozenset(fields), own
        self.fields_used: set[str] = set()
        self.named: set[str] = set()  # those that a token names itself
        self.meant: set[str] = set()  # those that one names nearly, or hides by a longer name of its own
        self._alone: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self.used: set[str] = set()  # exact names, with all that is inside them
        self._weaver = Weaver(known, own)

    def name_of(self, word: str) -> str | None:
        """The lookup that a word means: itself, or what it is an alias of (`color_1`)."""
        alias = _ALIAS.fullmatch(word)
        if word in self.known:
            self.meant.update([alias[1]] if alias else ())
            return word
        return alias[1] if alias and alias[1] in self.known else None

    def values(self, name: str) -> Values:
        values = self._weaver.values(name)
        self.used |= values.inside
        return values

    def doubts(self, name: str, syntax: Sequence[str]) -> list[Problem]:
        """What of a lookup, and of those in it, a model of this `syntax` does not understand."""
        inside = sorted(self.values(name).inside)
        return [problem for one in inside for problem in self._weaver.doubts(one, syntax)]

    def alone(self, word: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The values of a token that is only this word, and for each the word: one and the same for all such tokens."""
        if word not in self._alone:
            values = self.values(name).texts
            self._alone[word] = (values, (word,) * len(values))
        return self._alone[word]

    def spelled(self, word: str) -> str | None:
        """The column or lookup of this name, small and capital letters apart."""
        names = (name for name in (*self.fields, *self.known) if name.casefold() == word.casefold())
        name = next(names, None)
        self.meant.update([name] if name is not None else ())
        return name

    def near(self, word: str, others: Collection[str] = ()) -> list[str]:
        """The lookups that a word may have meant: of its name in folders, else the nearest; or one of `others`."""
        if len(word) > 100:
            return []
        folded = {name.casefold(): name for name in (*self.known, *others)}
        inside = sorted(name for name in folded if name.endswith("/" + word.casefold()))
        same = [word.casefold()] if word.casefold() in folded else []
        near = same or inside[:MOST_MEANT] or difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
        self.meant.update(folded[name] for name in near)
        return [folded[name] for name in near]


def own_lookups(written: Mapping[str, LookupValues]) -> list[Problem]:
    """What is wrong with the lookups that an order brings along."""
    fix = "A name has letters, digits, - _ / and blanks, and begins with a letter or digit."
    problems = [
        Problem("E_VALUE", f"{name[:60]!r} cannot be the name of a lookup.", fix, ("lookups", name))
        for name in written
        if not NAME.fullmatch(name)
    ]
    for name, values in written.items():
        path: Path = ("lookups", name, "wildcards") if isinstance(values, Mapping) else ("lookups", name)
        for place, value in enumerate(values["wildcards"] if isinstance(values, Mapping) else values):
            if value is None or isinstance(value, list | dict):
                message = "this is not one value."
                problems.append(Problem("E_TYPE", message, "Put quotes around it.", (*path, place), 1))
    return problems
