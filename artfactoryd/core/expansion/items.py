"""From combinations to items: parameters, what was taken, the seed, the copies in their calls."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import islice, product
from typing import Any, NamedTuple

from artfactoryd.core.expansion.combinations import Place, Section
from artfactoryd.core.expansion.text_rows import Row, Written
from artfactoryd.core.grammar.text import TOGETHER, Drawn, Ending, quoted
from artfactoryd.core.grammar.values import DrawnValue
from artfactoryd.core.model import SIZES, Model
from artfactoryd.core.seeds import WHOLE, drawn, number_of

MOST_TOGETHER = 20_000  # values of one list that are prepared at once
LARGEST_SEED = 2**31 - 1  # when a model's schema does not say


class PlannedItem(NamedTuple):
    """One planned call with fully resolved parameters: what an item's row will hold."""

    number: int  # from 1
    first_index: int  # of its first product in the order, from 1
    asked: int  # products wanted of this call
    copy: int  # from 0: the first of the copies that this call makes
    seed: int | None
    parameters: Mapping[str, Any]  # the generation parameters
    tokens: tuple[tuple[str, str, str], ...]  # (parameter, token, value)
    upper: int  # micro-dollars, at most
    model: int = 0  # its place in the plan's models
    key: str | None = None  # equal for items that are the same; None: equal to no other
    stage: str | None = None  # of `then`
    parent: int | None = None  # the place in the order of the product it is fed with
    liked: bool = False  # it waits until a person likes that product


Counted = Generator[PlannedItem, None, tuple[int, int]]  # ends with the number and first index to come
Upper = Callable[[int, Mapping[str, Any]], int | None]


class Maker:
    """Makes the items of one section. `inputs`: sha256 by the value written for a picture."""

    def __init__(
        self, section: Section, model: Model, place: int, base: int, inputs: Mapping[str, str], upper: Upper
    ) -> None:
        self._section, self._model, self._place, self._base = section, model, place, base
        self._inputs, self._upper = inputs, upper
        self._seed = model.seed
        self._least, self._most = seed_range(model.properties.get(model.seed or "", {}))
        names = [*(axis.parameter for axis in section.rows.axes), *(axis.parameter for axis in section.lists)]
        self._sorted = sorted(name for name in names if name != model.seed)
        self._keys = {name: f"{WHOLE.encode(name)}:" for name in names}
        self._last: tuple[Row, Written] | None = None

    # --- any combination ---

    def combination(self, row: Row, digits: Sequence[int]) -> Iterator[PlannedItem]:
        """Its items, numbered from 0 and without a place in the order."""
        has_draw = self._section.has_draw(row, digits)
        calls = self._section.packing.calls(has_draw)
        if has_draw:
            return (self._drawn(row, digits, place) for place in range(calls))
        written = self._written(row)
        values = {axis.parameter: axis.values[n] for axis, n in zip(self._section.lists, digits, strict=True)}
        identity = self._identity(self._fragments(written, values))
        return (self._item(written, values, identity, place, has_draw=False) for place in range(calls))

    def _written(self, row: Row) -> Written:
        """Rows come with all their lists, one after the other."""
        if self._last is None or self._last[0] is not row:
            self._last = (row, self._section.rows.write(row, _undrawn))
        return self._last[1]

    def _drawn(self, row: Row, digits: Sequence[int], place: int) -> PlannedItem:
        """Draws are decided by the item's values with draws left out, and by the copy."""
        rows, lists = self._section.rows, self._section.lists
        values = {axis.parameter: axis.values[n] for axis, n in zip(lists, digits, strict=True)}
        fixed = {name: value for name, value in values.items() if not isinstance(value, DrawnValue)}
        copy = self._section.packing.call(place, True, fixed.get(self._model.batch or ""))[0]
        parts = self._fragments(rows.write(row, _undrawn), fixed)
        if self._seed and fixed.get(self._seed, -1) != -1:
            parts[self._seed] = self._fragment(self._seed, fixed[self._seed])
        known = f"{_together(parts)},{copy}]"

        def decide(parameter: str, draw: Drawn | DrawnValue, ends: Sequence[int]) -> int:
            head = WHOLE.encode([self._base, parameter, draw.token, draw.before])
            return drawn(ends, f"{head[:-1]},{known}")

        written = rows.write(row, lambda name, draw: draw.values[decide(name, draw, draw.ends)])
        for name, value in values.items():
            if isinstance(value, DrawnValue):
                values[name] = value.values[decide(name, value, range(1, len(value.values) + 1))]
        identity = self._identity(self._fragments(written, values))
        return self._item(written, values, identity, place, has_draw=True)

    def _item(
        self, written: Written, values: Mapping[str, Any], identity: str, place: int, has_draw: bool
    ) -> PlannedItem:
        packing = self._section.packing
        copy, asked = packing.call(place, has_draw, values.get(self._model.batch or ""))
        parameters: dict[str, Any] = {**written.values, **values, **packing.sent(asked)}
        seed = self.seed(identity, parameters, copy)
        if self._seed and seed is not None:
            parameters[self._seed] = seed
        upper = self._upper(asked, parameters) or 0
        return PlannedItem(place, 0, asked, copy, seed, parameters, tuple(written.taken), upper, self._place)

    def _fragments(self, written: Written, values: Mapping[str, Any]) -> dict[str, str]:
        """The item's own values as JSON, by parameter; a written seed is not one of them."""
        found = {name: f'{self._keys[name]}"{text}"' for name, text in written.quoted.items()}
        found.update((name, self._fragment(name, value)) for name, value in values.items() if name != self._seed)
        return found

    def _fragment(self, name: str, value: Any) -> str:
        """What a value is, wherever it lies: a picture is its bytes, not its path."""
        if name in self._model.files and isinstance(value, str):
            value = self._inputs.get(value, value)
        return self._keys[name] + WHOLE.encode(value)

    def _identity(self, parts: Mapping[str, str]) -> str:
        """What a seed is derived from, but for the copy."""
        return f"[{self._base},{{{','.join(parts[name] for name in self._sorted if name in parts)}}},"

    def seed(self, identity: str, parameters: Mapping[str, Any], copy: int) -> int | None:
        """What is sent as seed: written it is that plus the copy, else derived. None: nothing of ours."""
        if self._seed is None:
            return None
        least, most = self._least, self._most
        written = parameters.get(self._seed, -1)
        if isinstance(written, bool) or not isinstance(written, int):
            return None  # unchecked (validate: false), and sent as it is
        if written == -1:
            return self._derived(f"{identity}{copy}]")
        if not least <= written <= most:
            return written + copy  # no range is known, or it is not asked to count
        return least + (written + copy - least) % (most - least + 1)

    def _derived(self, text: str) -> int:
        return self._least + number_of(text) % (self._most - self._least + 1)

    # --- many, one after the other ---

    def items(self, start: Place, call: int, number: int, index: int) -> Counted:
        """From call number `call` of a combination on; `number` and `index` are those of the first item."""
        if self._is_simple:
            return (yield from self._in_spans(start, number, index))
        for _, row, digits in self._section.from_place(start):
            number, index = yield from _numbered(islice(self.combination(row, digits), call, None), number, index)
            call = 0
        return number, index

    def one(self, place: Place, call: int, number: int, index: int) -> Counted:
        """The items of one combination alone."""
        items = self.combination(self._section.rows.row(place[0]), place[1])
        return (yield from _numbered(islice(items, call, None), number, index))

    def calls(self, place: Place) -> int:
        """How many items a combination makes."""
        row = self._section.rows.row(place[0])
        return self._section.packing.calls(self._section.has_draw(row, place[1]))

    def ranked(self) -> Iterator[tuple[bytes, Place]]:
        """Every combination, with a rank that follows from its values alone, draws left out."""
        for number, row, digits in self._section.from_place((0, [0] * len(self._section.lists))):
            values = {axis.parameter: axis.values[n] for axis, n in zip(self._section.lists, digits, strict=True)}
            fixed = {name: value for name, value in values.items() if not isinstance(value, DrawnValue)}
            parts = {**self._fragments(self._written(row), fixed)}
            if self._seed in fixed:
                parts[self._seed] = self._fragment(self._seed, fixed[self._seed])
            text = f'["sample",{self._base},{_together(parts)},{WHOLE.encode(self._model.id)}]'
            yield sha256(text.encode()).digest(), (number, digits)

    @property
    def section(self) -> Section:
        return self._section

    @cached_property
    def _is_simple(self) -> bool:
        """One item for each combination, and nothing drawn or left out."""
        section = self._section
        drawn = section.rows.draws is not False or any(axis.draws for axis in section.lists)
        return not drawn and not section.left_out and section.packing.calls(has_draw=False) == 1

    def _in_spans(self, start: Place, number: int, index: int) -> Counted:
        """Items that differ only in the last lists, or in the end of a text, are made together."""
        if self._section.inner > 1:
            for row, digits in self._list_spans(start):
                number, index = yield from self._span_of_lists(row, digits, number, index)
        else:
            for row, slot, endings in self._section.rows.spans(start[0]):
                number, index = yield from self._span_of_text(row, slot, endings, number, index)
        return number, index

    @cached_property
    def _level(self) -> int:
        """From this list on, values are put together beforehand."""
        lists = self._section.lists
        level, ways = len(lists), 1
        while level and (ways := ways * lists[level - 1].size) <= (TOGETHER if level < len(lists) else MOST_TOGETHER):
            level -= 1
        return level

    @cached_property
    def _ways(self) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
        """Every way to fill those lists: the values, and their parts of the identity in its order."""
        lists = self._section.lists[self._level :]
        names = [axis.parameter for axis in lists]
        parts = [[(value, self._fragment(axis.parameter, value)) for value in axis.values] for axis in lists]
        order = sorted((name, place) for place, name in enumerate(names) if name != self._seed)
        return [
            (dict(zip(names, (value for value, _ in way), strict=True)), tuple(way[place][1] for _, place in order))
            for way in product(*parts)
        ]

    def _list_spans(self, start: Place) -> Iterator[tuple[Row, list[int]]]:
        section, size = self._section, len(self._ways)
        inside = section.number(start[1])
        for number in range(start[0], section.rows.total):
            row = section.rows.row(number)
            while inside < section.inner:
                yield row, section.digits(inside)
                inside += size - inside % size
            inside = 0

    def _span_of_lists(self, row: Row, digits: list[int], number: int, index: int) -> Counted:
        (first,) = self.combination(row, digits)
        names = {axis.parameter for axis in self._section.lists[self._level :]}
        if not names:
            return (yield from _numbered([first], number, index))
        parts = {name: part.replace("%", "%%") for name, part in self._parts(row, digits).items()}
        holes = ",".join("%s" if name in names else parts[name] for name in self._sorted)
        identity, key, packing = f"[{self._base},{{{holes}}},", self._seed or "", self._section.packing
        sized, seeded = names & {self._model.batch, self._model.image, *SIZES}, key in names or self._is_derived(digits)
        _, _, asked, copy, seed, base, tokens, upper, *rest = first
        make, base = tuple.__new__, dict(base)
        for values, fragments in self._ways[self._section.number(digits) % len(self._ways) :]:
            parameters = base | values
            if sized:
                copy, asked = packing.call(0, False, parameters.get(self._model.batch or ""))
                upper = self._upper(asked, parameters) or 0
            if seeded:
                written = values.get(key, -1)
                seed = self._derived(f"{identity % fragments}0]") if written == -1 else self.seed("", values, copy)
                if seed is not None:
                    parameters[key] = seed
            yield make(PlannedItem, (number, index, asked, copy, seed, parameters, tokens, upper, *rest))
            number += 1
            index += asked
        return number, index

    def _span_of_text(self, row: Row, slot: int, endings: Sequence[Ending], number: int, index: int) -> Counted:
        rows, nothing = self._section.rows, [0] * len(self._section.lists)
        (first,) = self.combination(row, nothing)
        if not endings:
            return (yield from _numbered([first], number, index))
        text, _ = row.chosen[rows.running]
        name, whole = text.parameter, first.parameters[text.parameter]
        head = whole[: len(whole) - len(endings[0][0])]
        before, behind = self._around(self._parts(row, nothing), name)
        before, behind = f'{before}{self._keys[name]}"{quoted(head)}', f'"{behind}'
        place = sum(len(each[1]) for each in row.chosen[: rows.running]) + slot
        left, right = first.tokens[:place], first.tokens[place + len(endings[0][2]) :]
        _, _, asked, copy, seed, base, _, *rest = first
        least, span, key = self._least, self._most - self._least + 1, self._seed or ""
        derived = self._is_derived(nothing)
        make, copied = tuple.__new__, dict(base).copy
        for end, part, taken in endings:
            parameters = copied()
            parameters[name] = head + end
            if derived:
                found = sha256(f"{before}{part}{behind}".encode()).digest()
                seed = parameters[key] = least + (int.from_bytes(found[:8], "big") >> 1) % span
            yield make(PlannedItem, (number, index, asked, copy, seed, parameters, left + taken + right, *rest))
            number += 1
            index += asked
        return number, index

    def _parts(self, row: Row, digits: Sequence[int]) -> dict[str, str]:
        values = {axis.parameter: axis.values[n] for axis, n in zip(self._section.lists, digits, strict=True)}
        return self._fragments(self._written(row), values)

    def _around(self, parts: Mapping[str, str], name: str) -> tuple[str, str]:
        """What stands before and behind one parameter in what a seed is derived from."""
        where = self._sorted.index(name)
        before = "".join(f"{parts[each]}," for each in self._sorted[:where])
        behind = "".join(f",{parts[each]}" for each in self._sorted[where + 1 :])
        return f"[{self._base},{{{before}", f"{behind}}},0]"

    def _is_derived(self, digits: Sequence[int]) -> bool:
        """Whether no seed is written in this combination."""
        lists = zip(self._section.lists, digits, strict=True)
        written = [axis.values[digit] for axis, digit in lists if axis.parameter == self._seed]
        return self._seed is not None and written in ([], [-1])


def _numbered(items: Iterable[PlannedItem], number: int, index: int) -> Counted:
    for item in items:
        yield item._replace(number=number, first_index=index)
        number, index = number + 1, index + item.asked
    return number, index


def _together(parts: Mapping[str, str]) -> str:
    return "{" + ",".join(parts[name] for name in sorted(parts)) + "}"


def _undrawn(parameter: str, draw: Drawn) -> str:
    return ""


def seed_range(schema: Mapping[str, Any]) -> tuple[int, int]:
    """The seeds a model takes, both ends included."""
    least = int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
    most = int(schema.get("maximum", schema.get("exclusiveMaximum", LARGEST_SEED + 1) - 1))
    return least, max(least, most)
