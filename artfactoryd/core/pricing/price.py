"""A price: a sum of parts, each of which counts something and may hold for some values of parameters alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from functools import cached_property
from typing import Any

from artfactoryd.core.json_types import Document, Parameters, Value
from artfactoryd.core.money import micro_dollars
from artfactoryd.core.pricing.amounts import Amount, Call, Reading, amounts, plain
from artfactoryd.core.pricing.sizes import SIZES

ROUNDED_UP = frozenset({"megapixel", "input_megapixel", "processed_megapixel"})  # where a price does not say
OF_INPUTS = frozenset({"input_megapixel", "processed_megapixel"})
BY_SIZE = frozenset({"megapixel", "processed_megapixel", "token"})
WHOLLY = Reading()  # no parameter tells its amount
CERTAIN = frozenset({"image", "call", "character"})  # units that nobody measures otherwise
BY_COUNT, BY_TIME = frozenset({"image", "call"}), frozenset({"second", "call"})


@dataclass(frozen=True, slots=True)
class Part:
    """`usd`, decimal text as written, is the price of `every` units; `first` that of the first of them in a call.

    `steps`: in place of `usd`, the price of one output or input by its amount, up to and with each. `at_most`: units
    that one output or input certainly comes to, where its amount is not known. `when`: by parameter, the values
    (`*` stands for any letters) with which the part holds. `surcharge`: it comes on top, and no price by itself.
    """

    usd: str = "0"
    per: str = "image"
    every: int = 1
    first: str | None = None
    steps: tuple[tuple[float, str], ...] = ()
    reading: Reading = WHOLLY
    at_most: float | None = None
    round_up: bool | None = None
    when: Mapping[str, tuple[Value, ...]] | None = None
    surcharge: bool = False

    def holds(self, parameters: Parameters) -> bool:
        return all(_matches(parameters.get(name), values) for name, values in (self.when or {}).items())

    def excludes(self, other: Part) -> bool:
        """Whether never both hold for one call."""
        mine, its = self.when or {}, other.when or {}
        return any(not any(_matches(value, its[name]) for value in mine[name]) for name in mine.keys() & its.keys())

    def cost(self, call: Call) -> Decimal | None:
        """In US dollars; None where it is not known."""
        known = [self._bounded(amount) for amount in amounts(self.per, self.reading, call)]
        whole = [amount for amount in known if amount is not None]
        if len(whole) < len(known):
            return None
        if self.steps:
            costs = [self._step(amount) for amount in whole]
            return None if None in costs else sum(filter(None, costs), Decimal(0))
        units = sum((self._units(amount) for amount in whole), Decimal(0))
        if self.first is None:
            return Decimal(self.usd) * units
        return Decimal(0) if not units else Decimal(self.first) + Decimal(self.usd) * max(Decimal(0), units - 1)

    def _bounded(self, amount: Amount) -> Amount:
        return Decimal(str(self.at_most)) if amount is None and self.at_most is not None else amount

    def _units(self, amount: Decimal) -> Decimal:
        units = amount / self.every
        is_up = self.round_up if self.round_up is not None else self.per in ROUNDED_UP or self._is_whole
        return units.to_integral_value(ROUND_CEILING) if is_up else units

    @property
    def _is_whole(self) -> bool:
        """So many seconds that are sold together."""
        return self.every > 1 and self.per == "output_second"

    def _step(self, amount: Decimal) -> Decimal | None:
        return next((Decimal(usd) for most, usd in self.steps if amount <= Decimal(str(most))), None)

    @property
    def is_flat(self) -> bool:
        """So much for each unit, however many they are and whatever is asked."""
        return not self.steps and self.first is None and not self.when

    @property
    def normalized(self) -> Part:
        steps = tuple((most, _one_way(usd)) for most, usd in self.steps)
        first = None if self.first is None else _one_way(self.first)
        return replace(self, usd=_one_way(self.usd), first=first, steps=steps)

    @property
    def parameters(self) -> set[str]:
        """Those that its cost depends on, files apart."""
        sizes = SIZES if self.per in BY_SIZE and not (self.reading.size or self.reading.of) else ()
        return {*(self.when or ()), *self.reading.parameters, *sizes}


@dataclass(frozen=True)
class Price:
    """`bound`: its figures are known only not to be more."""

    parts: tuple[Part, ...]
    as_of: str | None = None
    bound: bool = False

    def cost(self, call: Call) -> int | None:
        """In micro-dollars: what a call may cost at most, or by its outputs what it did; None when it is not known."""
        held = self._held(call.parameters)
        if held is None:
            return None
        costs = [part.cost(call) for part in held]
        return None if None in costs else micro_dollars(sum(filter(None, costs), Decimal(0)))

    def _held(self, parameters: Parameters) -> list[Part] | None:
        """Those that count for a call. None where one of its units has no price: what is not listed is not free."""
        held = [part for part in self.parts if part.holds(parameters)]
        priced = {part.per for part in held if not part.surcharge}
        return held if priced == {part.per for part in self.parts if not part.surcharge} else None

    @property
    def units(self) -> frozenset[str]:
        return frozenset(part.per for part in self.parts)

    @property
    def parameters(self) -> set[str]:
        """The parameters that it depends on, files apart."""
        return set().union(*(part.parameters for part in self.parts))

    @property
    def texts(self) -> set[str]:
        return {part.reading.of or "" for part in self.parts if part.per == "character"}

    @property
    def depends_on_inputs(self) -> bool:
        """Whether it counts the pictures worked on; a picture made of one, as large as that, counts too."""
        return bool(self.units & (OF_INPUTS | BY_SIZE))

    @cached_property
    def is_constant(self) -> bool:
        """Whether every call for as many outputs costs the same."""
        return not self.parameters and not self.depends_on_inputs

    @property
    def figures(self) -> set[str]:
        return {usd for part in self.parts for usd in _dollars(part)}

    @property
    def is_free(self) -> bool:
        return not any(map(Decimal, self.figures))

    @property
    def simple(self) -> Part | None:
        """Its one part, where that is `usd` per unit and nothing else."""
        part = self.parts[0]
        plain_part = Part(part.usd, part.per, at_most=part.at_most if part.per == "second" else None)
        return part if len(self.parts) == 1 and part == plain_part else None

    @property
    def normalized(self) -> Price:
        """To be compared: without its day, and dollars written one way."""
        return Price(tuple(part.normalized for part in self.parts))

    @classmethod
    def from_mapping(cls, value: Document) -> Price:
        """`{usd, per, seconds, as_of}`, as one part, or `{parts, as_of}`."""
        written = value["parts"] if value.get("parts") else [value]
        as_of = value.get("as_of")
        parts = tuple(_part(part) for part in written)
        return cls(parts, None if as_of is None else str(as_of), bool(value.get("bound")))

    def to_mapping(self) -> dict[str, Any]:
        """The inverse of `from_mapping`; as earlier releases wrote it, where they could have."""
        bound = {"bound": True} if self.bound else {}
        if part := self.simple:
            return {"usd": part.usd, "per": part.per, "seconds": part.at_most, "as_of": self.as_of, **bound}
        return {"parts": [_written(part) for part in self.parts], "as_of": self.as_of, **bound}


def _matches(value: Value, values: Iterable[Value]) -> bool:
    own = plain(value)
    return any(re.fullmatch(re.escape(plain(one)).replace(r"\*", ".*"), own, re.DOTALL) for one in values)


def _one_way(usd: str) -> str:
    return f"{Decimal(usd).normalize():f}"


def _dollars(part: Part) -> Iterator[str]:
    yield from (usd for _, usd in part.steps)
    if not part.steps:
        yield part.usd
    if part.first is not None:
        yield part.first


def _part(value: Document) -> Part:
    told = [value.get(key) for key in ("of", "rate", "size", "sizes", "factor", "longest")]
    reading = Reading(*told)
    first, most = value.get("first"), value.get("at_most", value.get("seconds"))
    steps = tuple((step["up_to"], str(step["usd"])) for step in value.get("steps") or ())
    when = {name: tuple(_listed(values)) for name, values in (value.get("when") or {}).items()}
    rounded = value.get("round")
    return Part(
        str(value.get("usd", 0)), value.get("per", "image"), value.get("every", 1),
        None if first is None else str(first), steps, reading, most,
        None if rounded is None else rounded == "up", when or None, bool(value.get("surcharge")),
    )  # fmt: skip


def _listed(values: Any) -> Sequence[Value]:
    return values if isinstance(values, list | tuple) else [values]


def _written(part: Part) -> dict[str, Any]:
    reading = part.reading
    rounded = {None: None, True: "up", False: "exact"}[part.round_up]
    steps = [{"up_to": most, "usd": usd} for most, usd in part.steps] or None
    when = {name: list(values) for name, values in (part.when or {}).items()} or None
    value = {
        "usd": None if steps else part.usd, "per": part.per, "every": None if part.every == 1 else part.every,
        "first": part.first, "steps": steps, "of": reading.of, "rate": reading.rate, "size": reading.size,
        "factor": reading.factor, "longest": reading.longest,
        "sizes": reading.sizes and dict(reading.sizes), "at_most": part.at_most, "round": rounded, "when": when,
        "surcharge": part.surcharge or None,
    }  # fmt: skip
    return {key: each for key, each in value.items() if each is not None}
