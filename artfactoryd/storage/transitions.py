"""The guard of every line that moves an item: only from a state that allows it, and only by the attempt it is at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from artfactoryd.core import strict_json
from artfactoryd.core.lifecycle import MOVES, ItemState
from artfactoryd.core.line_values import InLine
from artfactoryd.errors import IllegalMove
from artfactoryd.storage.events import OfAttempt, OfItem, Reuse, Wish
from artfactoryd.storage.index import Index


class UnknownItem(LookupError):
    """The line speaks of an item whose row is not there: the order must be expanded first."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


_MANY = (dict, list, tuple)


def text(value: Any) -> Any:
    """As a column holds it: lists and objects as JSON, values of ours in them as they stand in a line."""
    if not isinstance(value, _MANY):
        return value
    if isinstance(value, tuple) and value and isinstance(value[0], InLine):
        value = [one.to_json() for one in value]  # the writer would come back for each, and twice
    return strict_json.dumps(value)


def move(index: Index, event: OfItem, name: str, **columns: object) -> None:
    """The guard: one row, by a legal move from the state it is in. A move has one target, whatever its source."""
    if not moved(index, event, name, **columns):
        raise why_not(index, event, name)


def moved(index: Index, event: OfItem, name: str, source: ItemState | None = None, /, **columns: object) -> bool:
    """Whether that was legal, and from `source` where one is given. A late word about an attempt that is over moves
    nothing."""
    values = [*map(text, columns.values()), event.order, event.item]
    attempt = _of_attempt(event)
    if attempt:
        values.append(attempt)
    return index.run(_moving(name, source, tuple(columns), bool(attempt)), *values) > 0


@cache
def _moving(name: str, source: ItemState | None, columns: Sequence[str], of_attempt: bool) -> str:
    (target,) = set(map(str, MOVES[name].values()))
    sources = MOVES[name] if source is None else {source}
    settings = ", ".join([f"state = '{target}'", *(f"{column} = ?" for column in columns)])
    states = ", ".join(f"'{state}'" for state in sources)
    ours = " AND attempt = ?" if of_attempt else ""
    return f"UPDATE item SET {settings} WHERE order_id = ? AND number = ? AND state IN ({states}){ours}"


def _of_attempt(event: OfItem) -> str | None:
    """The attempt that the item must be at; None for what begins one, or speaks of none."""
    if isinstance(event, Wish | Reuse):
        return None
    return getattr(event, "attempt", None)


def why_not(index: Index, event: OfItem, name: str) -> Exception:
    row = index.item(event.order, event.item)
    if row is None:
        return UnknownItem(event.order)
    late = f" by attempt {row.attempt}" if row.attempt not in (None, getattr(event, "attempt", None)) else ""
    return IllegalMove(f"Item {event.item} of order {event.order} is {row.state}{late}: {name} is not possible.")


def log(index: Index, event: OfAttempt, **columns: object) -> None:
    """What is known of the attempt from now on."""
    index.run(_logging(tuple(columns)), *map(text, columns.values()), event.attempt)


@cache
def _logging(columns: Sequence[str]) -> str:
    settings = ", ".join(f"{column} = ?" for column in columns)
    return f"UPDATE generation_log SET {settings} WHERE id = ?"
