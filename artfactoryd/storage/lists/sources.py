"""Which products a question looks at: steps in an index to those that alone can be meant, newest first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from artfactoryd.core.query import Term
from artfactoryd.core.searching.fields import GENERATION, parameter
from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import words
from artfactoryd.storage.lists.conditions import OF_ORDERS, compared

LETTERS = 3  # in a row, by which a word is looked up
FEW, FEW_ORDERS = 2000, 200  # products, and orders, that are looked at one by one rather than all, newest first
MOST_RATING = 5
_FIRST = "SELECT min(order_id) FROM product"
_STRANGE = (  # one step in the lookup for each order
    f"WITH RECURSIVE made (id) AS ({_FIRST} UNION ALL SELECT ({_FIRST} WHERE order_id > made.id) FROM made "
    "WHERE made.id IS NOT NULL) SELECT id FROM made WHERE id > '' AND id NOT IN (SELECT id FROM orders)"
)
_OF_ITEMS = (
    "item n INDEXED BY item_seed CROSS JOIN product p ON p.order_id = n.order_id AND p.number = n.number "
    "AND p.place BETWEEN n.first_index AND n.first_index + n.asked - 1"
)
_OF_CARDS = "told n INDEXED BY told_seed CROSS JOIN product p ON p.id = n.id"
_NO_SEED = (
    "NOT EXISTS (SELECT 1 FROM item m WHERE m.order_id = p.order_id AND m.number = p.number AND m.seed IS NOT NULL)"
)


class Source(NamedTuple):
    """`tables`: with a product p; `seq`: of them, by which they come newest first; `condition` of them."""

    tables: str
    seq: str = "p.seq"
    condition: str = "1 = 1"
    values: tuple[object, ...] = ()

    def measured(self, index: Index, most: int) -> int:
        sql = f"SELECT count(*) AS n FROM (SELECT 1 FROM {self.tables} WHERE {self.condition} LIMIT ?) n"
        return int(index.rows(sql, (*self.values, most))[0]["n"])


_ALL = Source("product p")
_IMPORTED = Source("product p INDEXED BY product_imported", condition="p.order_id = ''")
_UNSEARCHED = Source("unsearched u CROSS JOIN product p ON p.seq = u.seq", "u.seq")


def sources(index: Index, terms: Sequence[Term]) -> list[Source]:
    """No product is in two of them."""
    asked = [term for term in terms if not term.negated]
    if few := _of_few_orders(index, asked) or _by_beginning(index, asked) or _by_seed(index, asked):
        return few
    single = [*_by_words(index, asked), *_by_tags(asked), *_by_project(asked), *_by_flags(asked)]
    ways = [*([source] for source in single), *_by_rating(asked)]
    if not ways:
        return [_ALL]
    best = ways[0] if len(ways) == 1 else min(ways, key=lambda way: sum(one.measured(index, FEW) for one in way))
    return [*best, _UNSEARCHED] if best and best[0].seq == "s.rowid" else best


def _by_words(index: Index, asked: Sequence[Term]) -> list[Source]:
    """By all words that are long enough."""
    wanted = [term.value for term in asked if _has_letters(term)]
    if not wanted or not words.are_looked_up(index):
        return []
    tables = "searched s CROSS JOIN product p ON p.seq = s.rowid"
    there, values = index.engine.words(wanted)
    noted_since = "EXISTS (SELECT 1 FROM unsearched u WHERE u.seq = s.rowid)"
    return [Source(tables, "s.rowid", f"{there} AND NOT {noted_since}", tuple(values))]


def _has_letters(term: Term) -> bool:
    """Enough of them, and no end of a text in the middle. A parameter may hold a number instead of the text."""
    anywhere = term.key == "" or (term.is_parameter and term.number is None and _is_sent(term))
    return anywhere and len(term.value) >= LETTERS and "\0" not in term.value


def _is_sent(term: Term) -> bool:
    """Whether its text is one that is looked up. What is true or false has no text."""
    return (parameter(term.key) or ("",))[0] == GENERATION and term.value.lower() not in ("true", "false")


def _by_beginning(index: Index, asked: Sequence[Term]) -> list[Source]:
    """By the beginning of an id, where few have it."""
    for term in asked:
        if term.key == "id" and term.value.isascii():
            first = term.value.lower()
            source = Source("product p", "+p.seq", "p.id >= ? AND p.id < ?", (first, first + "~"))
            if source.measured(index, FEW) < FEW:
                return [source]
    return []


def _by_seed(index: Index, asked: Sequence[Term]) -> list[Source]:
    """By the item's seed, or where its order is not known by what the sidecar tells; where few have it."""
    for term in asked:
        if term.key == "seed" and term.number is not None:
            condition, values = compared("n.seed", term.number)
            ways = [
                Source(_OF_ITEMS, "+p.seq", condition, tuple(values)),
                Source(_OF_CARDS, "+p.seq", f"{condition} AND {_NO_SEED}", tuple(values)),
            ]
            if sum(way.measured(index, FEW) for way in ways) < FEW:
                return ways
    return []


def _by_flags(asked: Sequence[Term]) -> list[Source]:
    liked = [term for term in asked if term.key == "is" and term.value == "liked"]
    imported = any(term.key == "is" and term.value == "imported" for term in asked)
    return [
        *(Source("product p INDEXED BY product_liked", condition="p.liked = 1") for _ in liked[:1]),
        *([_IMPORTED] if imported else []),
    ]


def _by_rating(asked: Sequence[Term]) -> list[list[Source]]:
    """One for each rating, as each is newest first by itself."""
    spans = [term.number for term in asked if term.key == "rating" and term.number is not None]
    tables = "product p INDEXED BY product_rating"
    return [
        [Source(tables, condition="p.rating = ?", values=(rating,)) for rating in range(MOST_RATING + 1)
         if (span.low is None or span.low <= rating) and (span.high is None or rating <= span.high)]
        for span in spans
    ]  # fmt: skip


def _by_tags(asked: Sequence[Term]) -> list[Source]:
    return [
        Source(
            f"product_{key} t CROSS JOIN product p ON p.seq = t.seq",
            "t.seq",
            f"t.{key} = ? COLLATE NOCASE",
            (term.value,),
        )
        for term in asked
        if (key := term.key.lower()) in ("tag", "collection")
    ]


def _by_project(asked: Sequence[Term]) -> list[Source]:
    tables, condition = "product p INDEXED BY product_project", "p.project = ? COLLATE NOCASE"
    names = [term.value for term in asked if term.key.lower() == "project"]
    return [Source(tables, condition=condition, values=(name,)) for name in names]


def _of_few_orders(index: Index, asked: Sequence[Term]) -> list[Source]:
    """By orders that alone can be meant, all that are not known here, and what no order made. Nothing where these are
    many, or have many."""
    conditions = [OF_ORDERS[term.key.lower()](term) for term in asked if term.key.lower() in OF_ORDERS]
    if not conditions:
        return []
    wanted = " AND ".join(condition for condition, _ in conditions)
    values = [value for _, values in conditions for value in values]
    sql = f"SELECT id, total_products AS n FROM orders o WHERE {wanted} LIMIT ?"
    known = index.rows(sql, (*values, FEW_ORDERS + 1))
    if len(known) > FEW_ORDERS or sum(row["n"] for row in known) > FEW:
        return []
    ids = json.dumps([row["id"] for row in (*known, *index.rows(_STRANGE))])
    tables = "(SELECT value AS id FROM json_each(?)) few CROSS JOIN product p ON p.order_id = few.id"
    by_order = any(term.key == "order" for term in asked)
    return [Source(tables, values=(ids,)), *([] if by_order else [_IMPORTED])]
