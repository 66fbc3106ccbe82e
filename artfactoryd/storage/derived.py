"""Rows of the index that need no ledger line: they follow from an order alone, or are free to make again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from artfactoryd.core import strict_json
from artfactoryd.core.expansion.plan import PlannedItem
from artfactoryd.core.json_types import Document
from artfactoryd.core.lifecycle import ItemState
from artfactoryd.errors import IllegalMove
from artfactoryd.storage import dependencies, told
from artfactoryd.storage.dependencies import BY_YOU
from artfactoryd.storage.index import Index
from artfactoryd.storage.rows import ItemKey, OutageRow

CHUNK = 2000
RECEIPTS = "receipts"  # in meta
NOTED = (ItemState.PLANNED, ItemState.SUBMITTING, ItemState.RUNNING, ItemState.DELIVERING)


def add_items(index: Index, order_id: str, providers: Sequence[str], items: Iterable[PlannedItem]) -> None:
    """The rows of an order's next items; the order remembers how far it is expanded. Those it has are passed over.

    `providers`: of each model.

    Of an order that was ever cancelled they come in cancelled: whether a cancel fell before or after
    an item had its row is not in the ledger, so it must make no difference.
    """
    order = index.row("SELECT expanded_items, was_cancelled FROM orders WHERE id = ?", (order_id,))
    if order is None:
        raise IllegalMove(f"There is no order {order_id}.")
    coming = [item for item in items if item.number > order["expanded_items"]]
    if not coming:
        return
    if coming[0].number != order["expanded_items"] + 1:
        raise IllegalMove(f"Items of order {order_id} before {coming[0].number} are not there yet.")
    state, reason = ("cancelled", BY_YOU) if order["was_cancelled"] else ("planned", None)
    sql = (
        "INSERT INTO item (order_id, number, state, reason, provider, first_index, asked, copy, seed, generation,"
        " tokens, upper, model, key, stage, parent, waits, wants_liked, attempts, stop, buy_again) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)"
    )
    rows = [
        (order_id, item.number, state, reason, providers[item.model], item.first_index, item.asked, item.copy,
         item.seed, strict_json.dumps(dict(item.parameters)), strict_json.dumps(item.tokens),
         item.upper, item.model, item.key, item.stage, item.parent, _waits(item), int(item.liked))
        for item in coming
    ]  # fmt: skip
    index.add(sql, rows)
    names = {name for item in coming for name in item.parameters}
    index.add("INSERT OR IGNORE INTO parameter (name) VALUES (?)", [(name,) for name in sorted(names)])
    last = coming[-1]
    sql = "UPDATE orders SET expanded_items = ?, expanded_products = ? WHERE id = ?"
    index.run(sql, last.number, last.first_index + last.asked - 1, order_id)
    if last.parent is not None:
        dependencies.joined(index, order_id, coming[0].number, last.number)


def _waits(item: PlannedItem) -> int:
    return 0 if item.parent is None else 1 + item.liked


def take_in(index: Index, sidecars: Sequence[tuple[Document, str]]) -> None:
    """Imported products, with their paths in the home: their sidecars have all that is known of them. One that is known
    already is told where it lies now. They are looked at as what was made here is."""
    new = [(card, path) for card, path in sidecars if index.product(card["id"]) is None]
    index.add(told.INSERT_FACTS, [told.facts_of(card) for card, _ in new])
    columns = f"{told.COLUMNS}, tags, liked, rating, notes, collections"
    rows = [(*told.product_of(card, path), *told.marks_of(card)) for card, path in new]
    index.add(f"INSERT INTO product ({columns}) VALUES ({','.join('?' * len(columns.split(',')))})", rows)
    for card, path in sidecars:
        index.run("UPDATE product SET path = ? WHERE id = ? AND path <> ?", path, card["id"], path)


def note_outage(index: Index, provider: str, outage: OutageRow | None) -> None:
    """What is so just now, for those who look from outside; a start knows nothing of it, so it has no line."""
    index.run("DELETE FROM outage WHERE provider = ?", provider)
    if outage is not None:
        sql = "INSERT INTO outage (provider, reason, since, again_at, given_up) VALUES (?, ?, ?, ?, ?)"
        index.run(sql, provider, outage.reason, outage.since, outage.again_at, int(outage.given_up))


def note_item(index: Index, key: ItemKey, words: str | None) -> None:
    """Why it does not go on just now, until its next move: it is seen again after a start, so it has no line."""
    sql = "UPDATE item SET reason = ? WHERE order_id = ? AND number = ? AND state IN ({})"
    states = ", ".join(f"'{state}'" for state in NOTED)
    index.run(sql.format(states), words, *key)


def note_receipts(index: Index, place: str) -> None:
    """Up to which place of the ledger every receipt tells what became of its order; what is behind it is looked at."""
    sql = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    index.run(sql, RECEIPTS, place)


def remember_upload(index: Index, known: tuple[str, str, str, str | None]) -> None:
    """Free to make again, so it has no line."""
    sql = (
        "INSERT INTO upload (provider, sha256, address, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (provider, sha256) "
        "DO UPDATE SET address = excluded.address, expires_at = excluded.expires_at"
    )
    index.run(sql, *known)
