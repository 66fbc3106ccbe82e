"""What of a plan is still to be bought, by what the shelf holds and what is on its way. Only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from artfactoryd.core.catalog import Model, dollars
from artfactoryd.core.holding import Reason
from artfactoryd.core.plan import Buying, Plan, PlannedItem
from artfactoryd.core.reuse import Keys, difference, settled
from artfactoryd.core.stages import fed
from artfactoryd.index import Index
from artfactoryd.moves import DELETED
from artfactoryd.twins import Twin, Twins

MOST = 20_000  # items of a plan that are looked at; of a larger one each is when its turn comes
TOGETHER = 500
NEW = "no equal product"
NEW_PARENT = "what it is made from is new"
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
            found = twins.of([key for key, _ in chunk]) if twins else {}
            for key, item in chunk:
                keys.came(item, key, found.get(key, Twin()).contents)
            count.add(chunk, found)
    return count.needs() if count.spared or count.deleted else everything


class _Count:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._seen: set[str] = set()
        self._twins: dict[str, Twin] = {}
        self.bought = self.reused = self.joined = self.deleted = 0
        self._products = self._price = self._again = 0

    @property
    def spared(self) -> int:
        return self.reused + self.joined

    def add(self, items: Sequence[tuple[str, PlannedItem]], found: Mapping[str, Twin]) -> None:
        self._twins.update(found)
        for key, item in items:
            self._one(item, found.get(key, Twin()), key in self._seen)
            self._seen.add(key)

    def _one(self, item: PlannedItem, twin: Twin, is_repeated: bool) -> None:
        if twin.made:
            self.reused += 1
        elif twin.on_the_way or is_repeated:
            self.joined += 1
        else:
            self._products += item.asked
            self._price += item.upper
            if is_gone(twin, item):
                self.deleted += 1
                self._again += item.upper
            else:
                self.bought += 1

    def needs(self) -> Needs:
        items = self.bought + self.deleted
        unknown = items > 0 and self._plan.total_price() is None
        buying = Buying(items, self._products, None if unknown else self._price)
        return Needs(buying, self.bought, self.reused, self.joined, self.deleted, self._again, self._twins)


def is_gone(twin: Twin, item: PlannedItem) -> bool:
    """What cost nothing is simply made again."""
    return twin.gone and item.upper > 0


class Explainer:
    """Says of items that are bought why nothing made under the same name will do."""

    def __init__(self, plan: Plan, index: Index | None) -> None:
        self._plan = plan
        order = plan.order
        rows = index.earlier_items(order.name, order.project, COMPARED) if index else []
        self._earlier = [(Model.from_snapshot(row["model"]), _parameters(row)) for row in rows]

    def why(self, item: PlannedItem, compared: Mapping[str, Any]) -> str:
        """`compared`: its parameters, with every picture told by its bytes."""
        model, wanted = self._plan.all_models[item.model], {**compared, "copy": item.copy}
        found = [
            difference(wanted, made, model, earlier.version)
            for earlier, made in self._earlier
            if (earlier.provider, earlier.id) == (model.provider, model.id)
        ]
        names = min(found, key=len, default=[])
        if len(names) > 1:  # a derived seed follows the rest
            names = [name for name in names if name != model.seed]
        if not names or len(names) > len(wanted) // 2 + 1:
            return NEW
        return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'}"


def _parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {each["value"]: each["sha256"] for each in row["inputs"]}
    if row["parent"] is not None:
        inputs[fed(row["parent"])] = row["fed_with"]
    return {**settled(row["generation"], Model.from_snapshot(row["model"]).files, inputs), "copy": row["copy"]}
