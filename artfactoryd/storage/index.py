"""The index: the queue, and a rebuildable view of shelf and ledger: the questions asked of it.

Only `writer` writes. Plain questions are written with the tables' models; what is asked for every item, many times a
minute, or goes through an order step by step, is SQL by hand: to make it of the models costs ten times what it does.
Money is integer micro-dollars, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import peewee as pw

from artfactoryd.core.json_types import Json
from artfactoryd.core.lifecycle import RESUMED, STUCK, UPLOAD_LASTS, UPLOAD_WAITS, ItemState, OrderState, order_state
from artfactoryd.shelf.sidecars import BIN
from artfactoryd.storage.database import Database
from artfactoryd.storage.rows import (
    ATTEMPTS,
    ITEMS,
    ORDERS,
    OUTAGES,
    OUTPUTS,
    PRODUCTS,
    STOPS,
    UPLOADS,
    AttemptRow,
    ItemRow,
    OrderRow,
    OutageRow,
    OutputRow,
    ProductRow,
    StopRow,
    UploadRow,
)
from artfactoryd.storage.tables import Orders, Product, Upload

# Of an item i of orders o: what was recorded of its model. `models` is empty where there is only one.
ITEM_MODEL = (
    "CASE WHEN o.models = '[]' THEN o.model ELSE coalesce(json_extract(o.models, '$[' || i.model || ']'), o.model) END"
)
HELD = "Held/"  # before the name of an entry there, as a path in the home
ALL = -1  # as a LIMIT: none
MOST_FOUND = 20  # products that a name may mean; the beginning of an id may be that of all of them
EXACTLY = "./"  # before a path in the home that is no name
UNKNOWN_BYTES = 8_000_000  # room for one output while nothing was made yet
_NEXT = "SELECT min(order_id) FROM item WHERE state = 'planned' AND provider = ? AND waits = 0"
# The orders with something left to send at a provider, each found by one step in the index: a DISTINCT would go
# through all their items, and there may be a hundred thousand.
_WAITING = (
    f"WITH RECURSIVE waiting (id) AS ({_NEXT} UNION ALL "
    f"SELECT ({_NEXT} AND order_id > waiting.id) FROM waiting WHERE waiting.id IS NOT NULL)"
)
_FEEDS = "f.order_id = i.order_id AND f.place = i.parent AND f.nth = i.parent_nth"
FED_WITH = f"(SELECT coalesce(original_sha256, sha256) FROM {{}} f WHERE {_FEEDS})"
_ORDERS = f"SELECT {ORDERS.select()} FROM orders"
_ORDER = f"{_ORDERS} WHERE id = ?"
_ITEM = f"SELECT {ITEMS.select()} FROM item"
_ATTEMPT = f"SELECT {ATTEMPTS.select()} FROM generation_log"
_OUTPUT = f"SELECT {OUTPUTS.select()} FROM output"
_STOP = f"SELECT {STOPS.select()} FROM provider_stop"


class WaitingOrder(NamedTuple):
    id: str
    priority: int


@dataclass(frozen=True, slots=True)
class EqualItem:
    """An item with a key that was asked for: made, or on its way.

    `delivered`: how many products it had, where only the shelf tells of it; None: all that are known.
    """

    key: str
    order_id: str
    number: int
    state: ItemState
    first_index: int
    asked: int
    delivered: int | None


@dataclass(frozen=True, slots=True)
class EarlierItem:
    """What was made before under the same name. `fed_with`: SHA-256 of what a stage's was made from."""

    generation: Json
    copy: int
    parent: int | None
    model: Json
    inputs: list[Json]
    fed_with: str | None


class Index(Database):
    # --- orders ---

    def order(self, order_id: str) -> OrderRow | None:
        return self.by_key(ORDERS, _ORDER, order_id)

    def order_name(self, order_id: str) -> str:
        return str(self.rows("SELECT name FROM orders WHERE id = ?", (order_id,))[0]["name"])

    def orders(self, most: int = ALL, before: str = "") -> list[OrderRow]:
        """Newest first; with `before`, those older than that id."""
        query = Orders.select().order_by(Orders.id.desc()).limit(most)
        return self.ask(ORDERS, query.where(Orders.id < before) if before else query)

    def find_orders(self, name: str) -> list[OrderRow]:
        """By id or its beginning, name or PROJECT/NAME, folder, or entry in Held (a path, or alone); newest first."""
        is_path, name = name.startswith(EXACTLY), name.removeprefix(EXACTLY)
        first = name.lower()
        behind = first + "~" if len(name) >= 4 else first  # "~" sorts behind all that an id is made of
        by_id = (Orders.id >= first) & (Orders.id < behind)
        by_name = (Orders.name == name) | (Orders.project.concat("/").concat(Orders.name) == name)
        entry = name.removeprefix(HELD) if name.startswith(HELD) or not is_path else ""
        by_entry = Orders.held.is_null(False) & (Orders.held_entry == entry)
        by_path = (Orders.folder == name) | by_entry
        query = Orders.select().where(by_path if is_path else by_id | by_name | by_path)
        return self.ask(ORDERS, query.order_by(Orders.id.desc()))

    def orders_of_claim(self, claim: str) -> list[OrderRow]:
        return self.ask(ORDERS, Orders.select().where(Orders.claim == claim).order_by(Orders.number))

    def orders_of_submission(self, submission: str) -> list[OrderRow]:
        return self.ask(ORDERS, Orders.select().where(Orders.submission == submission).order_by(Orders.number))

    def held_orders(self) -> list[OrderRow]:
        return self.all(ORDERS, f"{_ORDERS} WHERE held IS NOT NULL AND cancelled = 0 ORDER BY id")

    def real_runs(self, document_sha256: str) -> int:
        """How many real runs of exactly these bytes were accepted before."""
        sql = (
            "SELECT count(*) AS n FROM orders o WHERE document_sha256 = ? AND rehearsal = 0 AND (cancelled = 0 OR "
            "EXISTS (SELECT 1 FROM generation_log g WHERE g.order_id = o.id))"
        )
        return int(self.rows(sql, (document_sha256,))[0]["n"])

    def same_orders(self, fingerprint: str) -> list[OrderRow]:
        """Real orders of the same document, project and files; newest first."""
        same = (Orders.fingerprint == fingerprint) & (Orders.rehearsal == 0)
        return self.ask(ORDERS, Orders.select().where(same).order_by(Orders.id.desc()).limit(20))

    def proofs(self) -> list[OrderRow]:
        """Orders at work on their proof."""
        return self.all(ORDERS, f"{_ORDERS} WHERE proof IS NOT NULL AND held IS NULL AND cancelled = 0 ORDER BY id")

    def unexpanded_orders(self) -> list[OrderRow]:
        begun = "held IS NULL AND cancelled = 0 AND expanded_items < total_items"
        return self.all(ORDERS, f"{_ORDERS} WHERE {begun} ORDER BY id")

    def working_orders(self, provider: str) -> list[WaitingOrder]:
        """Orders with something left to send, as the scheduler takes them: priority, then age."""
        sql = (
            f"{_WAITING} SELECT orders.id, priority FROM waiting JOIN orders ON orders.id = waiting.id "
            "WHERE held IS NULL AND paused IS NULL AND folder IS NOT NULL ORDER BY priority DESC, orders.id"
        )
        return [WaitingOrder(**row) for row in self.rows(sql, (provider, provider))]

    def counts(self, order_id: str) -> dict[str, int]:
        sql = "SELECT state, count(*) AS n FROM item WHERE order_id = ? GROUP BY state"
        return {row["state"]: row["n"] for row in self.rows(sql, (order_id,))}

    def state(self, order: OrderRow, counts: Mapping[str, int] | None = None) -> OrderState:
        present = self.counts(order.id) if counts is None else counts
        return order_state(present, held=order.is_held, cancelled=order.cancelled, expanded=order.is_expanded)

    # --- items ---

    def item(self, order_id: str, number: int) -> ItemRow | None:
        return self.by_key(ITEMS, f"{_ITEM} WHERE order_id = ? AND number = ?", order_id, number)

    def items(self, order_id: str, states: Iterable[str] = (), most: int = ALL) -> list[ItemRow]:
        wanted = tuple(states)
        marks = f"AND state IN ({','.join('?' * len(wanted))})" if wanted else ""
        sql = f"{_ITEM} WHERE order_id = ? {marks} ORDER BY number LIMIT ?"
        return self.all(ITEMS, sql, (order_id, *wanted, most))

    def items_after(self, order_id: str, number: int, most: int) -> list[ItemRow]:
        sql = f"{_ITEM} WHERE order_id = ? AND number > ? ORDER BY number LIMIT ?"
        return self.all(ITEMS, sql, (order_id, number, most))

    def noted_items(self, order_id: str, most: int) -> list[ItemRow]:
        """Those on the way that say why they do not go on just now."""
        sql = (
            f"{_ITEM} WHERE order_id = ? AND reason IS NOT NULL AND (state IN ('submitting', 'running', 'delivering') "
            "OR (state = 'planned' AND (reason LIKE ? OR reason LIKE ? OR reason LIKE ?))) ORDER BY number LIMIT ?"
        )
        lasting = (f"{words}%" for words in (STUCK, UPLOAD_WAITS, UPLOAD_LASTS))
        return self.all(ITEMS, sql, (order_id, *lasting, most))

    def planned_items(self, order_id: str, provider: str, most: int) -> list[ItemRow]:
        """Those that may be sent: until a person has seen the proof, only its own."""
        proof = self.proof(order_id)
        only = f"AND number IN ({','.join('?' * len(proof))})" if proof else ""
        sql = (
            f"{_ITEM} WHERE order_id = ? AND state = 'planned' AND provider = ? AND waits = 0 {only} "
            "ORDER BY number LIMIT ?"
        )
        return self.all(ITEMS, sql, (order_id, provider, *proof, most))

    def proof(self, order_id: str) -> list[int]:
        """The items that are made before the others may; empty when none are, or a person has seen them."""
        row = self.row("SELECT proof FROM orders WHERE id = ?", (order_id,))
        return row["proof"] or [] if row else []

    def states_of(self, order_id: str, numbers: Sequence[int]) -> list[str]:
        sql = f"SELECT state FROM item WHERE order_id = ? AND number IN ({','.join('?' * len(numbers))})"
        return [row["state"] for row in self.rows(sql, (order_id, *numbers))]

    def resumable_items(self) -> list[ItemRow]:
        """What a start takes up again: deliveries, then tickets, then wishes without a ticket."""
        items: list[ItemRow] = []
        for state in RESUMED:
            items += self.all(ITEMS, f"{_ITEM} WHERE state = ? ORDER BY order_id, number", (state,))
        return items

    # --- items that are the same ---

    def equal_items(self, keys: Sequence[str]) -> list[EqualItem]:
        """Items with one of these keys that were made or are on their way; those of one key together, newest first."""
        marks = ",".join("?" * len(keys))
        sql = (
            "SELECT key, order_id, number, state, first_index, asked, NULL AS delivered FROM item "
            f"WHERE key IN ({marks}) AND state IN ('completed', 'submitting', 'running', 'delivering', 'in_doubt') "
            "UNION ALL SELECT s.key, s.order_id, s.number, 'completed', coalesce((SELECT min(p.place) FROM product p "
            "WHERE p.order_id = s.order_id AND p.number = s.number), (SELECT min(p.place) FROM interim p "
            "WHERE p.order_id = s.order_id AND p.number = s.number)), s.asked, s.delivered FROM shelf_item s "
            f"WHERE s.key IN ({marks}) ORDER BY key, order_id DESC, number"
        )
        found = self.rows(sql, (*keys, *keys))
        return [EqualItem(**{**row, "state": ItemState(row["state"])}) for row in found]

    def is_on_the_way(self, key: str) -> bool:
        way = "state IN ('submitting', 'running', 'delivering', 'in_doubt')"
        return self.row(f"SELECT 1 FROM item WHERE key = ? AND {way}", (key,)) is not None

    def outputs_of(self, item: EqualItem | ItemRow) -> list[OutputRow]:
        """What it made, shelved or not; by its places in the order, which a lookup has; its number alone has none."""
        sql = f"{_OUTPUT} WHERE order_id = ? AND place BETWEEN ? AND ? AND number = ? ORDER BY place"
        last = item.first_index + item.asked - 1
        return self.all(OUTPUTS, sql, (item.order_id, item.first_index, last, item.number))

    def waiting_for_doubts(self, order_id: str) -> int:
        """Planned items of an order whose equal is in doubt; few are, so they are looked at first."""
        sql = (
            "SELECT count(DISTINCT mine.number) AS n FROM item d CROSS JOIN item mine ON mine.key = d.key "
            "WHERE d.state = 'in_doubt' AND mine.order_id = ? AND mine.state = 'planned'"
        )
        return int(self.rows(sql, (order_id,))[0]["n"])

    def earlier_items(self, name: str, project: str, most: int) -> list[EarlierItem]:
        """Made for real orders of this name, newest order first."""
        sql = (
            f"SELECT i.generation, i.copy, i.parent, {ITEM_MODEL} AS model, o.inputs, "
            f"coalesce({FED_WITH.format('product')}, {FED_WITH.format('interim')}) AS fed_with "
            "FROM orders o JOIN item i ON i.order_id = o.id "
            "WHERE o.id IN (SELECT id FROM orders WHERE name = ? AND project = ? AND rehearsal = 0 "
            "ORDER BY id DESC LIMIT 20) AND i.state = 'completed' ORDER BY o.id DESC, i.number LIMIT ?"
        )
        return [EarlierItem(**row) for row in self.rows(sql, (name, project, most))]

    def reused(self, order_id: str) -> int:
        """Items of an order that were copied, not bought."""
        sql = "SELECT count(*) AS n FROM generation_log WHERE order_id = ? AND verdict = 'reused'"
        return int(self.rows(sql, (order_id,))[0]["n"])

    # --- money and attempts ---

    def doubtful(self, order_id: str) -> int:
        """Micro-dollars of attempts nobody can vouch for."""
        sql = (
            "SELECT coalesce(sum(reserved), 0) AS n FROM generation_log "
            "WHERE order_id = ? AND verdict = 'in_doubt' AND cost IS NULL"
        )
        return int(self.rows(sql, (order_id,))[0]["n"])

    def spent(self, order_id: str) -> int:
        sql = "SELECT coalesce(sum(cost), 0) AS n FROM generation_log WHERE order_id = ?"
        return int(self.rows(sql, (order_id,))[0]["n"])

    def committed(self, first: str, last: str) -> int:
        """Micro-dollars spent, perhaps spent and reserved by the wishes of these local days, both included."""
        sql = "SELECT coalesce(sum(committed), 0) AS n FROM spending WHERE day BETWEEN ? AND ?"
        return int(self.rows(sql, (first, last))[0]["n"])

    def spent_in_all(self) -> int:
        return int(self.rows("SELECT coalesce(sum(cost), 0) AS n FROM generation_log")[0]["n"])

    def attempts(self, order_id: str, number: int | None = None) -> list[AttemptRow]:
        if number is None:
            return self.all(ATTEMPTS, f"{_ATTEMPT} WHERE order_id = ? ORDER BY id", (order_id,))
        return self.all(ATTEMPTS, f"{_ATTEMPT} WHERE order_id = ? AND number = ? ORDER BY id", (order_id, number))

    def has_more_attempts(self, order_id: str, number: int) -> bool:
        sql = "SELECT 1 FROM generation_log WHERE order_id = ? LIMIT 1 OFFSET ?"
        return self.row(sql, (order_id, number)) is not None

    def attempt(self, attempt_id: str) -> AttemptRow | None:
        return self.by_key(ATTEMPTS, f"{_ATTEMPT} WHERE id = ?", attempt_id)

    def upload(self, provider: str, sha256: str) -> UploadRow | None:
        """Where these bytes were put at this provider, and until when."""
        there = (Upload.provider == provider) & (Upload.sha256 == sha256)
        return self.ask_one(UPLOADS, Upload.select().where(there))

    # --- products, stops, commands ---

    def outputs_on_the_way(self) -> int:
        """Bought, and not yet on the shelf."""
        sql = "SELECT coalesce(sum(asked), 0) AS n FROM item WHERE state IN ('submitting', 'running', 'delivering')"
        return int(self.rows(sql)[0]["n"])

    def usual_bytes(self) -> int:
        """What one output may take, by the largest of the last products."""
        sql = "SELECT max(bytes) AS n FROM (SELECT bytes FROM product ORDER BY id DESC LIMIT 50) p"
        return int(self.rows(sql)[0]["n"] or UNKNOWN_BYTES)

    def products(self, order_id: str, most: int = ALL) -> list[ProductRow]:
        query = Product.select().where(Product.order_id == order_id).order_by(Product.place)
        return self.ask(PRODUCTS, query.limit(most))

    def newest_products(self, most: int) -> list[ProductRow]:
        """Of all orders, without those in the bin; their ids are ordered by time."""
        shown = pw.fn.substr(Product.path, 1, len(BIN)) != BIN
        return self.ask(PRODUCTS, Product.select().where(shown).order_by(Product.id.desc()).limit(most))

    def product(self, product_id: str) -> ProductRow | None:
        return self.one(PRODUCTS, f"SELECT {PRODUCTS.select()} FROM product WHERE id = ?", (product_id,))

    def output_fed(self, item: ItemRow) -> OutputRow | None:
        """A product, or one that is not shelved but only sent on: `shelved` tells. The first of several there."""
        sql = f"{_OUTPUT} WHERE order_id = ? AND place = ? AND nth = ? ORDER BY id LIMIT 1"
        return self.one(OUTPUTS, sql, (item.order_id, item.parent, item.parent_nth))

    def fed_with(self, item: ItemRow) -> tuple[OutputRow, ItemRow] | None:
        """What an item of a stage is made from, and the item that made that; None where there is no such thing."""
        output = None if item.parent is None else self.output_fed(item)
        maker = self.item(item.order_id, output.number) if output else None
        return (output, maker) if output and maker else None

    def made_of(self, order_id: str, place: int) -> list[ItemRow]:
        """The items that are fed with it."""
        return self.all(ITEMS, f"{_ITEM} WHERE order_id = ? AND parent = ? ORDER BY number", (order_id, place))

    def is_spent(self, output_id: str) -> bool:
        """Whether it is not shelved, and everything that is made of it is safe."""
        sql = (
            "SELECT 1 FROM interim JOIN orders ON orders.id = interim.order_id WHERE interim.id = ? "
            "AND expanded_items >= total_items AND NOT EXISTS (SELECT 1 FROM item WHERE "
            "item.order_id = interim.order_id AND parent = interim.place AND parent_nth = interim.nth "
            "AND state <> 'completed')"
        )
        return self.row(sql, (output_id,)) is not None

    def find_products(self, name: str) -> list[ProductRow]:
        """By path in the home, by id, or by the beginning of an id; newest first, MOST_FOUND of them."""
        first = name.lower()
        behind = first + "~" if len(name) >= 4 else first
        by_id = (Product.id == name) | ((Product.id >= first) & (Product.id < behind))
        query = Product.select().where((Product.path == name) | by_id)
        return self.ask(PRODUCTS, query.order_by(Product.id.desc()).limit(MOST_FOUND))

    def find_product(self, path: str) -> ProductRow | None:
        return self.ask_one(PRODUCTS, Product.select().where(Product.path == path))

    def products_beginning(self, prefix: str) -> list[ProductRow]:
        """By the beginning of an id; two are enough to see that it is not clear which."""
        within = (Product.id >= prefix) & (Product.id < prefix + "~")
        return self.ask(PRODUCTS, Product.select().where(within).limit(2))

    def stops(self) -> dict[str, StopRow]:
        """Providers that trouble has stopped (no key, no money)."""
        return {row.provider: row for row in self.all(STOPS, f"{_STOP} WHERE kind = 'stopped'")}

    def outages(self) -> dict[str, OutageRow]:
        """Providers that do not answer, or not as they should; tried again by themselves."""
        return {row.provider: row for row in self.all(OUTAGES, f"SELECT {OUTAGES.select()} FROM outage")}

    def pauses(self) -> dict[str, str]:
        """Providers that a person has paused, and since when; the empty name is all of them."""
        return {row.provider: row.since for row in self.all(STOPS, f"{_STOP} WHERE kind = 'paused'")}

    def paused_orders(self) -> list[OrderRow]:
        return self.all(ORDERS, f"{_ORDERS} WHERE paused IS NOT NULL ORDER BY id")

    def waiting_orders(self, provider: str) -> set[str]:
        """Ids of orders with something left to send there; the empty name is every provider."""
        if provider:
            return {row["id"] for row in self.rows(f"{_WAITING} SELECT id FROM waiting WHERE id > ''", (provider,) * 2)}
        planned = "SELECT 1 FROM item WHERE order_id = orders.id AND state = 'planned'"
        return {row["id"] for row in self.rows(f"SELECT id FROM orders WHERE EXISTS ({planned})")}

    def answer(self, command: str) -> Json | None:
        row = self.row("SELECT answer FROM command WHERE id = ?", (command,))
        return row["answer"] if row else None
