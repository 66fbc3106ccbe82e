"""From combinations to items: parameters, what was taken, the seed, the copies in their calls.

The plain way, one combination after the other, is the reference. Not here: how many that are alike are made
together (spans).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from artfactoryd.core.expansion.combinations import Position, Section
from artfactoryd.core.expansion.identity import Identity, Parts, together
from artfactoryd.core.expansion.text_rows import Row, Written
from artfactoryd.core.file_names import FIELD
from artfactoryd.core.grammar.values import DrawnValue
from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.seeds import WHOLE, SeedRange, drawn


class PlannedItem(NamedTuple):
    """One planned call with fully resolved parameters: what an item's row will hold."""

    number: int  # from 1
    first_index: int  # of its first product in the order, from 1
    asked: int  # products wanted of this call
    copy: int  # from 0: the first of the copies that this call makes
    seed: int | None
    parameters: Parameters  # the generation parameters
    tokens: tuple[tuple[str, str, str], ...]  # (parameter, token, value)
    upper: int  # micro-dollars, at most
    model: int = 0  # its place in the plan's models
    key: str | None = None  # equal for items that are the same; None: equal to no other
    stage: str | None = None  # of `then`
    parent: int | None = None  # the place in the order of the product it is fed with
    liked: bool = False  # it waits until a person likes that product


class Count(NamedTuple):
    """Where counting goes on: the number of the item to come, and the place of its first product."""

    number: int
    product: int


Counted = Generator[PlannedItem, None, Count]  # ends with the count behind its last item
Upper = Callable[[int, Parameters], int | None]  # outputs asked for, parameters -> micro-dollars at most


class ItemMaker:
    """Makes the items of one section. `place`: of the model among the plan's. `inputs`: sha256 by the value written
    for a picture. `deciding`: the parameters that what a call costs, or makes, depends on."""

    def __init__(
        self, section: Section, model: Model, place: int, base: int, inputs: Mapping[str, str], upper: Upper,
        deciding: frozenset[str],
    ) -> None:  # fmt: skip
        self.section, self.model, self.upper, self.deciding = section, model, upper, deciding
        self._place, self._base = place, base
        self.seeds = SeedRange.of(model.properties.get(model.seed or "", {}))
        names = [*(axis.parameter for axis in section.rows.axes), *(axis.parameter for axis in section.lists)]
        self.identity = Identity(base, names, model, inputs)
        self._fields = told_fields(section.rows.fields)
        self._last: tuple[Row, Written] | None = None

    # --- all of them, one after the other ---

    def items(self, start: Position, call: int, count: Count) -> Counted:
        """From call number `call` of a combination on."""
        for _, row, digits in self.section.combinations_from(start):
            count = yield from numbered(islice(self.combination(row, digits), call, None), count)
            call = 0
        return count

    def one(self, position: Position, call: int, count: Count) -> Counted:
        """The items of one combination alone, from call number `call` on."""
        items = self.combination(self.section.rows.row(position.row), position.digits)
        return (yield from numbered(islice(items, call, None), count))

    def calls(self, position: Position) -> int:
        """How many items a combination makes."""
        row = self.section.rows.row(position.row)
        return self.section.packing.calls(self.section.has_draw(row, position.digits))

    def ranked(self) -> Iterator[tuple[bytes, Position]]:
        """Every combination, with a rank that follows from its values alone, draws left out."""
        start = Position(0, [0] * len(self.section.lists))
        for number, row, digits in self.section.combinations_from(start):
            fixed = _fixed(self.section.values(digits))
            parts = self._parts_with_seed(self.written(row), fixed, fixed.get(self.model.seed or ""))
            text = f'["sample",{self._base},{together(parts)},{WHOLE.encode(self.model.id)}]'
            yield sha256(text.encode()).digest(), Position(number, digits)

    # --- one combination ---

    def combination(self, row: Row, digits: Sequence[int]) -> Iterator[PlannedItem]:
        """Its items, numbered from 0 and without a place in the order."""
        has_draw = self.section.has_draw(row, digits)
        calls = range(self.section.packing.calls(has_draw))
        if has_draw:
            return (self._drawn(row, digits, call) for call in calls)
        written, values = self.written(row), self.section.values(digits)
        head = self.identity.head(self.identity.parts(written, values))
        return (self._item(written, values, head, call, has_draw=False) for call in calls)

    def written(self, row: Row) -> Written:
        """Kept for the next combination: rows come with all their lists, one after the other."""
        if self._last is None or self._last[0] is not row:
            self._last = (row, self.section.rows.write(row, None))
        return self._last[1]

    def _drawn(self, row: Row, digits: Sequence[int], call: int) -> PlannedItem:
        """Draws are decided by the item's values with draws left out, and by the copy."""
        rows, values = self.section.rows, self.section.values(digits)
        fixed = _fixed(values)
        seed = fixed.get(self.model.seed or "")
        parts = self._parts_with_seed(rows.write(row, None), fixed, None if seed == -1 else seed)
        copy, _ = self.section.packing.call(call, True, fixed.get(self.model.batch or ""))
        known = f"{together(parts)},{copy}]"

        def decide(parameter: str, token: str, place: Sequence[int], ends: Sequence[int]) -> int:
            head = WHOLE.encode([self._base, parameter, token, *place])
            return drawn(ends, f"{head[:-1]},{known}")

        written = rows.write(row, decide)
        for name, value in values.items():
            if isinstance(value, DrawnValue):
                values[name] = value.values[decide(name, value.token, (value.before,), range(1, len(value.values) + 1))]
        head = self.identity.head(self.identity.parts(written, values))
        return self._item(written, values, head, call, has_draw=True)

    def _parts_with_seed(self, written: Written, fixed: Parameters, seed: Value) -> Parts:
        """Unlike an item's own identity this knows a written seed. `seed`: None when none is to be known."""
        parts = self.identity.parts(written, fixed)
        if self.model.seed and seed is not None:
            parts[self.model.seed] = self.identity.part(self.model.seed, seed)
        return parts

    def _item(self, written: Written, values: Parameters, head: str, call: int, has_draw: bool) -> PlannedItem:
        packing = self.section.packing
        copy, asked = packing.call(call, has_draw, values.get(self.model.batch or ""))
        parameters: dict[str, Value] = {**written.values, **values, **packing.sent(asked)}
        seed = self.seed(head, parameters, copy)
        if self.model.seed and seed is not None:
            parameters[self.model.seed] = seed
        upper = self.upper(asked, parameters) or 0
        return PlannedItem(call, 0, asked, copy, seed, parameters, (*written.taken, *self._fields), upper, self._place)

    def seed(self, head: str, parameters: Parameters, copy: int) -> int | None:
        """What is sent as seed: written it is that plus the copy, else derived. None: nothing of ours."""
        if self.derives_seed(parameters):
            return self.seeds.derived(f"{head}{copy}]")
        written = parameters.get(self.model.seed or "")
        if isinstance(written, bool) or not isinstance(written, int):
            return None  # none is known, or it is unchecked (validate: false) and sent as it is
        return self.seeds.counted_on(written, copy)

    def derives_seed(self, parameters: Parameters) -> bool:
        """Whether the model takes a seed and none is written."""
        written = parameters.get(self.model.seed, -1) if self.model.seed else None
        return isinstance(written, int) and written == -1


def told_fields(fields: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """As an item tells them: behind what its texts took."""
    return tuple((FIELD, name, value) for name, value in fields.items())


def fields_of(item: PlannedItem) -> dict[str, str]:
    return {name: value for parameter, name, value in item.tokens if parameter == FIELD}


def numbered(items: Iterable[PlannedItem], count: Count) -> Counted:
    """The items with their places in the order."""
    number, index = count
    for item in items:
        yield item._replace(number=number, first_index=index)
        number, index = number + 1, index + item.asked
    return Count(number, index)


def _fixed(values: Parameters) -> dict[str, Value]:
    """Without what is drawn."""
    return {name: value for name, value in values.items() if not isinstance(value, DrawnValue)}
