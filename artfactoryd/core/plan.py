"""Order + model -> an ordered, lazy sequence of items with count and price. Nothing is executed."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from artfactoryd.core.axes import Axis
from artfactoryd.core.catalog import SIZES, Model, Price, dollars
from artfactoryd.core.chance import number_from
from artfactoryd.core.lists import Steps
from artfactoryd.core.making import Maker, PlannedItem, Upper
from artfactoryd.core.order import Order
from artfactoryd.core.reading import Means, Reading, read
from artfactoryd.core.sampling import choose
from artfactoryd.core.section import Place, Section
from artfactoryd.core.values import Check, Many, ValueAxis, Written
from artfactoryd.errors import Path, Problem

__all__ = ["LARGEST", "Plan", "PlannedItem", "Reason", "base_seed", "make_plan", "reasons_to_hold"]

LARGEST = 2**63 - 1  # what the index can hold: of items, of micro-dollars, of a seed
MOST_PROBLEMS = 100  # told of one order
MOST_LISTED = 1_000_000  # items, or sizes, that are made only to add them up


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
    lookups: Mapping[str, Sequence[str]] = field(default_factory=dict)  # those it needs
    raw: frozenset[Path] = frozenset()  # key paths of what has !raw before it
    many: Mapping[str, Sequence[str]] = field(default_factory=dict)  # pictures by the pattern or query for them

    @property
    def model(self) -> Model:
        return self.models[0]

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
        return self._ends[-1] if self._ends else 0

    @cached_property
    def _chosen(self) -> list[tuple[int, Place]] | None:
        """The combinations of a sample, by the place of their section; None when all are made."""
        if self.order.sample is None or self.order.sample >= self.combinations:
            return None
        return choose([self._maker(place) for place in range(len(self.sections))], self.order.sample, self.base_seed)

    @cached_property
    def _ends(self) -> list[int]:
        """Items up to the end of each section, or of each chosen combination."""
        if self._chosen is None:
            return list(itertools.accumulate(section.items.total for _, section in self.sections))
        return list(itertools.accumulate(self._maker(where).calls(place) for where, place in self._chosen))

    @cached_property
    def must_list(self) -> bool:
        """Whether only the items themselves tell what they come to: a sample, or a drawn size."""
        return self._chosen is not None or any(axis.draws for axis in _sized(self))

    @cached_property
    def total_products(self) -> int:
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
        return self._items(1, 1, lambda asked, parameters: 0)

    # --- price ---

    @property
    def price(self) -> Price | None:
        return self._prices[0]

    @cached_property
    def _prices(self) -> list[Price | None]:
        return [self.price_of(model) for model in range(len(self.models))]

    def price_of(self, model: int) -> Price | None:
        """The catalogue's price, or the order's own where the catalogue's is not known for every item."""
        known = self.models[model].price
        if self.order.price is None or (known is not None and self._total(known, model) is not None):
            return known
        return Price.from_mapping(self.order.price)

    def total_price(self) -> int | None:
        """Micro-dollars at most for everything; None when no price is known. 0 for a rehearsal."""
        return 0 if self.order.rehearse else self._total_price

    @cached_property
    def _total_price(self) -> int | None:
        totals = [None if price is None else self._total(price, model) for model, price in enumerate(self._prices)]
        return None if None in totals else sum(each or 0 for each in totals)

    def upper(self, asked: int, parameters: Mapping[str, Any], model: int = 0) -> int | None:
        """Micro-dollars at most for one call."""
        if self.order.rehearse:
            return 0
        price = self._prices[model]
        return None if price is None else self._upper(price, asked, parameters, model)

    def _upper(self, price: Price, asked: int, parameters: Mapping[str, Any], model: int) -> int | None:
        if price.per != "megapixel":
            return price.upper(asked, {})
        properties, image = self.models[model].properties, self.models[model].image
        size = {name: parameters.get(name, properties.get(name, {}).get("default")) for name in SIZES}
        of_input = self.input_sizes.get(str(parameters.get(image or "")))
        if of_input and not any(name in properties for name in SIZES):
            size = dict(zip(SIZES, of_input, strict=False))  # it follows the picture it works on
        return price.upper(asked, size)

    def _total(self, price: Price, model: int) -> int | None:
        total = 0
        for asked, parameters, times in self._calls(price, model):
            upper = self._upper(price, asked, parameters, model)
            if upper is None:
                return None
            total += upper * times
        return total

    def _calls(self, price: Price, model: int) -> Iterator[tuple[int, Mapping[str, Any], int]]:
        """(outputs asked for, what else its price depends on, how many such calls) of one model."""
        if self.must_list:
            yield from ((item.asked, item.parameters, 1) for item in self._unpriced if item.model == model)
            return
        batch = self.models[model].batch
        sizes = (*SIZES, self.models[model].image) if price.per == "megapixel" else ()
        for section in (section for place, section in self.sections if place == model):
            for values, undrawn, drawn in self._groups(section, batch, *sizes):
                for asked, times in section.packing.loads(values.get(batch or ""), undrawn, drawn):
                    if times:
                        yield asked, values, times

    def _groups(self, section: Section, *names: str | None) -> Iterator[tuple[dict[str, Any], int, int]]:
        """The values of these parameters together, and how many combinations have them, without and with a draw."""
        levels = [level for level, axis in enumerate(section.lists) if axis.parameter in names]
        for digits in itertools.product(*(range(section.lists[level].size) for level in levels)):
            places = dict(zip(levels, digits, strict=True))
            values = {section.lists[level].parameter: section.lists[level].values[n] for level, n in places.items()}
            drawn = section.drawn.fixed(places)
            yield values, section.combinations.fixed(places) - drawn, drawn

    # --- items ---

    def _maker(self, place: int, upper: Upper | None = None) -> Maker:
        model, section = self.sections[place]

        def priced(asked: int, parameters: Mapping[str, Any]) -> int | None:
            return self.upper(asked, parameters, model)

        return Maker(section, self.models[model], model, self.base_seed, self.inputs, upper or priced)

    def items(self, number: int = 1, index: int = 1) -> Iterator[PlannedItem]:
        """Lazily, from item `number` whose first product has the place `index`."""
        return self._items(number, index, None)

    def _items(self, number: int, index: int, upper: Upper | None) -> Iterator[PlannedItem]:
        where = bisect_right(self._ends, number - 1)
        behind = number - 1 - (self._ends[where - 1] if where else 0)
        for each in range(where, len(self._ends)):
            number, index = yield from self._part(each, behind, number, index, upper)
            behind = 0

    def _part(self, where: int, behind: int, number: int, index: int, upper: Upper | None) -> Any:
        """The items of one section, or of one chosen combination, from the one `behind` its first."""
        if self._chosen is None:
            section = self.sections[where][1]
            if behind >= section.items.total:
                return number, index
            place, call = section.items.find(behind)
            return (yield from self._maker(where, upper).items(place, call, number, index))
        section_place, place = self._chosen[where]
        return (yield from self._maker(section_place, upper).one(place, behind, number, index))

    def item(self, number: int) -> PlannedItem:
        """One item by its number; its product index is only right where every combination makes as many products."""
        found = next(self.items(number))
        first = next(self.items(1)) if number > 1 else found
        return found._replace(first_index=self._index(found, first))

    def _index(self, item: PlannedItem, first: PlannedItem) -> int:
        packing = self.sections[0][1].packing
        calls = packing.calls(has_draw=False)
        if packing.by_hand or packing.count is None or (calls != packing.calls(has_draw=True) and self.must_list):
            return 1 + (item.number - 1) * first.asked
        return 1 + (item.number - 1) // calls * packing.copies + item.copy


def base_seed(order: Order, runs: int) -> int:
    """`seed`, else derived from project, order name and how many real runs of these bytes there were."""
    return order.seed if order.seed is not None else number_from(order.project, order.name, runs)


def make_plan(
    order: Order, model: Model, base: int, *, written: Written, check: Check, models: Sequence[Model] = (),
    lookups: Mapping[str, Sequence[str]] | None = None, raw: Collection[Path] = (), table: str | None = None,
    many: Many | None = None,
) -> Plan:  # fmt: skip
    """The order fully expanded. Where `problems` is not empty the plan is only good for reporting them.

    `models`: all of them, of an order that names several. `lookups`: those of the Library; the order's own win.
    `raw`: key paths of what has !raw before it. `table`: the text of the file that `cases` names. `many`: what
    patterns and queries for pictures find.
    """
    chosen = tuple(models) or (model,)
    found = read(order, chosen, base, Means(written, check, lookups or {}, raw, table, {} if many is None else many))
    sections, pictures = tuple(found.sections), tuple(found.pictures)
    plan = Plan(order, chosen, sections, base, pictures=pictures, lookups=found.used, raw=frozenset(raw))
    plan = replace(plan, many=found.spread)
    problems = [*order.problems, *found.problems] or list(_too_large(plan))
    return replace(plan, problems=_at_most(problems), warnings=_at_most(_all_warnings(plan, found, bool(problems))))


def _all_warnings(plan: Plan, found: Reading, broken: bool) -> list[Problem]:
    return [*found.warnings, *(() if broken else _order_warnings(plan))]


def _at_most(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """A broken text of a megabyte would else be answered with ten."""
    more = len(problems) - MOST_PROBLEMS
    if more <= 0:
        return tuple(problems)
    last = problems[MOST_PROBLEMS]
    note = replace(last, code=f"{last.code[:2]}MORE", message=f"and {more} more from here on.", fix="")
    return (*problems[:MOST_PROBLEMS], note)


def _too_large(plan: Plan) -> Iterator[Problem]:
    yield from _large_seeds(plan)
    if any(weights.too_many for _, each in plan.sections for weights in (each.combinations, each.items)) or any(
        axis.size > MOST_LISTED for axis in _sized(plan)
    ):
        message = "what is left out, drawn, or sized depends on more values than can be looked through."
        yield Problem("E_TOO_LARGE", message, "Take values out, or write several orders.", path=("parameters",))
        return
    if plan.combinations == 0:
        yield Problem("E_EXHAUSTED", "every combination is left out.", "Leave out fewer.", path=("exclude",))
        return
    if plan.order.sample is None and plan.combinations * plan.sections[0][1].packing.copies > LARGEST:
        message = f"this makes about 10^{math.log10(plan.combinations):.0f} items, more than can be counted here."
        yield Problem("E_TOO_LARGE", message, "Take values out, or write several orders.", path=("parameters",))
    elif plan.must_list and plan.total_items > MOST_LISTED:
        message = f"a drawn size or a sample makes at most {MOST_LISTED} items."
        yield Problem("E_TOO_LARGE", message, "Write several orders.", path=("parameters",))
    elif plan.total_products > LARGEST:
        message = f"this makes about 10^{math.log10(plan.total_products):.0f} products, more than can be counted here."
        yield Problem("E_TOO_LARGE", message, "Take values out, or write several orders.", path=("parameters",))
    elif (plan.total_price() or 0) > LARGEST:
        yield Problem("E_TOO_LARGE", "this costs more than can be counted here.", "Correct the price.", path=("price",))


def _sized(plan: Plan) -> Iterator[ValueAxis]:
    """Lists that the price of a call, or the number of its products, depends on."""
    for model, section in plan.sections:
        names = {plan.models[model].batch, "width", "height"}
        yield from (axis for axis in section.lists if axis.parameter in names)


def _large_seeds(plan: Plan) -> Iterator[Problem]:
    for model, section in plan.sections:
        for axis in section.lists:
            if axis.parameter == plan.models[model].seed and any(abs(seed) > LARGEST for seed in _seeds(axis)):
                message = f"a seed is at most {LARGEST}."
                yield Problem("E_VALUE", message, "Write a smaller one.", path=("parameters",))
                return


def _seeds(axis: ValueAxis) -> list[int]:
    values = (axis.values[0], axis.values[-1]) if isinstance(axis.values, Steps) else axis.values
    return [value for value in values if isinstance(value, int)]


def _order_warnings(plan: Plan) -> Iterator[Problem]:
    known = [model.id for model, price in zip(plan.models, plan._prices, strict=True) if price is model.price]
    if plan.order.price is not None and known:
        message = f"the price of {', '.join(known)} is known; the order's own price is not used."
        yield Problem("W_PRICE", message, "Take `price` out.", path=("price",))
    if not plan.order.validate:
        message = "the parameters are sent as written, unchecked."
        yield Problem("W_NOT_VALIDATED", message, path=("validate",))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an order waits for a person. `waivable`: approving is enough."""

    code: str
    text: str
    waivable: bool = True


def _doubts(plan: Plan) -> list[Reason]:
    """Warnings that have cost people money: one reason for each."""
    return [
        Reason("warning", f"In {each.key}, character {each.column_in_value}: {each.message} {each.fix}".strip())
        for each in plan.warnings
        if each.holds
    ]


def reasons_to_hold(plan: Plan, *, most_products: int, cap: int, ask_above: int = LARGEST) -> list[Reason]:
    """In micro-dollars: `cap` is the most this order may spend, `ask_above` the most without being asked."""
    reasons: list[Reason] = []
    products, price = plan.total_products, plan.total_price()
    if products > most_products:
        reasons.append(Reason("limit", f"It makes {products} products; more than {most_products} need your word."))
    reasons += [] if plan.order.accepts_warnings else _doubts(plan)
    if price is None:
        text = f"No price is known for {plan.model.id}. Add `price: {{usd: …, per: image}}` and drop the order again."
        reasons.append(Reason("price", text, waivable=False))
    elif price > cap:
        reasons.append(Reason("budget", f"It may cost up to {dollars(price)}; an order may spend {dollars(cap)}."))
    if price is not None and price > ask_above:
        known = price > cap  # the price has been said just now
        items = "1 item" if plan.total_items == 1 else f"{plan.total_items} items"
        text = "Above" if known else f"Its {items} may cost up to {dollars(price)}; above"
        reasons.append(Reason("ask_above", f"{text} {dollars(ask_above)} you are asked first."))
    return reasons
