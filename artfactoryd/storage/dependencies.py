"""How stages hang together in the index: an item waits for the product it is fed with, or ends with it.

All of it follows from the states of the items and the marks on the products, so that applying the ledger again
comes to the same, whenever the rows come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artfactoryd.core.letters import MOST_SENT_ON, steps
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import (
    ITEMS,
    ItemRow,
    OrderRow,
    ProductRow,
)

BY_YOU = "cancelled by you"
NOT_THERE = "what it is made from did not come"
_LIKE_IT = "provider, first_index, asked, copy, seed, generation, tokens, upper, model, stage, parent, wants_liked"
_GROWN = (
    f"INSERT INTO item (order_id, number, state, reason, parent_nth, waits, attempts, stop, buy_again, {_LIKE_IT}) "
    f"SELECT order_id, ?, ?, ?, ?, 1 + wants_liked, 0, 0, 0, {_LIKE_IT} FROM item WHERE order_id = ? AND number = ? "
    "ON CONFLICT DO NOTHING"
)
_THERE = "order_id = ?1 AND place BETWEEN ?2 AND ?3 AND nth > 0"
_EXTRA = f"SELECT place, nth FROM product WHERE {_THERE} UNION ALL SELECT place, nth FROM interim WHERE {_THERE}"
ENDED = ("completed", "failed", "cancelled")
# Of the view `output` SQLite would read all of an order's rows for each item; of the tables it looks up one.
_SHELVED = (
    "SELECT 1 FROM product WHERE product.order_id = item.order_id AND product.place = item.parent "
    "AND product.nth = item.parent_nth"
)
_INTERIM = (
    "SELECT 1 FROM interim WHERE interim.order_id = item.order_id AND interim.place = item.parent "
    "AND interim.nth = item.parent_nth"
)
_FEEDING = (
    "SELECT state, first_index, asked, parent_nth FROM item WHERE order_id = ? AND number = ? AND EXISTS (SELECT 1 "
    "FROM item fed WHERE fed.order_id = item.order_id "
    "AND fed.parent BETWEEN item.first_index AND item.first_index + item.asked - 1)"
)
_HERE = f"(EXISTS ({_SHELVED}) OR EXISTS ({_INTERIM}))"


def follow(index: Index, order_id: str, number: int) -> bool:
    """After something happened to an item: what is fed with it may begin, or ends. Whether anything is."""
    item = index.first(_FEEDING, (order_id, number))
    if item is None:
        return False
    state, first_index, asked, parent_nth = item
    places = (first_index, first_index + asked - 1)
    _grow(index, order_id, places)
    _begin(index, order_id, places)
    if state in ENDED and not parent_nth:
        _end(index, order_id, places)
    return True


def feeds(index: Index, item: ItemRow) -> bool:
    """Whether something is made from what it makes."""
    return _feeds(index, item.order_id, (item.first_index, item.last_index))


def _feeds(index: Index, order_id: str, places: tuple[int, int]) -> bool:
    sql = "SELECT 1 FROM item WHERE order_id = ? AND parent BETWEEN ? AND ? LIMIT 1"
    return index.row(sql, (order_id, *places)) is not None


def _grow(index: Index, order_id: str, places: tuple[int, int]) -> None:
    """What came above what was asked for is made of as the first at its place is: by items of its own.

    Their numbers follow from those of the first's, so that they are the same whenever the rows come in.
    """
    sql = (
        f"SELECT item.number, extra.nth, orders.total_items, orders.was_cancelled FROM ({_EXTRA}) extra "
        "JOIN item ON item.order_id = ?1 AND item.parent = extra.place AND item.parent_nth = 0 "
        "JOIN orders ON orders.id = ?1 ORDER BY extra.nth, item.number"
    )
    for row in index.rows(sql, (order_id, *places)):
        if all(nth < MOST_SENT_ON for nth in steps(row["nth"])):
            number = row["number"] + row["nth"] * row["total_items"]
            state = ("cancelled", BY_YOU) if row["was_cancelled"] else ("planned", None)
            grown = index.run(_GROWN, number, *state, row["nth"], order_id, row["number"])
            index.run("UPDATE orders SET grown_items = grown_items + ? WHERE id = ?", grown, order_id)


def _begin(index: Index, order_id: str, places: Sequence[int]) -> None:
    """What they equal is known from now on: it goes by the bytes of the product that each is fed with."""
    sql = (
        f"SELECT {ITEMS.select()} FROM item WHERE order_id = ? AND parent BETWEEN ? AND ? AND state = 'planned' "
        f"AND waits > 0 AND ((waits = 1 AND {_HERE}) OR EXISTS ({_SHELVED} AND liked = 1 AND found = 0))"
    )
    begins = index.all(ITEMS, sql, (order_id, *places))
    order = index.order(order_id) if begins else None
    for item in begins:
        output = index.output_fed(item)
        assert order is not None and output is not None
        key = None if order.rehearsal else key_fed(order, item, output.original)
        index.run("UPDATE item SET waits = 0, key = ? WHERE order_id = ? AND number = ?", key, order_id, item.number)


def call_off(index: Index, product: ProductRow) -> None:
    """What a mark released and nothing was sent for waits for that mark again."""
    index.run(
        "UPDATE item SET waits = 2, key = NULL WHERE order_id = ? AND parent = ? AND parent_nth = ? "
        "AND wants_liked = 1 AND waits = 0 AND state = 'planned' AND attempt IS NULL",
        product.order_id, product.place, product.nth,
    )  # fmt: skip


def key_fed(order: OrderRow, item: ItemRow, sha256: str) -> str:
    """What an item of a stage equals, when it is fed with these bytes."""
    # imported late: `status` needs this module, and not the whole grammar behind a plan
    from artfactoryd.core.expansion.item_keys import key_of
    from artfactoryd.core.expansion.stages import fed

    assert item.parent is not None
    contents = {picture["value"]: picture["sha256"] for picture in order.inputs} | {fed(item.parent): sha256}
    contents |= order.library.get("secrets", {})
    return key_of(order.model_of(item), item.generation, contents, item.copy, item.asked)


def _end(index: Index, order_id: str, places: Sequence[int]) -> None:
    fed = "order_id = ? AND parent BETWEEN ? AND ? AND parent_nth = 0"
    where = f"{fed} AND state = 'planned' AND waits > 0 AND NOT {_HERE}"
    ending = index.rows(f"SELECT number FROM item WHERE {where}", (order_id, *places))
    if ending:
        index.run(f"UPDATE item SET state = 'cancelled', reason = ? WHERE {where}", NOT_THERE, order_id, *places)
    for item in ending:
        follow(index, order_id, item["number"])


def joined(index: Index, order_id: str, first: int, last: int) -> None:
    """After rows came in: what they are fed with may have come, or ended, before."""
    sql = "SELECT min(parent) AS first, max(parent) AS last FROM item WHERE order_id = ? AND number BETWEEN ? AND ?"
    span = index.row(sql, (order_id, first, last))
    if span is None or span["first"] is None:
        return
    _grow(index, order_id, (span["first"], span["last"]))
    _begin(index, order_id, (span["first"], span["last"]))
    marks = ",".join("?" * len(ENDED))
    sql = f"SELECT number FROM item WHERE order_id = ? AND state IN ({marks}) AND first_index <= ? ORDER BY number"
    for item in index.rows(sql, (order_id, *ENDED, span["last"])):
        follow(index, order_id, item["number"])


def waiting_for_marks(index: Index, order_id: str) -> int:
    """Products of an order that are there, and are sent on only when a person likes them."""
    sql = (
        "SELECT count(*) AS n FROM (SELECT DISTINCT parent, parent_nth FROM item WHERE order_id = ? "
        f"AND parent IS NOT NULL AND waits = 2 AND state = 'planned' AND EXISTS ({_SHELVED})) fed"
    )
    return int(index.rows(sql, (order_id,))[0]["n"])


def counts(index: Index, order_id: str) -> dict[str, dict[str, int]]:
    """How many items of each later stage are in which state."""
    sql = (
        "SELECT stage, state, count(*) AS n FROM item WHERE order_id = ? AND parent IS NOT NULL "
        "GROUP BY stage, state ORDER BY min(number)"
    )
    by_stage: dict[str, dict[str, int]] = {}
    for row in index.rows(sql, (order_id,)):
        by_stage.setdefault(row["stage"], {})[row["state"]] = row["n"]
    return by_stage


def alive(index: Index, order_id: str, place: int, again: Sequence[tuple[int, int]]) -> bool:
    """Whether the product at this place is there or may still come. `again`: places of items that are sent again."""
    if any(first <= place <= last for first, last in again):
        return True
    if index.row("SELECT 1 FROM output WHERE order_id = ? AND place = ?", (order_id, place)):
        return True
    sql = (
        "SELECT 1 FROM item WHERE order_id = ? AND first_index <= ? AND first_index + asked > ? "
        "AND state NOT IN ('completed', 'failed', 'cancelled')"
    )
    return index.row(sql, (order_id, place, place)) is not None


@dataclass(frozen=True, slots=True)
class LeftBetween:
    """An output that is not shelved, whose makings ended without being made."""

    order_id: str
    order_name: str
    path: str


def left_between(index: Index) -> list[LeftBetween]:
    """Outputs that are not shelved, and of which something was to be made that ended without being made."""
    fed = "item.order_id = i.order_id AND parent = i.place AND parent_nth = i.nth"
    sql = (
        "SELECT o.id, o.name, i.path FROM interim i JOIN orders o ON o.id = i.order_id "
        f"WHERE EXISTS (SELECT 1 FROM item WHERE {fed} AND state IN ('failed', 'cancelled')) "
        f"AND NOT EXISTS (SELECT 1 FROM item WHERE {fed} AND state NOT IN ('completed', 'failed', 'cancelled')) "
        "ORDER BY o.id"
    )
    return [LeftBetween(row["id"], row["name"], row["path"]) for row in index.rows(sql)]
