"""From written parameters to axes: which are texts, what each is called by its model, and in which order they come."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from artfactoryd.core.grammar.lookups import Lookups
from artfactoryd.core.grammar.origins import NOWHERE, Origins, Spot
from artfactoryd.core.grammar.pieces import Piece, Text
from artfactoryd.core.grammar.text import TextMaker
from artfactoryd.core.grammar.values import Check, ValueAxis, ValueReader, Written
from artfactoryd.core.json_types import Value
from artfactoryd.core.parameters.other_words import alike, is_count, our_parameters
from artfactoryd.errors import Path

__all__ = ["Axis", "Check", "Given", "Reader", "TextAxis", "Written"]

Given = tuple[str, Value, Path]  # a parameter's name as written, its value, its key path
QUOTES = "Put quotes around it."
LENGTHS = {"minLength", "maxLength"}
MOST_MODELS = 6  # that are named where a parameter is of others
NESTED = "texts in it"  # no key is called so


@dataclass(frozen=True)
class TextAxis:
    """A text parameter: its texts one after the other, each with its own tokens."""

    parameter: str
    texts: tuple[Text, ...]
    origins: Origins = NOWHERE

    @cached_property
    def ends(self) -> tuple[int, ...]:
        return tuple(accumulate(text.size for text in self.texts))

    @cached_property
    def size(self) -> int:
        return self.ends[-1] if self.texts else 0

    def find(self, number: int) -> tuple[Text, int]:
        """The text at `place`, and the place in it."""
        which = bisect_right(self.ends, number)
        return self.texts[which], number - (self.ends[which - 1] if which else 0)

    def bound(self, fields: Mapping[str, str], elsewhere: Collection[str]) -> TextAxis:
        """With a case's fields in its texts."""
        if not any(text.fields for text in self.texts):
            return self
        return replace(self, texts=tuple(text.bound(fields, elsewhere) for text in self.texts))

    @cached_property
    def _numbers(self) -> dict[Text, int]:
        return {text: number for number, text in enumerate(self.texts)}

    def entry(self, text: Text) -> Value:
        """What was written for one of its texts."""
        return self.origins.entry(self._numbers[text])

    def shown(self, number: int) -> str:
        text, inside = self.find(number)
        return text.shown(text.counting.digits(inside))


Axis = TextAxis | ValueAxis


def leading_text(axes: Sequence[TextAxis]) -> int:
    """Which text sets the number of sub-prompts: `prompt`, else the first that stands in no value."""
    names = [axis.parameter for axis in axes]
    whole = (number for number, axis in enumerate(axes) if not any(text.nest for text in axis.texts))
    return names.index("prompt") if "prompt" in names else next(whole, 0)


def _names_in(axis: TextAxis) -> frozenset[str]:
    """Of lookups that all of its texts use."""
    used = [{word for slot in text.whole for word in names_of(text, slot)} for text in axis.texts]
    return frozenset(set.intersection(*used)) if used else frozenset()


@dataclass
class Reader(ValueReader):
    """Reads one order's parameters for one model."""

    def apart(self) -> Reader:
        """Another that reads the same, and whose problems nobody is told."""
        lookups = Lookups(self.lookups.known, self.lookups.fields, self.lookups.own)
        return replace(self, lookups=lookups, problems=[], warnings=[], pictures={}, secrets={}, spread={}, _done={})

    def axes(self, given: Iterable[Given]) -> tuple[list[TextAxis], list[ValueAxis]]:
        """Texts and the rest, each in the order written: the earlier, the slower."""
        texts: list[TextAxis] = []
        lists: list[ValueAxis] = []
        names: frozenset[str] = frozenset()
        for name, value, path in self.named(given):
            if self._kind(name, value) == "text":
                texts.append(self.text(name, value, path, names))
                names |= _names_in(texts[-1])
                continue
            values = self.values(name, value, path)
            nested = self.nested_text(values, path, names)
            if nested is None:
                lists.append(values)
            else:
                texts.append(nested)
                names |= _names_in(nested)
        self._compare_subs(texts)
        return texts, lists

    def _compare_subs(self, texts: Sequence[TextAxis]) -> None:
        """Every text has one sub-prompt, or as many as the leading one."""
        if not texts:
            return
        leading = texts[leading_text(texts)]
        counts = sorted({len(text.subs) for text in leading.texts})
        for axis in texts:
            for text, (path, _) in zip(axis.texts, axis.origins.spots, strict=True) if axis is not leading else ():
                if len(text.subs) > 1 and counts != [len(text.subs)]:
                    there = " or ".join(map(str, counts))
                    message = f"this has {len(text.subs)} sub-prompts, and {leading.parameter} has {there}."
                    self._problem("E_SUBPROMPT_COUNT", message, "Write one for all, or as many.", path, 1)

    def named(self, given: Iterable[Given]) -> Iterator[Given]:
        """By the model's own names; without what is left out by null, or is wrong."""
        by_name: dict[str, Given] = {}
        for written, value, path in given:
            name = self.own_name(written, path)
            if name is None or value is None:
                continue
            if name in by_name:
                message = f"{written} and {by_name[name][2][-1]} are the same parameter."
                self._problem("E_PARAMETER", message, "Keep one of them.", path)
                continue
            by_name[name] = (name, value, path)
            yield by_name[name]

    def own_name(self, given: str, path: Path) -> str | None:
        """The model's own name of a parameter; None (with a problem) when it has none."""
        name = self._named(given)
        if name in self.model.properties or not self.model.properties:
            return name
        fix = self._instead_of(given)
        message = f"{self.model.id} has no parameter {given}."
        if self.validate:
            self._problem("E_PARAMETER", message, fix, path)
            return None
        self._warn("W_NOT_VALIDATED", f"{message} It is sent as written.", fix, path)
        return name

    def _named(self, given: str) -> str:
        """By a synonym; `image` is whatever the model calls the picture that it works on."""
        name = self.model.synonyms.get(given, given)
        is_shared = name == "image" and name not in self.model.properties and self.model.image is not None
        return str(self.model.image) if is_shared else name

    def _instead_of(self, given: str) -> str:
        """What to write for a parameter that the model has not."""
        near = our_parameters(given, [*self.model.properties, *self.model.synonyms])
        near = [name for name in near if name in self.model.properties] or near[:1]
        if is_count(given) and not near:
            return "Write `count: 4` in the order itself, not under parameters: so many of each combination."
        if len(near) > 1:
            return f"Here that is {' and '.join((', '.join(near[:-1]), near[-1]))}."
        if near:
            return f"Did you mean {near[0]}?"
        others = self._others(given)
        has = f"{self.model.short} has: {', '.join(self.model.properties)}."
        return f"These models have one: {others}. {has}" if others else has

    def _others(self, given: str) -> str:
        """Models that have it, a few of them: those of the same provider first."""
        names = sorted(self.having(alike(given) or (given,)), key=lambda name: f"({self.model.provider})" not in name)
        more = [f"and {len(names) - MOST_MODELS} more"] if len(names) > MOST_MODELS else []
        return ", ".join([*names[:MOST_MODELS], *more])

    def look_for_missing(self, given: Iterable[Given], path: Path) -> None:
        """`path`: where what is missing would belong."""
        if not self.validate:
            return
        there = {self._named(name) for name, value, _ in given if value is not None}
        for name in self.model.required:
            if name not in there:
                message = f"{self.model.id} needs the parameter {name}."
                self._problem("E_REQUIRED", message, f"Add {name} under parameters.", path)

    # --- texts ---

    def text(self, name: str, value: Value, path: Path, used: frozenset[str] = frozenset()) -> TextAxis:
        """`used`: names of lookups that every earlier text uses."""
        done = self._done.get(path)
        if isinstance(done, TextAxis):
            return done
        entries: list[tuple[Value, Path]] = [(value, path)]
        if isinstance(value, list):
            entries = [(entry_value, (*path, number)) for number, entry_value in enumerate(value)]
        if not entries:
            self._empty_list(path)
        distinct: dict[Text, Spot] = {}
        for entry, where in entries:
            text = self._one_text(name, entry, where, used)
            if text is None:
                continue
            if text in distinct:
                self._repeated(where, None)
            distinct.setdefault(text, Spot(where))
        origins = Origins(path, value, tuple(distinct.values()))
        axis = self._done[path] = TextAxis(name, tuple(distinct), origins)
        return axis

    def _one_text(self, name: str, value: Value, path: Path, used: frozenset[str]) -> Text | None:
        if value is None or isinstance(value, list | dict):
            fix = "Take the inner brackets away, or put quotes around it." if isinstance(value, list) else QUOTES
            self._problem("E_TYPE", "this must be a text.", fix, path, 1)
            return None
        characters = self._characters(value, path)
        if self.is_raw(name, path):
            text = Text(name, ((characters,),))
        else:
            maker = TextMaker(self.lookups, self.base, name, self.model.syntax, self.model.properties)
            text = maker.make(characters, path, used)
            self.problems += maker.problems
            self.warnings += maker.warnings
        if not text.fields:
            self.check_lengths(text, path)
        return text

    def nested_text(self, axis: ValueAxis, path: Path, used: frozenset[str]) -> TextAxis | None:
        """Of a parameter with texts inside its values, where they hold anything but characters: each value a text."""
        key = (*path, NESTED)
        if key not in self._done:
            self._done[key] = self._nested_text(axis, path, used)
        done = self._done[key]
        return done if isinstance(done, TextAxis) else None

    def _nested_text(self, axis: ValueAxis, path: Path, used: frozenset[str]) -> TextAxis | None:
        name, spots = axis.parameter, axis.origins.spots
        if not any(self.texts_in(name, value, spot.path) for value, spot in zip(axis.values, spots, strict=False)):
            return None
        distinct: dict[Text, Spot] = {}
        maker = TextMaker(self.lookups, self.base, name, self.model.syntax, self.model.properties)
        for value, spot in zip(axis.values, spots, strict=True):
            text = maker.make_nested(value, self.texts_in(name, value, spot.path), spot.path, used)
            if not text.fields:
                self.check_lengths(text, spot.path)
            distinct.setdefault(text, spot)
        self.problems += maker.problems
        self.warnings += maker.warnings
        is_literal = all(isinstance(piece, str) for text in distinct for piece in text.whole)
        if is_literal and [text.each_shown(()) for text in distinct] == [[value] for value in axis.values]:
            return None  # only characters, as they are
        return TextAxis(name, tuple(distinct), Origins(path, axis.origins.written, tuple(distinct.values())))

    def check_lengths(self, text: Text, path: Path) -> None:
        if text.nest is not None or LENGTHS & self._schema(text.parameter).keys():
            for extreme in {json.dumps(value): value for value in text.extremes()}.values():
                self._check(text.parameter, extreme, path, None if text.nest else 1)


def names_of(text: Text, piece: Piece) -> tuple[str, ...]:
    """The names of lookups that a piece of a text uses."""
    if isinstance(piece, int):
        return text.slots[piece].names
    return getattr(piece, "names", ())
