"""What equals an item: made and whole on the shelf, on its way just now, or made before and taken away since.

Only reads. A product that a person edited is no longer what was made, so it is gone like a deleted one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from artfactoryd import entries
from artfactoryd.core.expansion.item_keys import Keys, seedless_key
from artfactoryd.core.expansion.plan import Plan, PlannedItem
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.model import Model
from artfactoryd.storage.index import EqualItem, Index
from artfactoryd.storage.lists.made import EarlierOrder, earlier_orders, made_items
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
        return all(is_whole(self._root / made.output.path, made.output) for made in outputs)


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
MOST_PLANNED = 20_000  # items of an order that may take another seed
TOGETHER = 500  # keys that are asked about at once
PROBED, MOST_ORDERS = 20, 50  # items, and orders before, that tell whether a base seed would do


def with_any_seed(plan: Plan, index: Index | None, root: Path) -> Plan:
    """Of `reuse: any-seed`: an item that nothing on the shelf equals takes the seed of a product that differs in
    nothing else. Each product serves one item, the newest first; whole calls only, and nothing that is on its way."""
    if index is None or not plan.order.any_seed or plan.order.rehearse or plan.own_items > MOST_PLANNED:
        return plan
    twins, keys, items = Twins(index, root), Keys(plan), list(plan.own())
    own = [keys.of(item) for item in items]
    taken = {key for key, twin in _twins(twins, own).items() if twin.made}
    wanted = [item for item, key in zip(items, own, strict=True) if key not in taken and plan.models[item.model].seed]
    pools = _pools(plan, index, wanted, taken)
    whole = _twins(twins, [key for pool in pools.values() for key in pool])
    seeds: dict[int, int] = {}
    for item in wanted:
        pool = pools.get(_seedless(plan, item), {})
        key = next((key for key in pool if key in whole and whole[key].made), None)
        if key is not None:
            seeds[item.number] = pool.pop(key)
    return replace(plan, seeds=seeds)


def _twins(twins: Twins, keys: Sequence[str]) -> dict[str, Twin]:
    found: dict[str, Twin] = {}
    for start in range(0, len(keys), TOGETHER):
        found |= twins.of(keys[start : start + TOGETHER])
    return found


def _seedless(plan: Plan, item: PlannedItem) -> str:
    return seedless_key(plan.models[item.model], item.parameters, plan.inputs, item.copy, item.asked)


def _pools(
    plan: Plan, index: Index, wanted: Sequence[PlannedItem], taken: Collection[str]
) -> dict[str, dict[str, int]]:
    """For what is the same but for the seed: keys of what was made, newest first, with their seeds."""
    pools: dict[str, dict[str, int]] = {_seedless(plan, item): {} for item in wanted}
    providers = sorted({plan.models[item.model].provider for item in wanted})
    for made in made_items(index, providers, MOST_COMPARED) if wanted else ():
        model = Model.from_snapshot(made.model)
        seed = made.generation.get(model.seed or "")
        contents = {known["value"]: known["sha256"] for known in made.inputs}
        pool = pools.get(seedless_key(model, made.generation, contents, made.copy, made.asked))
        if pool is not None and isinstance(seed, int) and made.key not in taken:
            pool.setdefault(made.key, seed)
    return pools


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
