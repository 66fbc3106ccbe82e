"""Order + model -> an ordered, lazy sequence of items with count and price. Nothing is executed."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from artfactoryd.core.expansion import costs, stages
from artfactoryd.core.expansion.combinations import Section
from artfactoryd.core.expansion.items import Count, Counted, ItemMaker, PlannedItem, Upper
from artfactoryd.core.expansion.sampling import Chosen, choose
from artfactoryd.core.expansion.spans import items_from
from artfactoryd.core.grammar.axes import Axis
from artfactoryd.core.grammar.values import ValueAxis
from artfactoryd.core.json_types import Parameters, Value
from artfactoryd.core.model import Model
from artfactoryd.core.order import Order
from artfactoryd.core.pricing.amounts import Call
from artfactoryd.core.pricing.price import Price
from artfactoryd.errors import Path, Problem

__all__ = ["LARGEST", "Buying", "Plan", "PlannedItem"]

LARGEST = 2**63 - 1  # what the index can hold: of items, of micro-dollars, of a seed


@dataclass(frozen=True, slots=True)
class Buying:
    """What of a plan is to be bought. `price`: micro-dollars at most; None when it is not known."""

    items: int
    products: int
    price: int | None


@dataclass(frozen=True)
class Plan:
    order: Order
    models: tuple[Model, ...]
    sections: tuple[tuple[int, Section], ...]  # the place of the model, and its combinations
    base_seed: int
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)  # sha256 by the value written for a picture
    input_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # pixels, by the same value
    pictures: tuple[tuple[Path, str], ...] = ()  # (key path, value) of every file parameter's value
    secrets: tuple[tuple[Path, str], ...] = ()  # (key path, where it is) of every secret
    lookups: Mapping[str, Sequence[str]] = field(default_factory=dict)  # those it needs
    raw: frozenset[Path] = frozenset()  # key paths of what has !raw before it
    stages: tuple[stages.Stage[Plan], ...] = ()
    many: Mapping[str, Sequence[str]] = field(default_factory=dict)  # pictures by the pattern or query for them
    seeds: Mapping[int, int] = field(default_factory=dict)  # by item: those of products that it may be (any-seed)
    replaced: frozenset[str] = frozenset()  # parameters that every case writes over
    fields: tuple[str, ...] = ()  # columns of its cases that are no parameters
    fields_used: frozenset[str] = frozenset()  # those of them that its texts take

    @property
    def model(self) -> Model:
        return self.models[0]

    @cached_property
    def all_models(self) -> list[Model]:
        """Those of the stages too, by the places that items name."""
        return [*self.models, *(stage.plan.model for stage in self.stages)]

    @property
    def axes(self) -> list[Axis]:
        """Of the first model and case, slowest first."""
        return [*self.sections[0][1].rows.axes, *self.sections[0][1].lists] if self.sections else []

    # --- counting ---

    @cached_property
    def combinations(self) -> int:
        """Before a sample is taken of them."""
        return sum(section.combinations.total for _, section in self.sections)

    @cached_property
    def total_items(self) -> int:
        return self.own_items + sum(stages.items_of(self, stage) for stage in self.stages)

    @cached_property
    def total_products(self) -> int:
        return self.own_products + sum(stages.products_of(self, stage) for stage in self.stages)

    @property
    def own_items(self) -> int:
        """Without those of later stages."""
        return self._ends[-1] if self._ends else 0

    @cached_property
    def _chosen(self) -> list[Chosen] | None:
        """The combinations of a sample; None when all are made."""
        if self.order.sample is None or self.order.sample >= self.combinations:
            return None
        makers = [self._maker(place) for place in range(len(self.sections))]
        return choose(makers, self.order.sample, self.base_seed)

    @cached_property
    def _ends(self) -> list[int]:
        """Items up to the end of each section, or of each chosen combination."""
        if self._chosen is None:
            return list(itertools.accumulate(section.items.total for _, section in self.sections))
        return list(itertools.accumulate(self._maker(one.section).calls(one.position) for one in self._chosen))

    @cached_property
    def must_list(self) -> bool:
        """Whether only the items themselves tell what they come to: a sample, or a drawn size."""
        return self._chosen is not None or any(axis.draws for axis in sized(self)) or self._is_priced_by_text

    @cached_property
    def own_products(self) -> int:
        if self.must_list:
            return sum(item.asked for item in self._unpriced)
        return sum(self._products(place) for place in range(len(self.sections)))

    def _products(self, place: int) -> int:
        model, section = self.sections[place]
        batch = self.models[model].batch
        groups = self._groups(section, batch)
        return sum(section.packing.products(values.get(batch or "")) * (n + m) for values, n, m in groups)

    @property
    def _unpriced(self) -> Iterator[PlannedItem]:
        return self._items(Count(1, 1), lambda asked, parameters: 0)

    @property
    def buying(self) -> Buying:
        """Everything, as if nothing of it had been made before."""
        return Buying(self.total_items, self.total_products, self.total_price())

    # --- price ---

    @property
    def price(self) -> Price | None:
        return self._prices[0]

    @cached_property
    def _prices(self) -> list[Price | None]:
        return [self.price_of(model) for model in range(len(self.models))]

    def price_of(self, model: int) -> Price | None:
        """The catalogue's price, or the order's own where the catalogue's is not known for every item."""
        if model >= len(self.models):
            return self.stages[model - len(self.models)].plan.price
        known = self.models[model].price
        if self.order.price is None or (known is not None and self._total(known, model) is not None):
            return known
        return Price.from_mapping(self.order.price)

    def own_price(self, model: int) -> Price | None:
        """The order's own price, where this model's items go by it."""
        own = None if self.order.price is None else Price.from_mapping(self.order.price)
        return own if own is not None and self.price_of(model) == own else None

    def total_price(self) -> int | None:
        """Micro-dollars at most for everything; None when no price is known. 0 for a rehearsal."""
        if self.order.rehearse:
            return 0
        parts = [self._total_price, *(stages.price_of(self, stage) for stage in self.stages)]
        return None if None in parts else sum(filter(None, parts))

    @cached_property
    def _total_price(self) -> int | None:
        totals = [None if price is None else self._total(price, model) for model, price in enumerate(self._prices)]
        return None if None in totals else sum(each or 0 for each in totals)

    def upper(self, asked: int, parameters: Parameters, model: int = 0) -> int | None:
        """Micro-dollars at most for one call."""
        if self.order.rehearse:
            return 0
        price = self._prices[model]
        return None if price is None else self._upper(price, asked, parameters, model)

    def _upper(self, price: Price, asked: int, parameters: Parameters, model: int) -> int | None:
        if price.is_constant:
            return price.cost(Call(asked, {}))
        return price.cost(costs.priced_call(self.models[model], asked, parameters, self.input_sizes))

    def _total(self, price: Price, model: int) -> int | None:
        total = 0
        for asked, parameters, times in self._calls(price, model):
            upper = self._upper(price, asked, parameters, model)
            if upper is None:
                return None
            total += upper * times
        return total

    def _calls(self, price: Price, model: int) -> Iterator[tuple[int, Parameters, int]]:
        """(outputs asked for, what else its price depends on, how many such calls) of one model."""
        if self.must_list:
            yield from ((item.asked, item.parameters, 1) for item in self._unpriced if item.model == model)
            return
        batch = self.models[model].batch
        names = costs.deciding(self.models[model], [price])
        for section in (section for place, section in self.sections if place == model):
            for values, undrawn, drawn in self._groups(section, batch, *names):
                for asked, times in section.packing.loads(values.get(batch or ""), undrawn, drawn):
                    if times:
                        yield asked, values, times

    def _groups(self, section: Section, *names: str | None) -> Iterator[tuple[dict[str, Value], int, int]]:
        """The values of these parameters together, and how many combinations have them, without and with a draw."""
        levels = [level for level, axis in enumerate(section.lists) if axis.parameter in names]
        for digits in itertools.product(*(range(section.lists[level].size) for level in levels)):
            places = dict(zip(levels, digits, strict=True))
            values = {section.lists[level].parameter: section.lists[level].values[n] for level, n in places.items()}
            drawn = section.drawn.fixed(places)
            yield values, section.combinations.fixed(places) - drawn, drawn

    # --- items ---

    def _maker(self, place: int, upper: Upper | None = None) -> ItemMaker:
        model, section = self.sections[place]

        def priced(asked: int, parameters: Parameters) -> int | None:
            return self.upper(asked, parameters, model)

        return ItemMaker(
            section, self.models[model], model, self.base_seed, self.inputs, upper or priced, self.deciding(model)
        )

    def deciding(self, model: int) -> frozenset[str]:
        own = None if self.order.price is None else Price.from_mapping(self.order.price)
        return costs.deciding(self.models[model], (self.models[model].price, own))

    @cached_property
    def _is_priced_by_text(self) -> bool:
        """Whether what an item costs depends on how long its texts are."""
        return any(not self.deciding(place).isdisjoint(section.texts) for place, section in self.sections)

    def items(self, number: int = 1, index: int = 1) -> Iterator[PlannedItem]:
        """Lazily, from item `number` whose first product has the place `index`."""
        if number <= self.own_items:
            yield from self._items(Count(number, index), None)
        yield from islice(stages.items(self), max(0, number - 1 - self.own_items), None)

    def seeded(self, base: int, fields: Mapping[str, str]) -> Plan:
        """The same with other seeds and draws, and with the fields of a case in its texts."""
        sections = self.sections
        if fields:
            sections = tuple((model, section.with_fields(fields)) for model, section in sections)
        return replace(self, base_seed=base, sections=sections, seeds={})

    @cached_property
    def has_nested(self) -> bool:
        """Whether texts are read inside values, here or in a stage."""
        axes = (axis for _, section in self.sections for axis in section.rows.axes)
        own = any(text.nest is not None for axis in axes for text in axis.texts)
        return own or any(stage.plan.has_nested for stage in self.stages)

    @cached_property
    def takes_fields(self) -> bool:
        """Whether its texts have fields to be filled in: those of a stage."""
        return any(text.fields for _, section in self.sections for axis in section.rows.axes for text in axis.texts)

    def own(self) -> Iterator[PlannedItem]:
        """Without those of later stages."""
        return self._items(Count(1, 1), None)

    def _items(self, count: Count, upper: Upper | None) -> Iterator[PlannedItem]:
        first, behind = self._find(count.number)
        for part in range(first, len(self._ends)):
            items = self._part(part, behind, count, upper)
            count = yield from (self._reseeded(items) if self.seeds else items)
            behind = 0

    def _reseeded(self, items: Counted) -> Counted:
        try:
            while True:
                yield self._with_seed(next(items))
        except StopIteration as end:
            count: Count = end.value
            return count

    def _with_seed(self, item: PlannedItem) -> PlannedItem:
        return stages.with_seed(item, self.seeds.get(item.number), self.models[item.model].seed)

    def _find(self, number: int) -> tuple[int, int]:
        """The section, or the chosen combination, that an item is made of, and how many come before it there."""
        part = bisect_right(self._ends, number - 1)
        return part, number - 1 - (self._ends[part - 1] if part else 0)

    def _part(self, part: int, behind: int, count: Count, upper: Upper | None) -> Counted:
        """The items of one section, or of one chosen combination, from the one `behind` its first."""
        if self._chosen is not None:
            section, position = self._chosen[part]
            return (yield from self._maker(section, upper).one(position, behind, count))
        section_items = self.sections[part][1].items
        if behind >= section_items.total:
            return count
        position, call = section_items.find(behind)
        return (yield from items_from(self._maker(part, upper), position, call, count))

    def base(self, number: int) -> dict[str, Value]:
        """For each parameter of an item, the one text or entry that it came from, as written."""
        if number > self.own_items:
            return self._base_of_stage(number - self.own_items - 1)
        part, behind = self._find(number)
        if self._chosen is not None:
            place, position = self._chosen[part]
        else:
            place, position = part, self.sections[part][1].items.find(behind)[0]
        return self.sections[place][1].base(position)

    def _base_of_stage(self, behind: int) -> dict[str, Value]:
        """Of the item so many behind the first of a stage. What came above what was asked for is numbered on, all of
        the order's items at a time."""
        ends = list(itertools.accumulate(stages.items_of(self, stage) for stage in self.stages))
        behind = behind if behind < ends[-1] else (behind + self.own_items) % self.total_items - self.own_items
        place = bisect_right(ends, behind)
        stage = self.stages[place]
        within = (behind - (ends[place - 1] if place else 0)) % stage.plan.total_items
        fed = {stage.input, stage.later.input}
        return {name: value for name, value in stage.plan.base(within + 1).items() if name not in fed}

    def item(self, number: int) -> PlannedItem:
        """One item by its number; its product index is only right where every combination makes as many products."""
        item = self._single(number)
        return item._replace(first_index=self._index(item, self._first))

    def _single(self, number: int) -> PlannedItem:
        """Without preparing those that come after it."""
        part, behind = self._find(number)
        if self._chosen is not None:
            section, position = self._chosen[part]
            return self._with_seed(next(self._maker(section).one(position, behind, Count(number, 1))))
        position, call = self.sections[part][1].items.find(behind)
        return self._with_seed(next(self._maker(part).one(position, call, Count(number, 1))))

    @cached_property
    def _first(self) -> PlannedItem:
        return self._single(1)

    def _index(self, item: PlannedItem, first: PlannedItem) -> int:
        packing = self.sections[0][1].packing
        calls = packing.calls(has_draw=False)
        if packing.by_hand or packing.count is None or (calls != packing.calls(has_draw=True) and self.must_list):
            return 1 + (item.number - 1) * first.asked
        return 1 + (item.number - 1) // calls * packing.copies + item.copy


def sized(plan: Plan) -> Iterator[ValueAxis]:
    """Lists that the price of a call, or the number of its products, depends on."""
    for place, section in plan.sections:
        names = plan.deciding(place)
        yield from (axis for axis in section.lists if axis.parameter in names)
