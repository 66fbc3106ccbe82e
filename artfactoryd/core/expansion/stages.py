"""Later stages: each product of a stage is the input of the next. What they come to is known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from artfactoryd.core.expansion.combinations import Section
from artfactoryd.core.expansion.items import PlannedItem, fields_of, told_fields
from artfactoryd.core.json_types import Value
from artfactoryd.core.model import Model
from artfactoryd.core.order import Later, Order
from artfactoryd.core.parameters.file_leaves import told_by
from artfactoryd.core.seeds import number_from
from artfactoryd.errors import Path, Problem

FED = "product"  # stands for what a stage is fed with, until the place of that is known


class Expanded(Protocol):
    """What is asked of a plan here; `plan.Plan`, which stands on this module, is one."""

    @property
    def stages(self) -> Sequence[Stage[Expanded]]: ...
    @property
    def sections(self) -> Sequence[tuple[int, Section]]: ...
    @property
    def models(self) -> Sequence[Model]: ...
    @property
    def inputs(self) -> Mapping[str, str]: ...
    @property
    def base_seed(self) -> int: ...
    @property
    def seeds(self) -> Mapping[int, int]: ...
    @property
    def own_items(self) -> int: ...
    @property
    def own_products(self) -> int: ...
    @property
    def total_items(self) -> int: ...
    @property
    def total_products(self) -> int: ...
    def total_price(self) -> int | None: ...
    def own(self) -> Iterator[PlannedItem]: ...
    def items(self) -> Iterator[PlannedItem]: ...
    @property
    def takes_fields(self) -> bool: ...
    def seeded(self, base: int, fields: Mapping[str, str]) -> Expanded: ...


P = TypeVar("P", bound=Expanded, covariant=True)


def fed(place: int) -> str:
    """What an item's file parameter says, that is fed with the order's product at this place."""
    return f"{FED} {place}"


@dataclass(frozen=True)
class Stage(Generic[P]):
    """`plan`: what is made of one product of the stage before."""

    later: Later
    plan: P
    parent: int | None  # the place in `then` of the stage it follows; None: the order's own items
    model: int  # the place of its model among those of the acceptance
    input: str  # the parameter that takes the product

    @cached_property
    def same(self) -> Sequence[PlannedItem] | None:
        """Its items for any product, where no seed and no draw tells them apart."""
        has_draws = any(section.drawn.total for _, section in self.plan.sections)
        differs = self.plan.models[0].seed or has_draws or self.plan.takes_fields
        return None if differs else list(self.plan.items())


# --- counting ---


def fed_products(plan: Expanded, stage: Stage[Expanded]) -> int:
    """How many products feed it, when all come."""
    if stage.parent is None:
        return plan.own_products
    before = plan.stages[stage.parent]
    return fed_products(plan, before) * before.plan.total_products


def items_of(plan: Expanded, stage: Stage[Expanded]) -> int:
    return fed_products(plan, stage) * stage.plan.total_items


def products_of(plan: Expanded, stage: Stage[Expanded]) -> int:
    return fed_products(plan, stage) * stage.plan.total_products


def price_of(plan: Expanded, stage: Stage[Expanded]) -> int | None:
    """Micro-dollars at most, when everything is sent on."""
    price = stage.plan.total_price()
    return None if price is None else fed_products(plan, stage) * price


# --- items ---


def items(plan: Expanded) -> Iterator[PlannedItem]:
    """Of all stages, numbered on from the order's own items."""
    for place in range(len(plan.stages)):
        yield from of_one(plan, place)


def of_one(plan: Expanded, place: int) -> Iterator[PlannedItem]:
    """The same of one stage, by its place in `then`."""
    yield from (item for item, _ in _made(plan, place))


def _made(plan: Expanded, place: int | None) -> Iterator[tuple[PlannedItem, int]]:
    """With each item what tells it apart: its values and what it is fed with, never its place.

    `place`: of the stage; None: the order's own items.
    """
    if place is None:
        yield from ((item, _mark(plan, item, 0)) for item in plan.own())
        return
    stage, before = plan.stages[place], plan.stages[:place]
    number = 1 + plan.own_items + sum(items_of(plan, earlier) for earlier in before)
    index = 1 + plan.own_products + sum(products_of(plan, earlier) for earlier in before)
    for parent, mark, fields in _products(plan, stage.parent):
        told = told_fields(fields)
        for planned in _items(plan, stage, mark, fields):
            item = with_seed(planned, plan.seeds.get(number), stage.plan.models[0].seed)
            own_mark = _mark(stage.plan, item, mark)
            parameters = {**item.parameters, stage.input: _in_place(item.parameters[stage.input], fed(parent))}
            yield item._replace(
                number=number, first_index=index, parameters=parameters, model=stage.model, stage=stage.later.id,
                parent=parent, liked=stage.later.wait == "liked", tokens=(*item.tokens, *told),
            ), own_mark  # fmt: skip
            number, index = number + 1, index + item.asked


def with_seed(item: PlannedItem, seed: int | None, name: str | None) -> PlannedItem:
    """With that of a product that it may be (any-seed)."""
    if seed is None or name is None:
        return item
    return item._replace(seed=seed, parameters={**item.parameters, name: seed})


def _products(plan: Expanded, place: int | None) -> Iterator[tuple[int, int, Mapping[str, str]]]:
    """(place in the order, mark, fields of its case) of what a stage makes."""
    for item, mark in _made(plan, place):
        fields = fields_of(item)
        for output in range(item.asked):
            yield item.first_index + output, number_from(mark, output), fields


def _items(plan: Expanded, stage: Stage[Expanded], mark: int, fields: Mapping[str, str]) -> Iterator[PlannedItem]:
    if stage.same is not None:
        return iter(stage.same)
    taken = fields if stage.plan.takes_fields else {}
    own = stage.plan.seeded(number_from(plan.base_seed, stage.later.id, mark), taken).items()
    return (item._replace(tokens=item.tokens[: len(item.tokens) - len(taken)]) for item in own) if taken else own


def _mark(plan: Expanded, item: PlannedItem, fed_with: int) -> int:
    model = plan.models[item.model if len(plan.models) > 1 else 0]
    values = told_by(dict(item.parameters), model.places(item.parameters), plan.inputs)
    return number_from(item.model, values, item.copy, fed_with)


def _in_place(value: Value, product: str) -> Value:
    """Where a model takes a list of files, the lone product stands in one."""
    return [product] if isinstance(value, list) else product


def keeps(order: Order, stage: str | None) -> bool:
    """Whether what it makes goes on the shelf."""
    return all(later.keep for later in order.then if later.id == stage)


# --- reading ---


def order_of(order: Order, later: Later, model: Model) -> Order:
    """One stage as an order of its own, for one product."""
    own = {**later.parameters, input_of(later, model): FED}
    return replace(
        order, provider=later.provider, model=later.model, parameters=own, problems=(), raw=(), models=(), cases=None,
        exclude=(), count=None, sample=None, then=(),
    )  # fmt: skip


def input_of(later: Later, model: Model) -> str:
    return model.synonyms.get(later.input, later.input) if later.input else model.image or ""


def parent_of(order: Order, number: int) -> int | None:
    """The place of the stage that this one follows."""
    ids = [later.id for later in order.then[:number]]
    after = order.then[number].after
    return ids.index(after) if after else (number - 1 if number else None)


def _follows(order: Order, number: int) -> str | None:
    """The id of the stage that it follows, as written."""
    return order.then[number].after or (order.then[number - 1].id if number else None)


def problems(order: Order, models: Sequence[Model]) -> Iterator[Problem]:
    """`models`: of the stages."""
    ids: list[str] = []
    for number, (later, model) in enumerate(zip(order.then, models, strict=True)):
        path = ("then", number)
        if later.id in ids:
            yield Problem("E_STAGE", f"there are two stages {later.id!r}.", "Call one of them otherwise.", path)
        if later.after and later.after not in ids:
            fix = f"Before it come: {', '.join(ids)}." if ids else "It is the first: leave `after` out."
            yield Problem("E_STAGE", f"no stage {later.after!r} comes before this.", fix, (*path, "after"))
        yield from _input_problems(later, model, (*path, "input" if later.input else "model"))
        yield from _keep_problems(order, number, path)
        ids.append(later.id)


def _keep_problems(order: Order, number: int, path: Path) -> Iterator[Problem]:
    """What is not kept is there for what is made of it."""
    later = order.then[number]
    if not later.keep and later.id not in [_follows(order, behind) for behind in range(number + 1, len(order.then))]:
        message = f"the products of stage {later.id!r} are not kept, and nothing is made of them."
        yield Problem("E_STAGE", message, "Take `keep: false` out, or add a stage after it.", (*path, "keep"))
    before = _follows(order, number)
    if later.wait == "liked" and not keeps(order, before):
        message = f"the products of stage {before!r} are not kept, so that nobody can like them."
        yield Problem("E_STAGE", message, "Take its `keep: false` out, or `wait` here.", (*path, "wait"))


def _input_problems(later: Later, model: Model, path: Path) -> Iterator[Problem]:
    name = input_of(later, model)
    if name not in model.files:
        takes = f"It takes {', '.join(model.files)}." if model.files else "Choose one that works on pictures."
        if not model.properties:
            message = f"what {model.id} takes is not known here, so nobody can say where a picture goes in."
            yield Problem("E_STAGE", message, f"Give the key of {model.provider}, so that it can be asked.", path)
            return
        what = f"{name} takes no picture" if name else "it takes no picture"
        yield Problem("E_STAGE", f"{model.id} cannot be fed: {what}.", takes, path)
    elif name in {model.synonyms.get(written, written) for written in later.parameters}:
        message = f"{name} is what this stage is fed with, and it is written as well."
        yield Problem("E_STAGE", message, "Take it out of the parameters.", (*path[:2], "parameters"))
