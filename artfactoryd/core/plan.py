"""Order + model -> an ordered, lazy sequence of items with count and price. Nothing is executed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artfactoryd.core.axes import Axis, Check, Reader, Tokens, Written
from artfactoryd.core.catalog import Model, Price, dollars
from artfactoryd.core.order import Order
from artfactoryd.errors import Problem

LARGEST_SEED = 2**31 - 1  # when a model's schema does not say


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


@dataclass(frozen=True, slots=True)
class Plan:
    order: Order
    model: Model
    axes: Sequence[Axis]
    base_seed: int
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def total_items(self) -> int:
        return math.prod(len(axis) for axis in self.axes)

    @property
    def total_products(self) -> int:
        batch = next((axis for axis in self.axes if axis.parameter == self.model.batch), None)
        if batch is None:
            return self.total_items * self._default_batch()
        asked = sum(_as_count(batch.at(place)[0]) for place in range(len(batch)))
        return self.total_items // len(batch) * asked

    @property
    def price(self) -> Price | None:
        """The catalogue's price, or the order's own where the catalogue knows none."""
        if self.model.price is None and self.order.price is not None:
            return Price.from_mapping(self.order.price)
        return self.model.price

    def total_price(self) -> int | None:
        """Micro-dollars at most for everything; None when no price is known. 0 for a rehearsal."""
        if self.order.rehearse:
            return 0
        if self.price is None:
            return None
        if self.price.per == "image":
            return self.price.upper(self.total_products, {})
        if self.price.per != "megapixel":
            upper = self.price.upper(1, {})
            return None if upper is None else upper * self.total_items
        uppers = [self.upper(item.asked, item.parameters) for item in self.items()]
        return None if None in uppers else sum(each for each in uppers if each is not None)

    def upper(self, asked: int, parameters: Mapping[str, Any]) -> int | None:
        if self.order.rehearse:
            return 0
        return self.price.upper(asked, parameters) if self.price else None

    def items(self, number: int = 1, index: int = 1) -> Iterator[PlannedItem]:
        """Lazily, from item `number` whose first product has the place `index`."""
        while number <= self.total_items:
            item = self._item(number, index)
            yield item
            number, index = number + 1, index + item.asked

    def item(self, number: int) -> PlannedItem:
        """One item by its number; its product index is only right where every call asks for as many."""
        first = self._item(number, 1)
        return self._item(number, 1 + (number - 1) * first.asked)

    def _item(self, number: int, index: int) -> PlannedItem:
        parameters, tokens = self._combination(number - 1)
        asked = _as_count(parameters.get(self.model.batch, 0)) if self.model.batch in parameters else self._default_batch()
        seed = self._seed(parameters, copy=0)
        if self.model.seed and seed is not None:
            parameters[self.model.seed] = seed
        upper = self.upper(asked, parameters)
        return PlannedItem(number, index, asked, 0, seed, parameters, tokens, upper or 0)

    def _combination(self, place: int) -> tuple[dict[str, Any], tuple[tuple[str, str, str], ...]]:
        chosen: list[tuple[str, Any, Tokens]] = []
        for axis in reversed(self.axes):
            place, digit = divmod(place, len(axis))
            chosen.append((axis.parameter, *axis.at(digit)))
        parameters = {name: value for name, value, _ in reversed(chosen)}
        tokens = tuple((name, token, value) for name, _, pairs in reversed(chosen) for token, value in pairs)
        return parameters, tokens

    def _default_batch(self) -> int:
        if self.model.batch is None:
            return 1
        return _as_count(self.model.properties.get(self.model.batch, {}).get("default", 1))

    def _seed(self, parameters: Mapping[str, Any], copy: int) -> int | None:
        """The written seed plus the copy, else derived; always within the model's range."""
        if self.model.seed is None:
            return None
        schema = self.model.properties.get(self.model.seed, {})
        least, most = int(schema.get("minimum", 0)), int(schema.get("maximum", LARGEST_SEED))
        written = parameters.get(self.model.seed)
        if isinstance(written, int) and written != -1:
            return least + (written + copy - least) % (most - least + 1)
        values = {name: value for name, value in parameters.items() if name != self.model.seed}
        return least + _number_from(self.base_seed, values, copy) % (most - least + 1)


def _as_count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _number_from(*parts: Any) -> int:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def base_seed(order: Order, runs: int) -> int:
    """`seed`, else derived from project, order name and how many real runs of these bytes there were."""
    return order.seed if order.seed is not None else _number_from(order.project, order.name, runs)


def make_plan(order: Order, model: Model, base: int, *, written: Written, check: Check) -> Plan:
    """The order fully expanded. Where `problems` is not empty the plan is only good for reporting them."""
    reader = Reader(model, order.validate, written, check)
    axes = reader.axes(order.parameters)
    warnings = [*reader.warnings, *_order_warnings(order, model)]
    return Plan(order, model, tuple(axes), base, tuple([*order.problems, *reader.problems]), tuple(warnings))


def _order_warnings(order: Order, model: Model) -> Iterator[Problem]:
    if order.price is not None and model.price is not None:
        message = f"the price of {model.id} is known; the order's own price is not used."
        yield Problem("W_PRICE", message, "Take `price` out.", path=("price",))
    if not order.validate:
        message = "the parameters are sent as written, unchecked."
        yield Problem("W_NOT_VALIDATED", message, path=("validate",))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an order waits for a person. `waivable`: approving is enough."""

    code: str
    text: str
    waivable: bool = True


def reasons_to_hold(plan: Plan, *, most_products: int, cap: int) -> list[Reason]:
    """`cap` in micro-dollars is the most this order may spend without being asked."""
    reasons: list[Reason] = []
    products, price = plan.total_products, plan.total_price()
    if products > most_products:
        reasons.append(Reason("limit", f"It makes {products} products; more than {most_products} need your word."))
    if price is None:
        text = f"No price is known for {plan.model.id}. Add `price: {{usd: …, per: image}}` to the order and drop it again."
        reasons.append(Reason("price", text, waivable=False))
    elif price > cap:
        reasons.append(Reason("budget", f"It may cost up to {dollars(price)}; an order may spend {dollars(cap)}."))
    return reasons
