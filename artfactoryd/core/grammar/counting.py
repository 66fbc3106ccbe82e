"""Counting and numbering the ways to fill the slots of a text, without listing them.

A value of a lookup stands once in a text, so slots of one lookup depend on each other. Values that stand
in the same slots are alike: a count depends on how many of each kind are used, never on which.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

Used = tuple[tuple[int, int], ...]  # (kind, how many of it are used), of kinds that a later slot still has
# The values of a slot, the lookup (as named there) that each is from, and all these names.
Listed = tuple[Sequence[str], Sequence[str | None], Sequence[str]]
MOST_STATES = 20_000
MOST_VALUES = 2_000_000  # of slots that depend on each other
FREE = -1  # the kind of a value that stands in no other slot


class Counting:
    """`kinds`: for each slot the kind of each of its values."""

    def __init__(self, slots: Sequence[Listed]) -> None:
        self.slots = slots
        self.sizes = [len(values) for values, _, _ in slots]
        often = Counter(name for _, _, names in slots for name in set(names))
        shared = {pool for pool, times in often.items() if times > 1}
        entangled = [shared and not shared.isdisjoint(names) for _, _, names in slots]
        self.too_many = sum(itertools.compress(self.sizes, entangled)) > MOST_VALUES
        self.kinds, self._numbers, self._last = _kinds(slots, set() if self.too_many else shared)
        self.coupled = [slot for slot, kinds in enumerate(self.kinds) if kinds is not None]
        self._ways = self._count()

    @cached_property
    def total(self) -> int:
        return 0 if self.too_many else self.ways(0, ())

    @cached_property
    def blocks(self) -> list[int] | None:
        """How many ways one value of each slot has, when no slot depends on another."""
        return None if self.coupled else self._alone[1:]

    def ways(self, slot: int, used: Used) -> int:
        """How many ways there are to fill the slots from `slot` on."""
        following = self._next_coupled[slot]
        return self._alone[slot] * self._ways[following].get(used, 0)

    @cached_property
    def _alone(self) -> list[int]:
        """For each place the product of the sizes of the independent slots from there on."""
        products = [1]
        for size, kinds in zip(reversed(self.sizes), reversed(self.kinds), strict=True):
            products.append(products[-1] * (size if kinds is None else 1))
        return products[::-1]

    @cached_property
    def _next_coupled(self) -> list[int]:
        """For each place the number of coupled slots before it."""
        numbers = [0]
        for kinds in self.kinds:
            numbers.append(numbers[-1] + (kinds is not None))
        return numbers

    def after(self, slot: int, used: Used, kind: int) -> Used:
        """What is used behind `slot` when it took a value of `kind`."""
        counts = dict(used)
        if kind != FREE:
            counts[kind] = counts.get(kind, 0) + 1
        return tuple(sorted((used_kind, n) for used_kind, n in counts.items() if self._last[used_kind] > slot))

    def _count(self) -> list[dict[Used, int]]:
        """For each coupled slot the ways from it on, by what is used before it."""
        levels: list[set[Used]] = [{()}]
        for slot in () if self.too_many else self.coupled:
            following = {after for used in levels[-1] for after, _ in self._steps(slot, used)}
            self.too_many = len(following) > MOST_STATES
            if self.too_many:
                break
            levels.append(following)
        if self.too_many:
            return []
        ways: list[dict[Used, int]] = [dict.fromkeys(levels[-1], 1)]
        for slot, level in zip(reversed(self.coupled), reversed(levels[:-1]), strict=True):
            ways.append(
                {used: sum(n * ways[-1].get(after, 0) for after, n in self._steps(slot, used)) for used in level}
            )
        return ways[::-1]

    def _steps(self, slot: int, used: Used) -> Iterator[tuple[Used, int]]:
        counts = dict(used)
        for kind, there in self._numbers[slot].items():
            left = there - (0 if kind == FREE else counts.get(kind, 0))
            if left > 0:
                yield self.after(slot, used, kind), left

    @cached_property
    def runs_out(self) -> int:
        """The first slot that cannot be filled whatever is chosen before it."""
        reachable: set[Used] = {()}
        for slot in self.coupled:
            reachable = {after for used in reachable for after, _ in self._steps(slot, used)}
            if not reachable:
                return slot
        return 0

    # --- numbering ---

    def digits(self, number: int) -> list[int]:
        """The value that each slot has in the way of that number, counted from 0, the leftmost slot slowest."""
        digits: list[int] = []
        if self.blocks is not None:
            for block in self.blocks:
                digit, number = divmod(number, block)
                digits.append(digit)
            return digits
        used: Used = ()
        taken: set[tuple[str | None, str]] = set()
        for slot in range(len(self.sizes)):
            digit, number, used = self._digit(slot, number, used, taken)
            digits.append(digit)
        return digits

    def _digit(self, slot: int, number: int, used: Used, taken: set[tuple[str | None, str]]) -> tuple[int, int, Used]:
        kinds = self.kinds[slot]
        if kinds is None:
            digit, number = divmod(number, self.ways(slot + 1, used))
            return digit, number, used
        blocks = {kind: self.ways(slot + 1, self.after(slot, used, kind)) for kind in self._numbers[slot]}
        values, pools, _ = self.slots[slot]
        for digit, kind in enumerate(kinds):
            key = (pools[digit], values[digit])
            if kind != FREE and key in taken:
                continue
            if number < blocks[kind]:
                if kind != FREE:
                    taken.add(key)
                return digit, number, self.after(slot, used, kind)
            number -= blocks[kind]
        raise IndexError(number)

    def open_digits(self, digits: Sequence[int]) -> Sequence[int]:
        """What the slot behind `digits` may take so that the rest can be filled."""
        if self.blocks is not None:
            return range(self.sizes[len(digits)])
        used: Used = ()
        taken: set[tuple[str | None, str]] = set()
        for slot, digit in enumerate(digits):
            kinds = self.kinds[slot]
            if kinds is not None and kinds[digit] != FREE:
                taken.add((self.slots[slot][1][digit], self.slots[slot][0][digit]))
            used = self.after(slot, used, FREE if kinds is None else kinds[digit])
        slot = len(digits)
        kinds = self.kinds[slot]
        if kinds is None:
            return list(range(self.sizes[slot]))
        fits = {kind: self.ways(slot + 1, self.after(slot, used, kind)) > 0 for kind in self._numbers[slot]}
        keys = zip(self.slots[slot][1], self.slots[slot][0], strict=True)
        return [n for n, key in enumerate(keys) if fits[kinds[n]] and (kinds[n] == FREE or key not in taken)]


def _kinds(slots: Sequence[Listed], shared: set[str]) -> tuple[list[list[int] | None], list[Counter[int]], list[int]]:
    """The kind of every value (None for a slot that depends on no other), how many of each a slot has, the last
    slot of each. `shared`: lookups that more than one slot has."""
    stands: dict[tuple[str, str], list[int]] = {}
    for number, (values, pools, _) in enumerate(slots):
        for value, pool in zip(values, pools, strict=True) if shared else ():
            if pool in shared:
                stands.setdefault((pool, value), []).append(number)
    names: dict[tuple[str, tuple[int, ...]], int] = {}
    kind_of = {
        key: names.setdefault((key[0], tuple(where)), len(names)) for key, where in stands.items() if len(where) > 1
    }
    kinds: list[list[int] | None] = []
    for values, pools, names_here in slots:
        if shared.isdisjoint(names_here):
            kinds.append(None)
            continue
        own = [kind_of.get((pool or "", value), FREE) for value, pool in zip(values, pools, strict=True)]
        kinds.append(own if any(kind != FREE for kind in own) else None)
    return kinds, [Counter(of_slot or ()) for of_slot in kinds], [where[-1] for _, where in names]
