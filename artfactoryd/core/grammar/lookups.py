"""Lookups: named lists of values, and what a word in a token stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from artfactoryd.core.grammar.weaving import Values, Weaver
from artfactoryd.core.order import LookupValues
from artfactoryd.errors import Path, Problem

NAME = re.compile(r"[^\W_]([\w\-/ ]*[\w\-])?")  # letters, digits, "-", "_", "/", " "
_ALIAS = re.compile(r"(.+)_[0-9]", re.DOTALL)


MOST_SOUGHT = 20  # words of one order for which the nearest name is looked for
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
        self._near: dict[str, list[str]] = {}

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

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """Columns and lookups, small and capital letters apart."""
        return {name.casefold(): name for name in (*self.known, *self.fields)}

    def spelled(self, word: str) -> str | None:
        """The column or lookup of this name, small and capital letters apart."""
        name = self._spelled.get(word.casefold())
        self.meant.update([name] if name is not None else ())
        return name

    def near(self, word: str) -> list[str]:
        """Lookups and columns that a word may have meant: of its name in folders, else the nearest.

        To look for the nearest of thousands takes a while, so it is done for few words.
        """
        if len(word) > 100:
            return []
        folded = word.casefold()
        if folded not in self._near:
            same = [folded] if folded in self._spelled else self._in_folders.get(folded, [])[:MOST_MEANT]
            is_sought = not same and len(self._near) < MOST_SOUGHT
            self._near[folded] = same or (difflib.get_close_matches(folded, self._spelled, 1, 0.6) if is_sought else [])
        names = [self._spelled[name] for name in self._near[folded]]
        self.meant.update(names)
        return names

    @cached_property
    def _in_folders(self) -> dict[str, list[str]]:
        """Names by what they end in behind a /."""
        inside: dict[str, list[str]] = {}
        for name in sorted(self._spelled):
            for place in (place for place, sign in enumerate(name) if sign == "/"):
                inside.setdefault(name[place + 1 :], []).append(name)
        return inside


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
                fix = "Put quotes around it."
                if isinstance(value, list):
                    fix = "Take the inner brackets away, or make it a lookup of its own and write its name here."
                problems.append(Problem("E_TYPE", "this is not one value.", fix, (*path, place), 1))
    return problems
