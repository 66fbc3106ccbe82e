"""What equals an item: made and whole on the shelf, on its way just now, or made before and taken away since.

Only reads. A product that a person edited is no longer what was made, so it is gone like a deleted one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from artfactoryd import entries
from artfactoryd.core.expansion import stages
from artfactoryd.core.expansion.item_keys import Keys, seedless_key, seedless_key_in
from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.json_types import Value
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.model import Model
from artfactoryd.errors import Path as KeyPath
from artfactoryd.errors import Problem
from artfactoryd.home import Home
from artfactoryd.shelf import reading
from artfactoryd.shelf.sidecars import BIN
from artfactoryd.storage.index import EqualItem, Index
from artfactoryd.storage.lists.made import EarlierOrder, earlier_orders, found_on_the_shelf, made_items
from artfactoryd.storage.rows import OutputRow, ProductRow


class Made(NamedTuple):
    """A product with its place among those asked for, from 0."""

    output: OutputRow
    place: int


@dataclass(frozen=True, slots=True)
class Twin:
    """`made`: the products of one item, all whole.

    `gone`: there were some, and of no item all are there. `spent`: what one made that was not to be kept, so that
    it need not be there any more.
    """

    made: tuple[Made, ...] = ()
    gone: bool = False
    on_the_way: bool = False
    spent: tuple[Made, ...] = ()

    @property
    def contents(self) -> list[tuple[int, str]]:
        """(place among those asked for, SHA-256) of what was made."""
        return [(made.place, made.output.original) for made in self.made or self.spent]


class Twins:
    def __init__(self, index: Index, root: Path) -> None:
        self._index, self._root = index, root

    def of(self, keys: Sequence[str]) -> dict[str, Twin]:
        """By key, where there is anything equal at all."""
        return {
            key: self._one(list(rows)) for key, rows in groupby(self._index.equal_items(keys), lambda item: item.key)
        }

    def _one(self, items: Sequence[EqualItem]) -> Twin:
        completed = [item for item in items if item.state == ItemState.COMPLETED]
        outputs_of = [(item, outputs) for item in completed if (outputs := self._outputs_of(item))]
        all_there = [outputs for item, outputs in outputs_of if _are_all(item, outputs)]
        whole = next((outputs for outputs in all_there if self._are_whole(outputs)), ())
        spent = next((outputs for outputs in all_there if not outputs[0].output.shelved), ())
        gone = not whole and any(outputs[0].output.shelved for _, outputs in outputs_of)
        return Twin(tuple(whole), gone, len(completed) < len(items), tuple(spent))

    def _outputs_of(self, item: EqualItem) -> list[Made]:
        return [Made(output, output.place - item.first_index) for output in self._index.outputs_of(item)]

    def _are_whole(self, outputs: Iterable[Made]) -> bool:
        """What a person put into the bin is as if deleted."""
        return all(
            not made.output.path.startswith(BIN) and is_whole(self._root / made.output.path, made.output)
            for made in outputs
        )


def _are_all(item: EqualItem, outputs: Sequence[Made]) -> bool:
    """One that was taken away before its item was known from the shelf has left no row."""
    return item.delivered is None or len(outputs) == item.delivered


def is_whole(path: Path, product: ProductRow | OutputRow) -> bool:
    """Whether the bytes that were delivered lie there."""
    try:
        return bool(path.lstat().st_size == product.bytes and entries.sha256(path) == product.sha256)
    except OSError:
        return False


MOST_COMPARED = 50_000  # items made before that are looked through for those that differ in their seeds alone
MOST_READ = 5_000  # sidecars of what only the shelf tells of, the same
MOST_PLANNED = 20_000  # items of an order that may take another seed
TOGETHER = 500  # keys that are asked about at once
PROBED, MOST_ORDERS = 20, 50  # items, and orders before, that tell whether a base seed would do
REUSE: KeyPath = ("reuse",)


def with_any_seed(plan: Plan, index: Index | None, root: Path) -> Plan:
    """Of `reuse: any-seed`: an item that nothing on the shelf equals takes the seed of a product that differs in
    nothing else. Each product serves one item, the newest first; whole calls only, and nothing that is on its way.

    A stage follows when what it is fed with is known: of what is bought anew everything is made anew.
    """
    if index is None or not plan.order.any_seed or plan.order.rehearse:
        return plan
    seeds, looked_at = _OtherSeeds(plan, index, root), 0
    for place in (None, *range(len(plan.stages))):
        looked_at += plan.own_items if place is None else stages.items_of(plan, plan.stages[place])
        if looked_at > MOST_PLANNED:
            return replace(plan, warnings=(*plan.warnings, _too_many(plan.total_items)))
        plan = replace(plan, seeds=seeds.of_stage(plan, place))
    return replace(plan, warnings=(*plan.warnings, *seeds.warnings()))


def _too_many(items: int) -> Problem:
    message = (
        f"this makes {items} items; seeds of others are looked for in the first {MOST_PLANNED} alone, whole stages."
    )
    fix = "Write several orders, or take `reuse: any-seed` out: what is equal, its seed too, is reused in any order."
    return Problem("W_REUSE", message, fix, REUSE, holds=True)


class _OtherSeeds:
    """Looks for them stage by stage: what one is fed with follows from what was taken before."""

    def __init__(self, plan: Plan, index: Index, root: Path) -> None:
        self._twins, self._keys, self._made = Twins(index, root), Keys(plan), _Made(plan, index, root)
        self._seeds: dict[int, int] = {}
        self._taken: set[str] = set()  # keys of what items of this order are
        self._is_short = False

    def of_stage(self, plan: Plan, place: int | None) -> dict[int, int]:
        """With those of one stage, None: of the order's own items. `plan` has what was found before."""
        items = list(plan.own() if place is None else stages.of_one(plan, place))
        keys = [self._keys.of(item) for item in items]
        own = _twins(self._twins, keys)
        stage = None if place is None else plan.stages[place].later.id
        self._taken |= {key for key in keys if _serves(own.get(key), plan, stage)}
        wanted = [
            (item, plan.all_models[item.model].seed or "")
            for item, key in zip(items, keys, strict=True)
            if key not in self._taken and self._keys.is_fed(item)
        ]
        others = self._others(plan, stage, [(item, seed) for item, seed in wanted if seed])
        for item, key in zip(items, keys, strict=True):
            twin_key, twin = others.get(item.number, (key, own.get(key, Twin())))
            self._keys.came(item, twin_key, twin.contents)
        return dict(self._seeds)

    def _others(
        self, plan: Plan, stage: str | None, wanted: Sequence[tuple[PlannedItem, str]]
    ) -> dict[int, tuple[str, Twin]]:
        """By item: the key of what it may be, and that itself. Of what was made no more is looked at than is needed:
        to see that a product is whole, it is read."""
        alike: dict[str, list[PlannedItem]] = {}
        for item, seed in wanted:
            alike.setdefault(self._keys.seedless(item, seed), []).append(item)
        left = {seedless: [key for key in self._made.like(seedless) if key not in self._taken] for seedless in alike}
        others: dict[int, tuple[str, Twin]] = {}
        rounds = 1
        while any(alike[seedless] and keys for seedless, keys in left.items()):
            looked_at = {name: keys[: rounds * len(alike[name])] for name, keys in left.items()}
            whole = _twins(self._twins, [key for keys in looked_at.values() for key in keys])
            for seedless, keys in looked_at.items():
                left[seedless] = left[seedless][len(keys) :]
                serving = [
                    key
                    for key in keys
                    if key not in self._taken and _serves(whole.get(key), plan, alike[seedless][0].stage)
                ]
                for item, key in zip(alike[seedless], serving, strict=False):
                    others[item.number] = (key, whole[key])
                    self._seeds[item.number] = self._made.like(seedless)[key]
                    self._taken.add(key)
                alike[seedless] = alike[seedless][len(serving) :]
            rounds *= 2
        self._is_short = self._is_short or any(alike.values())
        return others

    def warnings(self) -> Iterator[Problem]:
        if self._is_short and self._made.is_cut:
            message = f"other seeds were looked for among the newest {MOST_COMPARED} items of these models, and "
            message += f"{MOST_READ} known by their sidecars alone; older ones are not reused."
            yield Problem("W_REUSE", message, "`plan` says what would be bought.", REUSE)


def _serves(twin: Twin | None, plan: Plan, stage: str | None) -> bool:
    """Whether what equals an item is there; of a stage that keeps nothing it is enough that it was."""
    return twin is not None and bool(twin.made or (twin.spent and not stages.keeps(plan.order, stage)))


def _twins(twins: Twins, keys: Sequence[str]) -> dict[str, Twin]:
    found: dict[str, Twin] = {}
    for start in range(0, len(keys), TOGETHER):
        found |= twins.of(keys[start : start + TOGETHER])
    return found


class _Made:
    """What was made before by the models of a plan, by what it is but for its seed: keys with seeds, newest first."""

    def __init__(self, plan: Plan, index: Index, root: Path) -> None:
        self._models = {(model.provider, model.id, model.version): model for model in plan.all_models if model.seed}
        self._index, self._root = index, root
        self.is_cut = False

    def like(self, seedless: str) -> dict[str, int]:
        return self._all.get(seedless, {})

    @cached_property
    def _all(self) -> dict[str, dict[str, int]]:
        pools: dict[str, dict[str, int]] = {}
        for seedless, key, seed in (*self._of_index(), *self._of_shelf()) if self._models else ():
            if isinstance(seed, int):
                pools.setdefault(seedless, {}).setdefault(key, seed)
        return pools

    def _of_index(self) -> Iterator[tuple[str, str, Value]]:
        items = made_items(self._index, sorted({name for _, name, _ in self._models}), MOST_COMPARED)
        self.is_cut = len(items) == MOST_COMPARED
        for made in items:
            model = Model.from_snapshot(made.model)
            contents = {known["value"]: known["sha256"] for known in made.inputs}
            if made.parent is not None:
                contents[stages.fed(made.parent)] = made.fed_with or ""
            seedless = seedless_key(model, made.generation, contents, made.copy, made.asked)
            yield seedless, made.key, made.generation.get(model.seed or "")

    def _of_shelf(self) -> Iterator[tuple[str, str, Value]]:
        """A sidecar that cannot be read tells of nothing."""
        found = found_on_the_shelf(self._index, MOST_READ)
        self.is_cut = self.is_cut or len(found) == MOST_READ
        for key, path in found:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                card = reading.sidecar_for(self._root / path, Home(self._root).projects)
                named = card["model"]
                model = self._models.get((card["provider"], named["id"], named["version"]))
                if model is not None and model.seed and (seedless := seedless_key_in(card, model.seed)):
                    yield seedless, key, card["parameters"]["generation"].get(model.seed)


class OtherSeed(NamedTuple):
    """An order before whose base seed would make `items` of what is to be bought equal to its own."""

    order: EarlierOrder
    items: int


def other_seed(plan: Plan, index: Index | None, root: Path) -> OtherSeed | None:
    """An order that was renamed, or is dropped again, has other seeds, and nothing else that differs."""
    if index is None or plan.order.rehearse or not plan.order.reuses or not any(model.seed for model in plan.models):
        return None
    twins, asked = Twins(index, root), {plan.base_seed}
    for order in earlier_orders(index, MOST_ORDERS):
        if order.base_seed in asked:
            continue
        asked.add(order.base_seed)
        if found := _made_with(plan, order.base_seed, twins, PROBED):
            if plan.own_items > PROBED:
                found = _made_with(plan, order.base_seed, twins, MOST_PLANNED)
            return OtherSeed(order, found)
    return None


def _made_with(plan: Plan, base: int, twins: Twins, most: int) -> int:
    """How many of the first items would be on the shelf with this base seed, and are not with their own."""
    other = plan.seeded(base, {})
    both, keys = zip(islice(other.own(), most), plan.own(), strict=False), Keys(other)
    wanted = [keys.of(item) for item, own in both if item.seed != own.seed]
    made = _twins(twins, wanted)
    return sum(1 for key in wanted if key in made and made[key].made)
