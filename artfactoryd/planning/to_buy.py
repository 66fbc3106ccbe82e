"""What of a plan is still to be bought, by what the shelf holds and what is on its way. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby, islice
from typing import Any

from artfactoryd.core.expansion.hold_reasons import Reason
from artfactoryd.core.expansion.item_keys import Keys, difference, settled
from artfactoryd.core.expansion.plan import Buying, Plan, PlannedItem
from artfactoryd.core.expansion.stages import fed, keeps
from artfactoryd.core.model import Model
from artfactoryd.core.money import dollars
from artfactoryd.planning.equal_items import Twin, Twins
from artfactoryd.storage.index import EarlierItem, Index
from artfactoryd.storage.writing.holds import DELETED

MOST = 20_000  # items of a plan that are looked at; of a larger one each is when its turn comes
TOGETHER = 500
NEW = "no equal product"
NEW_PARENT = "what it is made from is new"
NOT_KEPT = "it was not kept"
COMPARED = 500  # earlier items among which the nearest is sought


@dataclass(frozen=True, slots=True)
class Needs:
    """In items. `bought`: nothing equals them. `deleted`: something did, and a person took it away."""

    buying: Buying
    bought: int
    reused: int = 0
    joined: int = 0
    deleted: int = 0
    again: int = 0  # micro-dollars that the deleted cost
    twins: Mapping[str, Twin] = field(default_factory=dict)
    remade: frozenset[int] = frozenset()  # numbers of items that are bought though something equals them

    def twin(self, item: PlannedItem, key: str) -> Twin:
        """What equals it, where that is of use."""
        return Twin() if item.number in self.remade else self.twins.get(key, Twin())

    def was_not_kept(self, item: PlannedItem, key: str) -> bool:
        """Whether it is bought though it was made before, because only what was made of it is there."""
        return item.number in self.remade and bool(self.twins.get(key, Twin()).spent)

    @property
    def is_all_new(self) -> bool:
        return not (self.reused or self.joined or self.deleted)

    def reasons(self) -> list[Reason]:
        if not self.deleted:
            return []
        one = self.deleted == 1
        were, them = ("was", "it") if one else ("were", "them")
        of = self.bought + self.reused + self.joined + self.deleted
        text = (
            f"{self.deleted} of {of} {were} bought before and since deleted or edited (what was only moved is found "
            f"again by `artfactoryd reindex`); approving buys {them} again for {dollars(self.again)}."
        )
        return [Reason(DELETED, text)]


def needs_of(plan: Plan, twins: Twins | None) -> Needs:
    """Without `twins` nothing was ever made here."""
    everything = Needs(plan.buying, plan.total_items)
    if plan.order.rehearse or not plan.order.reuses or plan.total_items > MOST:
        return everything
    count, keys = _Count(plan), Keys(plan)
    for _, items in groupby(plan.items(), key=lambda item: item.stage):  # one is known by the products of another
        while chunk := [(keys.of(item), item) for item in islice(items, TOGETHER)]:
            twins_of_chunk = twins.of([key for key, _ in chunk]) if twins else {}
            for key, item in chunk:
                keys.came(item, key, twins_of_chunk.get(key, Twin()).contents)
            count.add(chunk, twins_of_chunk)
    needs = count.needs()
    return everything if needs.bought == plan.total_items else needs


class Fate(StrEnum):
    """What becomes of an item of a plan."""

    BOUGHT = "bought"
    REUSED = "reused"  # its products are copied
    SENT_ON = "sent on"  # what an equal one made was not kept, and all that is made of it was
    JOINED = "joined"  # an equal one is on its way
    DELETED = "deleted"  # bought, though it was before


@dataclass(slots=True)
class _Counted:
    item: PlannedItem
    fate: Fate
    remade: bool = False  # it would be reused, were it not for what it is made from, or what is made of it


class _Count:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._seen: set[str] = set()
        self._twins: dict[str, Twin] = {}
        self._all: list[_Counted] = []

    def add(self, items: Sequence[tuple[str, PlannedItem]], twins: Mapping[str, Twin]) -> None:
        self._twins.update(twins)
        for key, item in items:
            twin = twins.get(key, Twin())
            fate = self._fate(item, twin, key in self._seen)
            self._all.append(_Counted(item, fate, remade=bool(fate == Fate.BOUGHT and twin.spent)))
            self._seen.add(key)

    def _fate(self, item: PlannedItem, twin: Twin, is_repeated: bool) -> Fate:
        if twin.made:
            return Fate.REUSED
        if twin.on_the_way or is_repeated:
            return Fate.JOINED
        if twin.spent and not keeps(self._plan.order, item.stage):
            return Fate.SENT_ON
        return Fate.DELETED if is_gone(twin, item) else Fate.BOUGHT

    def needs(self) -> Needs:
        if any(counted.fate == Fate.SENT_ON for counted in self._all):
            _make_again(self._all)
        count = Counter(counted.fate for counted in self._all)
        bought = [counted for counted in self._all if counted.fate in (Fate.BOUGHT, Fate.DELETED)]
        unknown = bought and self._plan.total_price() is None
        price = None if unknown else sum(counted.item.upper for counted in bought)
        buying = Buying(len(bought), sum(counted.item.asked for counted in bought), price)
        remade = frozenset(counted.item.number for counted in self._all if counted.remade)
        again = sum(counted.item.upper for counted in bought if counted.fate == Fate.DELETED)
        return Needs(
            buying, count[Fate.BOUGHT], count[Fate.REUSED] + count[Fate.SENT_ON], count[Fate.JOINED],
            count[Fate.DELETED], again, self._twins, remade,
        )  # fmt: skip


def _make_again(items: Sequence[_Counted]) -> None:
    """What was not kept is bought again for anything new that is made of it; then all that is made of it is new."""
    sent_on = [counted for counted in items if counted.fate == Fate.SENT_ON]
    makers = {product: counted for counted in sent_on for product in _places(counted.item)}
    for counted in reversed(items):  # what is made of a product comes behind it
        maker = makers.get(counted.item.parent or 0)
        if maker and counted.fate not in (Fate.REUSED, Fate.SENT_ON):
            maker.fate, maker.remade = Fate.BOUGHT, True
    for counted in items:
        maker = makers.get(counted.item.parent or 0)
        if maker and maker.fate == Fate.BOUGHT and counted.fate != Fate.DELETED:
            counted.fate, counted.remade = Fate.BOUGHT, True


def _places(item: PlannedItem) -> range:
    return range(item.first_index, item.first_index + item.asked)


def is_gone(twin: Twin, item: PlannedItem) -> bool:
    """What cost nothing is simply made again."""
    return twin.gone and item.upper > 0


class Explainer:
    """Says of items that are bought why nothing made under the same name will do."""

    def __init__(self, plan: Plan, index: Index | None) -> None:
        self._plan = plan
        order = plan.order
        rows = index.earlier_items(order.name, order.project, COMPARED) if index else []
        self._earlier = [(Model.from_snapshot(row.model), _parameters(row)) for row in rows]

    def why(self, item: PlannedItem, compared: Mapping[str, Any]) -> str:
        """`compared`: its parameters, with every picture told by its bytes."""
        model, wanted = self._plan.all_models[item.model], {**compared, "copy": item.copy}
        differences = [
            difference(wanted, made, model, earlier.version)
            for earlier, made in self._earlier
            if (earlier.provider, earlier.id) == (model.provider, model.id)
        ]
        names = min(differences, key=len, default=[])
        if len(names) > 1:  # a derived seed follows the rest
            names = [name for name in names if name != model.seed]
        if not names or len(names) > len(wanted) // 2 + 1:
            return NEW
        return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'}"


def _parameters(row: EarlierItem) -> dict[str, Any]:
    inputs = {each["value"]: each["sha256"] for each in row.inputs}
    if row.parent is not None:
        inputs[fed(row.parent)] = row.fed_with
    return {**settled(row.generation, Model.from_snapshot(row.model), inputs), "copy": row.copy}
