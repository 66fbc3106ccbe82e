"""Order + model -> an ordered, lazy sequence of items with count and price. Nothing is executed."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from artfactoryd.core.axes import Axis, Check, Reader, Tokens, Written
from artfactoryd.core.catalog import SIZES, Model, Price, dollars
from artfactoryd.core.order import Order
from artfactoryd.errors import Problem

LARGEST_SEED = 2**31 - 1  # when a model's schema does not say
LARGEST = 2**63 - 1  # what the index can hold: of items, of micro-dollars, of a seed
MOST_PROBLEMS = 100  # told of one order


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One planned call with fully resolved parameters: what an item's row will hold."""

    number: int  # from 1
    first_index: int  # of its first product in the order, from 1
    asked: int  # products wanted of this call
    copy: int  # from 0
    seed: int | None
    parameters: Mapping[str, Any]  # the generation parameters
    tokens: tuple[tuple[str, str, str], ...]  # (parameter, token, value)
    upper: int  # micro-dollars, at most


@dataclass(frozen=True)
class Plan:
    order: Order
    model: Model
    axes: Sequence[Axis]
    base_seed: int
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)  # sha256 by the value written for a picture
    input_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # pixels, by the same value

    @cached_property
    def total_items(self) -> int:
        return math.prod(axis.size for axis in self.axes)

    @property
    def total_products(self) -> int:
        return sum(self._asked(parameters) * times for parameters, times in self._groups(self.model.batch))

    @cached_property
    def price(self) -> Price | None:
        """The catalogue's price, or the order's own where the catalogue's is not known for every item."""
        known = self.model.price
        if self.order.price is None or (known is not None and self._total(known) is not None):
            return known
        return Price.from_mapping(self.order.price)

    def total_price(self) -> int | None:
        """Micro-dollars at most for everything; None when no price is known. 0 for a rehearsal."""
        if self.order.rehearse:
            return 0
        return self._total(self.price) if self.price else None

    def upper(self, asked: int, parameters: Mapping[str, Any]) -> int | None:
        """Micro-dollars at most for one call."""
        if self.order.rehearse:
            return 0
        return self._upper(self.price, asked, parameters) if self.price else None

    def _upper(self, price: Price, asked: int, parameters: Mapping[str, Any]) -> int | None:
        if price.per != "megapixel":
            return price.upper(asked, {})
        size = {name: parameters.get(name, self._default(name)) for name in SIZES}
        of_input = self.input_sizes.get(str(parameters.get(self.model.image or "")))
        if of_input and not any(name in self.model.properties for name in SIZES):
            size = dict(zip(SIZES, of_input, strict=False))  # it follows the picture it works on
        return price.upper(asked, size)

    def _total(self, price: Price) -> int | None:
        sizes = (*SIZES, self.model.image) if price.per == "megapixel" else ()
        total = 0
        for parameters, times in self._groups(self.model.batch, *sizes):
            upper = self._upper(price, self._asked(parameters), parameters)
            if upper is None:
                return None
            total += upper * times
        return total

    def _groups(self, *names: str | None) -> Iterator[tuple[dict[str, Any], int]]:
        """The values of these parameters together, and how many items have them; no item is made for it."""
        axes = [axis for axis in self.axes if axis.parameter in names]
        times = self.total_items // math.prod(axis.size for axis in axes)
        for places in itertools.product(*(range(axis.size) for axis in axes)):
            yield {axis.parameter: axis.at(place)[0] for axis, place in zip(axes, places, strict=True)}, times

    def items(self, number: int = 1, index: int = 1) -> Iterator[PlannedItem]:
        """Lazily, from item `number` whose first product has the place `index`."""
        for each in range(number, self.total_items + 1):
            item = self._item(each, index)
            yield item
            index += item.asked

    def item(self, number: int) -> PlannedItem:
        """One item by its number; its product index is only right where every call asks for as many."""
        first = self._item(number, 1)
        return self._item(number, 1 + (number - 1) * first.asked)

    def _item(self, number: int, index: int) -> PlannedItem:
        parameters, tokens = self._combination(number - 1)
        asked = self._asked(parameters)
        seed = self._seed(parameters, copy=0)
        if self.model.seed and seed is not None:
            parameters[self.model.seed] = seed
        upper = self.upper(asked, parameters)
        return PlannedItem(number, index, asked, 0, seed, parameters, tokens, upper or 0)

    def _combination(self, place: int) -> tuple[dict[str, Any], tuple[tuple[str, str, str], ...]]:
        chosen: list[tuple[str, Any, Tokens]] = []
        for axis in reversed(self.axes):
            place, digit = divmod(place, axis.size)
            chosen.append((axis.parameter, *axis.at(digit)))
        parameters = {name: value for name, value, _ in reversed(chosen)}
        tokens = tuple((name, token, value) for name, _, pairs in reversed(chosen) for token, value in pairs)
        return parameters, tokens

    def _asked(self, parameters: Mapping[str, Any]) -> int:
        """How many products a call is asked for."""
        batch = self.model.batch
        return 1 if batch is None else _as_count(parameters.get(batch, self._default(batch)))

    def _default(self, name: str) -> Any:
        return self.model.properties.get(name, {}).get("default")

    def _seed(self, parameters: Mapping[str, Any], copy: int) -> int | None:
        """What is sent as seed: written it is that plus the copy, else derived. None: nothing of ours."""
        if self.model.seed is None:
            return None
        least, most = _range(self.model.properties.get(self.model.seed, {}))
        written = parameters.get(self.model.seed, -1)
        if isinstance(written, bool) or not isinstance(written, int):
            return None  # unchecked (validate: false), and sent as it is
        if written == -1:
            own = {name: value for name, value in parameters.items() if name != self.model.seed}
            values = {name: self._identity(name, value) for name, value in own.items()}
            return least + _number_from(self.base_seed, values, copy) % (most - least + 1)
        if not least <= written <= most:
            return written + copy  # no range is known, or it is not asked to count
        return least + (written + copy - least) % (most - least + 1)

    def _identity(self, name: str, value: Any) -> Any:
        """What a value is, wherever it lies: a picture is its bytes, not its path."""
        return self.inputs.get(value, value) if name in self.model.files and isinstance(value, str) else value


def _as_count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _range(schema: Mapping[str, Any]) -> tuple[int, int]:
    """The seeds a model takes, both ends included."""
    least = int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
    most = int(schema.get("maximum", schema.get("exclusiveMaximum", LARGEST_SEED + 1) - 1))
    return least, max(least, most)


def _number_from(*parts: Any) -> int:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def base_seed(order: Order, runs: int) -> int:
    """`seed`, else derived from project, order name and how many real runs of these bytes there were."""
    return order.seed if order.seed is not None else _number_from(order.project, order.name, runs)


def make_plan(order: Order, model: Model, base: int, *, written: Written, check: Check) -> Plan:
    """The order fully expanded. Where `problems` is not empty the plan is only good for reporting them."""
    reader = Reader(model, order.validate, written, check)
    axes = reader.axes(order.parameters)
    plan = Plan(order, model, tuple(axes), base)
    problems = [*order.problems, *reader.problems] or list(_too_large(plan))
    warnings = [*reader.warnings, *(() if problems else _order_warnings(plan))]
    return replace(plan, problems=_at_most(problems), warnings=_at_most(warnings))


def _at_most(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """A broken text of a megabyte would else be answered with ten."""
    more = len(problems) - MOST_PROBLEMS
    if more <= 0:
        return tuple(problems)
    last = problems[MOST_PROBLEMS]
    note = replace(last, code=f"{last.code[:2]}MORE", message=f"and {more} more from here on.", fix="")
    return (*problems[:MOST_PROBLEMS], note)


def _too_large(plan: Plan) -> Iterator[Problem]:
    if plan.total_products > LARGEST:
        message = f"this makes about 10^{math.log10(plan.total_items):.0f} items, more than can be counted here."
        yield Problem("E_TOO_LARGE", message, "Take values out, or write several orders.", path=("parameters",))
    elif (plan.total_price() or 0) > LARGEST:
        yield Problem("E_TOO_LARGE", "this costs more than can be counted here.", "Correct the price.", path=("price",))
    for seed in (parameters.get(plan.model.seed or "") for parameters, _ in plan._groups(plan.model.seed)):
        if isinstance(seed, int) and abs(seed) > LARGEST:
            yield Problem("E_VALUE", f"a seed is at most {LARGEST}.", "Write a smaller one.", path=("parameters",))


def _order_warnings(plan: Plan) -> Iterator[Problem]:
    if plan.order.price is not None and plan.price is plan.model.price:
        message = f"the price of {plan.model.id} is known; the order's own price is not used."
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


def reasons_to_hold(plan: Plan, *, most_products: int, cap: int, ask_above: int = LARGEST) -> list[Reason]:
    """In micro-dollars: `cap` is the most this order may spend, `ask_above` the most without being asked."""
    reasons: list[Reason] = []
    products, price = plan.total_products, plan.total_price()
    if products > most_products:
        reasons.append(Reason("limit", f"It makes {products} products; more than {most_products} need your word."))
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
