"""Which orders there are: those that are not over, those that a file became; and which items of one went wrong.

No such list ends without a word that there are more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from artfactoryd.core.lifecycle import UNFINISHED, UNFINISHED_ORDERS
from artfactoryd.core.names import kind_of
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ORDERS, OrderRow
from artfactoryd.storage.tables import Orders

PAGE = 500
_FIRST = "SELECT min(order_id) FROM item WHERE state = ?1 AND provider = ?2"
# One step in the index for each order, as of what is to be sent: see index.
_OF_STATE = (
    f"WITH RECURSIVE there (id) AS ({_FIRST} UNION ALL "
    f"SELECT ({_FIRST} AND order_id > there.id) FROM there WHERE there.id IS NOT NULL) "
    "SELECT id FROM there WHERE id IS NOT NULL"
)


def unfinished(index: Index) -> Iterator[OrderRow]:
    """Newest first, however many were over since they were accepted."""
    waiting = (
        "SELECT id FROM orders WHERE held IS NOT NULL UNION SELECT id FROM orders WHERE expanded_items < total_items"
    )
    ids = {row["id"] for row in index.rows(waiting)} | set(_with_items(index))
    for order_id in sorted(ids, reverse=True):
        order = index.order(order_id)
        if order is not None and index.state(order) in UNFINISHED_ORDERS:
            yield order


def _with_items(index: Index) -> Iterator[str]:
    """Of orders with an item that has not ended."""
    for state in UNFINISHED:
        provider: str | None = ""
        while provider is not None:
            following = "SELECT min(provider) AS name FROM item WHERE state = ? AND provider > ?"
            provider = index.rows(following, (str(state), provider))[0]["name"]
            if provider is not None:
                yield from (row["id"] for row in index.rows(_OF_STATE, (str(state), provider)))


def ended(index: Index) -> Iterator[OrderRow]:
    """Newest first, read as far as it is asked for."""
    return (order for order in every(index) if index.state(order) not in UNFINISHED_ORDERS)


def every(index: Index) -> Iterator[OrderRow]:
    """Newest first, page by page."""
    before = ""
    while page := index.orders(PAGE, before):
        yield from page
        before = page[-1].id


def count(index: Index) -> int:
    return int(index.rows("SELECT count(*) AS n FROM orders")[0]["n"])


def of_file(index: Index, name: str, stem: str) -> list[OrderRow]:
    """Those that a file of this name became; newest first."""
    called = (Orders.file == name) | (Orders.name == stem)
    return index.ask(ORDERS, Orders.select().where(called).order_by(Orders.id.desc()))


def of_bytes(index: Index, sha256: str) -> list[OrderRow]:
    """Those of this very document; newest first."""
    same = Orders.document_sha256 == sha256
    return index.ask(ORDERS, Orders.select().where(same).order_by(Orders.id.desc()))


def of_content(index: Index, content: str, most: int = 20) -> list[OrderRow]:
    """Real orders that ask for the same; newest first."""
    same = (Orders.content == content) & (Orders.content != "") & (Orders.rehearsal == 0)
    return index.ask(ORDERS, Orders.select().where(same).order_by(Orders.id.desc()).limit(most))


# --- items that went wrong ---


class ToldItem(NamedTuple):
    number: int
    state: str
    reason: str


# With a plus before it `state` is only looked at: items with a reason have a lookup of their own, and are few.
_FAILED = "(+state IN ('failed', 'in_doubt') OR (+state = 'cancelled' AND ticket IS NOT NULL))"
_SHORT = "+state = 'completed'"


def failures(index: Index, order_id: str, most: int) -> tuple[Sequence[ToldItem], int]:
    """Items that failed or are in doubt, and those that were cancelled after they had been bought: `most` of them, and
    how many there are."""
    return _told(index, order_id, _FAILED, most)


def short(index: Index, order_id: str, most: int) -> tuple[Sequence[ToldItem], int]:
    """Items that are completed and brought less than was asked for."""
    return _told(index, order_id, _SHORT, most)


def _told(index: Index, order_id: str, which: str, most: int) -> tuple[Sequence[ToldItem], int]:
    sql = (
        "SELECT number, state, reason, count(*) OVER () AS n FROM item "
        f"WHERE order_id = ? AND reason IS NOT NULL AND {which} ORDER BY number LIMIT ?"
    )
    rows = index.rows(sql, (order_id, most))
    return [ToldItem(row["number"], row["state"], row["reason"]) for row in rows], rows[0]["n"] if rows else 0


def failed_alike(index: Index, order_id: str, most: int) -> list[tuple[str, str, list[int]]]:
    """State, reason and numbers of items that failed or are in doubt, those that share both together."""
    sql = (
        "SELECT state, coalesce(reason, '') AS why, group_concat(number) AS numbers FROM item "
        "WHERE order_id = ? AND state IN ('failed', 'in_doubt') GROUP BY 1, 2 ORDER BY min(number) LIMIT ?"
    )
    rows = index.rows(sql, (order_id, most))
    return [(row["state"], row["why"], sorted(map(int, row["numbers"].split(",")))) for row in rows]


class Made(NamedTuple):
    """What an order brought: its products by their kinds, those that were on the shelf before, and how long all that
    lasts lasts together."""

    kinds: Mapping[str, int]
    reused: int
    seconds: float

    @property
    def products(self) -> int:
        return sum(self.kinds.values())


def made(index: Index, order_id: str) -> Made:
    reused = "SELECT number FROM generation_log WHERE order_id = ?1 AND verdict = 'reused'"
    sql = (
        "SELECT mime, count(*) AS products, coalesce(sum(duration), 0) AS seconds, "
        f"count(CASE WHEN number IN ({reused}) THEN 1 END) AS reused FROM product WHERE order_id = ?1 GROUP BY mime"
    )
    kinds, rows = Counter[str](), index.rows(sql, (order_id,))
    for row in rows:
        kinds[kind_of(row["mime"])] += row["products"]
    return Made(kinds, sum(row["reused"] for row in rows), sum(row["seconds"] for row in rows))


def latest_ends(index: Index, order_id: str, most: int) -> list[str]:
    """When its last attempts ended, the latest first."""
    sql = (
        "SELECT ended_at FROM generation_log WHERE order_id = ? AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ?"
    )
    return [row["ended_at"] for row in index.rows(sql, (order_id, most))]
