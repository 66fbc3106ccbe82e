"""What the shelf proves was bought and the ledger does not tell of: it counts as spent on its day.

So it is after a ledger was lost, or one put back that is older than what happened. It is found out whenever the index
is made again; what the ledger tells of by then counts by that alone.
"""

from __future__ import annotations

import json

from artfactoryd.storage.index import Index

TOTAL = "bought"  # in meta: the micro-dollars and the attempts, all together
OF_ORDER = "bought:"  # in meta, before the id of an order that is known: by its items' numbers the micro-dollars
_OF_NONE = (  # of `found` and of what was made on the way to it and not kept
    "SELECT order_id, number, asked_at, day, cost FROM found WHERE cost > 0 AND id NOT IN (SELECT id FROM product) "
    "UNION ALL SELECT order_id, number, asked_at, day, cost FROM unkept WHERE cost > 0 "
    "AND id NOT IN (SELECT id FROM interim)"
)
_UNTOLD = (
    f"SELECT f.order_id, f.number, min(f.day) AS day, max(f.cost) AS cost FROM ({_OF_NONE}) f "
    "WHERE NOT EXISTS (SELECT 1 FROM generation_log g "
    "WHERE g.order_id = f.order_id AND g.number = f.number AND g.asked_at = f.asked_at) "
    "GROUP BY f.order_id, f.number, f.asked_at"
)  # an attempt counts once, with all that it delivered


def take_in(index: Index) -> int:
    """For a new index, with the ledger's lines and `found`, before anything of it is a product here. Micro-dollars."""
    from artfactoryd.storage.reservations import count  # with all the events, which whoever only looks need not load

    attempts = index.rows(_UNTOLD)
    days, orders = dict[str, int](), dict[str, dict[int, int]]()
    for row in attempts:
        days[row["day"]] = days.get(row["day"], 0) + row["cost"]
        items = orders.setdefault(row["order_id"], {})
        items[row["number"]] = items.get(row["number"], 0) + row["cost"]
    for day, cost in days.items():
        count(index, day, cost)
    for order, items in orders.items():
        if index.order(order) is not None:
            _note(index, f"{OF_ORDER}{order}", json.dumps(items))
    total = sum(days.values())
    if total:
        _note(index, TOTAL, f"{total} {len(attempts)}")
    return total


def of_order(index: Index, order: str) -> int:
    """Of what was to be sent of it: that it was bought is proven."""
    sql = (
        "SELECT coalesce(sum(CAST(b.value AS INTEGER)), 0) AS n FROM meta m, json_each(m.value) b LEFT JOIN item i "
        "ON i.order_id = ? AND i.number = CAST(b.key AS INTEGER) "
        "WHERE m.key = ? AND coalesce(i.state, 'planned') = 'planned'"
    )
    return int(index.rows(sql, (order, f"{OF_ORDER}{order}"))[0]["n"])


def in_all(index: Index) -> tuple[int, int]:
    """Micro-dollars and attempts."""
    total, attempts = (index.meta(TOTAL) or "0 0").split()
    return int(total), int(attempts)


def _note(index: Index, key: str, value: str) -> None:
    index.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value)
