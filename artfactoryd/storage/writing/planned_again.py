"""Orders of an index that is made again: does the plan still give what was accepted and sent?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from artfactoryd.core.model import Model
from artfactoryd.core.names import counted
from artfactoryd.errors import Refusal
from artfactoryd.storage import derived
from artfactoryd.storage.index import Index

if TYPE_CHECKING:
    from artfactoryd.storage.writer import Expander


def differences(index: Index, expander: Expander) -> Iterator[str]:
    yield from _expand(index, expander)
    yield from _what_was_sent(index)


def _expand(index: Index, expander: Expander) -> Iterator[str]:
    """Every item has its row, so that it can be seen whether they are as many as were accepted."""
    for order in index.unexpanded_orders():
        try:
            providers, items = expander(order)
            while chunk := list(islice(items, derived.CHUNK)):
                derived.add_items(index, order.id, providers, chunk)
        except Refusal as refusal:
            yield f"Order {order.name} ({order.id}) can no longer be understood: {refusal}"
    sql = (
        "SELECT o.id, o.name, o.total_items, count(i.number) AS n FROM orders o "
        "LEFT JOIN item i ON i.order_id = o.id AND i.parent_nth = 0 "
        "WHERE o.held IS NULL GROUP BY o.id HAVING count(i.number) > o.total_items "
        "OR (count(i.number) < o.total_items AND o.cancelled = 0)"
    )
    for row in index.rows(sql):
        yield (
            f"Order {row['name']} ({row['id']}) was accepted with {counted(row['total_items'], 'item')}, and its "
            f"document gives {row['n']} now: the rules of expansion have changed. Cancel it before the next start."
        )


def _what_was_sent(index: Index) -> Iterator[str]:
    """The items' parameters follow from the order; the wishes say what really was sent."""
    sql = (
        "SELECT o.id, o.name, o.model AS first, o.models, i.model, i.number, i.generation, g.actual "
        "FROM generation_log g JOIN item i ON i.order_id = g.order_id AND i.number = g.number "
        "JOIN orders o ON o.id = g.order_id "
        "WHERE o.rehearsal = 0 AND g.actual != i.generation"
    )
    changed: Counter[tuple[str, str]] = Counter()
    for row in index.rows(sql):
        files = Model.from_snapshot((row["models"] or [json.loads(row["first"])])[row["model"]]).files
        both = (row["actual"].keys() & row["generation"].keys()) - set(files)
        if any(row["actual"][key] != row["generation"][key] for key in both):
            changed[row["name"], row["id"]] += 1
    for (name, order_id), count in changed.items():
        yield (
            f"{counted(count, 'attempt')} of order {name} ({order_id}) went out with other parameters than its "
            "document gives now: the rules of expansion have changed. Attempts and sidecars tell what was made."
        )
