"""Lookups: named lists of values, and what a word in a token stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from artfactoryd.errors import Problem

NAME = re.compile(r"[^\W_]([\w\-/ ]*[\w\-])?")  # letters, digits, "-", "_", "/", " "
_ALIAS = re.compile(r"(.+)_[0-9]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Values:
    """A lookup with the lookups inside it written out."""

    values: tuple[str, ...]
    skipped: tuple[str, ...]  # lookups left out because they were on the way down already
    repeated: bool  # values stood there more than once


class Lookups:
    """`fields`: columns of the order's cases, which a reference may mean as well."""

    def __init__(self, known: Mapping[str, Sequence[str]], fields: Collection[str] = ()) -> None:
        self.known = known
        self.fields = frozenset(fields)
        self.fields_used: set[str] = set()
        self.named: set[str] = set()  # those that a token names itself
        self.meant: set[str] = set()  # those that one names nearly, or hides by a longer name of its own
        self._whole: dict[str, Values] = {}
        self._alone: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self.used: set[str] = set()  # exact names, with all that is inside them

    def name_of(self, word: str) -> str | None:
        """The lookup that a word means: itself, or what it is an alias of (`color_1`)."""
        alias = _ALIAS.fullmatch(word)
        if word in self.known:
            self.meant.update([alias[1]] if alias else ())
            return word
        return alias[1] if alias and alias[1] in self.known else None

    def values(self, name: str) -> Values:
        if name not in self._whole:
            self._whole[name] = self._expand(name)
        return self._whole[name]

    def alone(self, word: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The values of a token that is only this word, and for each the word: one and the same for all such tokens."""
        if word not in self._alone:
            values = self.values(name).values
            self._alone[word] = (values, (word,) * len(values))
        return self._alone[word]

    def near(self, word: str, others: Collection[str] = ()) -> str | None:
        """The lookup that `word` may have meant, one in a folder too; or one of `others`."""
        if len(word) > 100:
            return None
        folded = {name.casefold(): name for name in (*self.known, *others)}
        inside = sorted((name for name in folded if name.endswith("/" + word.casefold())), key=len)
        near = inside or difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
        if not near:
            return None
        self.meant.add(folded[near[0]])
        return folded[near[0]]

    def _expand(self, name: str) -> Values:
        """Depth first, without recursion. A lookup met again when it is done with would only repeat its values."""
        found: dict[str, None] = {}
        skipped: dict[str, None] = {}
        done: set[str] = set()
        repeated = False
        down = {name: iter(self.known[name])}
        while down:
            here = next(reversed(down))
            value = next(down[here], None)
            if value is None:
                done.add(here)
                del down[here]
            elif value == here or value not in self.known:
                repeated = repeated or value in found
                found[value] = None
            elif value in down:
                skipped[value] = None
            elif value in done:
                repeated = True
            else:
                down[value] = iter(self.known[value])
        self.used |= done
        return Values(tuple(found), tuple(skipped), repeated)


def own_lookups(written: Mapping[str, Sequence[object]]) -> list[Problem]:
    """What is wrong with the lookups that an order brings along."""
    fix = "A name has letters, digits, - _ / and blanks, and begins with a letter or digit."
    problems = [
        Problem("E_VALUE", f"{name[:60]!r} cannot be the name of a lookup.", fix, ("lookups", name))
        for name in written
        if not NAME.fullmatch(name)
    ]
    for name, values in written.items():
        for place, value in enumerate(values):
            if value is None or isinstance(value, list | dict):
                message = "this is not one value."
                problems.append(Problem("E_TYPE", message, "Put quotes around it.", ("lookups", name, place), 1))
    return problems
