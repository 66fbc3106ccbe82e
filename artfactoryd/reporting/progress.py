"""How far an order is, as one who waits for it wants to know: along each of its axes, and how long the rest takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from artfactoryd.core.json_types import Value
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.core.sheets.facts import shown
from artfactoryd.reporting.json_object import JsonObject
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import order_lists
from artfactoryd.storage.rows import ItemRow, OrderRow

MOST_ITEMS = 500  # of an order whose axes are looked at: they are read again at each change
MOST_AXES, MOST_VALUES = 4, 12
LATEST = 20  # items by whose pace the rest is judged
OLD = 300.0  # seconds without a result after which a pace says nothing any more
LEAST = 3  # results from which on there is a pace

Key = tuple[str, str]  # a parameter and its token, or a parameter alone


@dataclass(frozen=True, slots=True)
class AxisValue(JsonObject):
    value: str
    items: int
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Axis(JsonObject):
    name: str
    values: Sequence[AxisValue]


@dataclass(frozen=True, slots=True)
class Progress(JsonObject):
    """`seconds_left`: None where nothing tells."""

    axes: Sequence[Axis]
    seconds_left: int | None


def progress_of(index: Index, row: OrderRow, counts: Mapping[str, int], now: datetime) -> Progress:
    return Progress(axes_of(index, row), seconds_left(index, row, counts, now))


def axes_of(index: Index, row: OrderRow) -> list[Axis]:
    """What varies between its items, each value with how far it is; nothing of a large order."""
    if row.all_items > MOST_ITEMS:
        return []
    items = index.items(row.id)
    values: dict[Key, dict[str, list[ItemRow]]] = {}
    for item in items:
        for key, value in _facts(item, row):
            values.setdefault(key, {}).setdefault(value, []).append(item)
    varied = [(key, groups) for key, groups in values.items() if 1 < len(groups) <= MOST_VALUES]
    return [Axis(key[1] or key[0], [_value(*group) for group in groups.items()]) for key, groups in varied][:MOST_AXES]


def _facts(item: ItemRow, row: OrderRow) -> Iterator[tuple[Key, str]]:
    """What was chosen for it. A text is told by its tokens, and a seed tells nothing."""
    if len(row.snapshots) > 1:
        yield ("model", ""), row.model_of(item).names[-1]
    taken = set()
    for number, (parameter, token, value) in enumerate(item.tokens):
        taken.add(parameter)
        yield (f"{parameter}/{number}", str(token)), shown(value)
    seed = row.model_of(item).seed
    for name, value in item.generation.items():
        if name != seed and name not in taken and _is_short(value):
            yield (name, ""), shown(value)


def _is_short(value: Value) -> bool:
    return not isinstance(value, dict | list)


def _value(value: str, items: Sequence[ItemRow]) -> AxisValue:
    done = sum(item.state == ItemState.COMPLETED for item in items)
    return AxisValue(value, len(items), done, sum(item.state == ItemState.FAILED for item in items))


def seconds_left(index: Index, row: OrderRow, counts: Mapping[str, int], now: datetime) -> int | None:
    left = sum(counts.get(state, 0) for state in (ItemState.PLANNED, ItemState.SUBMITTING, ItemState.RUNNING))
    ends = [datetime.fromisoformat(text) for text in order_lists.latest_ends(index, row.id, LATEST)]
    if not left or len(ends) < LEAST or (now - ends[0]).total_seconds() > OLD:
        return None
    return round(left * (ends[0] - ends[-1]).total_seconds() / (len(ends) - 1))
