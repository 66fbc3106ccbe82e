"""Lists of 10^6 products: the newest 50 of all, of a project, of a tag, of a search; and searches without a hit.

The peer is SQL alone: the newest 50 rows of a table with the ids of just these products, or of SQLite's lookup of
words. The index is filled as the program fills it, but straight: orders of 1,000 items in 100 projects, every tenth
with a tag of its own.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from line import word

from artfactoryd.storage.index import Index
from artfactoryd.storage.lists import search, words

PRODUCTS = int(os.environ.get("PRODUCTS", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "30"))
OF_AN_ORDER, PROJECTS = 1000, 100
MOST, MOST_MS = 3.0, 5.0
WORDS = [f"{first}{second}" for first in ("red", "blue", "old", "wet", "far") for second in ("car", "tree", "hill")]
LISTS = {  # the query, and which orders' products it finds
    "newest": ("", lambda order: True),
    "a project": ("project:p7", lambda order: order % PROJECTS == 7),
    "a tag": ("tag:t3", lambda order: order % 10 == 3),
    "a search": ("redcar", lambda order: True),
    "a rare word": ("order7x", lambda order: order == 7),
    "no such word": ("nowhere", None), "no such order": ("order:none", None), "no such model": ("model:none", None),
}  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = Index.open(Path(folder) / "index.sqlite3")
        fill(index)
        print(f"lists: {PRODUCTS} products, the first 50 of each, median of {ROUNDS} rounds")
        for name, (query, whose) in LISTS.items():
            tell(name, query, found(index, query), peer(folder, query, whose))
        index.close()


def fill(index: Index) -> None:
    order_sql = (
        "INSERT INTO orders (id, claim, number, name, project, model, document, document_sha256, fingerprint, file, "
        "accepted_at, base_seed, priority, rehearsal, provider, tags, notes, cap, total_items, total_products, "
        "expanded_items, expanded_products, committed, cancelled, was_cancelled, inputs, library, overrun, dearest, "
        "models, buy_again) VALUES (?, ?, 1, ?, ?, ?, '', '', '', '', '2026-11-01', 1, 0, 0, 'fake', ?, '', 0, "
        "?, ?, ?, ?, 0, 0, 0, '[]', '{}', 0, 0, '[]', 0)"
    )
    item_sql = (
        "INSERT INTO item (order_id, number, state, provider, first_index, asked, copy, seed, generation, tokens, "
        "upper, attempts, stop, model, waits) VALUES (?, ?, 'completed', 'fake', ?, 1, 0, 7, ?, '[]', 0, 1, 0, 0, 0)"
    )
    product_sql = (
        "INSERT INTO product (id, order_id, number, place, path, sha256, bytes, mime, width, height, created_at) "
        "VALUES (?, ?, ?, ?, ?, '', 1, 'image/png', 64, 64, '2026-11-01T12:00:00+00:00')"
    )
    chance, model = random.Random(7), json.dumps({"id": "acme/painter", "aliases": [], "family": "painter"})
    numbers = range(1, OF_AN_ORDER + 1)
    for order in range(PRODUCTS // OF_AN_ORDER):
        name, many = f"o-{order:08d}", OF_AN_ORDER
        with index.changing():
            index.run(order_sql, name, name, f"order{order}x", f"p{order % PROJECTS}", model,
                      json.dumps([f"t{order % 10}"]), many, many, many, many)  # fmt: skip
            texts = [json.dumps({"prompt": " ".join(chance.choices(WORDS, k=12))}) for _ in numbers]
            index.add(item_sql, [(name, n, n, text) for n, text in zip(numbers, texts, strict=True)])
            index.add(product_sql, [(f"{order:08d}-{n:05d}", name, n, n, path(order, n)) for n in numbers])
            words.fill(index, OF_AN_ORDER)


def path(order: int, number: int) -> str:
    return f"Projects/p{order % PROJECTS}/2026-11-01/{number:04d}.png"


def peer(folder: str, query: str, whose: Callable[[int], bool] | None) -> float:
    """Milliseconds of the newest 50 of a table that holds just these ids, read with all that a product has; of words,
    of those that SQLite's own lookup of words gives."""
    if whose is None:
        return 0.0
    if query and ":" not in query:
        return peer_of_words(folder, query)
    with sqlite3.connect(Path(folder) / "index.sqlite3") as database:
        database.execute("CREATE TEMP TABLE these (id TEXT PRIMARY KEY) WITHOUT ROWID")
        ids = [
            (f"{order:08d}-{n:05d}",) for order in range(PRODUCTS // OF_AN_ORDER) if whose(order)
            for n in range(1, OF_AN_ORDER + 1)
        ]  # fmt: skip
        database.executemany("INSERT INTO these VALUES (?)", ids[-100_000:])
        sql = (
            "SELECT p.*, o.name, o.project, i.generation FROM these t CROSS JOIN product p ON p.id = t.id "
            "JOIN orders o ON o.id = p.order_id JOIN item i ON i.order_id = p.order_id AND i.number = p.number "
            "ORDER BY t.id DESC LIMIT 50"
        )
        took = measured(lambda: database.execute(sql).fetchall())
    database.close()
    return took


def peer_of_words(folder: str, query: str) -> float:
    sql = (
        "SELECT p.*, o.name, o.project, i.generation FROM searched s CROSS JOIN product p ON p.seq = s.rowid "
        "JOIN orders o ON o.id = p.order_id JOIN item i ON i.order_id = p.order_id AND i.number = p.number "
        "WHERE searched MATCH ? ORDER BY s.rowid DESC LIMIT 50"
    )
    with sqlite3.connect(Path(folder) / "index.sqlite3") as database:
        took = measured(lambda: database.execute(sql, (f'"{query}"',)).fetchall())
    database.close()
    return took


def found(index: Index, query: str) -> float:
    return measured(lambda: list(search.find(index, query, 50)))


def measured(question: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        question()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def tell(name: str, query: str, ours: float, plain: float) -> None:
    ratio = f"{ours / plain:5.1f}x" if plain else "      "
    reached = word(ours <= MOST_MS and (not plain or ours / plain <= MOST))
    print(f"  {name:<14} {query:<12} {ours:8.2f} ms   SQL alone {plain:6.2f} ms  {ratio}   "
          f"to reach {MOST:.0f}x, {MOST_MS:.0f} ms   {reached}")  # fmt: skip


if __name__ == "__main__":
    main()
